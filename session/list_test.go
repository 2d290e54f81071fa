package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// newListing makes a manager that lists sessions.
func newListing(t testing.TB) (*session.Manager, *session.List, *clock) {
	t.Helper()
	var list *session.List
	m, c := newManager(t, func(s *session.Settings) {
		s.Revocations = session.NewRevocationSet(s.Now)
		list = session.NewList(s.Now, s.Revocations)
		s.List = list
	})
	return m, list, c
}

// from is a request of a client.
func from(address, userAgent string, cookieLines ...string) *http.Request {
	r := request(cookieLines...)
	r.RemoteAddr = address
	r.Header.Set("User-Agent", userAgent)
	return r
}

func TestListShowsWhereAUserIsSignedIn(t *testing.T) {
	m, list, c := newListing(t)
	phone := signIn(t, m, alice())
	c.Add(time.Hour)
	read(t, m, from("[2001:db8:1:2::3]:4711", "Phone", phone))
	laptop := read(t, m, from("192.0.2.77:4711", "Laptop"))
	must(t, laptop.Create(t.Context(), alice()))
	signIn(t, m, session.Login{User: session.User{"id": "bob"}})
	c.Add(time.Second)
	read(t, m, from("192.0.2.78:4711", "Later", sentCookie(t, laptop))) // too soon to be noted

	listed, err := laptop.Sessions()
	if err != nil || len(listed) != 2 {
		t.Fatalf("%d sessions, %v", len(listed), err)
	}
	slices.SortFunc(listed, func(a, b session.Listed) int { return a.CreatedAt.Compare(b.CreatedAt) })
	onPhone, onLaptop := listed[0], listed[1]
	if onPhone.UserAgent != "Phone" || onPhone.Address != "2001:db8:1::/48" || !onPhone.CreatedAt.Equal(noon) ||
		!onPhone.LastSeen.Equal(noon.Add(time.Hour)) || !onPhone.ExpiresAt.Equal(noon.Add(7*day)) {
		t.Errorf("on the phone: %+v", onPhone)
	}
	if onLaptop.UserAgent != "Laptop" || onLaptop.Address != "192.0.2.0/24" || onLaptop.SessionID != laptop.Session().ID {
		t.Errorf("on the laptop: %+v", onLaptop)
	}
	if list.Size() != 3 {
		t.Errorf("%d are listed, want 3", list.Size())
	}
}

func TestSessionsLeaveTheListWhenTheyEnd(t *testing.T) {
	m, list, c := newListing(t)
	out, ended := signIn(t, m, alice()), signIn(t, m, alice())
	signIn(t, m, alice()) // expires
	must(t, read(t, m, request(out)).Delete(t.Context()))
	if n := len(list.Of("alice")); n != 2 {
		t.Errorf("after a sign-out %d are listed, want 2", n)
	}
	c.Add(time.Minute)
	must(t, read(t, m, request(ended)).EndOthers(t.Context()))
	if n := len(list.Of("alice")); n != 1 {
		t.Errorf("after the end of all others %d are listed, want 1", n)
	}
	c.Add(7 * day)
	if n := len(list.Of("alice")); n != 0 {
		t.Errorf("after all have expired %d are listed", n)
	}
	list.Sweep()
	if list.Size() != 0 {
		t.Errorf("%d that have ended are kept", list.Size())
	}
}

// A refresh moves the end in the list too, even where nobody looks again.
func TestListKnowsOfARefresh(t *testing.T) {
	m, list, c := newListing(t)
	v := read(t, m, request(signIn(t, m, alice())))
	c.Add(6*day + time.Hour)
	if err := v.Slide(t.Context()); err != nil || sentCookie(t, v) == "" {
		t.Fatal("it did not slide:", err)
	}
	c.Add(2 * day)
	if n := len(list.Of("alice")); n != 1 {
		t.Errorf("%d sessions are listed after the end that the refresh moved", n)
	}
}

// Polls that are no activity move the session's end neither in a cookie nor in the list, not
// even in parallel, where each knows the other's slide.
func TestListKnowsOfNoForgoneSlide(t *testing.T) {
	for _, parallel := range []int{1, 2} {
		m, list, c := newListing(t)
		cookie := signIn(t, m, alice())
		c.Add(6*day + time.Hour)
		var polls []*session.Visitor
		for range parallel {
			poll := read(t, m, request(cookie))
			must(t, poll.Slide(t.Context()))
			polls = append(polls, poll)
		}
		for _, poll := range polls {
			if poll.Forgo(); sentCookie(t, poll) != "" {
				t.Fatal("the session slid")
			}
		}
		c.Add(day)
		if live := list.Of("alice"); len(live) != 0 {
			t.Errorf("%d polls: listed as live until %v, while it ended at %v", parallel, live[0].ExpiresAt, noon.Add(7*day))
		}
	}
}

// What directives behind the guard make of the header is not what the user's browser is.
func TestListKeepsTheUserAgentThatCame(t *testing.T) {
	m, list, _ := newListing(t)
	r := from("192.0.2.7:1234", "Browser/1")
	v := read(t, m, r)
	r.Header.Set("User-Agent", "proxied")
	must(t, v.Create(t.Context(), alice()))
	if agent := list.Of("alice")[0].UserAgent; agent != "Browser/1" {
		t.Errorf("listed as %q", agent)
	}
}

// A reload with a shorter max_lifetime ends sessions; the list says so.
func TestListKnowsOfALoweredMaxLifetime(t *testing.T) {
	m, list, c := newListing(t)
	signIn(t, m, alice())
	lowered := mustManager(t, session.Settings{Expiry: day, MaxLifetime: day, Now: c.Now, List: list}, m.Keys())
	if live, err := lowered.Sessions("alice"); err != nil || len(live) != 1 || live[0].ExpiresAt.After(noon.Add(day)) {
		t.Errorf("listed are %v (%v), want one until %v", live, err, noon.Add(day))
	}
	c.Add(day)
	if live, err := lowered.Sessions("alice"); err != nil || len(live) != 0 {
		t.Errorf("after a day %v are listed (%v)", live, err)
	}
}

// Denial of service: somebody signs in without end.
func TestListIsBounded(t *testing.T) {
	t.Run("of one user", func(t *testing.T) {
		m, list, c := newListing(t)
		first := signIn(t, m, alice())
		for range 60 {
			c.Add(time.Second)
			signIn(t, m, alice())
		}
		if n := len(list.Of("alice")); n != 50 {
			t.Errorf("%d sessions of one user are listed, want 50", n)
		}
		c.Add(time.Hour)
		if read(t, m, request(first)).Session() == nil {
			t.Error("a session ended because the list was full")
		}
		if newest := list.Of("alice")[0]; !newest.CreatedAt.Equal(noon) {
			t.Errorf("the session that was seen just now is not the first of the list: %+v", newest)
		}
	})
	t.Run("of all users", func(t *testing.T) {
		c := &clock{now: noon}
		list := session.NewList(c.Now, session.NewRevocationSet(c.Now))
		const many = 130_000
		all := make([]session.Listed, many)
		for i := range all {
			all[i] = session.Listed{
				SessionID: fmt.Sprint(i), UserID: fmt.Sprint("user", i), CreatedAt: noon,
				LastSeen: noon.Add(time.Duration(i)), ExpiresAt: noon.Add(day),
			}
		}
		for page := range session.ListPages { // each leaves out what is not its own
			list.Merge(page, all)
		}
		if size := list.Size(); size > 100_000 || size < 85_000 {
			t.Errorf("%d of %d are listed, want about 100,000", size, many)
		}
		if len(list.Of(fmt.Sprint("user", many-1))) != 1 || len(list.Of("user0")) != 0 {
			t.Error("not those gave way that were not seen for the longest time")
		}
	})
}

// Cross-site scripting, log forging, memory: what a client says of itself.
func TestUserAgentIsCutDownToWhatCanBeShown(t *testing.T) {
	for name, c := range map[string]struct{ said, want string }{
		"controls":      {"a\x00b\x1b[31mc\u0085\u202ed", "ab[31mcd"},
		"not UTF-8":     {"a\xff\xfeb", "ab"},
		"long":          {strings.Repeat("x", 5000), strings.Repeat("x", 200)},
		"cut in a rune": {strings.Repeat("x", 199) + "é", strings.Repeat("x", 199)},
	} {
		t.Run(name, func(t *testing.T) {
			m, list, _ := newListing(t)
			v := read(t, m, from("192.0.2.1:1", c.said))
			must(t, v.Create(t.Context(), alice()))
			if got := list.Of("alice")[0].UserAgent; got != c.want {
				t.Errorf("kept %q, want %q", got, c.want)
			}
		})
	}
}

func TestAddressIsShortened(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.200:80": "203.0.113.0/24", "[::ffff:203.0.113.200]:80": "203.0.113.0/24",
		"[2001:db8:aaaa:bbbb::1]:80": "2001:db8:aaaa::/48", "[fe80::1%eth0]:80": "fe80::/48", "@": "", "": "",
	} {
		m, list, _ := newListing(t)
		v := read(t, m, from(address, "x"))
		must(t, v.Create(t.Context(), alice()))
		if got := list.Of("alice")[0].Address; got != want {
			t.Errorf("%s is kept as %q, want %q", address, got, want)
		}
	}
}

// A back end signs a user in: its own address says nothing of the user, whose
// first request does.
func TestBackEndIsNotListedAsTheUser(t *testing.T) {
	m, list, _ := newListing(t)
	v := read(t, m, from("192.0.2.1:1", "back end"))
	v.FromBackEnd()
	must(t, v.Create(t.Context(), alice()))
	if got := list.Of("alice")[0]; got.UserAgent != "" || got.Address != "" {
		t.Errorf("listed: %+v", got)
	}
	read(t, m, from("198.51.100.1:1", "browser", sentCookie(t, v)))
	if got := list.Of("alice")[0]; got.UserAgent != "browser" || got.Address != "198.51.100.0/24" {
		t.Errorf("listed after the first request: %+v", got)
	}
}

func TestWithoutAListNothingIsKept(t *testing.T) {
	m, _ := newManager(t)
	v := read(t, m, request(signIn(t, m, alice())))
	if _, err := v.Sessions(); !errors.Is(err, session.ErrNoList) {
		t.Errorf("the error is %v", err)
	}
	if _, err := read(t, m, request()).Sessions(); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("of an anonymous visitor: %v", err)
	}
}

// shareAll writes every due page of one node and has another read it.
func shareAll(from, to *session.List) (pages int) {
	for _, page := range from.Due() {
		to.Merge(page, from.Page(page))
		pages++
	}
	return pages
}

func BenchmarkReadOfAListedSession(b *testing.B) {
	m, _, _ := newListing(b)
	r := from("192.0.2.1:1", "Mozilla/5.0", signIn(b, m, alice()))
	b.ReportAllocs()
	for b.Loop() {
		if v, err := m.Read(r); err != nil || v.Session() == nil {
			b.Fatal(err)
		}
	}
}

// A session that is refreshed just after it was seen is listed to its new end.
func TestListKnowsOfARefreshJustAfterAUse(t *testing.T) {
	m, list, c := newListing(t)
	cookie := signIn(t, m, alice())
	c.Add(6 * day)
	v := read(t, m, request(cookie))
	c.Add(time.Second)
	must(t, v.Refresh(t.Context()))
	sentCookie(t, v)
	if listed := list.Of("alice"); len(listed) != 1 || !listed[0].ExpiresAt.Equal(v.Session().ExpiresAt) {
		t.Errorf("listed %+v, the session ends at %v", listed, v.Session().ExpiresAt)
	}
}

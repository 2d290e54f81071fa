package session_test

import (
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

func TestNodesAgreeOnTheList(t *testing.T) {
	m, a, c := newListing(t)
	b := session.NewList(c.Now, session.NewRevocationSet(c.Now))
	cookie := signIn(t, m, alice())
	if pages := shareAll(a, b); pages != 1 {
		t.Errorf("a new session makes %d pages due, want 1 at once", pages)
	}
	if len(b.Of("alice")) != 1 {
		t.Fatal("the other node does not list the session")
	}
	if shareAll(b, a) != 0 {
		t.Error("what was read is written again")
	}
	c.Add(2 * time.Minute)
	read(t, m, request(cookie))
	if due := a.Due(); len(due) != 0 {
		t.Error("a use is shared at once, as if it were a new session")
	}
	c.Add(5 * time.Minute)
	if shareAll(a, b) != 1 || !b.Of("alice")[0].LastSeen.Equal(noon.Add(2*time.Minute)) {
		t.Errorf("five minutes later the other node knows %+v", b.Of("alice"))
	}
}

// Two nodes write a page at once, or a storage is lost: whoever misses on it what
// it knows writes it again.
func TestWhatIsMissingOnAPageIsWrittenAgain(t *testing.T) {
	m, list, _ := newListing(t)
	signIn(t, m, alice())
	page := list.Due()[0]
	written := list.Page(page)
	list.Merge(page, written)
	if len(list.Due()) != 0 {
		t.Error("a page that has everything is due")
	}
	list.Merge(page, nil)
	if len(list.Due()) != 1 {
		t.Error("a page that lost a session is not due")
	}
	list.Page(page)
	list.NotWritten(page)
	if len(list.Due()) != 1 {
		t.Error("a page that could not be written is not due")
	}
}

// A page is what other nodes, or whoever writes to the storage, say.
func TestForeignEntriesOnAPageAreLeftOut(t *testing.T) {
	c := &clock{now: noon}
	list := session.NewList(c.Now, session.NewRevocationSet(c.Now))
	entry := session.Listed{SessionID: "1", UserID: "alice", CreatedAt: noon, LastSeen: noon, ExpiresAt: noon.Add(day)}
	for page := range session.ListPages {
		list.Merge(page, []session.Listed{entry})
	}
	if list.Size() != 1 {
		t.Errorf("one session is listed %d times", list.Size())
	}
}

// The other nodes list a session for as long as it is used, however short expiry is.
func TestOtherNodesListASessionThatIsUsed(t *testing.T) {
	for _, tc := range []struct{ expiry, threshold time.Duration }{
		{2 * time.Minute, 0}, {6 * time.Minute, 0}, {30 * time.Minute, 4 * time.Minute}, {day, 0},
	} {
		var list *session.List
		m, c := newManager(t, func(s *session.Settings) {
			s.Expiry, s.RefreshThreshold = tc.expiry, tc.threshold
			s.Revocations = session.NewRevocationSet(s.Now)
			list = session.NewList(s.Now, s.Revocations)
			s.List = list
		})
		others := session.NewList(c.Now, session.NewRevocationSet(c.Now))
		cookie, written := signIn(t, m, alice()), 0
		start := c.Now()
		for c.Now().Sub(start) < 2*time.Hour {
			for _, page := range list.Due() {
				others.Merge(page, list.Page(page))
				written++
			}
			if len(others.Of("alice")) != 1 {
				t.Errorf("expiry %v, refresh_threshold %v: after %v it is not listed", tc.expiry, tc.threshold, c.Now().Sub(start))
				break
			}
			c.Add(time.Second)
			v := read(t, m, request(cookie))
			must(t, v.Slide(t.Context()))
			if sent := sentCookie(t, v); sent != "" {
				cookie = sent
			}
		}
		if most := 1 + int(2*time.Hour/min(5*time.Minute, tc.expiry/8)); written > most {
			t.Errorf("expiry %v, refresh_threshold %v: the page was written %d times, want at most %d", tc.expiry, tc.threshold, written, most)
		}
	}
}

// Where more sessions are in use than are listed, those that gave way are seen again all
// the time. That is no reason to write the list anew each second. A sign-in still is told
// at once.
func TestListThatIsFullIsSeldomWritten(t *testing.T) {
	const page = 7
	onePage := make([]string, 0, 2_000)
	for i := 0; len(onePage) < cap(onePage); i++ {
		if id := fmt.Sprint(i); crc32.ChecksumIEEE([]byte(id))%session.ListPages == page {
			onePage = append(onePage, id)
		}
	}
	for name, users := range map[string][]string{"of one user": slices.Repeat([]string{onePage[0]}, 60), "of many users": onePage} {
		t.Run(name, func(t *testing.T) {
			c := &clock{now: noon}
			var managers [2]*session.Manager
			var lists [2]*session.List
			for i := range managers {
				managers[i], _ = newManager(t, func(s *session.Settings) {
					s.Now, s.Revocations = c.Now, session.NewRevocationSet(c.Now)
					lists[i] = session.NewList(c.Now, s.Revocations)
					s.List = lists[i]
				})
			}
			writes := 0
			share := func() {
				for i, list := range lists {
					for _, due := range list.Due() {
						writes++
						lists[1-i].Merge(due, list.Page(due))
					}
				}
			}
			var cookies []string
			for i, id := range users {
				cookies = append(cookies, signIn(t, managers[i%2], session.Login{User: session.User{"id": id}}))
			}
			c.Add(2 * time.Minute)
			for range 10 {
				share()
			}
			writes = 0
			const seconds, turn = 600, 60 // each session is seen once a minute
			for second := range seconds {
				c.Add(time.Second)
				for i := second % turn; i < len(cookies); i += turn {
					read(t, managers[i%2], from("192.0.2.1:1", "Browser", cookies[i]))
				}
				share()
			}
			if writes > 10 {
				t.Errorf("in ten minutes the page was written %d times", writes)
			}
			newcomer := onePage[len(onePage)-1]
			signIn(t, managers[0], session.Login{User: session.User{"id": newcomer, "new": true}})
			share()
			if !slices.ContainsFunc(lists[1].Of(newcomer), func(l session.Listed) bool { return l.CreatedAt.Equal(c.Now()) }) {
				t.Error("a sign-in is not told at once")
			}
		})
	}
}

// What two nodes know of one session is merged: the later end, whoever saw it last, and the
// client that one of them saw.
func TestNodesMergeWhatTheyKnowOfASession(t *testing.T) {
	entry := session.Listed{SessionID: "one", UserID: "alice", CreatedAt: noon, LastSeen: noon, ExpiresAt: noon.Add(2 * time.Hour), UserAgent: "Phone", Address: "192.0.2.0/24"}
	later := entry
	later.LastSeen, later.ExpiresAt, later.UserAgent, later.Address = noon.Add(time.Minute), noon.Add(time.Hour), "", ""
	for name, order := range map[string][]session.Listed{"older first": {entry, later}, "newer first": {later, entry}} {
		list := session.NewList(func() time.Time { return noon }, session.NewRevocationSet(func() time.Time { return noon }))
		for page := range session.ListPages {
			list.Merge(page, order)
		}
		want := entry
		want.LastSeen = later.LastSeen
		if got := list.Of("alice"); !slices.Equal(got, []session.Listed{want}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What has ended is not written where the other nodes read it, since it is personal data.
func TestEndedSessionIsNotWritten(t *testing.T) {
	m, list, _ := newListing(t)
	cookie := signIn(t, m, alice())
	page := list.Due()[0]
	must(t, read(t, m, request(cookie)).Delete(t.Context()))
	if written := list.Page(page); len(written) != 0 {
		t.Errorf("written: %+v", written)
	}
}

package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// use sends the cookie once, lets it slide, and returns the cookie that the
// browser has afterwards.
func use(t *testing.T, m *session.Manager, cookie string) (*session.Session, string) {
	t.Helper()
	v := read(t, m, request(cookie))
	must(t, v.Slide(t.Context()))
	if pairs := cookiePairs(setCookies(t, v)); len(pairs) > 0 {
		cookie = strings.Join(pairs, "; ")
	}
	return v.Session(), cookie
}

// A session that is used all the time ends exactly at max_lifetime, and
// createdAt never moves.
func TestSlidingNeverCrossesTheAbsoluteEnd(t *testing.T) {
	m, c := newManager(t)
	cookie := signIn(t, m, alice())
	refreshed := 0
	for c.Now().Before(noon.Add(30 * day)) {
		before := cookie
		var s *session.Session
		if s, cookie = use(t, m, cookie); s == nil {
			t.Fatalf("signed out %v after the sign-in", c.Now().Sub(noon))
		}
		if cookie != before {
			refreshed++
		}
		if !s.CreatedAt.Equal(noon) {
			t.Fatalf("createdAt moved to %v", s.CreatedAt)
		}
		if s.ExpiresAt.After(noon.Add(30 * day)) {
			t.Fatalf("ends at %v, after max_lifetime", s.ExpiresAt)
		}
		c.Add(time.Hour)
	}
	if s, _ := use(t, m, cookie); s != nil {
		t.Errorf("alive at max_lifetime: %v", s.ExpiresAt)
	}
	// Every six days and an hour: at 145, 290, 435, 580 hours; the last two end at 720.
	if refreshed != 4 {
		t.Errorf("refreshed %d times in 30 days, not 4", refreshed)
	}
}

func TestUnusedSessionEndsAtExpiry(t *testing.T) {
	m, c := newManager(t)
	cookie := signIn(t, m, alice())
	c.Add(7*day - time.Millisecond)
	if v := read(t, m, request(cookie)); v.Session() == nil {
		t.Error("ended a millisecond early")
	}
	c.Add(time.Millisecond)
	if v := read(t, m, request(cookie)); v.Session() != nil || v.Result() != session.ResultExpired {
		t.Errorf("result %s at the end", v.Result())
	}
}

func TestRefreshMovesEndAndActivityOnly(t *testing.T) {
	m, c := newManager(t)
	cookie := signIn(t, m, alice())
	c.Add(2 * day)
	v := read(t, m, request(cookie))
	before := v.Session()
	must(t, v.Refresh(t.Context()))
	after := v.Session()
	if !after.CreatedAt.Equal(noon) || !after.LastActivity.Equal(noon.Add(2*day)) || !after.ExpiresAt.Equal(noon.Add(9*day)) {
		t.Errorf("created %v, active %v, ends %v", after.CreatedAt, after.LastActivity, after.ExpiresAt)
	}
	if after.ID != before.ID || after.User.ID() != "alice" {
		t.Error("it is another session")
	}
	if !before.ExpiresAt.Equal(noon.Add(7 * day)) {
		t.Error("the session of before was modified")
	}
}

func TestNoAutoRefresh(t *testing.T) {
	m, c := newManager(t, func(s *session.Settings) { s.NoAutoRefresh = true })
	cookie := signIn(t, m, alice())
	c.Add(7*day - time.Hour)
	if s, after := use(t, m, cookie); s == nil || after != cookie {
		t.Errorf("session %v, a new cookie: %v", s, after != cookie)
	}
}

// max_lifetime was lowered, or another party sealed the token: what it claims
// is clipped.
func TestTokenThatClaimsMoreIsClipped(t *testing.T) {
	m, _ := newManager(t, func(s *session.Settings) { s.Expiry, s.MaxLifetime = day, 2*day })
	s, _ := openToken(t, m, sealClaims(noon, claims{"expiresAt": noon.Add(6 * day).UnixMilli()}))
	if want := noon.Add(-time.Hour).Add(2 * day); s == nil || !s.ExpiresAt.Equal(want) {
		t.Errorf("the session is %v, its end not clipped to %v", s, want)
	}
	v := read(t, m, request("session="+sealClaims(noon, nil)))
	must(t, v.Refresh(t.Context()))
	if want := noon.Add(day); !v.Session().ExpiresAt.Equal(want) {
		t.Errorf("after a refresh it ends at %v, not %v", v.Session().ExpiresAt, want)
	}
}

// What this node remembers of before a reload that lowered max_lifetime is clipped too.
func TestRememberedStateThatClaimsMoreIsClipped(t *testing.T) {
	memory := new(session.Memory)
	before, now := newManager(t, func(s *session.Settings) { s.Memory, s.RefreshThreshold = memory, 7*day })
	cookie := signIn(t, before, alice())
	now.Add(time.Hour)
	if _, after := use(t, before, cookie); after == cookie {
		t.Fatal("the session was not slid")
	}
	after, later := newManager(t, func(s *session.Settings) { s.Memory, s.Expiry, s.MaxLifetime = memory, time.Hour, 2*time.Hour })
	later.Add(time.Hour)
	v := read(t, after, request(cookie))
	if end := noon.Add(2 * time.Hour); !v.Session().ExpiresAt.Equal(end) {
		t.Errorf("it ends at %v, want %v", v.Session().ExpiresAt, end)
	}
	if cookies := setCookies(t, v); len(cookies) != 1 || cookies[0].MaxAge != 3600 {
		t.Errorf("the cookies are %v, want one with Max-Age=3600", cookies)
	}
}

func TestMaxAgeIsTheTimeLeft(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*session.Settings)
		want   int
	}{
		"the default":    {func(*session.Settings) {}, 7 * 24 * 3600},
		"browser":        {func(s *session.Settings) { s.BrowserLifetime = true }, 0},
		"above 400 days": {func(s *session.Settings) { s.Expiry, s.MaxLifetime = 500*day, session.NoMaxLifetime }, 400 * 24 * 3600},
		"rounded up":     {func(s *session.Settings) { s.Expiry = 1010 * time.Millisecond }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t, tc.change)
			v := read(t, m, request())
			must(t, v.Create(t.Context(), alice()))
			if got := setCookies(t, v)[0].MaxAge; got != tc.want {
				t.Errorf("Max-Age %d, not %d", got, tc.want)
			}
		})
	}
}

// The clock of the node that sealed may be ahead by up to a minute, and two
// changes may fall into one millisecond: the later one is still the newer.
func TestLastActivityGrowsEvenIfTheClockDoesNot(t *testing.T) {
	m, _ := newManager(t)
	v := read(t, m, request("session="+sealClaims(noon, claims{"lastActivity": noon.Add(30 * time.Second).UnixMilli()})))
	last := v.Session().LastActivity
	for range 5 {
		must(t, v.Refresh(t.Context()))
		if !v.Session().LastActivity.After(last) {
			t.Fatalf("lastActivity went from %v to %v", last, v.Session().LastActivity)
		}
		last = v.Session().LastActivity
	}
}

// Who shortens expiry where nothing else ends a session, and then ends those of a
// user, must not see one come back that was sealed under the longer expiry.
func TestEndedSessionOfALongerExpiryStaysOut(t *testing.T) {
	for name, end := range map[string]func(*session.Manager, *session.Session) error{
		"user":    func(m *session.Manager, _ *session.Session) error { return m.RevokeUser(t.Context(), "alice", "") },
		"session": func(m *session.Manager, s *session.Session) error { return m.RevokeSession(t.Context(), s.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := newManager(t, func(s *session.Settings) { s.Expiry, s.MaxLifetime = 90*day, session.NoMaxLifetime })
			_, token, _ := strings.Cut(signIn(t, before, alice()), "=")
			var set *session.RevocationSet
			m, now := newManager(t, func(s *session.Settings) {
				s.Expiry, s.MaxLifetime = day, session.NoMaxLifetime
				set = session.NewRevocationSet(s.Now)
				s.Revocations = set
			})
			s, result := openToken(t, m, token)
			if result != session.ResultOpened {
				t.Fatal(result)
			}
			must(t, end(m, s))
			for range 89 {
				now.Add(day)
				set.Sweep()
				if _, result := openToken(t, m, token); result != session.ResultRevoked {
					t.Fatalf("on %s the ended session is %s", now.Now(), result)
				}
			}
		})
	}
}

// A poll that is no activity takes back its own slide, and not the update before it.
func TestForgoneSlideLosesNoUpdate(t *testing.T) {
	m, now := newManager(t, func(s *session.Settings) { s.Expiry, s.RefreshThreshold = time.Hour, time.Hour })
	cookie := signIn(t, m, alice())
	now.Add(2 * time.Minute)
	slow, quick := read(t, m, request(cookie)), read(t, m, request(cookie))
	must(t, quick.Update(session.Change{User: session.User{"name": "new"}}))
	updated := cookiePairs(setCookies(t, quick))[0]
	now.Add(2 * time.Minute)
	poll := read(t, m, request(updated))
	must(t, poll.Slide(t.Context()))
	poll.Forgo()
	if name := read(t, m, request(cookie)).Session().User["name"]; name != "new" {
		t.Errorf("the cookie of before the update shows the name %v", name)
	}
	must(t, slow.Update(session.Change{User: session.User{"theme": "dark"}}))
	if user := slow.Session().User; user["name"] != "new" || user["theme"] != "dark" {
		t.Errorf("after both updates the user is %v", user)
	}
}

// Nor one after it, which was made on top of what the poll takes back.
func TestForgoneSlideLosesNoUpdateSince(t *testing.T) {
	m, now := newManager(t, func(s *session.Settings) { s.Expiry, s.RefreshThreshold = time.Hour, time.Hour })
	cookie := signIn(t, m, alice())
	now.Add(2 * time.Minute)
	poll, form := read(t, m, request(cookie)), read(t, m, request(cookie))
	must(t, poll.Slide(t.Context()))
	must(t, form.Update(session.Change{User: session.User{"name": "new"}}))
	poll.Forgo()
	if name := read(t, m, request(cookie)).Session().User["name"]; name != "new" {
		t.Errorf("the cookie of before the update shows the name %v", name)
	}
	if s := read(t, m, request(sentCookie(t, form))).Session(); s == nil || s.User["name"] != "new" {
		t.Errorf("the session is %v", s)
	}
}

// A request that takes as long as its session lasts, or whose app does, brings back neither
// that nor one that was signed out meanwhile, although nobody remembers the sign-out then.
func TestSlowRequestBringsNoEndedSessionBack(t *testing.T) {
	for name, change := range map[string]func(v *session.Visitor) error{
		"use":     func(v *session.Visitor) error { return v.Slide(t.Context()) },
		"refresh": func(v *session.Visitor) error { return v.Refresh(t.Context()) },
		"update":  func(v *session.Visitor) error { return v.Update(session.Change{User: session.User{"role": "owner"}}) },
		"handoff": func(v *session.Visitor) error {
			return v.Apply(t.Context(), session.Handoff{Update: &session.Change{}})
		},
		"its own name": func(v *session.Visitor) error {
			return v.Update(session.Change{User: session.User{"role": "owner"}, KeepsEnd: true})
		},
	} {
		for _, signsOut := range []bool{false, true} {
			for _, refresher := range []session.Refresher{nil, &refresher{answer: rotated}} {
				m, c := newManager(t, func(s *session.Settings) { s.Refresher = refresher })
				cookie := signIn(t, m, withTokens())
				c.Add(6*day + time.Hour) // due, for use
				slow := read(t, m, request(cookie))
				if signsOut {
					must(t, read(t, m, request(cookie)).Delete(t.Context()))
				}
				c.Add(200 * 365 * day)
				err := change(slow)
				if strings.HasPrefix(name, "handoff") { // the app is not at fault, so its answer is sent
					if err != nil || slow.Session() != nil {
						t.Errorf("%s, signed out %v: %v, %v", name, signsOut, err, slow.Session())
					}
				} else if !session.IsAnonymity(err) {
					t.Errorf("%s, signed out %v: %v", name, signsOut, err)
				}
				if pairs := cookiePairs(setCookies(t, slow)); len(pairs) > 0 {
					t.Errorf("%s, signed out %v: %d cookies are sent", name, signsOut, len(pairs))
				}
			}
		}
	}
}

// A provider that answers when the session would just have ended has answered in time: its
// old refresh token is used up.
func TestEndDuringRotation(t *testing.T) {
	var c *clock
	hook := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
		c.Add(10 * time.Second)
		return rotated(ctx, s)
	}}
	m, clock := newManager(t, func(s *session.Settings) { s.Refresher = hook })
	c = clock
	cookie := signIn(t, m, withTokens())
	c.Add(7*day - time.Second)
	v := read(t, m, request(cookie))
	if err := v.Slide(t.Context()); err != nil || v.Session() == nil || v.Session().RefreshToken != "rt+" {
		t.Errorf("%v, %v", err, v.Session())
	}
	if len(cookiePairs(setCookies(t, v))) == 0 {
		t.Error("what the provider gave is lost")
	}
}

// max_lifetime is lowered, as in an incident, and raised again: what was ended meanwhile does
// not come back by tokens that were sealed before.
func TestEndsOutlastALoweredMaxLifetime(t *testing.T) {
	for name, end := range map[string]func(m *session.Manager, v *session.Visitor) error{
		"sign-out": func(_ *session.Manager, v *session.Visitor) error { return v.Delete(t.Context()) },
		"user":     func(m *session.Manager, _ *session.Visitor) error { return m.RevokeUser(t.Context(), "alice", "") },
		"session": func(m *session.Manager, v *session.Visitor) error {
			return m.RevokeSession(t.Context(), v.Session().ID)
		},
		"everyone": func(m *session.Manager, _ *session.Visitor) error { return m.RevokeEveryone(t.Context()) },
	} {
		memory, c := new(session.Memory), &clock{now: noon}
		revocations := session.NewRevocationSet(c.Now)
		reloaded := func(lifetime time.Duration) *session.Manager {
			m, _ := newManager(t, func(s *session.Settings) {
				s.Now, s.Memory, s.Revocations, s.LongestOutage, s.MaxLifetime, s.Expiry = c.Now, memory, revocations, 2*time.Minute, lifetime, min(lifetime, 7*day)
			})
			return m
		}
		cookie := signIn(t, reloaded(30*day), alice())
		c.Add(10 * time.Minute)
		lowered := reloaded(time.Hour)
		must(t, end(lowered, read(t, lowered, request(cookie))))
		c.Add(3 * time.Hour)
		raised := reloaded(30 * day)
		if err := raised.RevokeSession(t.Context(), "other"); err != nil { // which sweeps what is over
			t.Fatal(err)
		}
		if s := read(t, raised, request(cookie)).Session(); s != nil {
			t.Errorf("%s: the session is back", name)
		}
	}
}

// A poll that forgoes takes back no slide of a request that is activity, and shows the app
// the token that the browser has.
func TestForgoneSlideOfAParallelRequestIsSentByThat(t *testing.T) {
	m, c := newManager(t, func(s *session.Settings) { s.ForwardCookie = true })
	cookie := signIn(t, m, alice())
	c.Add(6*day + time.Hour)
	active, poll := read(t, m, request(cookie)), read(t, m, request(cookie))
	must(t, errors.Join(active.Slide(t.Context()), poll.Slide(t.Context())))
	poll.Forgo()
	header := http.Header{"Cookie": {cookie}}
	if poll.ForwardCookies(header); header.Get("Cookie") != cookie {
		t.Errorf("the app of the poll gets %q", header.Get("Cookie"))
	}
	if s := read(t, m, request(sentCookie(t, active))).Session(); s == nil || !s.ExpiresAt.Equal(c.Now().Add(7*day).Truncate(time.Millisecond)) {
		t.Errorf("the activity has not moved the end: %v", s)
	}
}

// Whose session ends between its reading and its use is nobody, for everybody who asks.
func TestSlideOfASessionThatHasEndedMeanwhile(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(m *session.Manager, c *clock, id string) error
		want session.Result
	}{
		"signed out": {func(m *session.Manager, _ *clock, id string) error { return m.RevokeSession(t.Context(), id) }, session.ResultRevoked},
		"expired":    {func(_ *session.Manager, c *clock, _ string) error { c.Add(day); return nil }, session.ResultExpired},
	} {
		m, c := newManager(t)
		cookie := signIn(t, m, alice())
		c.Add(6*day + time.Hour)
		v := read(t, m, request(cookie))
		must(t, tc.end(m, c, v.Session().ID))
		if err := v.Slide(t.Context()); !session.IsAnonymity(err) || v.Session() != nil || v.Result() != tc.want {
			t.Errorf("%s: %v, the session is %v, %s", name, err, v.Session(), v.Result())
		}
	}
}

// Who signs out of a session that was sealed under a longer expiry stays signed out until
// that is over.
func TestSignOutOfASessionOfALongerExpiryStays(t *testing.T) {
	before, _ := newManager(t, func(s *session.Settings) { s.Expiry = 20 * day })
	cookie := signIn(t, before, alice())
	m, c := newManager(t, func(s *session.Settings) {
		s.Expiry, s.RefreshThreshold, s.LongestOutage = time.Hour, time.Minute, time.Minute
	})
	must(t, read(t, m, request(cookie)).Delete(t.Context()))
	for range 19 {
		c.Add(day)
		m.Settings().Revocations.(*session.RevocationSet).Sweep()
		if result := read(t, m, request(cookie)).Result(); result != session.ResultRevoked {
			t.Fatalf("on %s the session is %s", c.Now(), result)
		}
	}
}

package session_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// oauth2-proxy issue 1992: parallel requests redeem one token twice. A page opens and sends a hundred requests with one token that is due.
func TestOAuth2Proxy1992ParallelRefreshesGetOneToken(t *testing.T) {
	var seals atomic.Int64
	m, c := newManager(t, func(s *session.Settings) {
		s.Observe = func(e session.Event) {
			if e.Kind == session.EventSealed {
				seals.Add(1)
			}
		}
	})
	old := signIn(t, m, alice())
	seals.Store(0)
	c.Add(6*day + time.Hour)
	tokens := make([]string, 100)
	var requests sync.WaitGroup
	for i := range tokens {
		requests.Go(func() {
			v, err := m.Read(request(old))
			if err != nil {
				t.Error(err)
				return
			}
			if err := v.Slide(t.Context()); err != nil {
				t.Error(err)
			}
			tokens[i] = sentCookie(t, v)
		})
	}
	requests.Wait()
	for i, token := range tokens {
		if token == "" || token == old || token != tokens[0] {
			t.Fatalf("request %d got another token than request 0", i)
		}
	}
	if n := seals.Load(); n != 1 {
		t.Errorf("the session was sealed %d times for one refresh", n)
	}
	for _, later := range []time.Duration{time.Second, 29 * time.Second} { // 30 s in all
		c.Add(later)
		v := read(t, m, request(old))
		must(t, v.Slide(t.Context()))
		if got := sentCookie(t, v); got != tokens[0] {
			t.Errorf("%v later the old token got %q", later, got)
		}
	}
}

// next-auth issue 7558: the render that refreshed goes on with the old token. The
// request that was refreshed tells the app the new cookie.
func TestNextAuth7558RefreshedRequestForwardsTheNewCookie(t *testing.T) {
	m, c := newManager(t, func(s *session.Settings) { s.ForwardCookie = true })
	old := signIn(t, m, alice())
	c.Add(6*day + time.Hour)
	r := request("a=1; " + old + "; b=2")
	v := read(t, m, r)
	must(t, v.Slide(t.Context()))
	v.ForwardCookies(r.Header)
	if want := "a=1; b=2; " + sentCookie(t, v); r.Header.Get("Cookie") != want || strings.Contains(want, old) {
		t.Errorf("the app gets %q, not %q", r.Header.Get("Cookie"), want)
	}
}

// A storm of explicit refreshes with one old token, as of a page whose timers all fire.
func TestStormOfRefreshesSealsOnce(t *testing.T) {
	seals := 0
	m, c := newManager(t, counting(session.EventSealed, &seals))
	old := signIn(t, m, alice())
	c.Add(time.Hour)
	seals = 0
	refreshed := func() string {
		v := read(t, m, request(old))
		must(t, v.Refresh(t.Context()))
		return sentCookie(t, v)
	}
	first := refreshed()
	for range 1000 {
		c.Add(20 * time.Millisecond)
		if got := refreshed(); got != first {
			t.Fatalf("%v after the first it got another token, %q", c.Now().Sub(noon), got)
		}
	}
	if seals != 1 {
		t.Errorf("%d tokens were sealed", seals)
	}
	c.Add(20 * time.Second)
	if refreshed() == first {
		t.Error("after 40 s the session is not refreshed any more")
	}
}

// A client that refreshes its own large session all the time must not fill the
// memory with the states that it went through.
func TestRefreshingAllTheTimeFillsNoMemory(t *testing.T) {
	m, _ := newManager(t, func(s *session.Settings) { s.CacheSize = session.NoCache })
	cookie := signIn(t, m, session.Login{User: session.User{"id": "alice", "bio": strings.Repeat("b", 6000)}})
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	const refreshes = 2000 // of 8 KiB each, so 16 MiB of tokens
	for range refreshes {
		v := read(t, m, request(cookie))
		must(t, v.Refresh(t.Context()))
		cookie = strings.Join(cookiePairs(setCookies(t, v)), "; ")
	}
	if after := heap(); after > before+4<<20 {
		t.Errorf("%d refreshes of one session left %d KiB", refreshes, (after-before)>>10)
	}
	runtime.KeepAlive(m)
}

// An app hands over new tokens on the answer to a request that another one has overtaken by
// a refresh. They are no mere refresh, of which one would be enough: they are not lost.
func TestNewTokensAreNotLostBesideARefresh(t *testing.T) {
	made := "new"
	for name, change := range map[string]session.Change{
		"accessToken": {AccessToken: &made}, "refreshToken": {RefreshToken: &made}, "user": {User: session.User{"role": made}},
	} {
		m, c := newManager(t)
		cookie := signIn(t, m, alice())
		c.Add(time.Hour)
		slow, quick := read(t, m, request(cookie)), read(t, m, request(cookie))
		must(t, quick.Refresh(t.Context()))
		must(t, slow.Update(change))
		s := read(t, m, request(sentCookie(t, slow))).Session()
		if got := string(s.AppendJSON(nil, true)); !strings.Contains(got, `"`+made+`"`) {
			t.Errorf("%s: the session is %s", name, got)
		}
	}
}

// Requests that were all read before one of them refreshed the session get its token, and
// nobody is told of a second refresh.
func TestRefreshesThatWereReadTogetherGetOneToken(t *testing.T) {
	for name, refresh := range map[string]func(*session.Visitor, context.Context) error{
		"slides": (*session.Visitor).Slide, "refreshes": (*session.Visitor).Refresh,
	} {
		told := 0
		m, c := newManager(t, counting(session.EventRefreshed, &told))
		old := signIn(t, m, alice())
		c.Add(6*day + time.Hour)
		first, second := read(t, m, request(old)), read(t, m, request(old))
		var tokens []string
		for _, v := range []*session.Visitor{first, second} {
			c.Add(time.Second)
			must(t, refresh(v, t.Context()))
			tokens = append(tokens, sentCookie(t, v))
		}
		if tokens[0] == "" || tokens[0] != tokens[1] || told != 1 {
			t.Errorf("%s: the tokens %q, told %d times", name, tokens, told)
		}
	}
}

// A session of seconds is refreshed also for who comes with its older token once half of
// it is over.
func TestOldTokenOfAShortSessionIsRefreshed(t *testing.T) {
	m, c := newManager(t, func(s *session.Settings) { s.Expiry, s.RefreshThreshold = 20*time.Second, 5*time.Second })
	old := signIn(t, m, alice())
	for _, step := range []time.Duration{time.Second, 11 * time.Second} {
		c.Add(step)
		v := read(t, m, request(old))
		if err := v.Refresh(t.Context()); err != nil || !v.Session().ExpiresAt.Equal(c.Now().Add(20*time.Second).Truncate(time.Millisecond)) {
			t.Errorf("%v; %v after the sign-in it ends at %v", err, c.Now().Sub(noon), v.Session().ExpiresAt)
		}
	}
}

// A session that another node has changed so often that it is ahead of the clock is as good
// as refreshed.
func TestRefreshOfASessionThatIsAheadOfTheClock(t *testing.T) {
	m, _ := newManager(t)
	v := read(t, m, request("session="+sealClaims(noon, claims{"lastActivity": noon.Add(55 * time.Second).UnixMilli()})))
	if err := v.Refresh(t.Context()); err != nil || v.Session() == nil {
		t.Errorf("%v, the session is %v", err, v.Session())
	}
	if err := v.Update(session.Change{User: session.User{"name": "x"}}); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("an update: %v", err)
	}
}

// A request that takes minutes keeps what was updated meanwhile, and is refreshed.
func TestRefreshLongAfterAnUpdateMovesTheEnd(t *testing.T) {
	m, c := newManager(t)
	old := signIn(t, m, alice())
	c.Add(time.Hour)
	v := read(t, m, request(old))
	must(t, read(t, m, request(old)).Update(session.Change{User: session.User{"role": "admin"}}))
	c.Add(2 * time.Minute)
	if err := v.Refresh(t.Context()); err != nil || v.Session().User["role"] != "admin" || !v.Session().LastActivity.Equal(c.Now().Truncate(time.Millisecond)) {
		t.Errorf("%v, the session is %+v", err, v.Session())
	}
	if sentCookie(t, v) == "" {
		t.Error("no token is sent")
	}
}

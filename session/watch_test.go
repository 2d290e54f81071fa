package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// watchingManager is a manager on the clock of the test's bubble.
func watchingManager(t *testing.T, settings session.Settings) *session.Manager {
	t.Helper()
	return mustManager(t, settings, mustKeyring(t, "", secretA))
}

// watchedSite is such a manager with a visitor who has just signed in, and later
// requests of that browser, which another manager may read.
func watchedSite(t *testing.T, settings session.Settings) (*session.Manager, *session.Visitor, func(*session.Manager) *session.Visitor) {
	t.Helper()
	m := watchingManager(t, settings)
	cookie := ""
	request := func(m *session.Manager) *session.Visitor {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://app.example.com/", nil)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		return read(t, m, r)
	}
	v := request(m)
	must(t, v.Create(t.Context(), session.Login{User: session.User{"id": "ann"}}))
	header := http.Header{}
	v.SetCookies(header)
	cookie = (&http.Response{Header: header}).Cookies()[0].String()
	return m, v, request
}

// slide has the visitor's session slide, and its cookie sent.
func slide(t *testing.T, v *session.Visitor) {
	t.Helper()
	must(t, v.Slide(t.Context()))
	if !v.SetCookies(http.Header{}) {
		t.Fatal("the session did not slide")
	}
}

func TestOpenConnectionEndsWithinASecondOfSignOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, v, _ := watchedSite(t, session.Settings{})
		var ended time.Time
		stop := m.OnEnd(v.Session(), func() { ended = time.Now() })
		defer stop()
		other := 0
		stopOther := m.OnEnd(v.Session(), func() { other++ })
		stopOther()
		time.Sleep(10*time.Minute + 300*time.Millisecond)
		if !ended.IsZero() {
			t.Fatal("it ended before the session")
		}
		signedOut := time.Now()
		must(t, v.Delete(t.Context()))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if delay := ended.Sub(signedOut); ended.IsZero() || delay > time.Second {
			t.Errorf("it ended after %s", delay)
		}
		if other != 0 {
			t.Error("a connection that was closed before is ended")
		}
	})
}

// The cookie of a WebSocket is the one of its first request. That the session
// was refreshed since must keep it open.
func TestOpenConnectionLastsAsLongAsItsRefreshedSession(t *testing.T) {
	wantLasting(t, 105*time.Minute, func(t *testing.T, _ *session.Manager, comes func() *session.Visitor) { slide(t, comes()) })
}

// While a connection is open, others visit the site, of whom none has one.
func TestOpenConnectionIsNobodyElses(t *testing.T) {
	wantLasting(t, time.Hour, func(t *testing.T, m *session.Manager, _ func() *session.Visitor) {
		other := signIn(t, m, session.Login{User: session.User{"id": "ann"}})
		if read(t, m, request(other)).Session() == nil {
			t.Fatal("nobody is signed in")
		}
	})
}

// A poll that is no activity keeps the session's connections open no longer than it
// keeps the session alive.
func TestOpenConnectionEndsWithTheSessionThatAPollDidNotSlide(t *testing.T) {
	wantLasting(t, time.Hour, func(t *testing.T, _ *session.Manager, comes func() *session.Visitor) {
		poll := comes()
		must(t, poll.Slide(t.Context()))
		poll.Forgo()
		if poll.SetCookies(http.Header{}) {
			t.Fatal("the session slid")
		}
	})
}

// wantLasting opens a connection for a session of an hour and says how long it must last if
// something happens after 45 minutes. Comes is another request of that browser.
func wantLasting(t *testing.T, want time.Duration, happens func(t *testing.T, m *session.Manager, comes func() *session.Visitor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, v, request := watchedSite(t, session.Settings{Expiry: time.Hour, RefreshThreshold: 30 * time.Minute})
		opened := time.Now()
		var ended time.Time
		defer m.OnEnd(v.Session(), func() { ended = time.Now() })()
		time.Sleep(45 * time.Minute)
		happens(t, m, func() *session.Visitor { return request(m) })
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if lasted := ended.Sub(opened); lasted < want || lasted > want+time.Second {
			t.Errorf("it lasted %s, want %s", lasted, want)
		}
	})
}

// A reload with a shorter max_lifetime ends sessions; their connections too. Until it is
// complete both configurations serve, and the new one says what counts.
func TestOpenConnectionEndsAtALoweredMaxLifetime(t *testing.T) {
	for _, complete := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			settings := session.Settings{Expiry: 5 * time.Hour, Memory: new(session.Memory)}
			before, v, _ := watchedSite(t, settings)
			opened := time.Now()
			var ended time.Time
			defer before.OnEnd(v.Session(), func() { ended = time.Now() })()
			settings.Expiry, settings.MaxLifetime = time.Hour, 2*time.Hour
			watchingManager(t, settings)
			if complete {
				before.Close()
			}
			time.Sleep(5 * time.Hour)
			synctest.Wait()
			if lasted, want := ended.Sub(opened), 2*time.Hour; lasted < want || lasted > want+time.Second {
				t.Errorf("complete %v: it lasted %s, want %s", complete, lasted, want)
			}
		})
	}
}

// After a reload, a connection that was opened before it hears of sign-outs and
// refreshes by the new manager; after one that failed, by the old one.
func TestOpenConnectionHearsOfItsSessionAfterReload(t *testing.T) {
	for name, failed := range map[string]bool{"succeeded": false, "failed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				settings := session.Settings{Expiry: time.Hour, RefreshThreshold: 30 * time.Minute, Memory: new(session.Memory)}
				before, v, request := watchedSite(t, settings)
				used, closed := watchingManager(t, settings), before
				if failed {
					used, closed = closed, used
				}
				closed.Close()
				opened := time.Now()
				var ended time.Time
				defer before.OnEnd(v.Session(), func() { ended = time.Now() })()
				time.Sleep(45 * time.Minute)
				slide(t, request(used))
				time.Sleep(30 * time.Minute)
				if !ended.IsZero() {
					t.Fatalf("it ended after %s, with the session as it was before the refresh", ended.Sub(opened))
				}
				must(t, used.RevokeSession(t.Context(), v.Session().ID))
				time.Sleep(time.Second)
				synctest.Wait()
				if ended.IsZero() {
					t.Error("it did not end with its session")
				}
			})
		})
	}
}

// An answer that is found to be a stream after its realm is gone hears of no end of its
// session any more.
func TestConnectionThatComesAfterTheEndOfAllIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := new(session.Memory)
		m, v, _ := watchedSite(t, session.Settings{Memory: memory})
		memory.EndConnections()
		ended := false
		m.OnEnd(v.Session(), func() { ended = true })()
		if !ended {
			t.Error("it stays open")
		}
	})
}

// A refresh on another node, of which a request tells, keeps the connection open; a late
// request with the older cookie does not shorten that.
func TestOpenConnectionLastsAsLongAsARefreshElsewhere(t *testing.T) {
	wantLasting(t, 105*time.Minute, func(t *testing.T, m *session.Manager, comes func() *session.Visitor) {
		settings := m.Settings()
		settings.Memory, settings.List = nil, nil
		elsewhere := mustManager(t, settings, m.Keys())
		v := comes()
		token, err := m.Seal(v.Session())
		if err != nil {
			t.Fatal(err)
		}
		refreshed := read(t, elsewhere, request("session="+token))
		must(t, refreshed.Refresh(t.Context()))
		if read(t, m, request(sentCookie(t, refreshed))).Session() == nil {
			t.Fatal("the refreshed token does not open")
		}
		comes()
	})
}

// An outage of the revocations cuts no connection: nobody knows that its session ended.
func TestOutageCutsNoOpenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &switchedStale{RevocationSet: session.NewRevocationSet(time.Now)}
		m, v, _ := watchedSite(t, session.Settings{Expiry: time.Hour, RefreshThreshold: time.Minute, Revocations: set})
		opened := time.Now()
		var ended time.Time
		defer m.OnEnd(v.Session(), func() { ended = time.Now() })()
		set.stale.Store(true)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if lasted := ended.Sub(opened); lasted < time.Hour || lasted > time.Hour+time.Second {
			t.Errorf("it lasted %s", lasted)
		}
	})
}

// A realm that goes while a connection is open looks after it until the connection is gone.
func TestOpenConnectionOutlastsTheLastManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, v, _ := watchedSite(t, session.Settings{Expiry: time.Hour, RefreshThreshold: time.Minute})
		ended := false
		defer m.OnEnd(v.Session(), func() { ended = true })()
		m.Close()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if !ended {
			t.Error("it outlives its session")
		}
	})
}

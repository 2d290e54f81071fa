package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// watchedSite is a manager on the clock of the test's bubble, and its cookie.
func watchedSite(t *testing.T, settings session.Settings) (*session.Manager, *session.Visitor, func() *session.Visitor) {
	t.Helper()
	keys, err := session.NewKeyring("", []byte("0mVb7QzX3kYp9TfR2wLs6NcJ8hGd4EaU"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.NewManager(settings, keys)
	if err != nil {
		t.Fatal(err)
	}
	cookie := ""
	request := func() *session.Visitor {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://app.example.com/", nil)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		v, err := m.Read(r)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := request()
	if err := v.Create(t.Context(), session.Login{User: session.User{"id": "ann"}}); err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	v.SetCookies(header)
	cookie = (&http.Response{Header: header}).Cookies()[0].String()
	return m, v, request
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
		if err := v.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
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
	synctest.Test(t, func(t *testing.T) {
		m, v, request := watchedSite(t, session.Settings{Expiry: time.Hour, RefreshThreshold: 30 * time.Minute})
		opened := time.Now()
		var ended time.Time
		defer m.OnEnd(v.Session(), func() { ended = time.Now() })()
		time.Sleep(45 * time.Minute)
		if err := request().Slide(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if lasted, want := ended.Sub(opened), 105*time.Minute; lasted < want || lasted > want+time.Second {
			t.Errorf("it lasted %s, want %s", lasted, want)
		}
	})
}

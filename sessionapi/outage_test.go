package sessionapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// unshared fails as a shared set does that cannot be reached.
type unshared struct {
	session.Revocations
	read, write error
}

func (u unshared) Revoked(*session.Session) (bool, error)           { return false, u.read }
func (u unshared) Revoke(context.Context, session.Revocation) error { return u.write }

func TestBrokenMachineryFailsClosed(t *testing.T) {
	broken := errors.New("dial tcp 10.0.0.7: refused")
	for _, tc := range []struct {
		name   string
		set    unshared
		method string
	}{
		{"reading", unshared{read: broken}, http.MethodGet},
		{"refreshing", unshared{read: broken}, http.MethodPost},
		{"signing out", unshared{write: broken}, http.MethodDelete},
	} {
		t.Run(tc.name, func(t *testing.T) {
			working := signedIn(t, nil)
			s := newSite(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Revocations = tc.set })
			recorder := httptest.NewRecorder()
			err := s.handler.ServeHTTP(recorder, working.request(tc.method, ""))
			if !errors.Is(err, broken) {
				t.Errorf("the log would get %v", err)
			}
			a := read(t, recorder).want(t, http.StatusServiceUnavailable)
			if strings.Contains(a.text, "10.0.0.7") {
				t.Errorf("the client learns of the inside: %s", a.text)
			}
			// A sign-out that could not be shared still takes the cookie from the browser.
			if cleared := strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0"); cleared != (tc.method == http.MethodDelete) {
				t.Errorf("Set-Cookie %q", a.header["Set-Cookie"])
			}
		})
	}
}

// lostBetween is a set that nobody can read any more just after a session was read.
type lostBetween struct {
	session.Revocations
	asked int
}

func (l *lostBetween) Revoked(*session.Session) (bool, error) {
	l.asked++
	if l.asked > 1 {
		return false, session.ErrStale
	}
	return false, nil
}

// A session that may have been ended meanwhile is not shown as one that is good.
func TestSlideOfWhichNobodyCanTellFailsClosed(t *testing.T) {
	s := signedIn(t, nil)
	cookies, due := s.cookies, s.now.AddDate(0, 0, 6).Add(time.Hour)
	s = newSite(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Revocations = &lostBetween{} })
	s.cookies, s.now = cookies, due
	recorder := httptest.NewRecorder()
	if err := s.handler.ServeHTTP(recorder, s.request(http.MethodGet, "")); !errors.Is(err, session.ErrStale) {
		t.Errorf("the log would get %v", err)
	}
	if a := read(t, recorder).want(t, http.StatusServiceUnavailable); len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("Set-Cookie %q", a.header["Set-Cookie"])
	}
}

// unreadable keeps every end, and cannot tell of any.
type unreadable struct{ counting }

func (*unreadable) Revoked(*session.Session) (bool, error) { return false, session.ErrStale }

// Nobody is kept from signing out because nobody can tell whether the session is still
// good: a stolen cookie would live on. Of the user's other sessions none is said to have
// ended.
func TestSignOutIsKeptWhileNobodyCanTell(t *testing.T) {
	for below, status := range map[string]int{"": http.StatusOK, "/all": http.StatusServiceUnavailable} {
		kept := &unreadable{counting{RevocationSet: session.NewRevocationSet(time.Now)}}
		working := signedIn(t, nil)
		s := newSite(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Revocations = kept })
		r := working.request(http.MethodDelete, "")
		r.URL.Path += below
		recorder := httptest.NewRecorder()
		if err := s.handler.ServeHTTP(recorder, r); (err != nil) != (status != http.StatusOK) {
			t.Errorf("%q: the log would get %v", below, err)
		}
		a := read(t, recorder).want(t, status)
		if kept.ends != 1 || !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("%q: %d ends are kept, Set-Cookie %q", below, kept.ends, a.header["Set-Cookie"])
		}
	}
}

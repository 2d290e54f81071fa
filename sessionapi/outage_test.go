package sessionapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

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
// good: a stolen cookie would live on.
func TestSignOutIsKeptWhileNobodyCanTell(t *testing.T) {
	kept := &unreadable{counting{RevocationSet: session.NewRevocationSet(time.Now)}}
	working := signedIn(t, nil)
	s := newSite(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Revocations = kept })
	s.cookies = working.cookies
	s.do(http.MethodDelete, "").want(t, http.StatusOK)
	if kept.ends != 1 || len(s.cookies) > 0 {
		t.Errorf("%d ends are kept, and the browser has %v", kept.ends, s.cookies)
	}
}

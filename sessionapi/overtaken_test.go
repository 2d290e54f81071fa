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

// endedBetween ends every session just after it was read.
type endedBetween struct {
	session.Revocations
	asked int
}

func (e *endedBetween) Revoked(*session.Session) (bool, error) {
	e.asked++
	return e.asked > 1, nil
}
func (e *endedBetween) Revoke(context.Context, session.Revocation) error { return nil }

func (e *endedBetween) UpdatedAfter(string, time.Time) bool { return false }

// A sign-out that overtakes a request wins over it.
func TestSignOutOvertakes(t *testing.T) {
	for _, tc := range []struct {
		method, body string
		status       int
	}{{http.MethodGet, "", 200}, {http.MethodPost, "", 401}, {http.MethodPatch, `{"user":{"name":"x"}}`, 401}} {
		s := signedIn(t, nil)
		cookies, due := s.cookies, s.now.AddDate(0, 0, 6).Add(time.Hour)
		s = newSite(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Revocations = &endedBetween{} })
		s.cookies, s.now = cookies, due
		a := s.do(tc.method, tc.body).want(t, tc.status)
		if a.Session != nil {
			t.Errorf("%s shows %s", tc.method, a.text)
		}
		for _, line := range a.header["Set-Cookie"] {
			if !strings.Contains(line, "Max-Age=0") {
				t.Errorf("%s brings the session back: %s", tc.method, line)
			}
		}
	}
}

// All of a user's sessions are ended while a back end signs the user in: it does not hear
// of a session whose cookie nobody gets.
func TestLoginThatIsEndedMeanwhileIsNotReportedAsDone(t *testing.T) {
	s := newSite(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Revocations = &endedBetween{} })
	recorder := httptest.NewRecorder()
	err := s.handler.ServeHTTP(recorder, s.request(http.MethodPost, `{"user":{"id":"ann"}}`, "Authorization: Bearer "+apiKey))
	if !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("the log would get %v", err)
	}
	if a := read(t, recorder).want(t, http.StatusServiceUnavailable); len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("Set-Cookie %q", a.header["Set-Cookie"])
	}
}

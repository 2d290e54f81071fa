package sessionapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// hooks answers every question with what is set.
type hooks struct {
	validate, refresh error
	login             session.Login
}

func (h *hooks) ValidateSession(context.Context, *session.Session) error { return h.validate }

func (h *hooks) RefreshSession(context.Context, *session.Session) (session.Login, error) {
	return h.login, h.refresh
}

// ask sends a request whose answer may be a fault, and keeps the cookies.
func (s *site) ask(method, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	recorder := httptest.NewRecorder()
	err := s.handler.ServeHTTP(recorder, s.request(method, body))
	if (err != nil) != (recorder.Code == http.StatusServiceUnavailable) {
		s.t.Errorf("%s: status %d, fault %v", method, recorder.Code, err)
	}
	s.keep(recorder.Header())
	return recorder
}

func TestValidator(t *testing.T) {
	outage := errors.New("connection refused")
	for _, row := range []struct {
		method  string
		says    error
		status  int
		signed  bool // in, as the answer shows it
		cleared bool
	}{
		{"GET", nil, 200, true, false},
		{"POST", nil, 200, true, false},
		{"GET", session.ErrRefused, 200, false, true},
		{"HEAD", session.ErrRefused, 200, false, true},
		{"POST", session.ErrRefused, 401, false, true},
		{"PATCH", session.ErrRefused, 401, false, true},
		{"DELETE", session.ErrRefused, 200, false, true},
		{"GET", outage, 503, false, false},
		{"POST", outage, 503, false, false},
		{"PATCH", outage, 503, false, false},
		{"DELETE", outage, 200, false, true}, // nobody is kept from signing out
	} {
		h := &hooks{validate: row.says}
		s := signedIn(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Validator = h })
		h.login = session.Login{User: session.User{"id": "ann"}}
		body := ""
		if row.method == "PATCH" {
			body = `{"user":{"name":"An"}}`
		}
		answer := s.ask(row.method, body)
		if answer.Code != row.status {
			t.Errorf("%s, %v: status %d, not %d: %s", row.method, row.says, answer.Code, row.status, answer.Body)
		}
		if got := strings.Contains(answer.Body.String(), `"id":"ann"`); got != row.signed {
			t.Errorf("%s, %v: %s", row.method, row.says, answer.Body)
		}
		if got := len(s.cookies) == 0; got != row.cleared {
			t.Errorf("%s, %v: the cookies are %v", row.method, row.says, s.cookies)
		}
	}
}

// Who may change nothing, or only some fields, must not keep a session alive by that
// without the Refresher, whose provider may have ended it.
func TestPatchDoesNotGetAroundTheRefresher(t *testing.T) {
	h := &hooks{login: session.Login{User: session.User{"id": "ann"}}}
	var clock atomic.Int64
	s := signedIn(t, func(settings *session.Settings, _ *sessionapi.Config) {
		settings.Refresher = h
		settings.Now = func() time.Time { return time.UnixMilli(clock.Load()) }
		clock.Store(time.Now().UnixMilli())
	})
	expiry := regexp.MustCompile(`"expiresAt":\d+`)
	before := expiry.FindString(s.ask("GET", "").Body.String())
	clock.Add(time.Hour.Milliseconds())
	changed := s.ask("PATCH", `{"user":{"name":"Anna"}}`).Body.String()
	if after := expiry.FindString(changed); after != before || !strings.Contains(changed, "Anna") {
		t.Errorf("%s became %s", before, changed)
	}
	h.refresh = session.ErrRefused
	if answer := s.ask("PATCH", `{"user":{}}`); answer.Code != http.StatusUnauthorized || len(s.cookies) != 0 {
		t.Errorf("an empty change: %d, the cookies are %v", answer.Code, s.cookies)
	}
}

func TestRefresher(t *testing.T) {
	h := &hooks{login: session.Login{User: session.User{"id": "ann", "role": "writer"}}}
	s := signedIn(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Refresher = h })
	if answer := s.ask("POST", ""); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `"role":"writer"`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	h.login = session.Login{User: session.User{"id": "eve"}} // the hook's fault, not the visitor's
	if answer := s.ask("POST", ""); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("another user: %d %s", answer.Code, answer.Body)
	}
	h.refresh = errors.New("connection refused")
	if answer := s.ask("POST", ""); answer.Code != http.StatusServiceUnavailable || len(s.cookies) == 0 {
		t.Errorf("an outage: %d, the cookies are %v", answer.Code, s.cookies)
	}
	h.refresh = session.ErrRefused
	if answer := s.ask("POST", ""); answer.Code != http.StatusUnauthorized || len(s.cookies) != 0 {
		t.Errorf("a refusal: %d, the cookies are %v", answer.Code, s.cookies)
	}
}

// Who signs out everywhere while the validator cannot tell is signed out here at least, as
// where the revocations cannot be read: a stolen cookie would live on.
func TestSignOutEverywhereIsKeptWhileTheValidatorFails(t *testing.T) {
	h := &hooks{}
	s := newSite(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Validator = h })
	laptop := s.onDevice("ann")
	h.validate = errors.New("connection refused")
	r := s.request(http.MethodDelete, "")
	r.URL.Path += "/all"
	recorder := httptest.NewRecorder()
	if err := s.handler.ServeHTTP(recorder, r); err == nil {
		t.Error("the log would get nothing")
	}
	a := read(t, recorder).want(t, http.StatusServiceUnavailable)
	if !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("Set-Cookie %q", a.header["Set-Cookie"])
	}
	h.validate = nil
	if s.signedInOn(laptop) {
		t.Error("a copy of the cookie signs in again")
	}
}

// validating is a validator.
type validating func(context.Context) error

func (f validating) ValidateSession(ctx context.Context, _ *session.Session) error { return f(ctx) }

// Who ends other sessions has them ended though the browser hangs up while the validator is
// asked, as where a page goes elsewhere at once: a stolen one would live on.
func TestOtherSessionsEndThoughTheBrowserHangsUp(t *testing.T) {
	for _, below := range []string{"/all", "/others"} {
		hangUp := func() {}
		s := newSite(t, func(settings *session.Settings, _ *sessionapi.Config) {
			settings.Validator = validating(func(ctx context.Context) error {
				hangUp()
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(50 * time.Millisecond):
					return nil
				}
			})
		})
		stolen := s.onDevice("ann")
		s.onDevice("ann")
		r := s.request(http.MethodDelete, "")
		r.URL.Path += below
		browser, cancel := context.WithCancel(r.Context())
		hangUp = cancel
		if err := s.handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(browser)); err != nil {
			t.Errorf("%s: %v", below, err)
		}
		hangUp = func() {}
		if s.signedInOn(stolen) {
			t.Errorf("%s: the other session is still good", below)
		}
	}
}

// Whose session the validator has ended, or cannot tell of, neither ends the user's other
// sessions nor sees them; a back end signs in all the same.
func TestValidatorIsAskedForTheOtherSessionsToo(t *testing.T) {
	for says, status := range map[error]int{session.ErrRefused: http.StatusUnauthorized, errors.New("connection refused"): http.StatusServiceUnavailable} {
		for _, row := range []struct{ method, below string }{{"DELETE", "/all"}, {"DELETE", "/others"}, {"GET", "/list"}} {
			h := &hooks{}
			s := newSite(t, func(settings *session.Settings, config *sessionapi.Config) {
				withList(settings, config)
				settings.Validator = h
			})
			phone := s.onDevice("ann")
			s.onDevice("ann")
			h.validate = says
			r := s.request(row.method, "")
			r.URL.Path += row.below
			recorder := httptest.NewRecorder()
			if err := s.handler.ServeHTTP(recorder, r); (err != nil) != (status == http.StatusServiceUnavailable) {
				t.Errorf("%s, %v: the log would get %v", row.below, says, err)
			}
			read(t, recorder).want(t, status)
			h.validate = nil
			if !s.signedInOn(phone) {
				t.Errorf("%s, %v: the phone is signed out", row.below, says)
			}
		}
		h := &hooks{}
		s := signedIn(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.Validator = h })
		h.validate = says
		s.do(http.MethodPost, `{"user":{"id":"bob"}}`, "Authorization: Bearer "+apiKey).want(t, http.StatusCreated)
	}
}

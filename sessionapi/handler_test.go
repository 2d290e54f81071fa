package sessionapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

func TestGet(t *testing.T) {
	t.Run("anonymous", func(t *testing.T) {
		a := newSite(t, nil).do(http.MethodGet, "").want(t, http.StatusOK)
		if a.text != `{"session":null,"refreshThreshold":86400}` {
			t.Errorf("body %s", a.text)
		}
	})
	t.Run("signed in", func(t *testing.T) {
		s := signedIn(t, nil)
		a := s.do(http.MethodGet, "").want(t, http.StatusOK)
		const want = `{"session":{"user":{"id":"ann","name":"Ann","role":"reader"},"expiresAt":1772971200000,` +
			`"expiryDate":"2026-03-08T12:00:00.000Z","createdAt":1772366400000,"lastActivity":1772366400000},"refreshThreshold":86400}`
		if a.text != want {
			t.Errorf("body %s\nwant %s", a.text, want)
		}
		if len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("a refresh that is not due sets %q", a.header["Set-Cookie"])
		}
	})
	t.Run("expose_tokens", func(t *testing.T) {
		s := signedIn(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.ExposeTokens = true })
		a := s.do(http.MethodGet, "").want(t, http.StatusOK)
		if a.Session.AccessToken != "access-7f3a" || a.Session.RefreshToken != "refresh-91bc" {
			t.Errorf("body %s", a.text)
		}
	})
	t.Run("threshold below a second", func(t *testing.T) {
		s := newSite(t, func(settings *session.Settings, _ *sessionapi.Config) {
			settings.RefreshThreshold = 1500 * time.Millisecond
		})
		if a := s.do(http.MethodGet, ""); a.RefreshThreshold != 1.5 {
			t.Errorf("body %s", a.text)
		}
	})
}

func TestGetSlidesWhenDue(t *testing.T) {
	for _, tc := range []struct {
		name    string
		method  string
		headers []string
		off     bool
		slides  bool
	}{
		{name: "no fetch metadata", slides: true},
		{name: "same origin", headers: []string{"Sec-Fetch-Site: same-origin"}, slides: true},
		{name: "typed by the user", headers: []string{"Sec-Fetch-Site: none"}, slides: true},
		{name: "head", method: http.MethodHead, slides: true},
		{name: "auto_refresh off", off: true},
		{name: "prefetch", headers: []string{"Sec-Purpose: prefetch;prerender"}},
		{name: "old prefetch", headers: []string{"Purpose: prefetch"}},
		{name: "old prerender", headers: []string{"Purpose: prefetch;prerender"}},
		{name: "router prefetch", headers: []string{"Next-Router-Prefetch: 1"}},
		{name: "segment prefetch", headers: []string{"Next-Router-Segment-Prefetch: /_tree"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := signedIn(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.NoAutoRefresh = tc.off })
			s.now = s.now.Add(6*24*time.Hour + time.Hour)
			method := http.MethodGet
			if tc.method != "" {
				method = tc.method
			}
			a := s.do(method, "", tc.headers...).want(t, http.StatusOK)
			if slid := len(a.header["Set-Cookie"]) > 0; slid != tc.slides {
				t.Errorf("slid: %v, want %v", slid, tc.slides)
			}
		})
	}
}

// A session that was sealed under other settings may be too large for those of
// today. It is good until it expires; it does not slide.
func TestSlideOfTooLargeSession(t *testing.T) {
	s := newSite(t, nil)
	s.signIn(session.Login{User: session.User{"id": "ann", "note": strings.Repeat("x", 5_000)}})
	cookies, due := s.cookies, s.now.AddDate(0, 0, 6).Add(time.Hour)
	s = newSite(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.ForwardCookie = true })
	s.cookies, s.now = cookies, due
	if a := s.do(http.MethodGet, "").want(t, http.StatusOK); a.Session == nil || len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("%s, Set-Cookie: %d", a.text[:80], len(a.header["Set-Cookie"]))
	}
	s.do(http.MethodPost, "").want(t, http.StatusRequestEntityTooLarge)
}

func TestHead(t *testing.T) {
	s := signedIn(t, nil)
	get, head := s.do(http.MethodGet, ""), s.do(http.MethodHead, "").want(t, http.StatusOK)
	if head.text != "" {
		t.Errorf("HEAD has the body %q", head.text)
	}
	if got, want := head.header.Get("Content-Length"), get.header.Get("Content-Length"); got != want {
		t.Errorf("Content-Length %s, GET has %s", got, want)
	}
}

func TestRefresh(t *testing.T) {
	s := signedIn(t, nil)
	before := s.do(http.MethodGet, "").Session
	s.now = s.now.Add(time.Hour)
	after := s.do(http.MethodPost, "").want(t, http.StatusOK).Session
	if after.ExpiresAt != before.ExpiresAt+time.Hour.Milliseconds() || after.LastActivity != before.LastActivity+time.Hour.Milliseconds() {
		t.Errorf("from %+v to %+v", before, after)
	}
	if after.CreatedAt != before.CreatedAt {
		t.Error("a refresh moved createdAt")
	}
	if again := s.do(http.MethodGet, "").Session; again.ExpiresAt != after.ExpiresAt {
		t.Error("the cookie does not carry the refreshed session")
	}
	newSite(t, nil).do(http.MethodPost, "").want(t, http.StatusUnauthorized)
	s.do(http.MethodPost, "", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 0").want(t, http.StatusOK)
	s.do(http.MethodPost, "", "Authorization: Basic YW5uOnNlY3JldA==").want(t, http.StatusOK)
}

func TestUpdate(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		status     int
		user       string // after it
		detail     string // part of the refusal
	}{
		{name: "replace", body: `{"user":{"name":"Anna"}}`, status: 200, user: `{"id":"ann","name":"Anna","role":"reader"}`},
		{name: "add", body: `{"user":{"theme":{"dark":true}}}`, status: 200, user: `{"id":"ann","name":"Ann","role":"reader","theme":{"dark":true}}`},
		{name: "remove", body: `{"user":{"name":null}}`, status: 200, user: `{"id":"ann","role":"reader"}`},
		{name: "nothing", body: `{"user":{}}`, status: 200},
		{name: "large number", body: `{"user":{"theme":9007199254740993}}`, status: 200, user: `{"id":"ann","name":"Ann","role":"reader","theme":9007199254740993}`},
		{name: "field not allowed", body: `{"user":{"role":"admin"}}`, status: 403, detail: "user.role "},
		{name: "one of two", body: `{"user":{"name":"Eve","role":"admin"}}`, status: 403, detail: "user.role "},
		{name: "the first of two", body: `{"user":{"zone":1,"beta":2}}`, status: 403, detail: "user.zone "},
		{name: "the first after a nested one", body: `{"user":{"theme":{"x":[1]},"zone":1,"beta":2}}`, status: 403, detail: "user.zone "},
		{name: "id", body: `{"user":{"id":"eve"}}`, status: 403, detail: "user.id "},
		{name: "empty", body: `{}`, status: 400},
		{name: "no user", body: `{"accessToken":"x"}`, status: 400},
		{name: "unknown member", body: `{"user":{"name":"x"},"expiresAt":1}`, status: 400, detail: "user"},
		{name: "array", body: `[]`, status: 400},
		{name: "null", body: `null`, status: 400},
		{name: "user is null", body: `{"user":null}`, status: 400},
		{name: "user is an array", body: `{"user":[]}`, status: 400},
		{name: "user is a string", body: `{"user":""}`, status: 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := signedIn(t, nil)
			a := s.do(http.MethodPatch, tc.body).want(t, tc.status)
			if !strings.Contains(a.Detail, tc.detail) {
				t.Errorf("detail %q, want %q in it", a.Detail, tc.detail)
			}
			if tc.user == "" {
				tc.user = `{"id":"ann","name":"Ann","role":"reader"}`
			}
			if after := s.do(http.MethodGet, ""); !strings.Contains(after.text, `"user":`+tc.user+",") {
				t.Errorf("user after it: %s\nwant %s", after.text, tc.user)
			}
		})
	}
	newSite(t, nil).do(http.MethodPatch, `{"user":{"name":"x"}}`).want(t, http.StatusUnauthorized)
}

// An id that never changes is no matter of settings.
func TestUpdateNeverChangesID(t *testing.T) {
	s := signedIn(t, func(settings *session.Settings, _ *sessionapi.Config) { settings.ClientUpdate = []string{"id"} })
	for _, body := range []string{`{"user":{"id":"eve"}}`, `{"user":{"id":null}}`} {
		s.refused(s.do(http.MethodPatch, body), http.StatusForbidden)
	}
}

// A change of the user is a use of the session, so it moves its end.
func TestUpdateMovesTheEnd(t *testing.T) {
	s := signedIn(t, nil)
	s.now = s.now.Add(time.Hour)
	a := s.do(http.MethodPatch, `{"user":{"name":"Anna"}}`).want(t, http.StatusOK)
	if want := s.now.AddDate(0, 0, 7).UnixMilli(); a.Session == nil || a.Session.ExpiresAt != want {
		t.Errorf("body %s, want the end %d", a.text, want)
	}
}

func TestDelete(t *testing.T) {
	s := signedIn(t, nil)
	a := s.do(http.MethodDelete, "").want(t, http.StatusOK)
	if a.text != `{"session":null}` {
		t.Errorf("body %s", a.text)
	}
	if len(s.cookies) > 0 {
		t.Errorf("cookies are left: %v", s.cookies)
	}
	if a := s.do(http.MethodDelete, "").want(t, http.StatusOK); a.text != `{"session":null}` {
		t.Errorf("the second time: %s", a.text)
	}
}

// A sign-out takes each cookie once.
func TestDeleteTakesEachCookieOnce(t *testing.T) {
	lines := signedIn(t, nil).do(http.MethodDelete, "").want(t, http.StatusOK).header["Set-Cookie"]
	if len(lines) != 4 {
		t.Errorf("%d lines, want the cookie and three chunks: %q", len(lines), lines)
	}
}

func TestMethods(t *testing.T) {
	for _, method := range []string{"OPTIONS", "PUT", "TRACE", "CONNECT", "get", "QUERY", strings.Repeat("X", 33)} {
		s := signedIn(t, nil)
		a := s.do(method, "", "Access-Control-Request-Method: DELETE", "Origin: https://evil.example")
		s.refused(a, http.StatusMethodNotAllowed)
		if got := a.header.Get("Allow"); got != "GET, HEAD, POST, PATCH, DELETE" {
			t.Errorf("%s: Allow %q", method, got)
		}
	}
}

package sessionapi_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
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

func TestCreate(t *testing.T) {
	bearer := "Authorization: Bearer " + apiKey
	for _, tc := range []struct {
		name, body string
		headers    []string
		status     int
	}{
		{"created", `{"user":{"id":"bob"},"accessToken":"a","refreshToken":"r"}`, []string{bearer}, 201},
		{"scheme in another case", `{"user":{"id":"bob"}}`, []string{"Authorization: bearer  " + apiKey}, 201},
		{"wrong key", `{"user":{"id":"bob"}}`, []string{"Authorization: Bearer " + apiKey + "x"}, 401},
		{"no key", `{"user":{"id":"bob"}}`, []string{"Authorization: Bearer"}, 401},
		{"two keys", `{"user":{"id":"bob"}}`, []string{bearer, bearer}, 401},
		{"origin", `{"user":{"id":"bob"}}`, []string{bearer, "Origin: " + origin}, 403},
		{"empty origin", `{"user":{"id":"bob"}}`, []string{bearer, "Origin: "}, 403},
		{"fetch metadata", `{"user":{"id":"bob"}}`, []string{bearer, "Sec-Fetch-Mode: cors"}, 403},
		{"wrong key in a browser", `{"user":{"id":"bob"}}`, []string{"Authorization: Bearer x", "Sec-Fetch-Site: same-origin"}, 403},
		{"no body", "", []string{bearer}, 415},
		{"no user", `{"accessToken":"a"}`, []string{bearer}, 400},
		{"no id", `{"user":{"name":"Bob"}}`, []string{bearer}, 400},
		{"empty id", `{"user":{"id":""}}`, []string{bearer}, 400},
		{"id with a line break", `{"user":{"id":"bob\r\nX-Session-User: eve"}}`, []string{bearer}, 400},
		{"token is no string", `{"user":{"id":"bob"},"accessToken":7}`, []string{bearer}, 400},
		{"unknown member", `{"user":{"id":"bob"},"expiresAt":4102444800000}`, []string{bearer}, 400},
		{"too large", `{"user":{"id":"bob","note":"` + strings.Repeat("x", 20_000) + `"}}`, []string{bearer}, 413},
		{"form", `{"user":{"id":"bob"}}`, []string{bearer, "Content-Type: text/plain"}, 415},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t, nil)
			a := s.do(http.MethodPost, tc.body, tc.headers...).want(t, tc.status)
			if (a.header.Get("WWW-Authenticate") == "Bearer") != (tc.status == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate: %q", a.header.Get("WWW-Authenticate"))
			}
			if tc.status != http.StatusCreated {
				s.refused(a, tc.status)
				return
			}
			if a.Session.User["id"] != "bob" || strings.Contains(a.text, "Token") {
				t.Errorf("body %s", a.text)
			}
			if after := s.do(http.MethodGet, ""); after.Session == nil || after.Session.User["id"] != "bob" {
				t.Errorf("the cookie opens to %s", after.text)
			}
		})
	}
	t.Run("every configured key", func(t *testing.T) {
		const second = "Zx9Cv8Bn7Ma6Sd5Fg4Hj3Kl2Qp1Wo0Ei"
		s := newSite(t, func(_ *session.Settings, config *sessionapi.Config) {
			config.APIKeys = append(config.APIKeys, []byte(second))
		})
		s.do(http.MethodPost, `{"user":{"id":"bob"}}`, "Authorization: Bearer "+second).want(t, http.StatusCreated)
	})
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

func TestInvalidCookiesAreCleared(t *testing.T) {
	for _, tc := range []struct {
		method, body string
		status       int
	}{{http.MethodGet, "", 200}, {http.MethodPost, "", 401}, {http.MethodPatch, `{"user":{"name":"x"}}`, 401}, {http.MethodDelete, "", 200}} {
		s := newSite(t, nil)
		s.cookies = map[string]string{"__Host-session": "garbage", "__Host-session.0": "more"}
		s.do(tc.method, tc.body).want(t, tc.status)
		if len(s.cookies) > 0 {
			t.Errorf("%s leaves %v", tc.method, s.cookies)
		}
	}
}

// What comes in the early data of HTTP/3 may be a replay: it changes nothing.
func TestAttackReplayOfEarlyData(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodGet} {
		for _, complete := range []bool{false, true} {
			s := signedIn(t, nil)
			r := s.request(method, `{"user":{"name":"replayed"}}`)
			r.ProtoMajor, r.TLS = 3, &tls.ConnectionState{HandshakeComplete: complete}
			w := httptest.NewRecorder()
			if err := s.handler.ServeHTTP(w, r); err != nil {
				t.Fatal(err)
			}
			refused := !complete && method != http.MethodGet
			if (w.Code == http.StatusTooEarly) != refused || refused && len(w.Header()["Set-Cookie"]) > 0 {
				t.Errorf("%s, handshake complete %v: %d %v", method, complete, w.Code, w.Header())
			}
		}
	}
}

// A proxy in front that takes early data itself marks it (RFC 8470 section 5.1). Any value
// counts, and any number of them.
func TestAttackReplayOfEarlyDataOfAProxyInFront(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodGet} {
		for _, values := range [][]string{nil, {"1"}, {"0"}, {"1", "0"}} {
			s := signedIn(t, nil)
			r := s.request(method, `{"user":{"name":"replayed"}}`)
			r.Header["Early-Data"] = values
			w := httptest.NewRecorder()
			if err := s.handler.ServeHTTP(w, r); err != nil {
				t.Fatal(err)
			}
			refused := len(values) > 0 && method != http.MethodGet
			if (w.Code == http.StatusTooEarly) != refused || refused && len(w.Header()["Set-Cookie"]) > 0 {
				t.Errorf("%s, Early-Data %q: %d %v", method, values, w.Code, w.Header())
			}
		}
	}
}

func TestInvalidCookiesAreClearedByRefusals(t *testing.T) {
	s := newSite(t, nil)
	for _, asked := range []struct {
		method  string
		headers []string
		status  int
	}{
		{http.MethodPut, nil, http.StatusMethodNotAllowed},
		{http.MethodPost, []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, http.StatusForbidden},
		{http.MethodPost, []string{"Authorization: Bearer wrong"}, http.StatusUnauthorized},
	} {
		s.cookies = map[string]string{"__Host-session": "garbage"}
		if s.do(asked.method, "", asked.headers...).want(t, asked.status); len(s.cookies) > 0 {
			t.Errorf("%s %v leaves %v", asked.method, asked.headers, s.cookies)
		}
	}
	s = signedIn(t, nil)
	if a := s.do(http.MethodPut, "").want(t, http.StatusMethodNotAllowed); len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("a good session is cleared by %q", a.header["Set-Cookie"])
	}
}

func TestExpired(t *testing.T) {
	s := signedIn(t, nil)
	s.now = s.now.Add(7 * 24 * time.Hour)
	if a := s.do(http.MethodGet, "").want(t, http.StatusOK); a.Session != nil || len(s.cookies) > 0 {
		t.Errorf("an expired session: %s, cookies %v", a.text, s.cookies)
	}
}

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

func TestServes(t *testing.T) {
	for _, tc := range []struct {
		configured, target string
		want               bool
	}{
		{"", "/api/session", true},
		{"", "/api/session?x=1", true},
		{"/docs/api/session", "/docs/api/session", true},
		{"/docs/api/session", "/api/session", false},
		{"/api/sitzung-für-alle", "/api/sitzung-f%C3%BCr-alle", true},
	} {
		s := newSite(t, func(_ *session.Settings, config *sessionapi.Config) { config.Path = tc.configured })
		if got := s.handler.Serves(httptest.NewRequest(http.MethodGet, tc.target, nil)); got != tc.want {
			t.Errorf("path %q serves %q: %v", tc.configured, tc.target, got)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	manager := newSite(t, nil).manager
	_, err := sessionapi.New(sessionapi.Config{})
	if err == nil {
		t.Error("no manager is accepted")
	}
	for _, tc := range []struct {
		name   string
		config sessionapi.Config
		want   []string
	}{
		{"relative path", sessionapi.Config{Path: "api/session"}, []string{`path "api/session"`, "path /api/session"}},
		{"root", sessionapi.Config{Path: "/"}, []string{`path "/"`}},
		{"trailing slash", sessionapi.Config{Path: "/api/session/"}, []string{"not one plain path"}},
		{"wildcard", sessionapi.Config{Path: "/api/session/*"}, []string{"not one plain path"}},
		{"query", sessionapi.Config{Path: "/api/session?x"}, []string{"not one plain path"}},
		{"dots", sessionapi.Config{Path: "/api/%2e%2e/session"}, []string{"not one plain path"}},
		{"url", sessionapi.Config{Path: "https://x/api"}, []string{"not one plain path"}},
		{"two slashes", sessionapi.Config{Path: "//evil/api"}, []string{"not one plain path"}},
		{"weak key", sessionapi.Config{APIKeys: [][]byte{[]byte("short")}}, []string{"api_key is not safe: the secret has 5 bytes", "caddy session keygen"}},
		{"key with a line break", sessionapi.Config{APIKeys: [][]byte{[]byte(apiKey), []byte(apiKey + "\n")}}, []string{"api_key 2", "white space"}},
		{"any origin", sessionapi.Config{TrustedOrigins: []string{"*"}}, []string{`"*"`, "https://admin.example.com"}},
		{"null origin", sessionapi.Config{TrustedOrigins: []string{"null"}}, []string{`"null"`}},
		{"origin with a slash", sessionapi.Config{TrustedOrigins: []string{"https://a.example/"}}, []string{`"https://a.example/"`}},
		{"origin with a default port", sessionapi.Config{TrustedOrigins: []string{"https://a.example:443"}}, []string{"default"}},
		{"origin in upper case", sessionapi.Config{TrustedOrigins: []string{"https://A.example"}}, []string{"lower case"}},
		{"origin with a user", sessionapi.Config{TrustedOrigins: []string{"https://u@a.example"}}, []string{"not an origin"}},
		{"origin with an empty port", sessionapi.Config{TrustedOrigins: []string{"https://a.example:"}}, []string{"not an origin"}},
		{"origin with a star", sessionapi.Config{TrustedOrigins: []string{"https://*.example"}}, []string{"not an origin"}},
		{"origin as people read it", sessionapi.Config{TrustedOrigins: []string{"https://bücher.example"}}, []string{"not an origin"}},
		{"another scheme", sessionapi.Config{TrustedOrigins: []string{"ftp://a.example"}}, []string{"not an origin"}},
		{"all at once", sessionapi.Config{Path: "x", APIKeys: [][]byte{nil}, TrustedOrigins: []string{"y"}}, []string{"path", "api_key is not safe", "trusted_origins"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.config.Manager = manager
			_, err := sessionapi.New(tc.config)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), apiKey) {
				t.Error("the error shows the key")
			}
		})
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

// A sign-out takes each cookie once.
func TestDeleteTakesEachCookieOnce(t *testing.T) {
	lines := signedIn(t, nil).do(http.MethodDelete, "").want(t, http.StatusOK).header["Set-Cookie"]
	if len(lines) != 4 {
		t.Errorf("%d lines, want the cookie and three chunks: %q", len(lines), lines)
	}
}

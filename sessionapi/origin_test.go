package sessionapi_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// crossSite says what a request of another origin looks like.
var crossSite = map[string][]string{
	"foreign origin":               {"Origin: https://evil.example"},
	"opaque origin":                {"Origin: null"},
	"two origins":                  {"Origin: " + origin, "Origin: https://evil.example"},
	"two origins, ours last":       {"Origin: https://evil.example", "Origin: " + origin},
	"this site over plain HTTP":    {"Origin: http://app.example.com"},
	"plain HTTP in another case":   {"Origin: HTTP://app.example.com"},
	"plain HTTP as same origin":    {"Origin: http://app.example.com", "Sec-Fetch-Site: same-origin"},
	"another port":                 {"Origin: https://app.example.com:8443"},
	"subdomain":                    {"Origin: https://x.app.example.com"},
	"parent":                       {"Origin: https://example.com"},
	"suffix":                       {"Origin: https://app.example.com.evil.example"},
	"trailing dot":                 {"Origin: https://app.example.com."},
	"not an origin":                {"Origin: %zz"},
	"cross-site":                   {"Sec-Fetch-Site: cross-site"},
	"same-site":                    {"Sec-Fetch-Site: same-site"},
	"junk":                         {"Sec-Fetch-Site: x"},
	"another case":                 {"Sec-Fetch-Site: Same-Origin"},
	"twice":                        {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"},
	"cross-site with our origin":   {"Sec-Fetch-Site: cross-site", "Origin: " + origin},
	"trusted origin with a suffix": {"Origin: https://admin.example.com.evil.example"},
}

// Cross-site request forgery of each change: refresh, update, sign-out.
func TestAttackCrossSiteRequestForgery(t *testing.T) {
	trusting := func(_ *session.Settings, config *sessionapi.Config) {
		config.TrustedOrigins = []string{"https://admin.example.com"}
	}
	for name, headers := range crossSite {
		for method, body := range map[string]string{http.MethodPost: "", http.MethodPatch: `{"user":{"name":"Eve"}}`, http.MethodDelete: ""} {
			t.Run(method+" "+name, func(t *testing.T) {
				s := signedIn(t, trusting)
				before := maps.Clone(s.cookies)
				s.refused(s.do(method, body, headers...), http.StatusForbidden)
				if !maps.Equal(before, s.cookies) {
					t.Error("the session changed")
				}
			})
		}
	}
}

// What the site's own pages, trusted origins and programs send passes.
func TestOwnOriginPasses(t *testing.T) {
	for name, headers := range map[string][]string{
		"no browser":                      nil,
		"own page":                        {"Origin: " + origin, "Sec-Fetch-Site: same-origin"},
		"own page in an older browser":    {"Origin: " + origin},
		"fetch metadata only":             {"Sec-Fetch-Site: same-origin"},
		"trusted origin":                  {"Origin: https://admin.example.com", "Sec-Fetch-Site: same-site"},
		"trusted, in an older browser":    {"Origin: https://admin.example.com"},
		"behind a proxy that names hosts": {"Origin: https://public.example", "Sec-Fetch-Site: same-origin"},
	} {
		t.Run(name, func(t *testing.T) {
			s := signedIn(t, func(_ *session.Settings, config *sessionapi.Config) {
				config.TrustedOrigins = []string{"https://admin.example.com"}
			})
			s.do(http.MethodPatch, `{"user":{"name":"Eve"}}`, headers...).want(t, http.StatusOK)
			s.do(http.MethodPost, "", headers...).want(t, http.StatusOK)
			s.do(http.MethodDelete, "", headers...).want(t, http.StatusOK)
		})
	}
	t.Run("plain HTTP by its name", func(t *testing.T) {
		s := signedIn(t, func(_ *session.Settings, config *sessionapi.Config) {
			config.TrustedOrigins = []string{"http://app.example.com"}
		})
		s.do(http.MethodPost, "", "Origin: http://app.example.com").want(t, http.StatusOK)
	})
	t.Run("TLS ends in front", func(t *testing.T) {
		s := signedIn(t, func(settings *session.Settings, _ *sessionapi.Config) {
			settings.IsSecure = func(*http.Request) bool { return false }
		})
		s.do(http.MethodPost, "", "Origin: "+origin).want(t, http.StatusOK)
		s.do(http.MethodPost, "", "Origin: http://app.example.com").want(t, http.StatusOK)
	})
}

// A form of another site posts text that looks like JSON, or names a method.
func TestAttackFormPost(t *testing.T) {
	s := signedIn(t, nil)
	form := []string{"Content-Type: text/plain", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}
	s.refused(s.do(http.MethodPost, `{"user":{"id":"eve"},"x":"="}`, form...), http.StatusForbidden)
	before := maps.Clone(s.cookies)
	r := s.request(http.MethodPost, "", "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE")
	r.URL.RawQuery = "_method=DELETE"
	s.send(r).want(t, http.StatusOK)
	if len(s.cookies) != len(before) {
		t.Error("a POST became a DELETE")
	}
}

// Login CSRF: the victim's browser is made to sign in as the attacker, who even
// knows the key.
func TestAttackLoginFromBrowser(t *testing.T) {
	for name, headers := range crossSite {
		s := newSite(t, nil)
		s.do(http.MethodPost, `{"user":{"id":"eve"}}`, append(headers, "Authorization: Bearer "+apiKey)...).want(t, http.StatusForbidden)
		if len(s.cookies) > 0 {
			t.Errorf("%s: signed in", name)
		}
	}
}

// Session fixation: a planted session is worth nothing after a sign-in.
func TestAttackFixation(t *testing.T) {
	s := signedIn(t, nil)
	planted := maps.Clone(s.cookies)
	s.do(http.MethodPost, `{"user":{"id":"bob"}}`, "Authorization: Bearer "+apiKey).want(t, http.StatusCreated)
	if maps.Equal(planted, s.cookies) {
		t.Error("the token is the same")
	}
	s.cookies = planted
	if a := s.do(http.MethodGet, ""); a.Session != nil {
		t.Errorf("the planted session still opens: %s", a.text)
	}
}

// A page of another site must not keep a session alive by embedding the API.
func TestAttackKeepAliveFromAnotherSite(t *testing.T) {
	for _, site := range []string{"cross-site", "same-site", "x"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			s := signedIn(t, nil)
			s.now = s.now.AddDate(0, 0, 6).Add(1)
			a := s.do(method, "", "Sec-Fetch-Site: "+site).want(t, http.StatusOK)
			if len(a.header["Set-Cookie"]) > 0 {
				t.Errorf("%s %s slid the session", method, site)
			}
		}
	}
}

// Nor does it get what a request of the site's own page slid at the same time, which the
// browser has not seen.
func TestAttackKeepAliveBesideAPageOfTheSite(t *testing.T) {
	s := signedIn(t, nil)
	s.now = s.now.AddDate(0, 0, 6).Add(time.Hour)
	foreign := s.request(http.MethodGet, "", "Sec-Fetch-Site: cross-site")
	if own := s.do(http.MethodGet, "").want(t, http.StatusOK); len(own.header["Set-Cookie"]) == 0 {
		t.Fatal("the session does not slide")
	}
	if a := s.send(foreign).want(t, http.StatusOK); len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("Set-Cookie %q", a.header["Set-Cookie"])
	}
}

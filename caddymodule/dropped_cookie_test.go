package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A browser that drops the cookie shows the login page again after each sign-in,
// and the log is the only place that can say why.
func TestCookieThatBrowsersDropIsAWarning(t *testing.T) {
	const (
		secure = "the session cookie is Secure, but this request came over plain HTTP: browsers drop it, so nobody can sign in, unless a proxy in front serves https; serve the site by https, or remove "
		domain = "the session cookie is for cookie_domain app.test, but this request's host is not in it: browsers drop it, so nobody can sign in"
	)
	for name, tc := range map[string]struct {
		setting, host string
		want          string // a part of the warning; empty for none
		headers       []string
	}{
		"secure_cookie always": {"secure_cookie always", "app.test:8080", secure + "secure_cookie always", nil},
		"same_site none":       {"same_site none", "app.test", secure + "same_site none", nil},
		"cookie_prefix host":   {"cookie_prefix host", "192.0.2.1:8080", secure + "cookie_prefix host", nil},
		"auto":                 {"secure_cookie auto", "app.test", "", nil},
		"localhost":            {"secure_cookie always", "localhost:8080", "", nil},
		"below localhost":      {"secure_cookie always", "App.LOCALHOST", "", nil},
		"an IPv4 loopback":     {"secure_cookie always", "127.0.0.2:8080", "", nil},
		"the IPv6 loopback":    {"secure_cookie always", "[::1]", "", nil},
		"like localhost":       {"secure_cookie always", "localhost.test", secure, nil},
		"a proxy ended TLS":    {"secure_cookie always", "app.test", "", []string{"X-Forwarded-Proto", "https"}},
		"by Forwarded":         {"secure_cookie always", "app.test", "", []string{"Forwarded", "for=192.0.2.1;proto=https"}},
		"by X-Real-IP":         {"secure_cookie always", "app.test", "", []string{"X-Real-IP", "192.0.2.1"}},
		"a silent proxy":       {"secure_cookie always", "app.test", "", []string{"X-Forwarded-For", "192.0.2.1"}},
		"another domain":       {"cookie_domain app.test", "localhost:8080", domain, nil},
		"a longer name":        {"cookie_domain app.test", "myapp.test", domain, nil},
		"the domain":           {"cookie_domain .App.test", "app.TEST:8080", "", nil},
		"below the domain":     {"cookie_domain app.test", "www.app.test", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "session_guard {\n default hybrid\n "+tc.setting+"\n }")
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.Header().Set("X-Session-Set", handoff(ada))
				}
			})
			headers := append([]string{"Host", tc.host}, tc.headers...)
			assert.Empty(t, s.request("GET", "/", headers...).Cookies())
			log := s.logged()
			assert.NotContains(t, log, "browsers drop it", "no cookie was set yet")
			for range 2 {
				require.NotEmpty(t, s.request("POST", "/sign-in", headers...).Cookies())
			}
			log = s.logged()
			assert.Contains(t, log, tc.want)
			warnings := 0
			if tc.want != "" {
				warnings = 1
			}
			assert.Equal(t, warnings, strings.Count(log, "browsers drop it"))
		})
	}
}

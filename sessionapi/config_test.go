package sessionapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

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

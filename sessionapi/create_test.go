package sessionapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

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

// A bearer token behind other credentials is one, too: no refresh is made of a sign-in.
func TestCreateBehindOtherCredentials(t *testing.T) {
	s := signedIn(t, nil)
	a := s.do(http.MethodPost, "", "Authorization: Basic YTpi", "Authorization: Bearer "+apiKey)
	s.refused(a, http.StatusUnauthorized)
}

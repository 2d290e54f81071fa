package sessionapi_test

import (
	"net/http"
	"testing"
	"time"
)

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

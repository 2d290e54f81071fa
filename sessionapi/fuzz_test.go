package sessionapi_test

import (
	"net/http"
	"testing"
)

// However the request looks, it is never a fault and always a whole answer.
func FuzzRequest(f *testing.F) {
	f.Add("PATCH", `{"user":{"name":"Eve"}}`, "application/json", "", "", "")
	f.Add("POST", "", "", "https://evil.example", "cross-site", "")
	f.Add("POST", `{"user":{"id":"bob"}}`, "application/json", "", "", "Bearer x")
	f.Add("PATCH", `{"user":{"name":{"__proto__":[]},"role":null}}`, "application/json; charset=utf-8", origin, "same-origin", "Basic x")
	f.Add("DELETE", "\xff", "text/plain", "null", "none", "bearer")
	f.Fuzz(func(t *testing.T, method, body, contentType, from, site, credentials string) {
		s := signedIn(t, nil)
		r := s.request(http.MethodPost, body)
		r.Method = method
		for name, value := range map[string]string{"Content-Type": contentType, "Origin": from, "Sec-Fetch-Site": site, "Authorization": credentials} {
			r.Header.Del(name)
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		a := s.send(r)
		if a.status >= 500 {
			t.Errorf("status %d", a.status)
		}
		after := s.do(http.MethodGet, "")
		if method == http.MethodDelete && a.status == http.StatusOK {
			if after.Session != nil {
				t.Error("signed out, but the session is there")
			}
			return
		}
		if after.Session == nil || after.Session.User["id"] != "ann" || after.Session.User["role"] != "reader" {
			t.Errorf("%s became %s", method, after.text)
		}
	})
}

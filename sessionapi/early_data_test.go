package sessionapi_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

// What comes in early data may be a replay: it changes nothing. It comes so in HTTP/3, and
// from a proxy in front that takes early data itself and marks it (RFC 8470 section 5.1): any
// value counts, and any number of them.
func TestAttackReplayOfEarlyData(t *testing.T) {
	marked := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Early-Data"] = values }
	}
	handshake := func(complete bool) func(*http.Request) {
		return func(r *http.Request) { r.ProtoMajor, r.TLS = 3, &tls.ConnectionState{HandshakeComplete: complete} }
	}
	for _, tc := range []struct {
		name  string
		comes func(*http.Request)
		early bool
	}{
		{"HTTP/3 before the handshake", handshake(false), true},
		{"HTTP/3 after it", handshake(true), false},
		{"not marked", marked(), false},
		{"marked", marked("1"), true},
		{"marked oddly", marked("0"), true},
		{"marked twice", marked("1", "0"), true},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodGet} {
			s := signedIn(t, nil)
			r := s.request(method, `{"user":{"name":"replayed"}}`)
			tc.comes(r)
			w := httptest.NewRecorder()
			if err := s.handler.ServeHTTP(w, r); err != nil {
				t.Fatal(err)
			}
			refused := tc.early && method != http.MethodGet
			if (w.Code == http.StatusTooEarly) != refused || refused && len(w.Header()["Set-Cookie"]) > 0 {
				t.Errorf("%s, %s: %d %v", method, tc.name, w.Code, w.Header())
			}
		}
	}
}

package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A link to GET /logout signs out whoever sees it, and a sign-out by the cookie that plain
// HTTP has does nothing over TLS. The app sees neither, and the log is the only place that
// can say so.
func TestSurprisingSignOutsAreWarnings(t *testing.T) {
	const (
		prefetch = "a prefetch has signed the visitor out"
		twin     = "the app deletes the cookie session, but the session cookie is __Host-session here, so the visitor stays signed in"
	)
	remove := []string{"Set-Cookie", "session=; Path=/; Max-Age=0"}
	for name, tc := range map[string]struct {
		anonymous bool
		sent      []string // headers of the request
		answer    []string
		signedOut bool
		want      string // in the warning; empty for none
	}{
		"a prefetch by next/link":   {false, []string{"Rsc", "1", "Next-Router-Prefetch", "1"}, []string{"X-Session-Delete", "1"}, true, prefetch},
		"a prefetch by the browser": {false, []string{"Sec-Purpose", "prefetch;prerender"}, []string{"Set-Cookie", "session.delete=1"}, true, prefetch},
		"a prefetch, anonymous":     {true, []string{"Sec-Purpose", "prefetch"}, []string{"X-Session-Delete", "1"}, true, ""},
		"a prefetch that signs in":  {false, []string{"Sec-Purpose", "prefetch"}, []string{"X-Session-Delete", "1", "X-Session-Set", handoff(ada)}, false, ""},
		"a prefetch of a page":      {false, []string{"Sec-Purpose", "prefetch"}, []string{"Set-Cookie", "a=1"}, false, ""},
		"a link that was followed":  {false, nil, []string{"X-Session-Delete", "1"}, true, ""},
		"the name without TLS":      {false, nil, remove, false, twin},
		"another prefix":            {false, nil, []string{"Set-Cookie", "__Secure-session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, false, "deletes the cookie __Secure-session,"},
		"anonymous":                 {true, nil, remove, true, ""},
		"the app's own cookie":      {false, []string{"Cookie", "session=flash"}, remove, false, ""},
		"another cookie":            {false, nil, []string{"Set-Cookie", "sessions=; Max-Age=0"}, false, ""},
		"a value":                   {false, nil, []string{"Set-Cookie", "session=flash"}, false, ""},
		"beside a sign-out":         {false, nil, append([]string{"X-Session-Delete", "1"}, remove...), true, ""},
		"the right name":            {false, nil, []string{"Set-Cookie", "__Host-session=; Path=/; Max-Age=0"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "session_guard {\n secure_cookie always\n default hybrid\n }")
			cookie := s.signIn(ada)
			s.answer(func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i < len(tc.answer); i += 2 {
					w.Header().Add(tc.answer[i], tc.answer[i+1])
				}
			})
			sent := tc.sent
			if !tc.anonymous {
				sent = append([]string{"Cookie", cookie}, sent...)
			}
			before := len(s.logged())
			response := s.request("GET", "/logout", sent...)
			assert.Equal(t, http.StatusOK, response.StatusCode)
			log := s.logged()[before:]
			if tc.want == "" {
				assert.NotContains(t, log, `"level":"warn"`)
			} else {
				assert.Equal(t, 1, strings.Count(log, tc.want), log)
				assert.Contains(t, log, `"path":"/logout"`)
			}
			if !tc.anonymous && tc.want != "" {
				s.answer(nil)
				s.request("GET", "/", "Cookie", cookie)
				assert.Equal(t, tc.signedOut, s.last().Header.Get("X-Session-User") == "")
			}
		})
	}
}

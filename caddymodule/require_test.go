package caddymodule_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Only a navigation is sent to forbidden_path; scripts and Next.js's client get a
// status that they understand.
func TestForbiddenPath(t *testing.T) {
	s := serve(t, `
	session_guard {
		auth /admin/* {
			require user.role admin
			require user.team core
			require fresh 1h
		}
		default hybrid
		base_path /shop
		forbidden_path /denied
	}`)
	editor, admin := s.signIn(ada), s.signIn(`{"user":{"id":"bob","role":["reader","admin"],"team":"core"}}`)
	response := s.request("GET", "/shop/admin", "Cookie", editor)
	assert.Equal(t, 307, response.StatusCode)
	assert.Equal(t, "/shop/denied", response.Header.Get("Location"))
	assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"))
	for name, headers := range map[string][]string{
		"fetch": {"Sec-Fetch-Mode", "cors"}, "rsc": {"Rsc", "1"}, "action": {"Next-Action", "00ab"},
		"prefetch": {"Next-Router-Prefetch", "1"}, "data": {"X-Nextjs-Data", "1"},
	} {
		response := s.request("GET", "/shop/admin", append(headers, "Cookie", editor)...)
		assert.Equal(t, 403, response.StatusCode, name)
		assert.Empty(t, response.Header.Get("Location"), name)
	}
	assert.Nil(t, s.last(), "the app was asked")
	assert.Equal(t, 200, s.request("GET", "/shop/admin", "Cookie", admin).StatusCode)
	assert.Equal(t, 200, s.request("GET", "/shop/denied", "Cookie", editor).StatusCode)
}

// Who may not see the page of forbidden_path either would be sent there again and
// again.
func TestForbiddenPathItselfIsRefusedWithoutARedirect(t *testing.T) {
	hook := newHookServer(t)
	for name, tc := range map[string]struct{ directives, login, refused, denied string }{
		"authorize": {
			"session_guard {\n default auth\n forbidden_path /denied\n authorize " + hook.url + "\n }",
			"/login", "/dashboard", "/denied",
		},
		"with prefixes": {
			"session_guard {\n default auth\n base_path /shop\n locales en\n forbidden_path /denied\n authorize " + hook.url + "\n }",
			"/shop/login", "/shop/en/dashboard", "/shop/en/denied",
		},
		"escapes": {
			"session_guard {\n default auth\n forbidden_path /d%c3%a9nied\n authorize " + hook.url + "\n }",
			"/login", "/dashboard", "/d%c3%a9nied",
		},
		"require behind a rewrite": {
			"rewrite /denied* /admin/denied\n session_guard {\n auth /admin/* {\n require user.role root\n }\n default hybrid\n forbidden_path /denied\n }",
			"/login", "/admin", "/denied",
		},
	} {
		t.Run(name, func(t *testing.T) {
			hook.answer(status(http.StatusNoContent))
			s := serve(t, tc.directives)
			cookie := s.signInAt(tc.login, ada)
			hook.answer(status(http.StatusForbidden))
			response := s.request("GET", tc.refused, "Cookie", cookie)
			assert.Equal(t, http.StatusTemporaryRedirect, response.StatusCode)
			assert.Equal(t, tc.denied, response.Header.Get("Location"))
			for _, path := range []string{tc.denied, tc.denied + "/", tc.denied + "?a=b"} {
				response = s.request("GET", path, "Cookie", cookie)
				assert.Equal(t, http.StatusForbidden, response.StatusCode, path)
				assert.Empty(t, response.Header.Get("Location"), path)
				assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"))
			}
			assert.Nil(t, s.last(), "the app was asked")
		})
	}
}

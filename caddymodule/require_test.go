package caddymodule_test

import (
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

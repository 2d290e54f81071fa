package caddymodule_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAPIAnswersBeforeTheGuard(t *testing.T) {
	s := serve(t, "session_api\n session_guard {\n default auth\n}")
	response := s.request("GET", "/api/session")
	assert.Equal(t, 200, response.StatusCode)
	assert.JSONEq(t, `{"session":null,"refreshThreshold":86400}`, body(t, response))
	assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
	assert.Equal(t, 307, s.request("GET", "/api/session/").StatusCode, "another path is the guard's")
	assert.Nil(t, s.last())
}

func TestAPIPathIsWhatTheBrowserSends(t *testing.T) {
	s := serve(t, "handle_path /base/* {\n session_api {\n path /base/api/session\n }\n session_guard {\n default hybrid\n }\n respond app\n}")
	assert.Equal(t, 200, s.request("GET", "/base/api/session").StatusCode)
	assert.Contains(t, body(t, s.request("GET", "/base/api/session")), `"session":null`)
	assert.Equal(t, "app", body(t, s.request("GET", "/base/other")))
}

func TestSignOutReachesTheGuard(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	assert.Equal(t, 200, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
	assert.Equal(t, 200, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
	assert.Equal(t, 307, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
}

package caddymodule_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What the build says of base path holds for every pattern and redirect of the guard, not only for its rules.
func TestBasePathOfTheBuildHoldsEverywhere(t *testing.T) {
	s := serve(t, `session_guard {
		next_build ../routes/testdata/builds/16.4-basepath
		auth /dashboard/* {
			require user.role owner
		}
		default hybrid
		handoff /api/sign-in
		forbidden_path /denied
	}`)
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
	assert.Empty(t, cookieHeader(s.request("POST", "/base/other")), "a handoff counts only on its path")
	cookie := cookieHeader(s.request("POST", "/base/api/sign-in"))
	assert.Contains(t, cookie, "session=ey")
	s.answer(nil)
	assert.Equal(t, "/base/denied", s.request("GET", "/base/dashboard", "Cookie", cookie).Header.Get("Location"))
}

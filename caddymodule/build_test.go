package caddymodule_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

// A new build is read while Caddy runs, with its locales, and one that is broken is not.
func TestNewBuildIsRead(t *testing.T) {
	folder := writeBuild(t)
	s := serve(t, "session_guard {\n auth /dashboard/*\n default hybrid\n handoff /sign-in\n next_build "+folder+"\n }")
	runs := func(id string) bool {
		return s.request("POST", "/about", "Next-Action", id).StatusCode == http.StatusOK
	}
	require.True(t, runs("00aa"))
	require.False(t, runs("beef"))
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	write("routes-manifest.json", `{"basePath":"/shop"}`)
	write("server/server-reference-manifest.json", `{"node":{"beef":{"workers":{"app/about/page":{}}}}}`)
	write("BUILD_ID", "c")
	require.Eventually(t, func() bool { return runs("beef") }, 5*time.Second, 50*time.Millisecond)
	require.False(t, runs("00aa"), "of the build before")
	assert.NotEmpty(t, s.signInAt("/shop/sign-in", ada), "the patterns of handoff take the new base path")
	write("server/server-reference-manifest.json", `{`)
	write("BUILD_ID", "d")
	require.Eventually(t, func() bool { return strings.Contains(s.logged(), "the app's new build cannot be used") }, 5*time.Second, 50*time.Millisecond)
	require.True(t, runs("beef"), "the last good one stays")
}

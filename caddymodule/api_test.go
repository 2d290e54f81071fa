package caddymodule_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/caddymodule"
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

// The guard takes the session's cookie from every request. An API behind it, as in
// a handle, answers as one in front does wherever the rules let the request pass.
func TestAPIBehindTheGuard(t *testing.T) {
	const guard = "session_guard {\n auth /dashboard/* /api/session/all\n default hybrid\n client_update name\n}\n"
	for name, directives := range map[string]string{
		"in front":    "session_api\n" + guard,
		"in a handle": guard + "handle /api/session* {\n session_api\n}\n",
		"in a route":  "route {\n" + guard + "session_api\n reverse_proxy {{app}}\n}\n",
		"sent late":   "route {\n templates {\n mime application/json\n }\n" + guard + "session_api\n reverse_proxy {{app}}\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, directives)
			cookie := s.signIn(ada)
			read := s.request("GET", "/api/session", "Cookie", "theme=dark; "+cookie)
			assert.Contains(t, body(t, read), `"id":"ada"`)
			assert.Empty(t, read.Header["Set-Cookie"])
			assert.Equal(t, []string{"private, no-store"}, read.Header["Cache-Control"])
			assert.Contains(t, body(t, s.request("GET", "/api/session")), `"session":null`)
			assert.Equal(t, 401, s.request("POST", "/api/session").StatusCode)

			refreshed := s.request("POST", "/api/session", "Cookie", cookie)
			assert.Equal(t, 200, refreshed.StatusCode)
			assert.Len(t, refreshed.Header["Set-Cookie"], 1)
			assert.Equal(t, 200, s.request("GET", "/dashboard", "Cookie", cookieHeader(refreshed)).StatusCode)

			gone := s.request("DELETE", "/api/session", "Cookie", cookie)
			assert.Equal(t, 200, gone.StatusCode)
			assert.Len(t, gone.Header["Set-Cookie"], 4, "the cookie and its chunks")
			assert.Empty(t, cookieHeader(gone))
			assert.Equal(t, 307, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
			log := s.logged()
			assert.Equal(t, 1, strings.Count(log, `"signed out"`))
			assert.Zero(t, strings.Count(log, "something like a handoff"))
		})
	}
}

// What the guard has slid is sent once, and not slid again.
func TestSlidingAPIBehindTheGuard(t *testing.T) {
	t.Setenv("SESSION_SECRET", "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f")
	hook := newHookServer(t)
	cookie := serve(t, "session_guard {\n default hybrid\n expiry 1h\n}").signIn(ada)
	guard := "session_guard {\n default hybrid\n expiry 7d\n refresh_threshold 6d\n on_refresh " + hook.url + "/refresh\n}\n"
	for _, directives := range []string{"session_api\n" + guard, guard + "handle /api/session {\n session_api\n}\n"} {
		s := serve(t, directives)
		response := s.request("GET", "/api/session", "Cookie", cookie)
		assert.Equal(t, 200, response.StatusCode)
		assert.Len(t, response.Header["Set-Cookie"], 1)
		assert.Len(t, hook.calls(), 1)
		require.NoError(t, caddy.Stop()) // a reload would remember what was slid
	}
}

// Who may not pass the guard is nobody to an API in an error route.
func TestAPIInAnErrorRouteKnowsNobody(t *testing.T) {
	s := serve(t, `session_guard {
		auth /api/session {
			require user.role editor
		}
		default hybrid
	}
	handle_errors {
		session_api
	}`)
	cookie := s.signIn(ada)
	response := s.request("GET", "/api/session", "Cookie", cookie)
	assert.Contains(t, body(t, response), `"session":null`)
	assert.Empty(t, response.Header["Set-Cookie"])
}

func TestSignOutReachesTheGuard(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	assert.Equal(t, 200, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
	assert.Equal(t, 200, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
	assert.Equal(t, 307, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
}

// While the realm cannot be opened the API has no session to show. The rest of the site
// is none of its business.
func TestBrokenRealmBreaksTheAPIAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		StorageRaw: fmt.Appendf(nil, `{"module": "file_system", "root": %q}`, file), // below which there can be no folder
		AppsRaw:    caddy.ModuleMap{"session": []byte(`{}`)},
	})
	require.NoError(t, err)
	module, err := ctx.LoadModuleByID("http.handlers.session_api", nil)
	require.NoError(t, err)
	ask := func(path string) (passed bool, err error) {
		next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			passed = true
			return nil
		})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		err = module.(*caddymodule.API).ServeHTTP(httptest.NewRecorder(), r, next)
		return passed, err
	}
	for _, path := range []string{"/", "/api/session/", "/api/sessions"} {
		passed, err := ask(path)
		require.NoError(t, err, path)
		assert.True(t, passed, path)
	}
	passed, err := ask("/api/session")
	answer, ok := errors.AsType[caddyhttp.HandlerError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	assert.False(t, passed)
}

// Pages of the trusted origins may change the session, those of others may not.
func TestTrustedOriginsOfTheAPI(t *testing.T) {
	s := serve(t, "session_api {\n trusted_origins https://admin.example.com\n }\n session_guard {\n default hybrid\n }")
	for origin, code := range map[string]int{"https://admin.example.com": http.StatusOK, "https://evil.example.com": http.StatusForbidden} {
		response := s.request("DELETE", "/api/session", "Cookie", s.signIn(ada), "Origin", origin, "Sec-Fetch-Site", "cross-site")
		assert.Equal(t, code, response.StatusCode, origin)
	}
}

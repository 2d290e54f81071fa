package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ownedActions are the Server Actions of the build that writeBuild writes, by the pages that own them.
var ownedActions = map[string][]string{
	"00ad": {"/admin"}, "00ed": {"/editors"}, "00da": {"/dashboard"}, "0010": {"/login"}, "0000": {"/"},
	"00ae": {"/admin", "/editors"}, "00az": {"/admin", "/zoo"}, "00aa": {"/admin", "/about"}, "00ff": nil,
}

// writeBuild writes the manifests of a build of Next.js and returns its folder.
func writeBuild(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	var pages, actions []string
	for _, page := range []string{"/admin", "/editors", "/dashboard", "/login", "/about", "/zoo"} {
		pages = append(pages, `"`+page+`/page":"`+page+`"`)
	}
	for id, owners := range ownedActions {
		var workers []string
		for _, owner := range owners {
			workers = append(workers, `"app`+strings.TrimSuffix(owner, "/")+`/page":{}`)
		}
		actions = append(actions, `"`+id+`":{"workers":{`+strings.Join(workers, ",")+`}}`)
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "server"), 0o700))
	for name, text := range map[string]string{
		"BUILD_ID": "b", "routes-manifest.json": "{}", "app-path-routes-manifest.json": `{"/page":"/",` + strings.Join(pages, ",") + "}",
		"server/server-reference-manifest.json": `{"node":{` + strings.Join(actions, ",") + "}}",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	return folder
}

// Next.js runs any action at any path, so what an action's pages require holds wherever it is posted.
func TestActionKeepsTheRequirementsOfItsOwners(t *testing.T) {
	s := serve(t, withHooks("next_build "+writeBuild(t)))
	admin, editor := s.signIn(ada), s.signIn(strings.Replace(ada, `"admin"`, `"editor"`, 1))
	guest := s.signIn(`{"user":{"id":"guest"}}`)
	for _, tc := range []struct {
		action                          string
		anonymous, admin, editor, guest int
	}{
		{"00ad", 401, 200, 403, 403},
		{"00ed", 401, 403, 200, 403},
		{"00ae", 401, 200, 200, 403}, // one page is enough
		{"00aa", 200, 200, 200, 200},
		{"00da", 401, 200, 200, 200},
		{"0000", 200, 200, 200, 200},
		{"00ff", 401, 403, 403, 403}, // of no page that is known
		{"beef", 401, 200, 200, 200}, // of another build
	} {
		for _, path := range []string{"/", "/about", "/dashboard", "/_next/static/x"} {
			for cookie, status := range map[string]int{"": tc.anonymous, admin: tc.admin, editor: tc.editor, guest: tc.guest} {
				if path == "/dashboard" && cookie == "" {
					status = http.StatusUnauthorized
				}
				response := s.request("POST", path, "Next-Action", tc.action, "Cookie", cookie)
				assert.Equal(t, status, response.StatusCode, "%s at %s: %.20s", tc.action, path, cookie)
				assert.Equal(t, status == http.StatusOK, s.last() != nil, "%s at %s", tc.action, path)
				if status == http.StatusForbidden {
					assert.Equal(t, "text/plain", response.Header.Get("Content-Type"))
				}
			}
		}
	}
	assert.Equal(t, http.StatusForbidden, s.request("POST", "/admin", "Next-Action", "0000", "Cookie", guest).StatusCode, "the path's own requirements hold too")
}

// An action of the login page alone does what that page does for somebody who is signed in: it leads home.
func TestActionOfAPublicPageLeadsHome(t *testing.T) {
	s := serve(t, withHooks("next_build "+writeBuild(t)))
	cookie := s.signIn(ada)
	for _, path := range []string{"/", "/login"} {
		response := s.request("POST", path, "Next-Action", "0010", "Cookie", cookie)
		assert.Equal(t, "/dashboard", response.Header.Get("X-Action-Redirect"), path)
		assert.Nil(t, s.last(), path)
		s.request("POST", path, "Next-Action", "0010")
		assert.NotNil(t, s.last(), path)
	}
}

// The hook has its say about an action of auth pages wherever that is posted.
func TestAuthorizeHookIsAskedAboutActionsOfAuthPages(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url, "next_build "+writeBuild(t)))
	cookie := s.signIn(ada)
	for _, tc := range []struct {
		action, path string
		rules        []string
	}{
		{"00ad", "/", []string{"auth /admin/*"}},
		{"00ae", "/", []string{"auth /admin/*"}}, // the other page lets ada not in
		{"00ad", "/admin", []string{"auth /admin/*"}},
		{"00ad", "/dashboard", []string{"auth /dashboard/*", "auth /admin/*"}},
		{"00ad", "/_next/static/x", []string{"auth /admin/*"}},
		{"00aa", "/", nil},
		{"00az", "/", nil}, // the open page that owns it stands behind the one that the hook guards
		{"00aa", "/dashboard", []string{"auth /dashboard/*"}},
		{"0000", "/", nil},
		{"beef", "/", nil},
	} {
		s.request("POST", tc.path, "Next-Action", tc.action, "Cookie", cookie)
		assert.NotNil(t, s.last(), "%s at %s", tc.action, tc.path)
		var rules []string
		for _, call := range hook.calls() {
			rules = append(rules, call.body["rule"].(string))
			assert.Equal(t, "action", call.body["kind"])
		}
		assert.Equal(t, tc.rules, rules, "%s at %s", tc.action, tc.path)
	}
	hook.answer(status(http.StatusForbidden))
	response := s.request("POST", "/", "Next-Action", "00ad", "Cookie", cookie)
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.Nil(t, s.last())
}

// A session that the validate hook has ended runs no action, on paths of static files neither.
func TestValidateHookHoldsForActionsOnStaticPaths(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks(hook.validate("")))
	cookie := s.signIn(ada)
	hook.answer(status(http.StatusUnauthorized))
	response := s.request("POST", "/_next/static/x", "Next-Action", "00ab", "Cookie", cookie)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Nil(t, s.last())
}

func TestExplainActionOfPagesThatTheSessionMayNotVisit(t *testing.T) {
	build := writeBuild(t)
	s := serve(t, withHooks("authorize http://127.0.0.1:1", "next_build "+build))
	for role, want := range map[string]map[string]any{
		"admin":  {"decision": "pass", "hooks": []any{"authorize"}},
		"editor": {"decision": "forbidden", "status": 403.0, "reason": "a Server Action; this session may visit none of the pages that own it in next_build"},
	} {
		cookie := s.signIn(strings.Replace(ada, `"admin"`, `"`+role+`"`, 1))
		code, text := admin(t, "POST", "/session/explain", `{"method":"POST","url":"http://`+s.addr+`/","headers":{"Next-Action":["00ad"],"Cookie":["`+cookie+`"]}}`)
		require.Equal(t, http.StatusOK, code, text)
		var explained map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &explained))
		for member, value := range want {
			assert.Equal(t, value, explained[member], "%s: %s", role, member)
		}
	}
	code, text := admin(t, "POST", "/session/explain", `{"method":"POST","url":"http://`+s.addr+`/","headers":{"Next-Action":["0000"],"Content-Type":["application/x-www-form-urlencoded"]}}`)
	require.Equal(t, http.StatusOK, code, text)
	assert.Contains(t, text, "a Server Action with a Content-Type that no client sends")
}

// What Next.js passes on to another host gets the session there, and its answer counts as
// the app's.
func TestRewritesToAnotherHostAreWarnedOf(t *testing.T) {
	folder := writeBuild(t)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "routes-manifest.json"), []byte(
		`{"rewrites":[{"source":"/ingest/:path*","destination":"https://eu.example/:path*","regex":"^/ingest(?:/.*)?$"},{"source":"/alias","destination":"/about","regex":"^/alias$"}]}`), 0o600))
	for handoff, warned := range map[string]bool{
		"": true, "handoff /login\n": true, "handoff /login\n identity_headers on\n": true, "identity_headers user\n": true, "handoff /login\n identity_headers user\n": false, "handoff off\n identity_headers off\n": false,
	} {
		s := serve(t, "session_guard {\n default auth\n next_build "+folder+"\n "+handoff+"}")
		logged := s.logged()
		assert.Equal(t, warned, strings.Contains(logged, "the app passes /ingest/:path* on to another host"), handoff)
	}
}

// Whoever guesses an action's id, or runs another build than the guard reads, is told of.
func TestActionOfAnotherBuildIsWarnedOfOnce(t *testing.T) {
	s := serve(t, "session_guard {\n auth /dashboard/*\n default hybrid\n next_build "+writeBuild(t)+"\n }")
	const warning = "a Server Action was refused because next_build does not know it"
	s.request("POST", "/dashboard", "Next-Action", "00ad") // known, and refused
	assert.NotContains(t, s.logged(), warning)
	for range 2 {
		assert.Equal(t, http.StatusUnauthorized, s.request("POST", "/about", "Next-Action", "beef").StatusCode)
	}
	assert.Equal(t, 1, strings.Count(s.logged(), warning))
}

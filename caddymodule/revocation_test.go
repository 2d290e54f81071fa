package caddymodule_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/caddymodule"
)

// admin asks the admin API, and returns status and body.
func admin(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	return adminAt(t, method, path, path, body)
}

// adminAt is admin for a target below the pattern of a route.
func adminAt(t *testing.T, method, path, target, body string) (int, string) {
	t.Helper()
	for _, route := range new(caddymodule.Admin).Routes() {
		if route.Pattern != path {
			continue
		}
		r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		recorder := httptest.NewRecorder()
		err := route.Handler.ServeHTTP(recorder, r)
		if failed, ok := errors.AsType[caddy.APIError](err); ok {
			return failed.HTTPStatus, failed.Err.Error()
		}
		require.NoError(t, err)
		return recorder.Code, recorder.Body.String()
	}
	t.Fatalf("the admin API has no %s", path)
	return 0, ""
}

func (s *site) wantOnDashboard(cookie string, want int) {
	s.t.Helper()
	require.Equal(s.t, want, s.request("GET", "/dashboard/x", "Cookie", cookie).StatusCode)
}

// CSRF: a form or a script of another site, opened in a browser on Caddy's machine, may
// post these types to the admin API without being asked whether it may.
func TestAttackRevokeFromAnotherSite(t *testing.T) {
	routes := new(caddymodule.Admin).Routes()
	revoke := routes[slices.IndexFunc(routes, func(r caddy.AdminRoute) bool { return r.Pattern == "/session/revoke" })].Handler
	for _, mediaType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/session/revoke", strings.NewReader(`{"all":true}`))
		r.Header.Set("Content-Type", mediaType)
		failed, _ := errors.AsType[caddy.APIError](revoke.ServeHTTP(httptest.NewRecorder(), r))
		require.Equal(t, http.StatusBadRequest, failed.HTTPStatus, mediaType)
		require.ErrorContains(t, failed.Err, "send the header Content-Type: application/json", mediaType)
	}
}

func TestAdminEndsSessions(t *testing.T) {
	s := serve(t, "metrics /metrics\n"+guarded)
	phone, laptop, bobs := s.signIn(ada), s.signIn(ada), s.signIn(`{"user":{"id":"bob"}}`)
	s.last()
	s.wantOnDashboard(phone, http.StatusOK)
	id := s.last().Header.Get("X-Session-Data")
	require.NotEmpty(t, id)
	before := s.revoked()

	status, body := admin(t, "POST", "/session/revoke", `{"user":"ada"}`)
	require.Equal(t, http.StatusOK, status, body)
	s.wantOnDashboard(phone, http.StatusTemporaryRedirect)
	s.wantOnDashboard(laptop, http.StatusTemporaryRedirect)
	s.wantOnDashboard(bobs, http.StatusOK)
	time.Sleep(2 * time.Millisecond)
	again := s.signIn(ada)
	s.wantOnDashboard(again, http.StatusOK)

	status, body = admin(t, "POST", "/session/revoke", `{"all":true,"realm":"default"}`)
	require.Equal(t, http.StatusOK, status, body)
	s.wantOnDashboard(bobs, http.StatusTemporaryRedirect)
	s.wantOnDashboard(again, http.StatusTemporaryRedirect)

	status, body = admin(t, "GET", "/session", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"revocation":"storage"`)
	require.Contains(t, body, `"users":1`)
	require.Equal(t, before+2, s.revoked(), "the metrics count them")
}

// revoked is what the metrics say of revocations.
func (s *site) revoked() int {
	s.t.Helper()
	line := regexp.MustCompile(`caddy_session_changes_total\{change="revoked",realm="default"\} (\d+)`).
		FindStringSubmatch(body(s.t, s.request("GET", "/metrics")))
	if line == nil {
		return 0
	}
	n, err := strconv.Atoi(line[1])
	require.NoError(s.t, err)
	return n
}

func TestAdminRefusesWhatCouldEndTooMuch(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for _, refused := range []struct {
		method, body string
		status       int
	}{
		{"POST", `{}`, 400},
		{"POST", `{"user":""}`, 400},
		{"POST", `{"user":"ada","all":true}`, 400},
		{"POST", `{"users":"ada"}`, 400},
		{"POST", `{"user":"ada"}{}`, 400},
		{"POST", `{"user":"ada","realm":"other"}`, 404},
		{"POST", `{"session":"df3598827f8ec60e"}`, 400}, // the hash that the log shows would end nothing
		{"GET", ``, 405},
	} {
		status, body := admin(t, refused.method, "/session/revoke", refused.body)
		require.Equal(t, refused.status, status, "%s %s: %s", refused.method, refused.body, body)
	}
	s.wantOnDashboard(cookie, http.StatusOK)
}

func TestSignOutSurvivesRestart(t *testing.T) {
	folder := t.TempDir()
	storage := "storage file_system " + folder
	secret := "session {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n}"
	s := serve(t, guarded, storage, secret)
	cookie := s.signIn(ada)
	require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
	s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
	require.NoError(t, caddy.Stop())
	restarted := serve(t, guarded, storage, secret)
	restarted.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
}

func TestWithoutRevocationThereIsNothingToEndElsewhere(t *testing.T) {
	s := serve(t, guarded, "session {\n revocation off\n}")
	cookie := s.signIn(ada)
	require.Equal(t, http.StatusNotFound, s.request("DELETE", "/api/session/all", "Cookie", cookie).StatusCode)
	require.Equal(t, http.StatusNotFound, s.request("DELETE", "/api/session/others", "Cookie", cookie).StatusCode)
	status, _ := admin(t, "POST", "/session/revoke", `{"user":"ada"}`)
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
	s.wantOnDashboard(cookie, http.StatusTemporaryRedirect) // for a minute, on this node
}

func TestOutageClosesAuthRoutesAndLeavesTheOthersOpen(t *testing.T) {
	folder := t.TempDir()
	s := serve(t, guarded, "storage file_system "+folder,
		"session {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n revocation storage {\n poll_interval 20ms\n outage_grace 50ms\n }\n}")
	cookie, byApp, byAPI := s.signIn(ada), s.signIn(ada), s.signIn(ada)
	all := s.signIn(`{"user":{"id":"bo"}}`)
	s.wantOnDashboard(cookie, http.StatusOK)
	sessions := filepath.Join(folder, "session")
	require.NoError(t, os.Rename(sessions, sessions+".away"))
	require.NoError(t, os.WriteFile(sessions, nil, 0o600)) // so that it cannot be made anew
	require.Eventually(t, func() bool {
		return s.request("GET", "/dashboard/x", "Cookie", cookie).StatusCode == http.StatusServiceUnavailable
	}, 5*time.Second, 20*time.Millisecond)
	s.last()
	open := s.request("GET", "/", "Cookie", cookie)
	require.Equal(t, http.StatusOK, open.StatusCode)
	require.Empty(t, open.Cookies(), "the cookie of a session that may be good was cleared")
	require.Empty(t, s.last().Header.Get("X-Session-User"), "a session that may have ended is told to the app")
	require.Equal(t, http.StatusServiceUnavailable, s.request("GET", "/api/session", "Cookie", cookie).StatusCode)
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Delete", "1") })
	require.Equal(t, http.StatusServiceUnavailable, s.request("POST", "/logout", "Cookie", byApp).StatusCode, "done, says the app")
	require.Equal(t, http.StatusServiceUnavailable, s.request("DELETE", "/api/session", "Cookie", byAPI).StatusCode)
	require.Equal(t, http.StatusServiceUnavailable, s.request("DELETE", "/api/session/all", "Cookie", all).StatusCode)
	s.answer(nil)
	require.NoError(t, os.Remove(sessions))
	require.NoError(t, os.Rename(sessions+".away", sessions))
	require.Eventually(t, func() bool {
		return s.request("GET", "/dashboard/x", "Cookie", cookie).StatusCode == http.StatusOK
	}, 5*time.Second, 20*time.Millisecond)
	for name, ended := range map[string]string{"by the app": byApp, "by the API": byAPI, "all": all} {
		require.Equal(t, http.StatusTemporaryRedirect, s.request("GET", "/dashboard/x", "Cookie", ended).StatusCode, "the sign-out %s is lost", name)
	}
}

// command runs `caddy session …`.
func command(t *testing.T, input string, arguments ...string) (string, error) {
	t.Helper()
	root := &cobra.Command{Use: "session", SilenceUsage: true, SilenceErrors: true}
	caddycmd.Commands()["session"].CobraFunc(root)
	root.SetArgs(arguments)
	var out strings.Builder
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetIn(strings.NewReader(input))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCommandsSealAndOpen(t *testing.T) {
	secret, err := command(t, "", "keygen")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(secret), 0o600))
	token, err := command(t, ada, "seal", "--secret-file", file)
	require.NoError(t, err)
	opened, err := command(t, token, "open", "--secret-file", file)
	require.NoError(t, err)
	require.Contains(t, opened, `"id": "ada"`)
	require.NotContains(t, opened, "at-secret")
	shown, err := command(t, token, "open", "--secret-file", file, "--tokens")
	require.NoError(t, err)
	require.Contains(t, shown, "at-secret")

	other, err := command(t, "", "keygen")
	require.NoError(t, err)
	require.NotEqual(t, secret, other)
	t.Setenv("SESSION_SECRET", strings.TrimSpace(other))
	_, err = command(t, token, "open")
	require.Error(t, err)
	_, err = command(t, `{"user":{}}`, "seal")
	require.Error(t, err)
	_, err = command(t, `{"user":{"id":"ann"},"role":"admin"}`, "seal")
	require.ErrorContains(t, err, "role")
}

func TestCommandRevokeNeedsExactlyOneTarget(t *testing.T) {
	for _, arguments := range [][]string{{"revoke"}, {"revoke", "--user", ""}, {"revoke", "--user", "ann", "--all"}} {
		_, err := command(t, "", arguments...)
		require.ErrorContains(t, err, "exactly one")
	}
}

// Realms do not know one another's users: who ends all sessions in one of them stays signed
// in, by the same name, in the other.
func TestEndOfAllSessionsIsOfOneRealm(t *testing.T) {
	s := serve(t, "handle /shop/* {\n session_api {\n realm shop\n path /shop/api/session\n }\n session_guard {\n realm shop\n auth /shop/account\n default hybrid\n }\n reverse_proxy {{app}}\n}\n"+
		"handle {\n"+guarded+"\n reverse_proxy {{app}}\n}\n", "session shop {\n expiry 1d\n}")
	cookie, shops := s.signIn(ada), s.signInAt("/shop/sign-in", ada)
	require.Equal(t, http.StatusOK, s.request("GET", "/shop/account", "Cookie", shops).StatusCode)
	require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session/all", "Cookie", cookie+"; "+shops).StatusCode)
	s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
	assert.Equal(t, http.StatusOK, s.request("GET", "/shop/account", "Cookie", shops).StatusCode)
}

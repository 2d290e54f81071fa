package caddymodule_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// The file of the automatic keys is damaged for some looks, and then it is lost. The log
// says when an outage begins and when it ends, not at each look, and that keys were put back.
func TestLogOfAutomaticKeys(t *testing.T) {
	folder := t.TempDir()
	log, keys := filepath.Join(t.TempDir(), "caddy.log"), filepath.Join(folder, "session/default/keys.json")
	s := &site{t: t, addr: "127.0.0.1:" + freeport.For(t), app: &app{}}
	load(t, fmt.Sprintf("{\n admin off\n persist_config off\n storage file_system %s\n log {\n output file %s\n }\n}\n"+
		"http://%s {\n bind 127.0.0.1\n session_guard {\n key_rotation 4s\n auth /dashboard/*\n default hybrid\n }\n"+
		"header /sign-in X-Session-Set %s\n respond \"here\"\n}\n", folder, log, s.addr, handoff(ada))) // looks once a second
	t.Cleanup(func() { _ = caddy.Stop() })
	cookie := cookieHeader(s.request("POST", "/sign-in"))
	logged := func(message string) int {
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		return strings.Count(string(text), `"`+message)
	}
	wait := func(message string) {
		t.Helper()
		require.Eventually(t, func() bool { return logged(message) > 0 }, 10*time.Second, 50*time.Millisecond, message)
	}
	const (
		broken   = "session keys cannot be read from or written to the storage; Caddy goes on with those that it has"
		mended   = "session keys can be read and written again"
		restored = "session keys were missing in the storage"
	)
	content, err := os.ReadFile(keys)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(keys, nil, 0o600))
	wait(broken)
	time.Sleep(2500 * time.Millisecond) // more looks
	assert.Equal(t, 1, logged(broken))
	assert.Zero(t, logged(mended))
	require.NoError(t, os.WriteFile(keys, content, 0o600))
	wait(mended)
	before := logged(restored)
	require.NoError(t, os.Remove(keys))
	require.Eventually(t, func() bool { return logged(restored) > before }, 10*time.Second, 50*time.Millisecond, restored)
	assert.Equal(t, []int{1, 1}, []int{logged(broken), logged(mended)})
	s.wantOnDashboard(cookie, 200)
}

// A browser sends a cookie that this node has no key for, while the keys cannot be read:
// left over, or planted. Pages that need no session are shown, to nobody; the others and
// the session API are closed, also where a good cookie is beside it.
func TestUnreadableKeysCloseAuthRoutesOnly(t *testing.T) {
	folder := t.TempDir()
	s := serve(t, guarded, "storage file_system "+folder)
	good := s.signIn(ada)
	part := strings.Repeat("A", 22)
	foreign := "session=" + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM","kid":"AAAAAAAAAAA","typ":"session+jwt"}`)) +
		".." + part[:16] + ".AAAA." + part
	require.NoError(t, os.WriteFile(filepath.Join(folder, "session/default/keys.json"), nil, 0o600))
	for name, cookies := range map[string]string{"alone": foreign, "beside a good one": good + "; " + foreign, "before a good one": foreign + "; " + good} {
		for path, want := range map[string]int{
			"/": 200, "/login": 200, "/_next/static/a.js": 200, "/dashboard/x": 503, "/admin/x": 503, "/api/session": 503,
		} {
			s.last()
			response := s.request("GET", path, "Cookie", cookies)
			assert.Equal(t, want, response.StatusCode, "%s %s", path, name)
			assert.Empty(t, response.Cookies(), "%s %s: a cookie that may be good is taken", path, name)
			if asked := s.last(); asked != nil {
				assert.Equal(t, []string{"", "", ""}, []string{asked.Header.Get("X-Session-User"), asked.Header.Get("X-Session-Data"), asked.Header.Get("Cookie")}, "%s %s", path, name)
			}
		}
		response := s.request("DELETE", "/api/session", "Cookie", cookies)
		assert.Equal(t, 503, response.StatusCode, name)
		assert.Empty(t, response.Cookies(), "%s: who asks again would have no cookie, and be told that it is done", name)
	}
	s.wantOnDashboard(good, http.StatusTemporaryRedirect)
}

// A key that Caddy makes stays for as long as a session may live, also where that is longer
// than by default: a rotation would sign users out.
func TestAutomaticKeysLiveAsLongAsTheSessions(t *testing.T) {
	folder := t.TempDir()
	s := serve(t, withHooks("expiry 20d"), "storage file_system "+folder)
	s.signIn(ada)
	content, err := os.ReadFile(filepath.Join(folder, "session/default/keys.json"))
	require.NoError(t, err)
	var keys []struct {
		Lifetime time.Duration `json:"token_lifetime"`
	}
	require.NoError(t, json.Unmarshal(content, &keys))
	require.Len(t, keys, 1)
	assert.Equal(t, 20*24*time.Hour, keys[0].Lifetime)
}

package caddymodule_test

import (
	"fmt"
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

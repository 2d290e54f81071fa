package caddymodule

import (
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// With automatic keys each configuration takes over the keyring of the one before. It must
// not take over the rest: the opened sessions in its cache alone may be tens of megabytes.
func TestReloadKeepsNoFormerConfiguration(t *testing.T) {
	folder := t.TempDir()
	t.Cleanup(func() { _ = caddy.Stop() })
	var apps []weak.Pointer[App]
	for i := range 5 {
		require.NoError(t, caddy.Load(fmt.Appendf(nil, `{
			"admin": {"disabled": true, "config": {"persist": false}},
			"storage": {"module": "file_system", "root": %q},
			"apps": {"session": {"realms": {"default": {"cache_size": %d}}}}
		}`, folder, 100+i), true))
		app, err := activeApp()
		require.NoError(t, err)
		require.NotNil(t, app.realms["default"].keys, "they are automatic")
		apps = append(apps, weak.Make(app))
	}
	require.Eventually(t, func() bool {
		runtime.GC()
		for _, former := range apps[:len(apps)-1] {
			if former.Value() != nil {
				return false
			}
		}
		return true
	}, 10*time.Second, 50*time.Millisecond)
	require.NotNil(t, apps[len(apps)-1].Value())
}

// A load that fails leaves the configuration before as it was: its terms of an outage, and its
// keys.
func TestLoadThatFailsLeavesTheTermsOfTheOneBefore(t *testing.T) {
	folder := t.TempDir() // so that it is removed after Caddy, which writes into it, has stopped
	t.Cleanup(func() { _ = caddy.Stop() })
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	config := func(rule, listen string) []byte {
		return fmt.Appendf(nil, `{
			"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
			"apps": {"session": {"realms": {"default": {"revocation": {"module": "storage", "on_outage": %q}}}},
				"http": {"servers": {"a": {"listen": [%q], "routes": [{"handle": [{"handler": "session_guard", "default": "auth"}]}]}}}}
		}`, folder, rule, listen)
	}
	require.NoError(t, caddy.Load(config("closed", "127.0.0.1:0"), true))
	app, err := activeApp()
	require.NoError(t, err)
	r := app.realms["default"]
	set, keys := r.revocations.(*sharedRevocations), r.keysInUse.Load()
	for range 10 { // Caddy starts apps in no order, so the realm is not always ready when the port is refused
		require.Error(t, caddy.Load(config("open", taken.Addr().String()), true))
	}
	require.Eventually(t, func() bool { return set.outage.Load().OnOutage == "closed" }, 5*time.Second, 10*time.Millisecond)
	assert.Same(t, keys, r.keysInUse.Load())
	require.NoError(t, caddy.Load(config("open", "127.0.0.1:0"), true))
	assert.Equal(t, "open", set.outage.Load().OnOutage)
}

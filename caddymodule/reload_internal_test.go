package caddymodule

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/stretchr/testify/require"
)

// With automatic keys each configuration takes over the keyring of the one before. It must
// not take over the rest: the opened sessions in its cache alone may be tens of megabytes.
func TestReloadKeepsNoFormerConfiguration(t *testing.T) {
	t.Cleanup(func() { _ = caddy.Stop() })
	folder := t.TempDir()
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

package caddymodule

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// unready is a place of revocations that cannot be opened yet.
type unready struct{ NoRevocation }

func (*unready) Place() string { return "nowhere" }

func (*unready) Open(string, certmagic.Storage) (RevocationLog, error) {
	return nil, errors.New("not yet")
}

// provisionRealm is the default realm of a configuration of the app session.
func provisionRealm(t *testing.T, config string) *realm {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{AppsRaw: caddy.ModuleMap{"session": []byte(config)}})
	require.NoError(t, err)
	app, err := appOf(ctx)
	require.NoError(t, err)
	realm, err := app.realm("")
	require.NoError(t, err)
	return realm
}

// Every request tries to make the manager until one can. Each would leave a goroutine
// behind that maintains keys of its own.
func TestFailedManagersShareTheirKeys(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	realm := provisionRealm(t, `{}`)
	realm.revocationModule = new(unready)
	if _, err := realm.manager(t.Context()); err == nil || realm.keys == nil {
		t.Fatalf("%v, keys %v", err, realm.keys)
	}
	first := realm.keys
	if _, err := realm.manager(t.Context()); err == nil || realm.keys != first {
		t.Errorf("%v, the second attempt made keys of its own", err)
	}
}

// Each setting reaches the core.
func TestSettingsReachTheCore(t *testing.T) {
	off, on, none := OnOff(false), OnOff(true), 0
	core := func(settings Settings) session.Settings {
		r := newRealm(&App{logger: zap.NewNop()}, "shop")
		r.settings = settings
		return r.core()
	}
	assert.Equal(t, session.NoMaxLifetime, core(Settings{MaxLifetime: Off}).MaxLifetime)
	assert.Equal(t, time.Hour, core(Settings{MaxLifetime: OptionalDuration(time.Hour)}).MaxLifetime)
	assert.Equal(t, session.NoCache, core(Settings{CacheSize: &none}).CacheSize)
	assert.True(t, core(Settings{CookieLifetime: "browser"}).BrowserLifetime)
	assert.True(t, core(Settings{AutoRefresh: &off}).NoAutoRefresh)
	assert.True(t, core(Settings{ExposeTokens: &on}).ExposeTokens)
	assert.True(t, core(Settings{ForwardCookie: &on}).ForwardCookie)
	assert.True(t, core(Settings{Validate: &ValidateHook{OnOutage: "keep"}}).KeepUnvalidated)
	assert.Zero(t, core(Settings{Validate: &ValidateHook{Cache: Off}}).ValidFor)
	assert.Equal(t, 30*time.Second, core(Settings{Validate: &ValidateHook{}}).ValidFor)
	assert.Equal(t, "shop", core(Settings{}).Realm)
	plain := core(Settings{})
	assert.Zero(t, plain.MaxLifetime)
	assert.Zero(t, plain.CacheSize)
	assert.False(t, plain.BrowserLifetime || plain.NoAutoRefresh || plain.ExposeTokens || plain.ForwardCookie || plain.KeepUnvalidated)
}

// A trusted proxy says how the browser came, in whatever letters, and in a list first.
func TestSecureByATrustedProxy(t *testing.T) {
	r := newRealm(&App{logger: zap.NewNop()}, "default")
	for forwarded, want := range map[string]bool{"https": true, "HTTPS": true, " https , http": true, "https,http": true, "http, https": false, "http": false, "": false, "httpsx": false} {
		for _, trusted := range []bool{true, false} {
			req := prepare(httptest.NewRequest("GET", "/", nil))
			caddyhttp.SetVar(req.Context(), caddyhttp.TrustedProxyVarKey, trusted)
			req.Header["X-Forwarded-Proto"] = []string{forwarded}
			assert.Equal(t, want && trusted, r.isSecure(req), "%q, trusted: %t", forwarded, trusted)
			req.TLS = new(tls.ConnectionState)
			assert.True(t, r.isSecure(req))
		}
	}
}

// Realms share neither keys nor what is remembered of their sessions, nor where Redis keeps
// what has ended.
func TestRealmsShareNothing(t *testing.T) {
	folder := t.TempDir()
	t.Cleanup(func() { _ = caddy.Stop() })
	require.NoError(t, caddy.Load(fmt.Appendf(nil, `{
		"admin": {"disabled": true, "config": {"persist": false}},
		"storage": {"module": "file_system", "root": %q},
		"apps": {"session": {"realms": {"default": {"expiry": "1h"}, "staff": {"expiry": "1h"}}}}
	}`, folder), true))
	app, err := activeApp()
	require.NoError(t, err)
	a, b := app.realms["default"], app.realms["staff"]
	require.NotNil(t, a.keysInUse)
	require.NotNil(t, b.keysInUse)
	assert.NotSame(t, a.keysInUse, b.keysInUse)
	assert.NotSame(t, a.memory, b.memory)
	assert.NotEqual(t, a.revocations, b.revocations)

	one, err := (&RedisRevocation{url: "redis://127.0.0.1:1"}).Open("default", nil)
	require.NoError(t, err)
	two, err := (&RedisRevocation{url: "redis://127.0.0.1:1"}).Open("staff", nil)
	require.NoError(t, err)
	x, y := one.(*redisLog), two.(*redisLog)
	assert.NotEqual(t, x.stream, y.stream)
	assert.NotEqual(t, x.list, y.list)
	assert.NotEqual(t, x.updates, y.updates)
	require.NoError(t, one.Close())
	require.NoError(t, two.Close())
}

package caddymodule_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pluginMatcher stands for one of another plugin.
type pluginMatcher struct{}

var pluginAsked atomic.Int64

var pluginPanics atomic.Bool

func init() { caddy.RegisterModule(pluginMatcher{}) }

func (pluginMatcher) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.of_a_plugin", New: func() caddy.Module { return new(pluginMatcher) }}
}

func (*pluginMatcher) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (*pluginMatcher) MatchWithError(*http.Request) (bool, error) {
	if pluginAsked.Add(1); pluginPanics.Load() {
		panic("no request of a client")
	}
	return false, nil
}

// What another plugin makes of requests that no client has sent must not keep Caddy from starting.
func TestMatcherOfAPluginThatPanicsDoesNotStopTheCheck(t *testing.T) {
	pluginPanics.Store(true)
	t.Cleanup(func() { pluginPanics.Store(false) })
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\n}\nhttp://a.example {\nsession_guard {\nauth /dashboard/*\ndefault hybrid\n}\n@x of_a_plugin\nhandle @x {\nrewrite * /x{path}\n}\nreverse_proxy localhost:3000\nhandle_errors {\n@y of_a_plugin\nreverse_proxy @y localhost:3000\n}\n}\nhttp://b.example {\nreverse_proxy localhost:3000\n}"), 0o600))
	output, err := sessionCommand(t, "check", "--config", file)
	require.NoError(t, err)
	assert.Contains(t, output, "b.example: reverse_proxy sends requests to localhost:3000 without a session_guard", "what needs no request is found")

	file = filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\n}\nhttp://a.example {\n@x of_a_plugin\nrewrite @x /x\nsession_guard {\ndefault auth\n}\n}"), 0o600))
	_, err = sessionCommand(t, "explain", "--config", file, "GET", "http://a.example/")
	assert.ErrorContains(t, err, "a matcher or a handler of the configuration failed: no request of a client")
}

// A site is asked a bounded number of times, however many paths its rules and matchers name, and for
// its own paths only.
func TestMatcherOfAPluginIsAskedForABoundedNumberOfRequests(t *testing.T) {
	check := func(rules, others int) int64 {
		var config strings.Builder
		config.WriteString("{\nadmin off\n}\nhttp://a.example {\nsession_guard {\n")
		for i := range rules {
			fmt.Fprintf(&config, "auth /rule%d/*\n", i)
		}
		config.WriteString("default hybrid\n}\n@x of_a_plugin\nhandle @x {\nrewrite * /x{path}\n}\n")
		for i := range rules {
			fmt.Fprintf(&config, "handle_path /folder%d/* {\nreverse_proxy localhost:%d\n}\n", i, 4000+i)
		}
		config.WriteString("}\n")
		for i := range others {
			fmt.Fprintf(&config, "http://b%d.example {\nsession_guard {\ndefault hybrid\n}\nhandle_path /x/* {\nreverse_proxy localhost:2000\n}\n}\n", i)
		}
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, []byte(config.String()), 0o600))
		before := pluginAsked.Load()
		_, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		return pluginAsked.Load() - before
	}
	assert.Equal(t, check(2, 0), check(2, 20))
	assert.LessOrEqual(t, check(100, 0), int64(10000))
}

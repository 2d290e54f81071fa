package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever reaches the app around the guard may claim to be anybody, by its own headers.
func TestWaysAroundTheGuardAreFound(t *testing.T) {
	const guard = "session_guard {\n default auth\n}\n"
	const open = "localhost:3000 that no session_guard has seen"
	for name, tc := range map[string]struct {
		caddyfile string
		says      []string
	}{
		"all is guarded":                 {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"in one handle only":             {"http://a.example {\nhandle /dashboard/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: ", open}},
		"in each handle":                 {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"before every handle":            {"http://a.example {\n" + guard + "handle /x/* {\nreverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", nil},
		"another app":                    {"http://a.example {\nhandle /grafana/* {\nreverse_proxy localhost:4000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"behind the proxy":               {"http://a.example {\nroute {\nreverse_proxy localhost:3000\n" + guard + "}\n}", []string{"a.example: ", open}},
		"on another site":                {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\n}\nhttp://b.example {\nreverse_proxy localhost:3000\n}", []string{"b.example: ", open}},
		"for errors, the guard's denial": {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\nhandle_errors {\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: ", open}},
		"by a named route":               {"&(app) {\nreverse_proxy localhost:3000\n}\nhttp://a.example {\n" + guard + "invoke app\n}\nhttp://b.example {\ninvoke app\n}", []string{"b.example: ", open}},
		"by one that invokes itself":     {"&(app) {\n" + guard + "@old path /old/*\nhandle @old {\nuri strip_prefix /old\ninvoke app\n}\nreverse_proxy localhost:3000\n}\nhttp://a.example {\ninvoke app\n}", []string{"a request meets two session_guards"}},
		"the API without a guard":        {"http://a.example {\nsession_api\nreverse_proxy localhost:3000\n}", []string{"a.example: ", open}},
		"another site's API":             {"http://a.example {\nsession_api\nrespond ok\n}\nhttp://b.example {\nreverse_proxy localhost:3000\n}", nil},
		"two guards":                     {"http://a.example {\n" + guard + guard + "reverse_proxy localhost:3000\n}", []string{"a request meets two session_guards (the second at Caddyfile:8); keep one"}},
		"the API in a handle":            {"http://a.example {\n" + guard + "handle /api/session {\nsession_api\n}\nreverse_proxy localhost:3000\n}", []string{"put it before, outside of handle"}},
		"the API behind the guard":       {"http://a.example {\nroute {\n" + guard + "session_api\nreverse_proxy localhost:3000\n}\n}", []string{"session_api (Caddyfile:9) stands behind session_guard"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\n}\n"+tc.caddyfile), 0o600))
			output, err := sessionCommand(t, "check", "--config", file)
			require.NoError(t, err)
			if tc.says == nil {
				assert.NotContains(t, output, "warning")
			}
			for _, part := range tc.says {
				assert.Contains(t, output, part)
			}
			assert.LessOrEqual(t, strings.Count(output, "warning"), 1)
		})
	}
}

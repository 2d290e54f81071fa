package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No token, key or secret gets into a log, whatever a client or the app does, and
// no environment variable into the adapted configuration.
func TestNothingSecretIsLogged(t *testing.T) {
	const secret = "9vK2mQx7Lr4TfW8zYb3NcH6pJd1GsE5u"
	t.Setenv("SESSION_SECRET", secret)
	logFile := filepath.Join(t.TempDir(), "caddy.log")
	s := serve(t, guarded+"\n log {\n output file "+logFile+"\n level DEBUG\n }",
		"log named {\n output file "+logFile+"\n level DEBUG\n exclude http.handlers.reverse_proxy http.reverse_proxy\n }")
	cookie := s.signIn(ada)
	s.request("GET", "/dashboard", "Cookie", cookie)
	s.request("GET", "/dashboard", "Cookie", cookie[:len(cookie)-4]+"AAAA")
	s.request("GET", "/login", "Cookie", cookie)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("X-Session-Set", handoff(ada))
		w.Header().Add("X-Session-Set", handoff(`{"user":{"id":"b"},"accessToken":"other-secret"}`))
	})
	require.Equal(t, 502, s.request("POST", "/", "Cookie", cookie).StatusCode)
	s.answer(nil)
	for _, method := range []string{"GET", "POST", "DELETE"} {
		s.request(method, "/api/session", "Cookie", cookie)
	}
	logged, err := os.ReadFile(logFile)
	require.NoError(t, err)
	require.Contains(t, string(logged), `"decision":"pass"`, "the log has what it is searched for")
	token := strings.TrimPrefix(cookie, "session=")
	parts := strings.Split(token, ".")
	for _, found := range []string{secret, token, parts[3], parts[4], "at-secret", "rt-secret", "other-secret", handoff(ada)} {
		assert.False(t, bytes.Contains(logged, []byte(found)), "the log shows a secret of %d bytes", len(found))
	}
}

func TestAdaptShowsNoSecretOfTheEnvironment(t *testing.T) {
	const secret = "9vK2mQx7Lr4TfW8zYb3NcH6pJd1GsE5u"
	t.Setenv("MY_SECRET", secret)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(
		":80 {\n session_api {\n api_key {env.MY_SECRET}\n }\n session_guard {\n secret {env.MY_SECRET}\n default auth\n }\n}"), nil)
	require.NoError(t, err)
	assert.True(t, json.Valid(adapted))
	assert.NotContains(t, string(adapted), secret)
	assert.Contains(t, string(adapted), "{env.MY_SECRET}")
}

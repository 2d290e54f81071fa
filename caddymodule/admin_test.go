package caddymodule_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

func TestAdminReadsRevocationsStrictly(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for _, refused := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"a member twice", `{"user":"bob","user":"ada"}`, 400, "user"},
		{"another letter case", `{"User":"ada"}`, 400, "User"},
		{"another letter case beside the right one", `{"user":"bob","USER":"ada"}`, 400, "USER"},
		{"no text", `{"user":7}`, 400, "user"},
		{"null", `{"user":null,"session":"one"}`, 400, "user"},
		{"all as text", `{"all":"true"}`, 400, "all"},
		{"an array", `["ada"]`, 400, "one JSON object"},
		{"junk after the object", `{"user":"ada"} ada`, 400, "one JSON object"},
		{"an id with a line break", `{"user":"ada\n"}`, 400, "control characters"},
		{"an id with outer white space", `{"user":" ada"}`, 400, "white space"},
		{"a large body", `{"user":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "65536 bytes"},
	} {
		status, text := admin(t, "POST", "/session/revoke", refused.body)
		assert.Equal(t, refused.status, status, "%s: %s", refused.name, text)
		assert.Contains(t, text, refused.says, refused.name)
	}
	s.wantOnDashboard(cookie, http.StatusOK)
}

func TestLogSaysWhatTheAdminAPIEnded(t *testing.T) {
	s := serve(t, guarded)
	for _, asked := range []struct{ body, has, hasNot string }{
		{`{"user":"ada"}`, `"user_id":"ada"`, `"all"`},
		{`{"session":"one"}`, `"session":"`, `"all"`},
		{`{"all":true}`, `"all":true`, `"user_id"`},
	} {
		status, text := admin(t, "POST", "/session/revoke", asked.body)
		require.Equal(t, http.StatusOK, status, text)
		log := s.logged()
		var line string
		for entry := range strings.Lines(log) {
			if strings.Contains(entry, "revoked by the admin API") {
				line = entry
			}
		}
		assert.Contains(t, line, asked.has)
		assert.NotContains(t, line, asked.hasNot)
	}
}

// The admin API's router cleans paths, as all of Go's do.
func TestOddUserIDsOverTheAdminAPI(t *testing.T) {
	address := "127.0.0.1:" + freeport.For(t)
	s := serve(t, guarded, listOn, "admin "+address)
	for id, encoded := range map[string]string{".": "%2E", "..": "%2E%2E", "a//b": "a%2F%2Fb", "a/../b": "a%2F%2E%2E%2Fb"} {
		cookie := s.signIn(`{"user":{"id":"` + id + `"}}`)
		answer, err := http.Get("http://" + address + "/session/users/" + encoded)
		require.NoError(t, err)
		require.Len(t, sessionsIn(t, body(t, answer)), 1, id)
		require.NoError(t, answer.Body.Close())
		said, err := command(t, "", "revoke", "--user", id, "--address", address)
		require.NoError(t, err)
		require.Contains(t, said, `"`+id+`"`)
		s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
	}
	_, err := command(t, "", "revoke", "--user", "ada ", "--address", address)
	require.ErrorContains(t, err, "white space")
}

// Whatever else listens there and says 200 has revoked nothing.
func TestCommandRevokeKnowsTheAdminAPI(t *testing.T) {
	for _, said := range []string{"", "<!doctype html>", "{}", `{"revoked":false}`, `[true]`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, said) }))
		said, err := command(t, "", "revoke", "--user", "ada", "--address", strings.TrimPrefix(server.URL, "http://"))
		require.ErrorContains(t, err, "nothing was revoked")
		require.NotContains(t, said, "revoked:")
		server.Close()
	}
	_, err := command(t, "", "revoke", "--session", "eyJhbGciOiJkaXIifQ..abc.def.ghi")
	require.ErrorContains(t, err, "a whole token")
}

// Where there is no admin API, no address can be right.
func TestCommandRevokeSaysThatTheAdminAPIIsOff(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("Caddyfile", []byte("{\n\tadmin off\n}\n"), 0o600))
	_, err := command(t, "", "revoke", "--user", "ada")
	require.EqualError(t, err, `Caddyfile has "admin off", so a Caddy that runs with it takes no commands; remove it, and restart that Caddy`)
}

// As caddy reload, the command takes the address of the admin API from the
// Caddyfile of the folder.
func TestCommandRevokeReadsTheCaddyfileOfTheFolder(t *testing.T) {
	address, other := "127.0.0.1:"+freeport.For(t), "127.0.0.1:"+freeport.For(t)
	s := serve(t, guarded, "admin "+address)
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("Caddyfile", []byte("{\n\tadmin "+address+"\n}\n"), 0o600))
	require.NoError(t, os.WriteFile("other.caddyfile", []byte("{\n\tadmin "+other+"\n}\n"), 0o600))
	cookie := s.signIn(ada)
	_, err := command(t, "", "revoke", "--user", "ada")
	require.NoError(t, err)
	s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
	for _, arguments := range [][]string{{"--address", other}, {"--config", "other.caddyfile"}} {
		_, err = command(t, "", append([]string{"revoke", "--user", "ada"}, arguments...)...)
		require.ErrorContains(t, err, other, arguments)
		require.ErrorContains(t, err, "give its admin address with --address, or its configuration with --config", arguments)
	}
}

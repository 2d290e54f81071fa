package caddymodule_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/session"
)

// stored is every file below a folder with its content.
func stored(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	}))
	return files
}

// The command reads the keys and the ends of sessions that are there, and writes
// nothing, neither a first key nor one that is due.
func TestExplainOnlyReadsTheStorage(t *testing.T) {
	const config = `{
	admin off
	persist_config off
	storage file_system %s
	session {
		list on
	}
}

http://app.example.com {
	@staff session user.role admin
	rewrite @staff {path}
	session_guard {
		auth /admin/* {
			require fresh 1h
		}
		default auth
	}
}
`
	now := time.Now().Truncate(time.Millisecond)
	sealed := func(keys *session.Keyring, id string) string {
		token, err := keys.Seal(&session.Session{
			ID: id, User: session.User{"id": "ada"}, CreatedAt: now, LastActivity: now, ExpiresAt: now.Add(time.Hour),
		})
		require.NoError(t, err)
		return "Cookie: session=" + token
	}
	elsewhere, err := session.NewKeyring("", []byte("q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f"))
	require.NoError(t, err)
	explain := func(storage, cookie string) string {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, config, storage), 0o600))
		before := stored(t, storage)
		args := []string{"explain", "--config", file, "GET", "http://app.example.com/admin"}
		if cookie != "" {
			args = append(args, "--header", cookie)
		}
		output, _ := sessionCommand(t, args...)
		assert.Equal(t, before, stored(t, storage), "explaining writes nothing")
		return strings.Join(strings.Fields(output), " ")
	}

	empty := t.TempDir()
	assert.Contains(t, explain(empty, ""), "Cookie none")
	assert.Contains(t, explain(empty, sealed(elsewhere, "somebody")), "Cookie unknown_key Decision login")

	used := t.TempDir()
	storage := &certmagic.FileStorage{Path: used}
	longAgo := func() time.Time { return now.AddDate(0, 0, -30) }
	keys, err := session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Storage: storage, Now: longAgo}) // so that the next one is due
	require.NoError(t, err)
	log, err := new(caddymodule.StorageRevocation).Open(session.DefaultRealm, storage)
	require.NoError(t, err)
	require.NoError(t, log.Append(t.Context(), []session.Revocation{{SessionID: "ended", Until: now.Add(time.Hour)}}))
	assert.Contains(t, explain(used, sealed(keys, "alive")), "Cookie opened Decision pass")
	assert.Contains(t, explain(used, sealed(keys, "ended")), "Cookie revoked Decision login")
	assert.Contains(t, explain(used, sealed(elsewhere, "somebody")), "Cookie unknown_key Decision login")
}

package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// current is the set of the configuration that runs.
func current(t *testing.T) *sharedRevocations {
	t.Helper()
	var found []*sharedRevocations
	for _, k := range keepersOf("default") {
		if set, ok := k.(*sharedRevocations); ok {
			found = append(found, set)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d sets are open, want 1", len(found))
	}
	return found[0]
}

// A reload that keeps the revocations elsewhere brings nobody back, and what could
// not be shared in the old place is shared in the new one.
func TestMovedRevocationsForgetNoSignOut(t *testing.T) {
	s := startRedis(t)
	folder := t.TempDir()
	load := func(revocation string) *sharedRevocations {
		t.Helper()
		config := fmt.Sprintf(`{"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
			"logging": {"logs": {"default": {"writer": {"output": "file", "filename": %q}}}},
			"apps": {"session": {"realms": {"default": {"revocation": %s}}}}}`, folder, filepath.Join(folder, "log"), revocation)
		if err := caddy.Load([]byte(config), true); err != nil {
			t.Fatal(err)
		}
		return current(t)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	earlier := time.Now().Add(-time.Hour)
	bobs := func(id string) *session.Session {
		return &session.Session{ID: id, User: session.User{"id": "bob"}, CreatedAt: earlier}
	}
	bob := session.Revocation{UserID: "bob", Except: "spared", Before: time.Now(), Until: time.Now().Add(time.Hour)}

	inStorage := load(`{"module": "storage"}`)
	for _, r := range []session.Revocation{ended("shared"), bob} {
		if err := inStorage.Revoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	kept := filepath.Join(folder, "session", "default", "revocations")
	if err := os.Rename(kept, kept+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, nil, 0o600); err != nil { // so that it cannot be made anew
		t.Fatal(err)
	}
	if err := inStorage.Revoke(t.Context(), ended("pending")); err == nil {
		t.Fatal("the storage is not broken")
	}
	wantAll := func(set *sharedRevocations) {
		t.Helper()
		wantRevoked(t, set, annsSession("shared"), true)
		wantRevoked(t, set, annsSession("pending"), true)
		wantRevoked(t, set, annsSession("other"), false)
		wantRevoked(t, set, bobs("one"), true)
		wantRevoked(t, set, bobs("spared"), false)
	}

	inRedis := load(fmt.Sprintf(`{"module": "redis", "url": %q}`, s.url()))
	wantAll(inRedis)
	eventually(t, 10*time.Second, "what was pending is not shared in the new place", func() bool {
		return s.command("XLEN", "session:default:revocations") == "1"
	})
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(kept+".away", kept); err != nil {
		t.Fatal(err)
	}
	wantAll(load(`{"module": "storage"}`))
	text, err := os.ReadFile(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if warnings := strings.Count(string(text), "kept in another place"); warnings != 2 {
		t.Errorf("the log has %d warnings, want one for each move", warnings)
	}
	if strings.Contains(string(text), "lost with this process") {
		t.Error("the log says that something is lost")
	}
}

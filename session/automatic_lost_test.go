package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// The storage of a node that runs is away for some minutes, or its file is deleted. The
// sessions live on, on nodes that start afterwards too.
func TestAutomaticKeysOutliveTheirFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		running := newNode(t, storage).maintained(t)
		token := running.token(t)
		storage.set(func(s *memoryStorage) { clear(s.files) })
		time.Sleep(5 * time.Minute)
		for name, n := range map[string]node{"the node that runs": running, "one that starts": newNode(t, storage)} {
			if _, err := n.keys.Open(t.Context(), token); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A storage that has lost the keys when the configuration is loaded anew gets those
// that the configuration before has.
func TestAutomaticKeysOutliveAReload(t *testing.T) {
	secret, err := session.NewKeyring("", []byte("q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f"))
	if err != nil {
		t.Fatal(err)
	}
	storage := newStorage()
	running := newNode(t, storage)
	token := running.token(t)
	for name, tc := range map[string]struct {
		before *session.Keyring
		opens  bool
	}{"its own keys": {running.keys, true}, "a secret": {secret, false}, "nothing": {nil, false}} {
		storage.set(func(s *memoryStorage) { clear(s.files) })
		reloaded := newNode(t, storage, func(c *session.AutomaticKeys) { c.Before = tc.before })
		for who, n := range map[string]node{"the node": reloaded, "one that starts": newNode(t, storage)} {
			if _, err := n.keys.Open(t.Context(), token); (err == nil) != tc.opens {
				t.Errorf("before there was %s, and %s says %v", name, who, err)
			}
		}
	}
}

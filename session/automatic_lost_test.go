package session_test

import (
	"maps"
	"slices"
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

// The file is lost, and a node that starts makes another before the one that runs has
// put its keys back. Both end with the same keys, and no session of either ends.
func TestAutomaticKeysOutliveAFileThatAnotherNodeMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		restored := 0
		count := func(c *session.AutomaticKeys) { c.Restored = func() { restored++ } }
		a := newNode(t, storage, count).maintained(t)
		time.Sleep(10*day + 10*time.Second)
		storage.set(func(s *memoryStorage) { clear(s.files) })
		b := newNode(t, storage, count).maintained(t)
		ofB := b.token(t)
		time.Sleep(40 * time.Second)
		ofA := a.token(t) // it has not looked yet
		time.Sleep(5 * time.Minute)
		if !slices.Equal(a.keys.KeyIDs(), b.keys.KeyIDs()) || a.keys.KeyIDs()[0] != kidOf(t, ofB) {
			t.Errorf("one node has the keys %q, the other %q", a.keys.KeyIDs(), b.keys.KeyIDs())
		}
		time.Sleep(7*day - 6*time.Minute)
		nodes := map[string]node{"the one that ran": a, "the one that started": b, "one that starts now": newNode(t, storage)}
		for name, n := range nodes {
			for _, token := range []string{ofA, ofB} {
				if _, err := n.keys.Open(t.Context(), token); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		time.Sleep(20 * time.Minute)
		if ids := a.keys.KeyIDs(); len(ids) != 1 || restored != 1 {
			t.Errorf("keys %q: the first one is not retired, or came back (keys were put back %d times)", ids, restored)
		}
	})
}

// An older copy of the storage, of before the last rotation, is restored under nodes
// that run. A node that starts with it seals with a key whose time was over.
func TestAutomaticKeysOutliveAnOlderCopyOfTheirFile(t *testing.T) {
	for name, age := range map[string]time.Duration{"a day": day, "longer than the lifetime of a session": 9 * day} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				storage := newStorage()
				restored := 0
				a := newNode(t, storage, func(c *session.AutomaticKeys) { c.Restored = func() { restored++ } }).maintained(t)
				b := newNode(t, storage).maintained(t)
				older := maps.Clone(storage.files)
				time.Sleep(30*day + age + 10*time.Second)
				ofA := a.token(t)
				storage.set(func(s *memoryStorage) { s.files = older })
				late := newNode(t, storage).maintained(t)
				ofLate := late.token(t)
				if kidOf(t, ofA) == kidOf(t, ofLate) {
					t.Fatal("the older copy has the newest key")
				}
				time.Sleep(2 * time.Minute)
				for name, n := range map[string]node{"one node": a, "the other": b, "one that started": late} {
					if ids := n.keys.KeyIDs(); ids[0] != kidOf(t, ofA) || len(ids) != len(a.keys.KeyIDs()) {
						t.Errorf("%s seals with the first of %q, and a node that runs did with %s", name, ids, kidOf(t, ofA))
					}
				}
				time.Sleep(7*day - 3*time.Minute)
				for name, n := range map[string]node{"one node": a, "the other": b, "one that started": late, "one that starts now": newNode(t, storage)} {
					for whose, token := range map[string]string{"a session of before": ofA, "one of the node that started": ofLate} {
						if _, err := n.keys.Open(t.Context(), token); err != nil {
							t.Errorf("%s, %s: %v", name, whose, err)
						}
					}
				}
				time.Sleep(30 * time.Minute)
				if slices.Contains(a.keys.KeyIDs(), kidOf(t, ofLate)) {
					t.Error("the key of the older copy is not retired")
				}
				if restored > 1 {
					t.Errorf("keys were put back %d times", restored)
				}
			})
		})
	}
}

// A key that one node has retired does not come back from one whose clock is behind, and
// nothing is said to have been lost.
func TestAutomaticRetiredKeysStayRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		restored := func(c *session.AutomaticKeys) { c.Restored = func() { t.Error("keys were put back") } }
		behind := func(c *session.AutomaticKeys) {
			c.Now = func() time.Time { return time.Now().Add(-2 * time.Minute) }
		}
		a, b := newNode(t, storage, restored).maintained(t), newNode(t, storage, restored, behind).maintained(t)
		first := a.keys.KeyIDs()[0]
		time.Sleep(38 * day)
		if slices.Contains(a.keys.KeyIDs(), first) || slices.Contains(b.keys.KeyIDs(), first) {
			t.Errorf("keys %q and %q: the first one is there", a.keys.KeyIDs(), b.keys.KeyIDs())
		}
	})
}

// A storage that has lost the keys when the configuration is loaded anew gets those
// that the configuration before has.
func TestAutomaticKeysOutliveAReload(t *testing.T) {
	secret := mustKeyring(t, "", "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f")
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

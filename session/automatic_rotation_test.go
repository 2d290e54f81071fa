package session_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// One key's life: it seals for 30 days, its successor is known to all 10 minutes
// before, and it opens until the last token that it sealed is dead.
func TestAutomaticRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		a, b := newNode(t, storage).maintained(t), newNode(t, storage).maintained(t)
		first := a.keys.KeyIDs()[0]

		time.Sleep(30*day - 10*time.Minute - time.Second)
		if ids := a.keys.KeyIDs(); len(ids) != 1 {
			t.Fatalf("%d keys before the successor is due", len(ids))
		}
		time.Sleep(2*time.Minute + 2*time.Second) // one look makes it, the next look of the other sees it
		for name, n := range map[string]node{"a": a, "b": b} {
			if ids := n.keys.KeyIDs(); len(ids) != 2 || ids[0] != first {
				t.Fatalf("node %s: keys %q; the first must still seal and the second be known", name, ids)
			}
		}
		time.Sleep(8*time.Minute - 3*time.Second)
		old := a.token(t) // about the last of the first key
		if kidOf(t, old) != first {
			t.Error("the successor seals before its time")
		}
		time.Sleep(2 * time.Minute)
		young := b.token(t)
		if kidOf(t, young) == first {
			t.Error("the first key still seals after 30 days")
		}
		for _, n := range []node{a, b} {
			for _, token := range []string{old, young} {
				if _, err := n.keys.Open(t.Context(), token); err != nil {
					t.Error(err)
				}
			}
		}
		time.Sleep(7*day - 3*time.Minute)
		if _, err := b.keys.Open(t.Context(), old); err != nil {
			t.Errorf("the last token of the first key does not open until its end: %v", err)
		}
		time.Sleep(30 * time.Minute)
		if ids := a.keys.KeyIDs(); len(ids) != 1 || ids[0] == first {
			t.Errorf("keys %q: the first one is not retired", ids)
		}
		if _, err := b.keys.Open(t.Context(), old); !errors.Is(err, session.ErrUnknownKey) {
			t.Errorf("a token of a retired key: %v", err)
		}
	})
}

// expiry was raised: the key must outlive the longer tokens too.
// A short rotation is kept as well: nodes look more often then.
func TestAutomaticShortRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := func(c *session.AutomaticKeys) { c.Rotation = 10 * time.Second }
		storage := newStorage()
		a, b := newNode(t, storage, short).maintained(t), newNode(t, storage, short).maintained(t)
		seen := map[string]bool{}
		for range 60 {
			time.Sleep(time.Second)
			token := a.token(t)
			seen[kidOf(t, token)] = true
			if _, err := b.keys.Open(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(seen); n < 5 || n > 7 {
			t.Errorf("%d keys sealed in a minute of rotation every 10 seconds", n)
		}
	})
}

// A clock is a year ahead for some minutes, as at the boot of a machine whose battery is
// empty, and right again.
func TestAutomaticRotationGoesOnAfterAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		var ahead atomic.Int64
		clock := func(c *session.AutomaticKeys) {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		}
		n, other := newNode(t, storage, clock).maintained(t), newNode(t, storage).maintained(t)
		ahead.Store(int64(365 * day))
		time.Sleep(2 * time.Minute)
		ahead.Store(0)
		time.Sleep(time.Minute)
		sealed := map[string]bool{}
		for range 9 {
			token := n.token(t)
			sealed[kidOf(t, token)] = true
			time.Sleep(7*day - time.Minute)
			for name, n := range map[string]node{"it": n, "another node": other} {
				if _, err := n.keys.Open(t.Context(), token); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			time.Sleep(3*day + time.Minute)
		}
		if len(sealed) != 3 {
			t.Errorf("%d keys sealed in 90 days of rotation every 30 days", len(sealed))
		}
	})
}

// Nor does such a clock at the very first start, as of a machine whose battery is empty.
func TestAutomaticRotationGoesOnAfterAFirstKeyOfAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		var ahead atomic.Int64
		ahead.Store(int64(365 * day))
		n := newNode(t, storage, func(c *session.AutomaticKeys) {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		}).maintained(t)
		ahead.Store(0)
		sealed := map[string]bool{}
		for range 9 {
			token := n.token(t)
			sealed[kidOf(t, token)] = true
			time.Sleep(5 * day)
			if _, err := n.keys.Open(t.Context(), token); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * day)
		}
		if len(sealed) != 3 {
			t.Errorf("%d keys sealed in 90 days of rotation every 30 days", len(sealed))
		}
	})
}

// A node whose clock stays a year ahead does not make the others rotate all the time.
func TestAutomaticRotationBesideAClockThatIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		n := newNode(t, storage).maintained(t)
		first := n.keys.KeyIDs()[0]
		newNode(t, storage, func(c *session.AutomaticKeys) {
			c.Now = func() time.Time { return time.Now().Add(365 * day) }
		}).maintained(t)
		time.Sleep(6 * day)
		if ids := n.keys.KeyIDs(); ids[0] != first || len(ids) > 2 {
			t.Errorf("after 6 days the keys are %q, and the first was %s", ids, first)
		}
	})
}

func TestAutomaticKeysFollowARaisedExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		daily := func(c *session.AutomaticKeys) { c.Rotation = day }
		newNode(t, storage, daily)
		n := newNode(t, storage, daily, func(c *session.AutomaticKeys) { c.Lifetime = 9 * day }).maintained(t)
		first := n.keys.KeyIDs()[0]
		time.Sleep(9*day + 23*time.Hour)
		found := false
		for _, id := range n.keys.KeyIDs() {
			found = found || id == first
		}
		if !found {
			t.Error("the key was dropped while its tokens live")
		}
	})
}

package caddymodule

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// hangingStorage gives no answer to a kind of call while it hangs, and minds no context,
// as a file system on a dead mount. What has hung returns only when it is released.
type hangingStorage struct {
	certmagic.Storage
	hangs    atomic.Pointer[string] // the kind of call
	hung     atomic.Int32           // calls that have not returned
	released chan struct{}
}

// hang has every call of a kind hang from now on, and none if it is empty.
func (h *hangingStorage) hang(call string) { h.hangs.Store(&call) }

func (h *hangingStorage) meet(call string) {
	if hangs := h.hangs.Load(); hangs != nil && *hangs == call {
		h.hung.Add(1)
		<-h.released
		h.hung.Add(-1)
	}
}

func (h *hangingStorage) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	h.meet("list")
	return h.Storage.List(ctx, path, recursive)
}

func (h *hangingStorage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	h.meet("stat")
	return h.Storage.Stat(ctx, key)
}

func (h *hangingStorage) Load(ctx context.Context, key string) ([]byte, error) {
	h.meet("load")
	return h.Storage.Load(ctx, key)
}

// hangingNode is a node whose storage begins to hang, and a healthy one beside it.
func hangingNode(t *testing.T, folder string) (node, other *sharedRevocations, storage *hangingStorage) {
	t.Helper()
	storage = &hangingStorage{Storage: &certmagic.FileStorage{Path: folder}, released: make(chan struct{})}
	log, err := new(StorageRevocation).Open("default", storage)
	require.NoError(t, err)
	node = startNode(t, log, Outage{OnOutage: "closed", OutageGrace: caddy.Duration(time.Minute)})
	other, _ = nodeOn(t, folder, Outage{})
	return node, other, storage
}

func wantStale(t *testing.T, node *sharedRevocations) {
	t.Helper()
	if _, err := node.Revoked(annsSession("somebody's")); !errors.Is(err, session.ErrStale) {
		t.Errorf("the error is %v, want that the node is closed", err)
	}
}

func signOutOn(t *testing.T, node *sharedRevocations, id string) {
	t.Helper()
	require.NoError(t, node.Revoke(t.Context(), ended(id)))
}

// A read that never returns, of a FIFO or a mount that died, is given up: the node is
// open again soon after the storage is well. Until then it is closed as in any outage.
func TestReadThatHangsIsGivenUp(t *testing.T) {
	for _, call := range []string{"list", "stat", "load"} {
		t.Run(call, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				node, other, storage := hangingNode(t, folder)
				storage.hang(call)
				signOutOn(t, other, "one")
				time.Sleep(60 * time.Second)
				wantRevoked(t, node, annsSession("two"), false)
				time.Sleep(2 * time.Second)
				wantStale(t, node)
				time.Sleep(time.Minute)
				wantStale(t, node)

				storage.hang("")
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				wantRevoked(t, node, annsSession("one"), true)
				wantRevoked(t, node, annsSession("two"), false)
				if status := node.Status(); status.Outage || status.Outages != 1 {
					t.Errorf("outage %t, %d of them", status.Outage, status.Outages)
				}
				if storage.hung.Load() == 0 {
					t.Fatal("the call returned, so this tests nothing")
				}
				signOutOn(t, other, "three")
				close(storage.released) // what it says now comes too late to count
				time.Sleep(time.Second)
				synctest.Wait()
				wantRevoked(t, node, annsSession("three"), true)
				stop(t, node, other)
			})
		})
	}
}

// Each call that hangs keeps a thread of the system, so there are few of them however
// long it lasts, and a reload, by which an operator tries again, is heard at once.
func TestReadsThatHangAreFewAndReloadTriesAgain(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, other, storage := hangingNode(t, folder)
		storage.hang("list")
		time.Sleep(8 * time.Hour)
		if hung := storage.hung.Load(); hung > 10 {
			t.Errorf("%d calls hang after eight hours", hung)
		}
		wantStale(t, node)
		signOutOn(t, other, "one")
		storage.hang("")
		node.use(&terms{new(StorageRevocation), storage})
		time.Sleep(readTimeout + 2*retryInterval) // the read of before is given up first
		synctest.Wait()
		wantRevoked(t, node, annsSession("one"), true)
		wantRevoked(t, node, annsSession("two"), false)

		storage.hang("list") // a reload does not make a look fail that is only slow
		time.Sleep(3 * time.Second)
		node.use(&terms{new(StorageRevocation), storage})
		time.Sleep(time.Second)
		assert.False(t, node.Status().Outage, "a reload made an outage of a slow look")
		close(storage.released)
		stop(t, node, other)
	})
}

// A process that ends does not wait for such a read.
func TestRevocationsEndAtOnceThoughAReadHangs(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, other, storage := hangingNode(t, folder)
		storage.hang("list")
		time.Sleep(10 * time.Second)
		start := time.Now()
		stop(t, node)
		if took := time.Since(start); took >= lastAttempt {
			t.Errorf("the end took %s", took)
		}
		close(storage.released)
		stop(t, other)
	})
}

// Nor does each of its last steps wait for a read of its own. A deadline alone is no end: a
// storage that is only slow is waited for.
func TestReadThatHangsIsNotTriedAgainWhileTheProcessEnds(t *testing.T) {
	for name, test := range map[string]struct {
		ending bool
		waits  [2]time.Duration
	}{
		"it ends":    {true, [2]time.Duration{lastAttempt / 2, 0}},
		"a deadline": {false, [2]time.Duration{readTimeout, readTimeout}},
	} {
		synctest.Test(t, func(t *testing.T) {
			storage := &hangingStorage{Storage: &certmagic.FileStorage{Path: t.TempDir()}, released: make(chan struct{})}
			storage.hang("load")
			reads := readingStorage{storage, new(hungReads)}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if test.ending {
				cancel()
			}
			for i, want := range test.waits {
				began := time.Now()
				if _, err := reads.Load(ctx, "file"); !errors.Is(err, errNoAnswer) || time.Since(began) != want {
					t.Errorf("%s: read %d took %v, want %v: %v", name, i, time.Since(began), want, err)
				}
			}
			close(storage.released)
		})
	}
}

// The list of sessions is read beside the revocations and hangs by itself. It too is
// shared again once the storage is well, and holds up no end.
func TestListIsSharedAgainAfterAReadHung(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		set, otherSet, storage := hangingNode(t, folder)
		node, other := listingOn(t, set, nil), listingOn(t, otherSet, nil)
		storage.hang("list")
		other.signIn(t, "ann")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		node.wantListed(t, "ann", 0)
		storage.hang("")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		node.wantListed(t, "ann", 1)

		storage.hang("list")
		time.Sleep(10 * time.Second)
		start := time.Now()
		node.stop(t)
		if took := time.Since(start); took >= 2*lastAttempt {
			t.Errorf("the end took %s", took)
		}
		close(storage.released)
		other.stop(t)
	})
}

func (h *hangingStorage) Store(ctx context.Context, key string, value []byte) error {
	h.meet("store")
	return h.Storage.Store(ctx, key, value)
}

// A sign-out that the storage does not take keeps the node from hearing of no other one.
func TestWriteThatHangsKeepsNobodyFromReading(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, other, storage := hangingNode(t, folder)
		storage.hang("store")
		answered := make(chan error, 1)
		go func() { answered <- node.Revoke(t.Context(), ended("own")) }()
		synctest.Wait()
		if storage.hung.Load() == 0 {
			t.Fatal("nothing hangs, so this tests nothing")
		}
		signOutOn(t, other, "another's")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantRevoked(t, node, annsSession("another's"), true)
		storage.hang("")
		close(storage.released)
		require.NoError(t, <-answered)
		stop(t, node, other)
	})
}

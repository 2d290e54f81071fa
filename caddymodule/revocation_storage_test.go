package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

var errDiskFull = errors.New("no space left on device")

// watchedStorage counts what is asked of a storage, and fails on demand.
type watchedStorage struct {
	certmagic.Storage
	lists, stats, loads atomic.Int32
	stores              atomic.Int32
	unreadable          atomic.Bool
	full                atomic.Bool
	liesOnStore         atomic.Bool // stores, and says that it did not
	keeps               atomic.Bool // lets nobody delete
	compresses          atomic.Bool
	deletes             atomic.Int32
}

func (w *watchedStorage) Delete(ctx context.Context, key string) error {
	w.deletes.Add(1)
	if w.keeps.Load() {
		return errors.New("access denied")
	}
	return w.Storage.Delete(ctx, key)
}

func (w *watchedStorage) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	w.lists.Add(1)
	if w.unreadable.Load() {
		return nil, errors.New("stale file handle")
	}
	return w.Storage.List(ctx, path, recursive)
}

func (w *watchedStorage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	w.stats.Add(1)
	info, err := w.Storage.Stat(ctx, key)
	if w.compresses.Load() {
		info.Size /= 2
	}
	return info, err
}

func (w *watchedStorage) Load(ctx context.Context, key string) ([]byte, error) {
	w.loads.Add(1)
	return w.Storage.Load(ctx, key)
}

func (w *watchedStorage) Store(ctx context.Context, key string, value []byte) error {
	if w.full.Load() {
		return errDiskFull
	}
	w.stores.Add(1)
	err := w.Storage.Store(ctx, key, value)
	if w.liesOnStore.Load() {
		return errors.New("timeout")
	}
	return err
}

// startNode starts a node on a log, and waits until it has been read or could not be.
func startNode(t *testing.T, log RevocationLog, outage Outage) *sharedRevocations {
	t.Helper()
	node := newSharedRevocations("default", session.NewRevocationSet(time.Now), log, outage.OutageRule())
	node.ready(t.Context())
	return node
}

// nodeOn starts a node that shares a folder with others.
func nodeOn(t *testing.T, folder string, outage Outage) (*sharedRevocations, *watchedStorage) {
	t.Helper()
	return nodeOfRealm(t, "default", folder, outage)
}

func nodeOfRealm(t *testing.T, realm, folder string, outage Outage) (*sharedRevocations, *watchedStorage) {
	t.Helper()
	storage := &watchedStorage{Storage: &certmagic.FileStorage{Path: folder}}
	log, err := new(StorageRevocation).Open(realm, storage)
	require.NoError(t, err)
	node := newSharedRevocations(realm, session.NewRevocationSet(time.Now), log, outage.OutageRule())
	node.ready(t.Context())
	return node, storage
}

func stop(t *testing.T, nodes ...*sharedRevocations) {
	t.Helper()
	for _, node := range nodes {
		assert.NoError(t, node.Destruct())
	}
}

func annsSession(id string) *session.Session {
	return &session.Session{ID: id, User: session.User{"id": "ann"}, CreatedAt: time.Now()}
}

func ended(id string) session.Revocation {
	return session.Revocation{SessionID: id, Until: time.Now().Add(time.Hour)}
}

func wantRevoked(t *testing.T, node *sharedRevocations, s *session.Session, want bool) {
	t.Helper()
	if got, err := node.Revoked(s); got != want || err != nil {
		t.Errorf("session %s: revoked %t, %v; want %t", s.ID, got, err, want)
	}
}

func TestEveryNodeLearnsOfSignOutWithinPollInterval(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, _ := nodeOn(t, folder, Outage{})
		b, _ := nodeOn(t, folder, Outage{})
		one, bobs := annsSession("one"), &session.Session{ID: "bobs", User: session.User{"id": "bob"}, CreatedAt: time.Now()}
		two := annsSession("two")
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, a.Revoke(t.Context(), ended("one")))
		wantRevoked(t, a, one, true)
		time.Sleep(time.Second)
		synctest.Wait()
		wantRevoked(t, b, one, true)
		wantRevoked(t, b, two, false)

		err := b.Revoke(t.Context(), session.Revocation{UserID: "ann", Except: "two", Before: time.Now(), Until: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		time.Sleep(time.Second)
		synctest.Wait()
		wantRevoked(t, a, two, false)
		wantRevoked(t, a, bobs, false)
		stop(t, a, b)

		restarted, _ := nodeOn(t, folder, Outage{})
		wantRevoked(t, restarted, one, true)
		wantRevoked(t, restarted, &session.Session{ID: "three", User: one.User, CreatedAt: one.CreatedAt}, true)
		wantRevoked(t, restarted, two, false)
		stop(t, restarted)
	})
}

func TestPollingIsCheapWithHundredThousandEntries(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, _ := nodeOn(t, folder, Outage{})
		for batch := range 200 {
			var all []session.Revocation
			for i := range 500 {
				all = append(all, ended(fmt.Sprintf("%d/%d", batch, i)))
			}
			require.NoError(t, a.log.Append(t.Context(), all))
		}
		b, storage := nodeOn(t, folder, Outage{})
		if sessions, _ := b.Size(); sessions != 100_000 {
			t.Fatalf("%d sessions, want 100000", sessions)
		}
		storage.lists.Store(0)
		storage.stats.Store(0)
		storage.loads.Store(0)
		time.Sleep(10*time.Second + 500*time.Millisecond)
		synctest.Wait()
		if lists, stats, loads := storage.lists.Load(), storage.stats.Load(), storage.loads.Load(); lists != 14 || stats != 0 || loads != 0 {
			t.Errorf("ten seconds took %d lists, %d stats and %d loads; want 14, 0 and 0", lists, stats, loads)
		}
		require.NoError(t, a.Revoke(t.Context(), ended("one more")))
		time.Sleep(time.Second)
		synctest.Wait()
		if loads := storage.loads.Load(); loads != 1 {
			t.Errorf("one sign-out took %d loads, want 1", loads)
		}
		stop(t, a, b)
	})
}

// Disk full: a sign-out that is not durable holds here, is not reported as
// done, and reaches the others as soon as that is possible.
func TestSignOutOnFullDiskIsKeptAndNeverReportedAsDone(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, storage := nodeOn(t, folder, Outage{})
		b, _ := nodeOn(t, folder, Outage{})
		storage.full.Store(true)
		for i := range 3 {
			if err := a.Revoke(t.Context(), ended(fmt.Sprint(i))); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, errDiskFull) {
				t.Errorf("the error is %v", err)
			}
		}
		wantRevoked(t, a, annsSession("1"), true)
		assert.Equal(t, 3, a.Status().Pending)
		time.Sleep(10 * time.Second)
		storage.full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for i := range 3 {
			wantRevoked(t, b, annsSession(fmt.Sprint(i)), true)
		}
		assert.Zero(t, a.Status().Pending)
		stop(t, a, b)
	})
}

// A storage may have stored what it reports as failed. If that closed the file
// for the readers, nothing may be added to it.
func TestEntryAfterUncertainStoreIsNotLost(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, storage := nodeOn(t, folder, Outage{})
		b, _ := nodeOn(t, folder, Outage{})
		var all []session.Revocation
		for i := range maxFileEntries {
			all = append(all, ended(fmt.Sprint(i)))
		}
		storage.liesOnStore.Store(true)
		require.Error(t, a.log.Append(t.Context(), all))
		time.Sleep(2 * time.Second)
		storage.liesOnStore.Store(false)
		require.NoError(t, a.log.Append(t.Context(), append(all, ended("late"))))
		time.Sleep(time.Second)
		synctest.Wait()
		wantRevoked(t, b, annsSession("late"), true)
		stop(t, a, b)
	})
}

func TestOutageClosesAfterGraceAndHeals(t *testing.T) {
	for _, rule := range []string{"", "open"} {
		folder := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			node, storage := nodeOn(t, folder, Outage{OnOutage: rule, OutageGrace: caddy.Duration(10 * time.Second)})
			require.NoError(t, node.Revoke(t.Context(), ended("one")))
			storage.unreadable.Store(true)
			time.Sleep(8 * time.Second)
			wantRevoked(t, node, annsSession("two"), false)
			time.Sleep(4 * time.Second)
			synctest.Wait()
			wantRevoked(t, node, annsSession("one"), true)
			_, err := node.Revoked(annsSession("two"))
			if wantClosed := rule != "open"; errors.Is(err, session.ErrStale) != wantClosed {
				t.Errorf("on_outage %q: %v", rule, err)
			}
			if status := node.Status(); !status.Outage || status.Outages != 1 || status.Refusing != (rule != "open") {
				t.Errorf("status %+v", status)
			}
			storage.unreadable.Store(false)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			wantRevoked(t, node, annsSession("two"), false)
			if status := node.Status(); status.Outage || status.Refusing {
				t.Errorf("healed status %+v", status)
			}
			stop(t, node)
		})
	}
}

// Between two looks that are rare nothing is wrong.
func TestRareLooksAreNoOutage(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		module := &StorageRevocation{PollInterval: caddy.Duration(5 * time.Minute)}
		log, err := module.Open("default", &certmagic.FileStorage{Path: folder})
		require.NoError(t, err)
		node := startNode(t, log, module.OutageRule())
		for range 30 {
			time.Sleep(time.Minute)
			synctest.Wait()
			wantRevoked(t, node, annsSession("one"), false)
		}
		stop(t, node)
	})
}

// The longest poll_interval does not become a short one.
func TestLongestPollInterval(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, time.Minute, session.LongestDuration} {
		if wait := untilNextLook(interval); wait < interval/2 || wait > interval {
			t.Errorf("with an interval of %s the next look is in %s", interval, wait)
		}
	}
}

// A node that starts while the storage cannot be read knows of no sign-out at
// all, so there is no grace. The log says so at once, and the metric of the lag grows.
func TestNodeThatNeverReadIsClosedAtOnce(t *testing.T) {
	logged := caddyLog(t)
	synctest.Test(t, func(t *testing.T) {
		storage := &watchedStorage{Storage: &certmagic.FileStorage{Path: t.TempDir()}}
		storage.unreadable.Store(true)
		log, err := new(StorageRevocation).Open("default", storage)
		require.NoError(t, err)
		node := startNode(t, log, Outage{})
		wantStale(t, node)
		synctest.Wait()
		if text := logged(); strings.Count(text, "cannot be read, so auth routes are closed: this node has never read them") != 1 {
			t.Errorf("the log is:\n%s", text)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		registry := prometheus.NewRegistry()
		registry.MustRegister(prometheus.CollectorFunc(node.collect))
		families, err := registry.Gather()
		if err != nil || len(families) != 3 {
			t.Fatalf("%v, %v", families, err)
		}
		if lag := families[0].GetMetric()[0].GetGauge().GetValue(); lag < 300 || lag > 310 {
			t.Errorf("after five minutes the lag is %v s", lag)
		}
		storage.unreadable.Store(false)
		time.Sleep(2 * time.Second)
		stop(t, node)
	})
	wantLogged(t, logged(), 1, "auth routes are closed", "so auth routes are open again")
}

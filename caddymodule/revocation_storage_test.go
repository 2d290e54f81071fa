package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
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

// nodeOn starts a node that shares a folder with others.
func nodeOn(t *testing.T, folder string, outage Outage) (*sharedRevocations, *watchedStorage) {
	t.Helper()
	return nodeOfRealm(t, "default", folder, outage)
}

func nodeOfRealm(t *testing.T, realm, folder string, outage Outage) (*sharedRevocations, *watchedStorage) {
	t.Helper()
	storage := &watchedStorage{Storage: &certmagic.FileStorage{Path: folder}}
	log, err := new(StorageRevocation).Open(realm, storage)
	if err != nil {
		t.Fatal(err)
	}
	node := newSharedRevocations(realm, session.NewRevocationSet(time.Now), log, outage.OutageRule())
	node.ready(t.Context())
	return node, storage
}

func stop(t *testing.T, nodes ...*sharedRevocations) {
	t.Helper()
	for _, node := range nodes {
		if err := node.Destruct(); err != nil {
			t.Error(err)
		}
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
		if err := a.Revoke(t.Context(), ended("one")); err != nil {
			t.Fatal(err)
		}
		wantRevoked(t, a, one, true)
		time.Sleep(time.Second)
		synctest.Wait()
		wantRevoked(t, b, one, true)
		wantRevoked(t, b, two, false)

		err := b.Revoke(t.Context(), session.Revocation{UserID: "ann", Except: "two", Before: time.Now(), Until: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
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
			if err := a.log.Append(t.Context(), all); err != nil {
				t.Fatal(err)
			}
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
		if err := a.Revoke(t.Context(), ended("one more")); err != nil {
			t.Fatal(err)
		}
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
		if status := a.Status(); status.Pending != 3 {
			t.Errorf("%d pending, want 3", status.Pending)
		}
		time.Sleep(10 * time.Second)
		storage.full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for i := range 3 {
			wantRevoked(t, b, annsSession(fmt.Sprint(i)), true)
		}
		if status := a.Status(); status.Pending != 0 {
			t.Errorf("%d pending, want 0", status.Pending)
		}
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
		if err := a.log.Append(t.Context(), all); err == nil {
			t.Fatal("no error")
		}
		time.Sleep(2 * time.Second)
		storage.liesOnStore.Store(false)
		if err := a.log.Append(t.Context(), append(all, ended("late"))); err != nil {
			t.Fatal(err)
		}
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
			if err := node.Revoke(t.Context(), ended("one")); err != nil {
				t.Fatal(err)
			}
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
		if err != nil {
			t.Fatal(err)
		}
		node := newSharedRevocations("default", session.NewRevocationSet(time.Now), log, module.OutageRule())
		node.ready(t.Context())
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
		if err != nil {
			t.Fatal(err)
		}
		node := newSharedRevocations("default", session.NewRevocationSet(time.Now), log, Outage{}.OutageRule())
		node.ready(t.Context())
		if _, err := node.Revoked(annsSession("one")); !errors.Is(err, session.ErrStale) {
			t.Errorf("the error is %v", err)
		}
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
	for _, message := range []string{"auth routes are closed", "so auth routes are open again"} {
		if count := strings.Count(logged(), message); count != 1 {
			t.Errorf("the log has %q %d times:\n%s", message, count, logged())
		}
	}
}

func TestDamagedFileIsAnOutage(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, _ := nodeOn(t, folder, Outage{})
		file := filepath.Join(folder, "session", "default", "revocations", "deadbeef-0.jsonl")
		if err := os.WriteFile(file, []byte("{\"session\":\"x\",\"until\":1}\n{\"sess"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !node.Status().Outage {
			t.Error("the node takes half a file for all")
		}
		stop(t, node)
	})
}

// A node remembers what it may have to write again, and no more.
func TestNodeForgetsFilesThatItWroteLongAgo(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, _ := nodeOn(t, folder, Outage{})
		revoke := func() {
			t.Helper()
			for i := range 3 * maxFileEntries {
				if err := node.Revoke(t.Context(), session.Revocation{SessionID: fmt.Sprint(i), Until: time.Now().Add(24 * time.Hour)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		revoke()
		time.Sleep(remembered + time.Minute)
		revoke()
		if closed := len(node.log.(*storageLog).closed); closed != 2 {
			t.Errorf("%d closed files are remembered, want the 2 of the last hour", closed)
		}
		stop(t, node)
	})
}

func TestFilesVanishWhenTheyCanStopNothing(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, storage := nodeOn(t, folder, Outage{})
		if err := node.Revoke(t.Context(), ended("one")); err != nil {
			t.Fatal(err)
		}
		files := func() int {
			found, err := filepath.Glob(filepath.Join(folder, "session", "default", "revocations", "*.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		storage.unreadable.Store(true) // so that a day goes by quickly
		time.Sleep(keptAfterEnd)
		storage.unreadable.Store(false)
		time.Sleep(30 * time.Minute)
		if files() != 1 {
			t.Error("the file vanished early")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if files() != 0 {
			t.Error("the file is still there")
		}
		if err := node.Revoke(t.Context(), ended("two")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		other, _ := nodeOn(t, folder, Outage{})
		wantRevoked(t, other, annsSession("two"), true)
		stop(t, node, other)
	})
}

// A storage may not let Caddy delete, as one of objects does without that permission.
// Old files then pile up, and everything else goes on.
func TestStorageThatDeletesNothingIsNoOutage(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, storage := nodeOn(t, folder, Outage{})
		storage.keeps.Store(true)
		node.Update(updatedNow("one"))
		if err := node.Revoke(t.Context(), ended("one")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Hour)
		synctest.Wait()
		if outages := node.Status().Outages; outages > 0 {
			t.Errorf("there were %d outages", outages)
		}
		if tried := storage.deletes.Load(); tried == 0 || tried > 2*31 {
			t.Errorf("deleting was tried %d times in 30 hours", tried)
		}
		storage.keeps.Store(false)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		left, err := filepath.Glob(filepath.Join(folder, "session", "default", "revocations", "*-*"))
		if err != nil || len(left) != 0 {
			t.Errorf("still there: %v, %v", left, err)
		}
		stop(t, node)
	})
}

// A process that is killed as it writes leaves a file behind. It goes once nobody can be
// at it any more, and nothing else that somebody has put there does.
func TestFilesOfKilledWritesVanish(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, _ := nodeOn(t, folder, Outage{})
		revocations := filepath.Join(folder, revocationsOfDefault)
		for name, age := range map[string]time.Duration{"1270094": 2 * time.Hour, "2870094": time.Minute, "1270094~": 2 * time.Hour, "v1": 2 * time.Hour} {
			file, written := filepath.Join(revocations, name), time.Now().Add(-age)
			if err := errors.Join(os.WriteFile(file, []byte("{"), 0o600), os.Chtimes(file, written, written)); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []string{"1270094~ 2870094 v1 version", "1270094~ v1 version"} {
			time.Sleep(2 * time.Second)
			synctest.Wait()
			var names []string
			found, err := os.ReadDir(revocations)
			for _, file := range found {
				names = append(names, file.Name())
			}
			if got := strings.Join(names, " "); got != want || err != nil {
				t.Errorf("there are %s, %v; want %s", got, err, want)
			}
			time.Sleep(time.Hour)
		}
		stop(t, node)
	})
}

// A storage whose times are of whole seconds, or stand still, hides no sign-out: a file that
// has grown, or is of another time, is read.
func TestFileThatChangesWithinItsTimeIsRead(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		endedElsewhere(t, folder, "one")
		node, _ := nodeOn(t, folder, Outage{})
		file := filepath.Join(folder, revocationsOfDefault, "deadbeef-0.jsonl")
		info, err := os.Stat(file)
		require.NoError(t, err)
		endedElsewhere(t, folder, "one", "two")
		require.NoError(t, os.Chtimes(file, time.Time{}, info.ModTime()))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantRevoked(t, node, annsSession("two"), true)
		endedElsewhere(t, folder, "one", "too")
		require.NoError(t, os.Chtimes(file, time.Time{}, info.ModTime().Add(time.Second)))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantRevoked(t, node, annsSession("too"), true)
		stop(t, node)
	})
}

package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

func updatedNow(id string) session.Revocation {
	return session.Revocation{SessionID: id, Updated: time.Now(), Until: time.Now().Add(6 * time.Minute)}
}

func TestEveryNodeLearnsOfUpdatesWithinPollInterval(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, storage := nodeOn(t, folder, Outage{})
		b, _ := nodeOn(t, folder, Outage{})
		before := time.Now().Add(-time.Second)
		for i := range 100 {
			a.Update(updatedNow(fmt.Sprint(i)))
		}
		if time.Since(before) != time.Second {
			t.Error("a request waited for an update to be shared")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for i := range 100 {
			if id := fmt.Sprint(i); !a.UpdatedAfter(id, before) || !b.UpdatedAfter(id, before) {
				t.Fatalf("a node does not know of the update of %s", id)
			}
		}
		wantRevoked(t, b, annsSession("1"), false)
		assert.Zero(t, b.Status().Sessions, "updates are counted as revocations")

		storage.full.Store(true)
		a.Update(updatedNow("during"))
		time.Sleep(3 * time.Second)
		storage.full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.True(t, b.UpdatedAfter("during", before), "an update on a full disk is lost")
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		entries, err := os.ReadDir(filepath.Join(folder, "session/default/revocations"))
		require.NoError(t, err)
		for _, entry := range entries {
			if strings.HasSuffix(entry.Name(), updateSuffix) {
				t.Errorf("%s is left", entry.Name())
			}
		}
		stop(t, a, b)
	})
}

func TestNodesLearnOfUpdatesByRedis(t *testing.T) {
	s := startRedis(t)
	a, b := s.node(), s.node()
	before := time.Now().Add(-time.Second)
	for i := range 3 {
		id := fmt.Sprint(i)
		a.Update(updatedNow(id))
		eventually(t, 2*time.Second, "the other node does not learn of the update", func() bool { return b.UpdatedAfter(id, before) })
	}
	if lasts := s.command("TTL", "session:default:updates"); strings.HasPrefix(lasts, "-") {
		t.Errorf("updates stay in Redis for ever: %s", lasts)
	}
	stop(t, a, b)
}

// A browser that changes its session all the time makes a few files, not one for
// each change, and keeps no sign-out waiting.
func TestManyUpdatesMakeFewFiles(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, storage := nodeOn(t, folder, Outage{})
		b, _ := nodeOn(t, folder, Outage{})
		before := storage.stores.Load()
		var last session.Revocation
		for range 1000 {
			time.Sleep(time.Millisecond)
			last = updatedNow("one")
			a.Update(last)
			synctest.Wait()
		}
		if stores := storage.stores.Load() - before; stores > 10 {
			t.Errorf("a second of updates made %d files, want 10 at most", stores)
		}
		start := time.Now()
		require.NoError(t, a.Revoke(t.Context(), ended("two")))
		if waited := time.Since(start); waited != 0 {
			t.Errorf("a sign-out waited %s", waited)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		assert.True(t, b.UpdatedAfter("one", last.Updated.Add(-time.Millisecond)), "the last update is not known within poll_interval")
		a.Update(updatedNow("at once"))
		synctest.Wait()
		a.Update(updatedNow("when it stops"))
		stop(t, a)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.True(t, b.UpdatedAfter("when it stops", start), "an update of a node's last moment is lost")
		stop(t, b)
	})
}

// A damaged file of updates, of which no revocation is lost, keeps nobody from reading
// sign-outs: it is told once, and what can be read of it counts. It may still be being
// written, on a storage that shows half of a file.
func TestDamagedFileOfUpdatesHidesNoSignOuts(t *testing.T) {
	folder := t.TempDir()
	log := caddyLog(t)
	synctest.Test(t, func(t *testing.T) {
		a, _ := nodeOn(t, folder, Outage{})
		b, _ := nodeOn(t, folder, Outage{})
		before := time.Now().Add(-time.Second)
		file := filepath.Join(folder, "session/default/revocations", fmt.Sprintf("%d-abc.updates", time.Now().Add(6*time.Minute).UnixMilli()))
		var lines []byte
		for _, id := range []string{"first", "second"} {
			lines = appendLine(lines, entryOf(updatedNow(id)))
		}
		write := func(content []byte) {
			require.NoError(t, os.WriteFile(file, content, 0o600))
			time.Sleep(3 * time.Second)
			synctest.Wait()
		}
		write(lines[:len(lines)-5])
		if !b.UpdatedAfter("first", before) || b.UpdatedAfter("second", before) {
			t.Error("what can be read of the file does not count, or more than that")
		}
		require.NoError(t, a.Revoke(t.Context(), ended("one")))
		time.Sleep(time.Second)
		synctest.Wait()
		wantRevoked(t, b, annsSession("one"), true)
		wantRevoked(t, b, annsSession("two"), false)
		assert.False(t, b.Status().Outage, "the file counts as an outage")
		if n := strings.Count(log(), "updates is damaged"); n != 2 {
			t.Errorf("two nodes said %d times that it is damaged", n)
		}
		write(lines)
		assert.True(t, b.UpdatedAfter("second", before), "what was written later does not count")
		stop(t, a, b)
	})
}

// Nor does a damaged entry in Redis, and those behind it count.
func TestDamagedUpdateInRedisHidesNothing(t *testing.T) {
	s := startRedis(t)
	a, b := s.node(), s.node()
	before := time.Now().Add(-time.Second)
	s.command("XADD", "session:default:updates", "*", redisField, `{"session":"x","unt`)
	a.Update(updatedNow("one"))
	eventually(t, 2*time.Second, "the update behind it is not known", func() bool { return b.UpdatedAfter("one", before) })
	signOutOn(t, a, "two")
	eventually(t, 2*time.Second, "the sign-out is not known", isEnded(t, b, "two"))
	if a.Status().Outages != 0 || b.Status().Outages != 0 {
		t.Error("the entry counts as an outage")
	}
	stop(t, a, b)
}

// A file of updates stays for as long as the clocks of nodes may differ, and is read once.
func TestFilesOfUpdatesStayForNodesWhoseClocksDiffer(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		revocations := filepath.Join(folder, revocationsOfDefault)
		require.NoError(t, os.MkdirAll(revocations, 0o700))
		write := func(age time.Duration) string {
			content := appendLine(nil, entryOf(updatedNow("one")))
			file := filepath.Join(revocations, fmt.Sprintf("%d-abc%s", time.Now().Add(-age).UnixMilli(), updateSuffix))
			require.NoError(t, os.WriteFile(file, content, 0o600))
			return file
		}
		over, old := write(4*time.Minute), write(6*time.Minute)
		node, storage := nodeOn(t, folder, Outage{})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.FileExists(t, over)
		assert.NoFileExists(t, old)
		assert.True(t, node.UpdatedAfter("one", time.Now().Add(-time.Hour)))
		loads := storage.loads.Load()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		assert.Equal(t, loads, storage.loads.Load(), "a file that was read is read again")
		stop(t, node)
	})
}

package caddymodule

import (
	"errors"
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

func TestDamagedFileIsAnOutage(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, _ := nodeOn(t, folder, Outage{})
		file := filepath.Join(folder, "session", "default", "revocations", "deadbeef-0.jsonl")
		require.NoError(t, os.WriteFile(file, []byte("{\"session\":\"x\",\"until\":1}\n{\"sess"), 0o600))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.True(t, node.Status().Outage, "the node takes half a file for all")
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
				require.NoError(t, node.Revoke(t.Context(), session.Revocation{SessionID: fmt.Sprint(i), Until: time.Now().Add(24 * time.Hour)}))
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
		require.NoError(t, node.Revoke(t.Context(), ended("one")))
		files := func() int {
			found, err := filepath.Glob(filepath.Join(folder, "session", "default", "revocations", "*.jsonl"))
			require.NoError(t, err)
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
		require.NoError(t, node.Revoke(t.Context(), ended("two")))
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
		require.NoError(t, node.Revoke(t.Context(), ended("one")))
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
			require.NoError(t, errors.Join(os.WriteFile(file, []byte("{"), 0o600), os.Chtimes(file, written, written)))
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

package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
		if status := b.Status(); status.Sessions != 0 {
			t.Errorf("updates are counted as %d revocations", status.Sessions)
		}

		storage.full.Store(true)
		a.Update(updatedNow("during"))
		time.Sleep(3 * time.Second)
		storage.full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !b.UpdatedAfter("during", before) {
			t.Error("an update on a full disk is lost")
		}
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		entries, err := os.ReadDir(filepath.Join(folder, "session/default/revocations"))
		if err != nil {
			t.Fatal(err)
		}
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

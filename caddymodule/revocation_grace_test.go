package caddymodule

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// A longer grace counts from the beginning of the outage, and so does a shorter one.
func TestGraceOfALaterConfigurationCounts(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, storage := nodeOn(t, folder, Outage{})
		wait := func(grace time.Duration, minutes int, want error) {
			t.Helper()
			node.use(&terms{&StorageRevocation{Outage: Outage{OutageGrace: caddy.Duration(grace)}}, storage})
			time.Sleep(time.Duration(minutes) * time.Minute)
			synctest.Wait()
			if _, err := node.Revoked(annsSession("one")); !errors.Is(err, want) {
				t.Errorf("a grace of %s: %v, want %v", grace, err, want)
			}
		}
		storage.unreadable.Store(true)
		wait(10*time.Minute, 9, nil)
		wait(time.Minute, 0, session.ErrStale)
		wait(20*time.Minute, 8, nil)
		wait(20*time.Minute, 5, session.ErrStale)
		stop(t, node)
	})
}

// A process is frozen for longer than the grace. The first requests after it run before
// its timers, and before it has noticed that it can read nothing.
func TestFrozenNodeTakesNoSessionOnceTheGraceIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &readOnce{fail: make(chan error)}
		node := startNode(t, log, Outage{})
		node.closing.Stop()
		want := func(want error) {
			t.Helper()
			if _, err := node.Revoked(annsSession("one")); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		time.Sleep(time.Minute - time.Second)
		want(nil)
		time.Sleep(2 * time.Second)
		want(session.ErrStale)
		log.fail <- errors.New("connection reset by peer")
		synctest.Wait()
		want(session.ErrStale)
		node.cancel()
		node.done.Wait()
	})
}

// A machine sleeps, or a virtual one is paused, for longer than the grace. On Linux the
// monotonic clock has stood still meanwhile, and so have the timers.
func TestNodeThatSleptTakesNoSessionBeforeItsNextLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lookingLog{look: make(chan struct{})}
		node := startNode(t, log, Outage{})
		node.closing.Stop()
		const slept = time.Hour
		node.awake = func(now time.Time) time.Duration { return now.Sub(node.started) - slept }
		time.Sleep(slept)
		wantStale(t, node)
		for range 2 {
			log.look <- struct{}{}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		wantRevoked(t, node, annsSession("one"), false)
		if status := node.Status(); status.Refusing || status.Outages != 1 {
			t.Errorf("status %+v", status)
		}
		node.cancel()
		node.done.Wait()
	})
}

// An administrator, or a time server, sets the wall clock back during an outage. The grace
// is over all the same.
func TestClockThatIsSetBackDoesNotProlongTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lookingLog{look: make(chan struct{})}
		node := startNode(t, log, Outage{})
		synctest.Wait()
		node.closing.Stop()
		node.staleWall.Store(math.MaxInt64) // which that clock will not reach
		wantRevoked(t, node, annsSession("one"), false)
		time.Sleep(time.Hour)
		wantStale(t, node)
		node.cancel()
		node.done.Wait()
	})
}

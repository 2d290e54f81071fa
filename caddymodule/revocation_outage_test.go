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
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// caddyLog gives what Caddy logs from now on, which has no configuration of its own.
func caddyLog(t *testing.T) func() string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "caddy.log")
	config := fmt.Sprintf(`{"admin": {"disabled": true, "config": {"persist": false}},
		"logging": {"logs": {"default": {"writer": {"output": "file", "filename": %q}}}}}`, file)
	require.NoError(t, caddy.Load([]byte(config), true))
	t.Cleanup(func() { _ = caddy.Stop() })
	return func() string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text)
	}
}

// deafLog gives no answer to who appends, while it is deaf.
type deafLog struct {
	RevocationLog
	deaf atomic.Bool
}

func (l *deafLog) Append(ctx context.Context, all []session.Revocation) error {
	if l.deaf.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return l.RevocationLog.Append(ctx, all)
}

// wantLogged checks how often a log has each of the messages.
func wantLogged(t *testing.T, log string, times int, messages ...string) {
	t.Helper()
	for _, message := range messages {
		assert.Equal(t, times, strings.Count(log, message), "%q in the log:\n%s", message, log)
	}
}

// deafNode is a node on a folder that does not answer to writers, and to readers
// only if it is readable.
func deafNode(t *testing.T, folder string, readable bool) (*sharedRevocations, func()) {
	t.Helper()
	storage := &watchedStorage{Storage: &certmagic.FileStorage{Path: folder}}
	log, err := new(StorageRevocation).Open("default", storage)
	require.NoError(t, err)
	deaf := &deafLog{RevocationLog: log}
	node := startNode(t, deaf, Outage{})
	deaf.deaf.Store(true)
	storage.unreadable.Store(!readable)
	time.Sleep(3 * time.Second) // the next look fails, if it does
	synctest.Wait()
	return node, func() {
		deaf.deaf.Store(false)
		storage.unreadable.Store(false)
	}
}

// Who ends several sessions at once, as DELETE /all does, pays for the outage
// once at most. All is kept, and shared when that is possible.
func TestOutageIsPaidForOnce(t *testing.T) {
	for _, tc := range []struct {
		name     string
		readable bool
		longest  time.Duration
	}{{"the first to notice", true, appendTimeout}, {"known since it cannot be read", false, outageTimeout}} {
		t.Run(tc.name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				node, heal := deafNode(t, folder, tc.readable)
				start := time.Now()
				for i := range 3 {
					assert.ErrorIs(t, node.Revoke(t.Context(), ended(fmt.Sprint(i))), session.ErrUnavailable)
					wantRevoked(t, node, annsSession(fmt.Sprint(i)), true)
				}
				if took := time.Since(start); took > tc.longest {
					t.Errorf("three sign-outs took %s, want at most %s", took, tc.longest)
				}
				heal()
				wantShared(t, folder, node, 3)
				stop(t, node)
			})
		})
	}
}

// Those who sign out at the same moment do not queue up for a timeout each.
func TestSignOutsAtOnceDoNotQueueInAnOutage(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, heal := deafNode(t, folder, true)
		took := make(chan time.Duration, 5)
		for i := range cap(took) {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				start := time.Now()
				assert.ErrorIs(t, node.Revoke(t.Context(), ended(fmt.Sprint(i))), session.ErrUnavailable)
				took <- time.Since(start)
			}()
		}
		for range cap(took) {
			if took := <-took; took > appendTimeout {
				t.Errorf("a sign-out took %s, want at most %s", took, appendTimeout)
			}
		}
		heal()
		wantShared(t, folder, node, 5)
		stop(t, node)
	})
}

// wantShared waits until an attempt of retry that hangs is over and the next one has had its turn, and asks another node. A
// sign-out is reported as done again then.
func wantShared(t *testing.T, folder string, node *sharedRevocations, count int) {
	t.Helper()
	time.Sleep(retryTimeout + 2*retryInterval)
	synctest.Wait()
	if pending := node.Status().Pending; pending != 0 {
		t.Errorf("%d pending, want none", pending)
	}
	assert.NoError(t, node.Revoke(t.Context(), ended("after")))
	other, _ := nodeOn(t, folder, Outage{})
	for i := range count {
		wantRevoked(t, other, annsSession(fmt.Sprint(i)), true)
	}
	wantRevoked(t, other, annsSession("after"), true)
	stop(t, other)
}

// A configuration whose load fails leaves no trace: what the one before says holds
// again, and its storage is the one that is used.
func TestTermsOfAFailedLoadAreTakenBack(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, storage := nodeOn(t, folder, Outage{})
		before := &terms{&StorageRevocation{Outage: Outage{OnOutage: "open"}}, storage}
		failed := &terms{&StorageRevocation{PollInterval: caddy.Duration(time.Hour)}, &watchedStorage{Storage: storage.Storage}}
		node.use(before)
		node.use(failed)
		node.leave(failed)
		storage.unreadable.Store(true)
		time.Sleep(2 * time.Minute) // more than the grace, and less than the other poll_interval
		synctest.Wait()
		assert.True(t, node.Status().Outage, "the storage of the failed configuration is read, or at its interval")
		wantRevoked(t, node, annsSession("one"), false)
		stop(t, node)
	})
}

// borrowedLog is another's log: all that is known of it is the interface.
type borrowedLog struct {
	RevocationLog
	PolledLog
}

// A log of somebody else's that looks now and then takes the storage and the interval of
// a reload as the one of Caddy's storage does.
func TestPolledLogOfAnotherModuleTakesNewTerms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closing, next := &watchedStorage{Storage: &certmagic.FileStorage{Path: t.TempDir()}}, &watchedStorage{Storage: &certmagic.FileStorage{Path: t.TempDir()}}
		log, err := new(StorageRevocation).Open("default", closing)
		require.NoError(t, err)
		node := startNode(t, borrowedLog{log, log.(PolledLog)}, Outage{})
		node.use(&terms{&StorageRevocation{PollInterval: caddy.Duration(5 * time.Minute)}, next})
		closing.unreadable.Store(true)
		time.Sleep(3 * time.Minute) // more than the grace, and before the next look
		synctest.Wait()
		wantRevoked(t, node, annsSession("one"), false)
		if err := node.Revoke(t.Context(), ended("one")); err != nil || next.stores.Load() == 0 {
			t.Errorf("%v, and the storage of the reload has %d files", err, next.stores.Load())
		}
		stop(t, node)
	})
}

// readOnce is a log that was read once. Whatever is asked of it then hangs, until it fails.
type readOnce struct {
	RevocationLog
	read bool
	fail chan error
}

func (l *readOnce) Follow(ctx context.Context, _ func(session.Revocation), synced func()) error {
	if !l.read {
		l.read = true
		synced()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-l.fail:
		return err
	}
}

// Whoever ends a session remembers that for as long as a node that is cut off may have
// sealed it anew. A look that hangs, and fails before the grace is over, is the longest
// that a node takes to close.
func TestNoNodeGoesOnForLongerThanTheLongestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &readOnce{fail: make(chan error)}
		node := startNode(t, log, Outage{})
		began := time.Now()
		time.Sleep(time.Minute)
		log.fail <- errors.New("connection reset by peer")
		synctest.Wait()
		open := func() bool {
			_, err := node.Revoked(annsSession("one"))
			return err == nil
		}
		for open() {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > node.longestOutage() || took < 2*time.Minute {
			t.Errorf("the node went on for %v, the longest outage is said to be %v", took, node.longestOutage())
		}
		node.cancel()
		node.done.Wait()
	})
}

// The manager of a realm is told of it: by the rule of its own configuration.
func TestManagerKnowsTheLongestOutage(t *testing.T) {
	for revocation, want := range map[string]time.Duration{
		`{"module": "storage"}`: time.Second + 2*time.Minute,
		`{"module": "storage", "outage_grace": "1h", "poll_interval": "5s"}`: 5*time.Second + 2*time.Hour,
		`{"module": "storage", "outage_grace": "1h", "on_outage": "open"}`:   session.LongestDuration,
		`{"module": "off"}`: session.LongestDuration, // of no effect
	} {
		t.Setenv("XDG_DATA_HOME", t.TempDir())
		realm := provisionRealm(t, `{"realms": {"default": {"secret": ["q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f"], "revocation": `+revocation+`}}}`)
		manager, err := realm.manager(t.Context())
		require.NoError(t, err)
		if got := manager.Settings().LongestOutage; got != want {
			t.Errorf("%s: %v, want %v", revocation, got, want)
		}
		assert.NoError(t, realm.app.Cleanup())
	}
}

// lookingLog is one whose looks end when the test says so.
type lookingLog struct {
	RevocationLog
	look chan struct{}
}

func (l *lookingLog) Follow(ctx context.Context, _ func(session.Revocation), synced func()) error {
	for {
		synced()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.look:
		}
	}
}

// A process that was frozen, or a look that hung, is an outage that no error tells of: it
// is counted, and its beginning and its end are told, whether timers or the look are first.
func TestOutageWithoutAnErrorIsToldAndCounted(t *testing.T) {
	for _, rule := range []string{"closed", "open"} {
		for name, timers := range map[string]bool{"timers are first": true, "the look is first": false} {
			t.Run(rule+", "+name, func(t *testing.T) {
				logged := caddyLog(t)
				synctest.Test(t, func(t *testing.T) {
					log := &lookingLog{look: make(chan struct{})}
					node := startNode(t, log, Outage{OnOutage: rule})
					if !timers {
						node.closing.Stop()
					}
					time.Sleep(2 * time.Minute)
					for range 3 {
						log.look <- struct{}{}
						synctest.Wait()
						time.Sleep(time.Second)
					}
					if status := node.Status(); status.Outage || status.Refusing || status.Outages != 1 {
						t.Errorf("status %+v", status)
					}
					node.cancel()
					node.done.Wait()
				})
				wantLogged(t, logged(), 1, "could not be read for longer than outage_grace", "can be read again")
				for _, message := range []string{"auth routes are closed", "auth routes are open again"} {
					if told := strings.Contains(logged(), message); told != (rule == "closed") {
						t.Errorf("the log has %q: %t", message, told)
					}
				}
			})
		}
	}
}

// A look that hangs for longer than the grace and then fails is one outage, and its reason
// is told.
func TestOutageOfALookThatHungNamesItsReason(t *testing.T) {
	logged := caddyLog(t)
	synctest.Test(t, func(t *testing.T) {
		log := &readOnce{fail: make(chan error)}
		node := startNode(t, log, Outage{})
		time.Sleep(2 * time.Minute)
		log.fail <- errors.New("connection reset by peer")
		time.Sleep(time.Minute)
		if outages := node.Status().Outages; outages != 1 {
			t.Errorf("%d outages are counted", outages)
		}
		node.cancel()
		node.done.Wait()
	})
	wantLogged(t, logged(), 1, "auth routes are closed", "connection reset by peer")
}

// A server that restarts with another password first ends the connection. When auth routes
// close, the log names what is wrong now.
func TestClosingNamesTheLatestReason(t *testing.T) {
	logged := caddyLog(t)
	synctest.Test(t, func(t *testing.T) {
		log := &readOnce{fail: make(chan error)}
		node := startNode(t, log, Outage{})
		time.Sleep(time.Second)
		log.fail <- errors.New("the connection has ended")
		synctest.Wait()
		for range 50 {
			time.Sleep(time.Second)
			log.fail <- errors.New("wrong password")
		}
		time.Sleep(time.Minute)
		node.cancel()
		node.done.Wait()
	})
	wantLogged(t, logged(), 1, "the connection has ended", "auth routes are closed", "wrong password")
}

// Each outage is an outage of its own, and is told of.
func TestEveryOutageIsCounted(t *testing.T) {
	logged, folder := caddyLog(t), t.TempDir()
	const outages = 3
	synctest.Test(t, func(t *testing.T) {
		node, storage := nodeOn(t, folder, Outage{})
		for i := range outages {
			storage.unreadable.Store(true)
			time.Sleep(5 * time.Minute)
			if status := node.Status(); !status.Outage || status.Outages != i+1 {
				t.Errorf("in outage %d: %+v", i+1, status)
			}
			wantStale(t, node)
			storage.unreadable.Store(false)
			time.Sleep(5 * time.Minute)
			if status := node.Status(); status.Outage {
				t.Errorf("after outage %d: %+v", i+1, status)
			}
			wantRevoked(t, node, annsSession("one"), false)
		}
		stop(t, node)
	})
	wantLogged(t, logged(), outages, "the shared revocations cannot be read", "auth routes are closed", "auth routes are open again")
}

// A look that was under way when the node stopped does not close its auth routes later, to
// requests that it still answers.
func TestLookThatEndsAfterTheNodeClosesNothing(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, _ := nodeOn(t, folder, Outage{})
		stop(t, node)
		node.synced()
		time.Sleep(2 * time.Hour)
		wantRevoked(t, node, annsSession("one"), false)
	})
}

// rememberingLog is a hesitantLog that remembers all of what it was given.
type rememberingLog struct {
	hesitantLog
	all []session.Revocation
}

func (l *rememberingLog) Append(ctx context.Context, all []session.Revocation) error {
	if err := l.hesitantLog.Append(ctx, all); err != nil {
		return err
	}
	l.all = append(l.all, all...)
	return nil
}

func newRememberingLog() *rememberingLog {
	return &rememberingLog{hesitantLog: hesitantLog{may: make(chan struct{}), began: make(chan struct{}, 100)}}
}

package caddymodule

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// slowLog ends a look that is under way before it minds that nobody wants it any more,
// as a file system does.
type slowLog struct{ RevocationLog }

func (slowLog) Append(context.Context, []session.Revocation) error { return nil }

func (slowLog) Follow(ctx context.Context, _ func(session.Revocation), synced func()) error {
	synced()
	<-ctx.Done()
	time.Sleep(50 * time.Millisecond)
	synced()
	return ctx.Err()
}

func (slowLog) Close() error { return nil }

// hungLog is a server that does not answer. Its client minds a deadline, but not that
// nobody waits any more.
type hungLog struct{ RevocationLog }

func (hungLog) Append(ctx context.Context, _ []session.Revocation) error {
	until := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		until = time.Until(deadline)
	}
	time.Sleep(until)
	return context.DeadlineExceeded
}

func (hungLog) Follow(ctx context.Context, _ func(session.Revocation), _ func()) error {
	time.Sleep(30 * time.Second)
	return ctx.Err()
}

func (hungLog) Close() error { return nil }

// A service manager kills a process that does not end, before it could say what it has
// lost.
func TestRevocationsEndSoonThoughTheirLogHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSharedRevocations("default", session.NewRevocationSet(time.Now), hungLog{}, Outage{}.OutageRule())
		time.Sleep(10 * time.Second)
		assert.Error(t, s.Revoke(t.Context(), ended("one")), "a sign-out that could not be shared is reported as done")
		time.Sleep(retryInterval + 10*time.Millisecond) // into the next attempt
		start := time.Now()
		_ = s.Destruct()
		if took := time.Since(start); took > 2*lastAttempt {
			t.Errorf("the end took %s", took)
		}
		if s.Status().Pending != 1 {
			t.Error("what is lost is not counted")
		}
		time.Sleep(time.Hour) // until all calls have returned
	})
}

// Nor may several realms end one after another, each of which waits for its log.
func TestRealmsEndAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := &App{logger: zap.NewNop(), realms: map[string]*realm{}}
		for _, name := range []string{"one", "two", "three"} {
			r := newRealm(app, name)
			set := newSharedRevocations(name, session.NewRevocationSet(time.Now), hungLog{}, Outage{}.OutageRule())
			if _, err := r.share("revocations of realm "+name, func() (caddy.Destructor, error) { return set, nil }); err != nil {
				t.Fatal(err)
			}
			app.realms[name], r.revocations = r, set
			_ = set.Revoke(t.Context(), ended("one"))
		}
		start := time.Now()
		_ = app.Cleanup()
		if took := time.Since(start); took > 2*lastAttempt {
			t.Errorf("the end took %s", took)
		}
		time.Sleep(time.Hour) // until all calls have returned
	})
}

// Once its place has changed, nobody hears of an outage that a set no longer has.
func TestClosedRevocationsSayNothingLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startNode(t, slowLog{}, Outage{OnOutage: "closed", OutageGrace: caddy.Duration(time.Minute)})
		require.NoError(t, s.Destruct())
		time.Sleep(time.Hour)
		synctest.Wait()
		if s.stale() || s.toldClosed {
			t.Error("revocations that are closed say that auth routes are")
		}
	})
}

// A node that has never read the log has no grace, also when a configuration has said how
// long that is: it would accept every session that was ended before it started.
func TestNodeThatHasNeverReadHasNoGraceByItsTerms(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		storage := &watchedStorage{Storage: &certmagic.FileStorage{Path: folder}}
		storage.unreadable.Store(true)
		module := new(StorageRevocation)
		log, err := module.Open("default", storage)
		require.NoError(t, err)
		node := newSharedRevocations("default", session.NewRevocationSet(time.Now), log, module.OutageRule())
		node.use(&terms{module, storage})
		node.ready(t.Context())
		_, err = node.Revoked(annsSession("one"))
		require.ErrorIs(t, err, session.ErrStale)
		assert.True(t, node.Status().Refusing)
		storage.unreadable.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantRevoked(t, node, annsSession("one"), false)
		stop(t, node)
	})
}

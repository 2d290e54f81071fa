package caddymodule

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"

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

// Once its place has changed, nobody hears of an outage that a set no longer has.
func TestClosedRevocationsSayNothingLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSharedRevocations("default", session.NewRevocationSet(time.Now), slowLog{}, Outage{OnOutage: "closed", OutageGrace: caddy.Duration(time.Minute)})
		s.ready(t.Context())
		if err := s.Destruct(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if s.stale.Load() || s.toldClosed {
			t.Error("revocations that are closed say that auth routes are")
		}
	})
}

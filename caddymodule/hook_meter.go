package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// worksAfter is how long a hook has to be without a failure before the log says that it
// works again: one that fails for some users fills no log.
const worksAfter = time.Minute

// hookMeter measures the calls of one hook and says when it fails.
type hookMeter struct {
	realm  *realm
	name   string // of the hook
	logger *zap.Logger

	mu      sync.Mutex
	failing bool
	failed  time.Time // last
	worked  bool      // since then
}

func (r *realm) meter(hook string) *hookMeter {
	return &hookMeter{realm: r, name: hook, logger: r.logger.With(zap.String("hook", hook))}
}

// The outcomes of a call; a closed set.
const (
	hookPassed  = "passed"
	hookRefused = "refused"
	hookFailed  = "failed"
)

// measured calls a hook and counts the call. A panic is a failure, since a hook may be
// anybody's code. Refused reports whether the hook has said no.
func measured[T any](ctx context.Context, m *hookMeter, call func() (T, error), refused func(T, error) bool) (answer T, err error) {
	started := time.Now()
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("it panicked: %v\n%s", thrown, debug.Stack())
		}
		m.called(ctx, started, refused(answer, err), err)
	}()
	return call()
}

func isRefused[T any](_ T, err error) bool { return errors.Is(err, session.ErrRefused) }

// called counts a call. One that nobody waited for any more says nothing.
func (m *hookMeter) called(ctx context.Context, started time.Time, refused bool, err error) {
	outcome := hookPassed
	switch {
	case refused:
		outcome = hookRefused
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return
	case err != nil:
		outcome = hookFailed
	}
	app := m.realm.app
	app.metrics.hooks.WithLabelValues(m.realm.name, m.name, outcome).Observe(time.Since(started).Seconds())
	m.tell(outcome == hookFailed, err)
}

// tell says when a hook begins to fail, and when it has worked again for a while.
func (m *hookMeter) tell(failed bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, now := m.failing, time.Now()
	quiet := now.Sub(m.failed) >= worksAfter
	if failed {
		was = was && (!m.worked || !quiet) // else it has worked meanwhile, though nobody called late enough to say so
		m.failing, m.failed, m.worked = true, now, false
	} else {
		m.worked, m.failing = true, m.failing && !quiet
	}
	switch {
	case m.failing && !was:
		m.logger.Error("a session hook failed; further failures are not logged until it works again", zap.Error(err))
	case was && !m.failing:
		m.logger.Info("a session hook works again")
	}
}

type validateMeter struct {
	*hookMeter
	hook session.Validator
}

// ValidateSession implements [session.Validator].
func (m validateMeter) ValidateSession(ctx context.Context, s *session.Session) error {
	_, err := measured(ctx, m.hookMeter, func() (struct{}, error) {
		return struct{}{}, m.hook.ValidateSession(ctx, s)
	}, isRefused)
	return err
}

type refreshMeter struct {
	*hookMeter
	hook session.Refresher
}

// RefreshSession implements [session.Refresher].
func (m refreshMeter) RefreshSession(ctx context.Context, s *session.Session) (session.Login, error) {
	return measured(ctx, m.hookMeter, func() (session.Login, error) {
		login, err := m.hook.RefreshSession(ctx, s)
		if err == nil && login.User.ID() != s.User.ID() {
			err = errors.New("the answer has a user without the session's user.id; return the whole user, with the same id")
		}
		return login, err
	}, isRefused)
}

type authorizeMeter struct {
	*hookMeter
	hook Authorizer
}

// AuthorizeRequest implements [Authorizer].
func (m authorizeMeter) AuthorizeRequest(ctx context.Context, asked Authorization) (*Refusal, error) {
	return measured(ctx, m.hookMeter, func() (*Refusal, error) {
		refusal, err := m.hook.AuthorizeRequest(ctx, asked)
		if refusal != nil && (refusal.Status < 300 || refusal.Status >= 500 || refusal.Status == http.StatusNotModified) {
			return nil, errors.Join(err, fmt.Errorf("the answer has the status %d", refusal.Status))
		}
		return refusal, err
	}, func(refusal *Refusal, _ error) bool { return refusal != nil })
}

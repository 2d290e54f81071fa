package caddymodule

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/session-guard/caddy-session-guard/session"
)

// Every outcome is counted as what it is. A no is no failure, of which the log would tell, and
// one whose request nobody waits for any more says nothing.
func TestHookOutcomes(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	refuses := authorizer(func() (*Refusal, error) { return &Refusal{Status: 403}, nil })
	for name, tc := range map[string]struct {
		call func(*hookMeter)
		want string
	}{
		"validate says no": {func(m *hookMeter) {
			_ = validateMeter{m, compiled(func() (session.Login, error) { return session.Login{}, session.ErrRefused })}.ValidateSession(t.Context(), &session.Session{})
		}, hookRefused},
		"authorize says no": {func(m *hookMeter) {
			_, _ = authorizeMeter{m, refuses}.AuthorizeRequest(t.Context(), Authorization{})
		}, hookRefused},
		"the browser goes away": {func(m *hookMeter) {
			_ = validateMeter{m, compiled(func() (session.Login, error) { return session.Login{}, canceled.Err() })}.ValidateSession(canceled, &session.Session{})
		}, ""},
	} {
		r := newRealm(&App{logger: zap.New(core), metrics: newMetrics()}, "default")
		tc.call(r.meter("hook"))
		for _, outcome := range []string{hookPassed, hookRefused, hookFailed} {
			assert.Equal(t, outcome == tc.want, r.app.metrics.hooks.DeleteLabelValues("default", "hook", outcome), "%s: %s", name, outcome)
		}
	}
	assert.Empty(t, logs.TakeAll(), "nothing has failed")
}

type authorizer func() (*Refusal, error)

func (a authorizer) AuthorizeRequest(context.Context, Authorization) (*Refusal, error) { return a() }

// A hook that only fails is logged once, however seldom it is asked.
func TestHookThatOnlyFailsIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		r := newRealm(&App{logger: zap.New(core), metrics: newMetrics()}, "default")
		m := validateMeter{r.meter("validate"), compiled(func() (session.Login, error) { return session.Login{}, errors.New("no") })}
		for range 10 {
			_ = m.ValidateSession(t.Context(), &session.Session{})
			time.Sleep(time.Hour)
		}
		assert.Len(t, logs.TakeAll(), 1)
	})
}

// Many requests meet a hook that fails at once (the race detector looks on).
func TestHookThatFailsForManyAtOnceIsLoggedOnce(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	r := newRealm(&App{logger: zap.New(core), metrics: newMetrics()}, "default")
	m := validateMeter{r.meter("validate"), compiled(func() (session.Login, error) { return session.Login{}, errors.New("no") })}
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() { _ = m.ValidateSession(t.Context(), &session.Session{}) })
	}
	calls.Wait()
	assert.Len(t, logs.TakeAll(), 1)
}

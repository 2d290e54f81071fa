package caddymodule

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/session-guard/caddy-session-guard/session"
)

// compiled is a hook of somebody's own.
type compiled func() (session.Login, error)

func (c compiled) RefreshSession(context.Context, *session.Session) (session.Login, error) {
	return c()
}

func (c compiled) ValidateSession(context.Context, *session.Session) error {
	_, err := c()
	return err
}

func (c compiled) AuthorizeRequest(context.Context, Authorization) (*Refusal, error) {
	_, err := c()
	return nil, err
}

// A hook of somebody's own that panics, or forgets the user, fails: that is logged, with
// what it threw, and counted.
func TestCompiledHookThatGoesWrongIsSeen(t *testing.T) {
	panics := compiled(func() (session.Login, error) { panic("boom") })
	forgets := compiled(func() (session.Login, error) { return session.Login{}, nil })
	mixesUp := compiled(func() (session.Login, error) { return session.Login{User: session.User{"id": "bob"}}, nil })
	ann := &session.Session{User: session.User{"id": "ann"}}
	for name, tc := range map[string]struct {
		call func(*hookMeter) error
		says string
	}{
		"validate panics": {func(m *hookMeter) error { return validateMeter{m, panics}.ValidateSession(t.Context(), ann) }, "it panicked: boom"},
		"authorize panics": {func(m *hookMeter) error {
			_, err := authorizeMeter{m, panics}.AuthorizeRequest(t.Context(), Authorization{})
			return err
		}, "it panicked: boom"},
		"refresh panics": {func(m *hookMeter) error {
			_, err := refreshMeter{m, panics}.RefreshSession(t.Context(), ann)
			return err
		}, "it panicked: boom"},
		"refresh forgets": {func(m *hookMeter) error {
			_, err := refreshMeter{m, forgets}.RefreshSession(t.Context(), ann)
			return err
		}, "return the whole user, with the same id"},
		"refresh mixes up": {func(m *hookMeter) error {
			_, err := refreshMeter{m, mixesUp}.RefreshSession(t.Context(), ann)
			return err
		}, "return the whole user, with the same id"},
	} {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zapcore.ErrorLevel)
			r := &realm{name: "default", app: &App{logger: zap.New(core), metrics: newMetrics()}}
			err := tc.call(r.meter("hook"))
			require.ErrorContains(t, err, tc.says)
			assert.NotErrorIs(t, err, session.ErrRefused)
			require.Equal(t, 1, logs.Len())
			assert.Contains(t, logs.All()[0].ContextMap()["error"], tc.says)
			assert.True(t, r.app.metrics.hooks.DeleteLabelValues("default", "hook", hookFailed), "the call is counted as a failure")
		})
	}
}

// A hook that fails for one user in two, or now and then, is one failure: the log says that it
// works again, at the next call, once none has failed for a minute.
func TestHookThatFailsForSomeIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		r := &realm{name: "default", app: &App{logger: zap.New(core), metrics: newMetrics()}}
		m := validateMeter{r.meter("validate"), compiled(nil)}
		call := func(answer error) {
			m.hook = compiled(func() (session.Login, error) { return session.Login{}, answer })
			_ = m.ValidateSession(t.Context(), &session.Session{})
		}
		broken := errors.New("the answer has the status 500")
		said := func(want ...string) {
			t.Helper()
			var all []string
			for _, entry := range logs.TakeAll() {
				all = append(all, entry.Message)
			}
			assert.Equal(t, want, all)
		}
		for range 20 {
			call(nil)
			call(broken)
			call(session.ErrRefused) // a no is an answer
			time.Sleep(30 * time.Second)
		}
		said("a session hook failed; further failures are not logged until it works again")
		call(nil)
		time.Sleep(time.Minute)
		said()
		call(nil)
		call(nil)
		said("a session hook works again")
		call(broken)
		call(broken)
		said("a session hook failed; further failures are not logged until it works again")
		call(nil)
		time.Sleep(6 * time.Hour) // in which nobody asks
		call(broken)
		call(broken)
		said("a session hook failed; further failures are not logged until it works again")
	})
}

// dyingListener hands out connections that hear nothing any more once it has died, as
// behind a firewall that forgot them. Later ones are well.
type dyingListener struct {
	net.Listener
	died atomic.Bool
}

func (l *dyingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil || l.died.Load() {
		return conn, err
	}
	return &dyingConn{conn, l}, nil
}

type dyingConn struct {
	net.Conn
	of *dyingListener
}

func (c *dyingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for err == nil && c.of.died.Load() {
		n, err = c.Conn.Read(b)
	}
	return n, err
}

// A connection of HTTP/2 that has gone dead is left within seconds, not when the kernel
// gives it up: each call would wait for its timeout, and nobody could pass an auth route.
func TestHookLeavesADeadConnection(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, 2, r.ProtoMajor)
		w.WriteHeader(http.StatusNoContent)
	}))
	listener := &dyingListener{Listener: server.Listener}
	server.Listener, server.EnableHTTP2 = listener, true
	server.StartTLS()
	defer server.Close()
	h := &HTTPHook{URL: server.URL, Timeout: caddy.Duration(100 * time.Millisecond)}
	require.NoError(t, h.Provision(caddy.Context{}))
	h.client.Transport.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	call := func() error {
		return h.ValidateSession(t.Context(), &session.Session{User: session.User{"id": "ann"}})
	}
	require.NoError(t, call())
	listener.died.Store(true)
	require.Error(t, call())
	require.Eventually(t, func() bool { return call() == nil }, 8*time.Second, time.Millisecond)
}

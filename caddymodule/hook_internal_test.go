package caddymodule

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
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
			r := newRealm(&App{logger: zap.New(core), metrics: newMetrics()}, "default")
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
		r := newRealm(&App{logger: zap.New(core), metrics: newMetrics()}, "default")
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

// hookOverHTTP2 is a hook of a service that answers 204 over connections that a test may
// wrap, with a call of it.
func hookOverHTTP2(t *testing.T, timeout time.Duration, wrap func(net.Conn) net.Conn) (call func() error) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, 2, r.ProtoMajor)
		w.WriteHeader(http.StatusNoContent)
	}))
	server.Listener, server.EnableHTTP2 = wrappingListener{server.Listener, wrap}, true
	server.StartTLS()
	t.Cleanup(server.Close)
	h := &HTTPHook{URL: server.URL, Timeout: caddy.Duration(timeout)}
	require.NoError(t, h.Provision(caddy.Context{}))
	t.Cleanup(func() { _ = h.Cleanup() })
	h.client.Transport.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	return func() error {
		return h.ValidateSession(t.Context(), &session.Session{User: session.User{"id": "ann"}})
	}
}

type wrappingListener struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (l wrappingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(conn), nil
}

// readingConn lets a test look at what the service hears before it hears it.
type readingConn struct {
	net.Conn
	hears func() (deaf bool)
}

func (c readingConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if !c.hears() || err != nil {
			return n, err
		}
	}
}

// A connection of HTTP/2 that has gone dead, as behind a firewall that forgot it, is left
// within seconds, not when the kernel gives it up: each call would wait for its timeout, and
// nobody could pass an auth route. Later connections are well.
func TestHookLeavesADeadConnection(t *testing.T) {
	var died atomic.Bool
	call := hookOverHTTP2(t, 500*time.Millisecond, func(conn net.Conn) net.Conn {
		if died.Load() {
			return conn
		}
		return readingConn{conn, died.Load}
	})
	require.NoError(t, call())
	died.Store(true)
	require.Error(t, call())
	require.Eventually(t, func() bool { return call() == nil }, 10*time.Second, time.Millisecond)
}

// A service that pauses answers neither calls nor whether it is alive. A call that came
// while the service was asked is not lost to that, however short its timeout.
func TestHookKeepsAConnectionThatPauses(t *testing.T) {
	var pause sync.RWMutex
	call := hookOverHTTP2(t, time.Second, func(conn net.Conn) net.Conn {
		return readingConn{conn, func() bool {
			pause.RLock()
			defer pause.RUnlock()
			return false
		}}
	})
	require.NoError(t, call())
	pause.Lock()
	time.AfterFunc(silentHookConnection+1300*time.Millisecond, pause.Unlock)
	time.Sleep(silentHookConnection + 800*time.Millisecond)
	require.NoError(t, call())
}

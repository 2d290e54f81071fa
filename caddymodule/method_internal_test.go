package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// CONNECT asks a proxy for a tunnel. Only as a WebSocket in HTTP/2 (RFC 8441) and
// HTTP/3 (RFC 9220) is it a request to an app (the class of CVE-2026-71324).
func TestConnectIsForWebSocketsOnly(t *testing.T) {
	guard := newBench(t).guard
	for _, tc := range []struct {
		name, method, proto, protocol string
		major                         int
		refused                       bool
	}{
		{"a page", "GET", "HTTP/1.1", "", 1, false},
		{"TRACE", "TRACE", "HTTP/1.1", "", 1, true},
		{"a tunnel in HTTP/1.1", "CONNECT", "HTTP/1.1", "", 1, true},
		{"a tunnel in HTTP/2", "CONNECT", "HTTP/2.0", "", 2, true},
		{"a tunnel in HTTP/3", "CONNECT", "HTTP/3.0", "", 3, true},
		{"a WebSocket in HTTP/2", "CONNECT", "HTTP/2.0", "websocket", 2, false},
		{"another protocol in HTTP/2", "CONNECT", "HTTP/2.0", "connect-udp", 2, true},
		{"a WebSocket in HTTP/3, as quic-go says it", "CONNECT", "websocket", "", 3, false},
		{"another protocol in HTTP/3", "CONNECT", "webtransport", "", 3, true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/dashboard", nil)
		r.Method, r.Proto, r.ProtoMajor = tc.method, tc.proto, tc.major
		if tc.protocol != "" {
			r.Header[":protocol"] = []string{tc.protocol}
		}
		visit, err := guard.look(r)
		require.NoError(t, err, tc.name)
		assert.Equal(t, tc.refused, visit.refusesMethod(), tc.name)
	}
}

// methodSeen is an authorize hook that remembers the method that it is told.
type methodSeen struct{ method string }

func (h *methodSeen) AuthorizeRequest(_ context.Context, asked Authorization) (*Refusal, error) {
	h.method = asked.Method
	return nil, nil
}

// The app gets a WebSocket as GET, whichever protocol the browser asks by.
func TestAuthorizeHookIsToldOneMethodOfWebSockets(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodConnect} {
		b, hook := newBench(t), new(methodSeen)
		b.guard.authorizer = hook
		r := b.request("/dashboard", b.cookie)
		r.Method, r.ProtoMajor = method, 2
		r.Header[":protocol"], r.Header["Upgrade"], r.Header["Connection"] = []string{"websocket"}, []string{"websocket"}, []string{"Upgrade"}
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, *r))
		visit, err := b.guard.look(r)
		require.NoError(t, err)
		require.NoError(t, b.guard.authorize(visit))
		assert.Equal(t, http.MethodGet, hook.method)
	}
}

// In HTTP/3 the protocol of a CONNECT stands in the request itself, which an error route
// has even where the guard saw a copy of it (behind `tracing`).
func TestAttackWebSocketOnErrorPagesOfHTTP3(t *testing.T) {
	refused := func() (bench, *http.Request) {
		b := newBench(t)
		r := b.request("/dashboard", "")
		r.Method, r.Proto, r.ProtoMajor = http.MethodConnect, "websocket", 3
		r.Header["Sec-Websocket-Version"], r.Header["Sec-Websocket-Protocol"] = []string{"13"}, []string{"chat"}
		seen := r.Clone(r.Context())
		seen.Header = r.Header
		err := b.guard.ServeHTTP(httptest.NewRecorder(), seen, nil)
		failed, ok := errors.AsType[caddyhttp.HandlerError](err)
		require.True(t, ok)
		require.Equal(t, http.StatusUnauthorized, failed.StatusCode)
		assert.NotContains(t, seen.Proto, "websocket")
		for name := range r.Header {
			assert.False(t, strings.HasPrefix(name, "Sec-Websocket-"), "an app would open it by %s", name)
		}
		return b, r.WithContext(context.WithValue(r.Context(), caddyhttp.ErrorCtxKey, err))
	}
	b, r := refused()
	r.URL.Path, r.RequestURI = "/", "/"
	var passed bool
	err := b.guard.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		passed = true
		return nil
	}))
	assert.Error(t, err)
	assert.False(t, passed, "a guard of the error route lets the WebSocket pass")
}

package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
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

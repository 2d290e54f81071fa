package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withholdAction leaves nothing of a WebSocket, by whichever protocol it is asked for.
func TestWhatIsWithheldFromAnErrorRoute(t *testing.T) {
	r := httptest.NewRequest("CONNECT", "/", nil)
	r.Proto, r.ProtoMajor = "websocket", 3
	r.Header = http.Header{
		"Next-Action": {"a"}, "Content-Type": {"text/plain"}, "Upgrade": {"websocket"}, ":protocol": {"websocket"}, "Sec-Websocket-Key": {"x"}, "Sec-Websocket-Version": {"13"}, "Accept": {"text/html"},
	}
	assert.Equal(t, []string{"text/plain"}, withholdAction(r))
	assert.Equal(t, http.Header{"Accept": {"text/html"}}, r.Header)
	assert.Equal(t, "HTTP/3.0", r.Proto)
}

// A WebSocket that was refused is opened nowhere, also where a copy of the request still asks for
// it: what takes it from the one that the guard saw may not reach the other (HTTP/3).
func TestRefusedWebSocketIsNotOpenedInAnErrorRoute(t *testing.T) {
	b := newBench(t)
	r := b.request("/", "")
	r.Header["Connection"], r.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	caddyhttp.SetVar(r.Context(), failedVariable, &failure{decision: decisionLogin, visit: new(visit)})
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.ErrorCtxKey, errors.New("denied")))
	err := b.guard.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		t.Error("the app was asked")
		return nil
	}))
	var failed caddyhttp.HandlerError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, http.StatusBadRequest, failed.StatusCode)
}

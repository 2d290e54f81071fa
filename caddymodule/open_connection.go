package caddymodule

import (
	"context"
	"net/http"
	"strings"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// connection is the part of a visit that may outlive its session: a WebSocket
// or an event stream. Its context is cancelled when the session is over. A
// deadline would count as a failure of the app.
type connection struct {
	cancel context.CancelFunc
	stop   func()
}

// endWithSession gives a request that may stay open a context that can end with
// the session. Call what it returns when the request is done.
func (v *visit) endWithSession(manager *session.Manager) (done func()) {
	if v.session == nil || v.match.Open || v.kind != routes.WebSocket && v.kind != routes.Fetch {
		return func() {}
	}
	ctx, cancel := context.WithCancel(v.request.Context())
	v.request = v.request.WithContext(ctx)
	v.connection.cancel = cancel
	if v.kind == routes.WebSocket {
		v.connection.stop = manager.OnEnd(v.session, cancel)
	}
	return func() {
		if v.connection.stop != nil {
			v.connection.stop()
		}
		cancel()
	}
}

// answered looks at the header of the app's answer: an event stream stays open.
func (v *visit) answered(manager *session.Manager, header http.Header) {
	if v.connection.cancel == nil || v.connection.stop != nil {
		return
	}
	mediaType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	if strings.EqualFold(strings.TrimSpace(mediaType), "text/event-stream") {
		v.connection.stop = manager.OnEnd(v.session, v.connection.cancel)
	}
}

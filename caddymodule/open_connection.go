package caddymodule

import (
	"cmp"
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/session-guard/caddy-session-guard/routes"
)

// connection is the part of a visit that may outlive its session: a WebSocket, an
// event stream, or another answer that takes long. Its context is cancelled when the
// session is over. A deadline would count as a failure of the app.
type connection struct {
	cancel   context.CancelFunc
	stop     func()
	began    time.Time   // the answer, if it may go on and on; zero once that is settled
	complete atomic.Bool // for the browser, though the app still answers
	asked    atomic.Bool // the app has the whole request, of a signed-in visitor
	answers  atomic.Bool // the app does
	hungUp   atomic.Bool // the browser has
}

// longAnswer is how long an answer of unknown length is sent before it counts as a
// stream, whatever its type. Most pages are complete by then, and cost no more.
const longAnswer = 5 * time.Second

// An answer that is not sent is read to its end, for a while: shorter while the browser
// waits for what is sent instead.
const (
	drainTimeout       = 10 * time.Second
	failedDrainTimeout = 2 * time.Second
)

// endWithSession gives the request of a signed-in visitor a context that can end
// with the session. What the client calls its request does not count: a stolen
// session's stream must not outlive it as a document. That of an anonymous visitor gets one
// where its answer may both sign in and stay open. Call done on the connection when
// the request has been served.
func (v *visit) endWithSession() {
	mayBecomeStream := v.kind == routes.WebSocket || v.kind == routes.Fetch
	if v.match.Open || v.session == nil && !mayBecomeStream {
		return
	}
	ctx, cancel := context.WithCancel(v.request.Context())
	v.request = v.request.WithContext(ctx)
	v.connection.cancel = cancel
}

// changes reports whether the request may have the app do something, such as to sign a
// visitor out, or by a Server Action in.
func (v *visit) changes() bool {
	return v.runsAction() || v.visitor.Session() != nil && !mayRepeat(v.request) && !v.match.Open && v.kind != routes.WebSocket
}

// outlastBrowser waits a while for the app when the browser has hung up. Who signs out on a
// computer that others use closes the window at once: the app has signed them out then,
// and so must its answer. And the answer of a Server Action is read to its end when its
// body is not sent: with the header the browser knows all, goes to where it is sent, and
// hangs up. Caddy's proxy would take that for a failure of the app, and log it with the
// headers that name the session, at many a sign-in.
func (v *visit) outlastBrowser() {
	c, r := &v.connection, v.request
	browser := r.Context()
	ctx, cancel := context.WithCancel(context.WithoutCancel(browser))
	// Caddy puts a reader of its own around http.NoBody, which its proxy does not read.
	c.asked.Store(v.visitor.Session() != nil && r.ContentLength == 0)
	unwatch := context.AfterFunc(browser, func() {
		c.hungUp.Store(true)
		if c.complete.Load() || c.asked.Load() && !c.answers.Load() {
			sleep(ctx, drainTimeout)
		}
		cancel()
	})
	v.request = r.WithContext(ctx)
	c.cancel = func() { unwatch(); cancel() }
}

// done frees what endWithSession, outlastBrowser and staysOpen took.
func (c *connection) done() {
	if c.stop != nil {
		c.stop()
	}
	if c.cancel != nil {
		c.cancel()
	}
}

// answered looks at the header of the app's answer: a WebSocket and an event stream
// stay open, and what has no length may. One that signs out itself, as of an app that
// tells how it closes an account, is sent to its end.
func (v *visit) answered(found findings) {
	mediaType, _, _ := strings.Cut(found.contentType, ";")
	switch {
	case v.kind == routes.WebSocket || strings.EqualFold(strings.TrimSpace(mediaType), "text/event-stream"):
		v.staysOpen()
	case !found.length && v.connection.cancel != nil && v.visitor.Session() != nil:
		v.connection.began = time.Now()
	}
}

// isWatched reports whether the answer stays open, and ends with its session.
func (c *connection) isWatched() bool { return c.stop != nil }

// mayStream reports whether nobody knows yet how long the answer takes.
func (c *connection) mayStream() bool { return !c.began.IsZero() }

// streams reports, once, that the answer takes long.
func (c *connection) streams() bool {
	if !c.mayStream() || time.Since(c.began) < longAnswer {
		return false
	}
	c.began = time.Time{}
	return true
}

// turnsOutLong is staysOpen for an answer that was not known to take long. If its session
// has ended meanwhile, the answer ends at once.
func (v *visit) turnsOutLong() {
	v.staysOpen()
	if err := v.visitor.Recheck(); err == nil && v.visitor.Session() == nil {
		v.connection.cancel()
	}
}

// over is why no more may be sent of an answer that stays open. Not every handler minds
// the context of its request: FastCGI's does not.
func (v *visit) over() error {
	if !v.connection.isWatched() {
		return nil
	}
	return v.request.Context().Err()
}

// staysOpen ends the request with the session that the visitor has now, after the
// answer's own handoff, or that it had if the answer ended it.
func (v *visit) staysOpen() {
	s := cmp.Or(v.visitor.Session(), v.session)
	if s == nil || v.connection.cancel == nil || v.connection.isWatched() {
		return
	}
	v.connection.stop = v.manager.OnEnd(s, v.connection.cancel)
}

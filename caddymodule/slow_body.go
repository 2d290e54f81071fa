package caddymodule

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// longBody is how long a body may take to come before it ends with its session.
const longBody = 5 * time.Second

// slowBody is the body of a signed-in visitor's request. What comes of it late ends with the
// session: else a thief could open requests with a stolen one, and keep back what the app is
// to do until it has ended.
type slowBody struct {
	io.ReadCloser
	manager *session.Manager
	session *session.Session
	cancel  context.CancelFunc // else a body that breaks off would count as a failure of the app
	whole   *atomic.Bool       // set when all of it has come
	began   time.Time
	over    atomic.Bool // the session is

	mu     sync.Mutex // a proxy may still read when the request has been answered
	stop   func()
	closed bool
}

// endBodyWithSession lets the body of the request end with the session. It returns nil where
// there is no body, or no session. Call done when the request has been served.
func (v *visit) endBodyWithSession() *slowBody {
	r, s := v.request, v.visitor.Session()
	isEmpty := r.ContentLength == 0 && r.Trailer == nil // Caddy puts a reader of its own around http.NoBody
	if s == nil || v.connection.cancel == nil || r.Body == nil || isEmpty {
		return nil
	}
	b := &slowBody{ReadCloser: r.Body, manager: v.manager, session: s, cancel: v.connection.cancel, whole: &v.connection.asked, began: time.Now().Round(0)}
	r.Body = b
	return b
}

// Read implements io.Reader.
func (b *slowBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.whole.Store(true)
	}
	if time.Since(b.began) < longBody {
		return n, err
	}
	if b.watch(); b.over.Load() {
		b.cancel()
		return 0, context.Canceled
	}
	return n, err
}

// watch looks from now on whether the session ends.
func (b *slowBody) watch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop != nil || b.closed {
		return
	}
	b.over.Store(b.manager.Over(b.session))
	b.stop = b.manager.OnEnd(b.session, func() { b.over.Store(true) })
}

// done ends the watch. Whoever still reads then may go on.
func (b *slowBody) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed = true; b.stop != nil {
		b.stop()
	}
}

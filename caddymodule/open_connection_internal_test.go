package caddymodule

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// lines is a body of a line each second, until the context ends or for half a minute.
type lines struct {
	ctx  context.Context
	left int
}

func (l *lines) Read(p []byte) (int, error) {
	if l.left--; l.left < 0 || !sleep(l.ctx, time.Second) {
		return 0, io.EOF
	}
	return copy(p, "{}\n"), nil
}

// A stolen session's stream of whatever type ends with the session: lines of JSON, the
// pictures of a camera, the text of a model. What is complete soon, has a length or signs
// out itself is sent to its end.
func TestLongAnswerEndsWithItsSession(t *testing.T) {
	const signsOut, atItsEnd = 10 * time.Second, 30 * time.Second
	writeAt := func(moments ...time.Duration) func(http.ResponseWriter, context.Context) {
		return func(w http.ResponseWriter, ctx context.Context) {
			begun := time.Now()
			w.WriteHeader(http.StatusOK)
			for _, moment := range moments {
				if !sleep(ctx, moment-time.Since(begun)) {
					return
				}
				_, _ = io.WriteString(w, "{}\n")
			}
			sleep(ctx, atItsEnd-time.Since(begun))
		}
	}
	for name, tc := range map[string]struct {
		header string
		send   func(w http.ResponseWriter, ctx context.Context)
		ends   time.Duration
	}{
		"goes on and on": {send: func(w http.ResponseWriter, ctx context.Context) {
			_, _ = io.Copy(struct{ io.Writer }{w}, &lines{ctx, 30})
		}, ends: signsOut},
		"by ReadFrom": {send: func(w http.ResponseWriter, ctx context.Context) { _, _ = w.(io.ReaderFrom).ReadFrom(&lines{ctx, 30}) }, ends: signsOut},
		// As of FastCGI, which does not mind the context: it ends at the next line.
		"a deaf event stream": {header: "Content-Type: text/event-stream", send: func(w http.ResponseWriter, ctx context.Context) {
			_, _ = io.Copy(struct{ io.Writer }{w}, &lines{context.WithoutCancel(ctx), 30})
		}, ends: signsOut},
		"a deaf event stream by ReadFrom": {header: "Content-Type: text/event-stream", send: func(w http.ResponseWriter, ctx context.Context) {
			_, _ = w.(io.ReaderFrom).ReadFrom(&lines{context.WithoutCancel(ctx), 30})
		}, ends: signsOut},
		"silent at the sign-out": {send: writeAt(0, 6*time.Second), ends: signsOut},
		"silent until after it":  {send: writeAt(0, 20*time.Second), ends: 20 * time.Second},
		"complete soon":          {send: writeAt(0, time.Second, 4*time.Second), ends: atItsEnd},
		"signs out itself":       {header: "X-Session-Delete: 1", send: writeAt(0, 6*time.Second, 20*time.Second), ends: atItsEnd},
		"with a length":          {header: "Content-Length: 90", send: writeAt(0, 6*time.Second, 20*time.Second), ends: atItsEnd},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				manager := b.guard.realm.ready.Load()
				visitor, err := manager.Read(b.request("/", b.cookie))
				require.NoError(t, err)
				begun := time.Now()
				time.AfterFunc(signsOut, func() { assert.NoError(t, manager.RevokeSession(t.Context(), visitor.Session().ID)) })
				w := httptest.NewRecorder()
				require.NoError(t, b.guard.ServeHTTP(w, b.request("/dashboard", b.cookie), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
					w.Header().Set("Content-Type", "application/x-ndjson")
					if name, value, given := strings.Cut(tc.header, ": "); given {
						w.Header().Set(name, value)
					}
					tc.send(w, r.Context())
					return nil
				})))
				assert.InDelta(t, tc.ends+time.Second/2, time.Since(begun), float64(time.Second/2))
				time.Sleep(time.Second) // until nobody looks after the connection any more
				if tc.ends == 20*time.Second {
					assert.Equal(t, "{}\n", w.Body.String(), "what was written after the sign-out")
				}
			})
		})
	}
}

// hijackable is a connection that may be taken over.
type hijackable struct {
	*httptest.ResponseRecorder
	statuses []int
}

func (h *hijackable) WriteHeader(status int) { h.statuses = append(h.statuses, status) }

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	server, client := net.Pipe()
	_ = client.Close()
	return server, bufio.NewReadWriter(bufio.NewReader(server), bufio.NewWriter(server)), nil
}

// Whoever takes the connection over writes the answer, of which nothing else is sent then, and
// the request ends with the session.
func TestHandlerThatTakesTheConnectionOver(t *testing.T) {
	b := newBench(t)
	w := &hijackable{ResponseRecorder: httptest.NewRecorder()}
	require.NoError(t, b.guard.ServeHTTP(w, b.request("/dashboard", b.cookie), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer func() { _ = connection.Close() }()
		assert.True(t, b.guard.realm.visitOf(r).connection.isWatched())
		visitor, err := b.guard.realm.ready.Load().Read(b.request("/", b.cookie))
		if err != nil {
			return err
		}
		if err := visitor.Delete(t.Context()); err != nil {
			return err
		}
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
			t.Error("the request outlives its session")
		}
		return nil
	})))
	assert.Empty(t, w.statuses)
}

// A stream whose own answer signs out ends with that session.
func TestEventStreamThatSignsOutEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		began := time.Now()
		_ = b.guard.ServeHTTP(httptest.NewRecorder(), b.request("/dashboard", b.cookie), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("X-Session-Delete", "1")
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
			for sleep(r.Context(), time.Second) && time.Since(began) < time.Minute {
				_, _ = io.WriteString(w, "data: x\n\n")
			}
			return nil
		}))
		assert.Less(t, time.Since(began), 10*time.Second)
	})
}

// Whoever has answered leaves nothing that waits for the end of its session.
func TestConnectionThatIsClosedIsForgotten(t *testing.T) {
	b := newBench(t)
	ended := 0
	for range 3 {
		require.NoError(t, b.guard.ServeHTTP(httptest.NewRecorder(), b.request("/dashboard", b.cookie), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
			v := b.guard.realm.visitOf(r)
			assert.True(t, v.connection.isWatched())
			stop := v.connection.stop
			v.connection.stop = func() { ended++; stop() }
			return nil
		})))
	}
	assert.Equal(t, 3, ended)
}

// revokedLater are revocations of every session from some moment on.
type revokedLater struct {
	session.Revocations
	ended atomic.Bool
}

func (r *revokedLater) Revoked(*session.Session) (bool, error) { return r.ended.Load(), nil }

func (*revokedLater) UpdatedAfter(string, time.Time) bool { return false }

// A page that signs in, takes long and loses its session meanwhile is sent to its end: nobody
// could have stolen it.
func TestLongPageThatSignsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		ended := new(revokedLater)
		b.with(t, func(s *session.Settings) { s.Revocations = ended })
		w := httptest.NewRecorder()
		require.NoError(t, b.guard.ServeHTTP(w, b.request("/", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Session-Set", "eyJ1c2VyIjp7ImlkIjoiYm9iIn19")
			w.WriteHeader(http.StatusOK)
			ended.ended.Store(true)
			time.Sleep(2 * longAnswer)
			_, err := w.Write([]byte("page"))
			return err
		})))
		assert.Equal(t, "page", w.Body.String())
	})
}

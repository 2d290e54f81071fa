package caddymodule

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

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

	"github.com/session-guard/caddy-session-guard/session"
)

// torn is a body that breaks off when the browser hangs up.
type torn struct{ browser context.Context }

func (b torn) Read([]byte) (int, error) {
	<-b.browser.Done()
	return 0, io.ErrUnexpectedEOF
}

// Who signs out on a computer that others use closes the window at once. The app has signed
// them out then, so its answer counts even if nobody waits for it.
func TestSignOutIsKeptThoughTheBrowserHangsUp(t *testing.T) {
	const hangsUp = time.Second
	form := func() io.Reader { return strings.NewReader("a=b") }
	for name, tc := range map[string]struct {
		method  string
		body    func() io.Reader
		header  string // of the request
		handoff string
		answers time.Duration // when the app does
		writes  time.Duration // for how long it goes on then
		ends    time.Duration // when the app's request does
		kept    bool          // the session before
	}{
		"form":              {method: "POST", body: form, handoff: "X-Session-Delete: 1", answers: 3 * time.Second, ends: 3 * time.Second},
		"without a body":    {method: "DELETE", handoff: "X-Session-Delete: 1", answers: 3 * time.Second, ends: 3 * time.Second},
		"Server Action":     {method: "POST", body: form, header: "Next-Action: 00a1", handoff: "X-Session-Delete: 1", answers: 3 * time.Second, ends: 3 * time.Second},
		"with a long page":  {method: "POST", body: form, handoff: "X-Session-Delete: 1", answers: 3 * time.Second, writes: time.Minute, ends: 11 * time.Second},
		"answered before":   {method: "POST", body: form, answers: hangsUp / 2, writes: time.Minute, ends: hangsUp, kept: true},
		"app takes long":    {method: "POST", body: form, handoff: "X-Session-Delete: 1", answers: time.Minute, ends: 11 * time.Second, kept: true},
		"upload breaks off": {method: "POST", handoff: "X-Session-Delete: 1", answers: 3 * time.Second, ends: hangsUp, kept: true},
		"page":              {method: "GET", handoff: "X-Session-Delete: 1", answers: 3 * time.Second, ends: hangsUp, kept: true},
		// Nobody would get the session, and who has only changed their mind would be signed out.
		"signs in anew":      {method: "POST", body: form, handoff: "X-Session-Set: eyJ1c2VyIjp7ImlkIjoiYWRhIn19", answers: 3 * time.Second, ends: 3 * time.Second, kept: true},
		"goes on as a guest": {method: "POST", body: form, handoff: "X-Session-Delete: 1\nX-Session-Set: eyJ1c2VyIjp7ImlkIjoiZ3Vlc3QifX0", answers: 3 * time.Second, ends: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				r := b.request("/dashboard", b.cookie)
				browser, hangUp := context.WithCancel(r.Context())
				time.AfterFunc(hangsUp, hangUp)
				r.Method = tc.method
				switch {
				case tc.body != nil:
					r.Body, r.ContentLength = io.NopCloser(tc.body()), -1
				case name == "upload breaks off":
					r.Body, r.ContentLength = io.NopCloser(torn{browser}), -1
				default:
					r.Body = io.NopCloser(r.Body) // Caddy hides http.NoBody in a reader of its own
				}
				if name, value, given := strings.Cut(tc.header, ": "); given {
					r.Header.Set(name, value)
				}
				begun := time.Now()
				w := httptest.NewRecorder()
				require.NoError(t, b.guard.ServeHTTP(w, r.WithContext(browser), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
					body := r.Body
					if r.ContentLength == 0 {
						body = http.NoBody // as Caddy's proxy, which reads none
					}
					if _, err := io.Copy(io.Discard, body); err != nil || !sleep(r.Context(), tc.answers-time.Since(begun)) {
						return nil // as a proxy, which has nothing to send then
					}
					for line := range strings.Lines(tc.handoff) {
						name, value, _ := strings.Cut(line, ": ")
						w.Header().Set(name, strings.TrimSpace(value))
					}
					w.WriteHeader(http.StatusOK)
					if _, err := io.WriteString(w, "bye"); err != nil {
						return err
					}
					if tc.writes > 0 {
						sleep(r.Context(), tc.writes)
					}
					return nil
				})))
				assert.Equal(t, tc.ends, time.Since(begun))
				if tc.answers > hangsUp {
					assert.Empty(t, w.Body.String(), "of which the proxy would log that it broke off")
				}
				v, err := b.guard.realm.ready.Load().Read(b.request("/", b.cookie))
				require.NoError(t, err)
				assert.Equal(t, tc.kept, v.Session() != nil)
			})
		})
	}
}

// slowHook says yes after a while.
type slowHook struct{}

func (slowHook) wait(ctx context.Context) error {
	if !sleep(ctx, 3*time.Second) {
		return ctx.Err()
	}
	return nil
}

func (h slowHook) ValidateSession(ctx context.Context, _ *session.Session) error { return h.wait(ctx) }

func (h slowHook) AuthorizeRequest(ctx context.Context, _ Authorization) (*Refusal, error) {
	return nil, h.wait(ctx)
}

// A browser that hangs up while a hook is asked signs out, too: it does so at once where a
// page calls fetch and goes elsewhere.
func TestSignOutIsKeptThoughTheBrowserHangsUpBeforeAHookAnswers(t *testing.T) {
	for name, with := range map[string]func(g *Guard){
		"validate":  func(g *Guard) { g.realm.validator = slowHook{} },
		"authorize": func(g *Guard) { g.authorizer = slowHook{} },
	} {
		for method, kept := range map[string]bool{"POST": false, "GET": true} {
			t.Run(name+" "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					plain := b.guard.realm.ready.Load()
					with(b.guard)
					manager, err := session.NewManager(b.guard.realm.core(), plain.Keys())
					require.NoError(t, err)
					b.guard.realm.ready.Store(manager)
					r := b.request("/dashboard", b.cookie)
					r.Method, r.Body = method, io.NopCloser(r.Body)
					browser, hangUp := context.WithCancel(r.Context())
					time.AfterFunc(time.Second, hangUp)
					err = b.guard.ServeHTTP(httptest.NewRecorder(), r.WithContext(browser), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
						if sleep(r.Context(), time.Second) {
							w.Header().Set("X-Session-Delete", "1")
						}
						return nil
					}))
					if !kept {
						require.NoError(t, err)
					}
					v, err := manager.Read(b.request("/", b.cookie))
					require.NoError(t, err)
					assert.Equal(t, kept, v.Session() != nil)
				})
			})
		}
	}
}

package caddymodule

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// A thief opens requests with a stolen cookie and keeps back what the app is to do until its
// owner has signed out. Other uploads may take as long as they like.
func TestAttackBodyKeptBackUntilTheSignOut(t *testing.T) {
	for name, tc := range map[string]struct {
		pause   time.Duration // before each of the 30 parts
		ends    func(m *session.Manager, s *session.Session) error
		visits  bool // other requests of the session
		arrives bool
	}{
		"signed out": {pause: time.Second, ends: func(m *session.Manager, s *session.Session) error { return m.RevokeSession(context.Background(), s.ID) }},
		"all of the user's ended": {pause: time.Minute, ends: func(m *session.Manager, s *session.Session) error {
			return m.RevokeUser(context.Background(), "ada", "")
		}},
		"ended and long forgotten": {pause: 40 * 24 * time.Hour, ends: func(m *session.Manager, s *session.Session) error { return m.RevokeSession(context.Background(), s.ID) }},
		"expired":                  {pause: 7 * time.Hour},
		"in use meanwhile":         {pause: 7 * time.Hour, visits: true, arrives: true},
		"quick, then signed out":   {pause: time.Second / 10, arrives: true, ends: func(m *session.Manager, s *session.Session) error { return m.RevokeSession(context.Background(), s.ID) }},
		"slow":                     {pause: time.Minute, arrives: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				manager := b.guard.realm.ready.Load()
				visitor, err := manager.Read(b.request("/", b.cookie))
				require.NoError(t, err)
				if tc.ends != nil {
					time.AfterFunc(10*time.Second, func() { assert.NoError(t, tc.ends(manager, visitor.Session())) })
				}
				ctx, stop := context.WithCancel(t.Context())
				cookie := b.cookie
				visit := func() {
					v, err := manager.Read(b.request("/", cookie))
					assert.NoError(t, err)
					assert.NoError(t, v.Slide(ctx))
					header := http.Header{}
					if v.SetCookies(header) {
						c, err := http.ParseSetCookie(header.Get("Set-Cookie"))
						assert.NoError(t, err)
						cookie = c.Name + "=" + c.Value
					}
				}
				if tc.visits {
					go func() {
						for sleep(ctx, time.Hour) {
							visit()
						}
					}()
				}
				r := b.request("/dashboard", b.cookie)
				r.Method, r.ContentLength, r.Body = http.MethodPost, -1, io.NopCloser(&parts{left: 30, pause: tc.pause})
				var came []byte
				var failed error
				require.NoError(t, b.guard.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
					came, failed = io.ReadAll(r.Body)
					if failed != nil {
						assert.ErrorIs(t, failed, context.Canceled)
						assert.Error(t, r.Context().Err(), "the app would be blamed")
					}
					return nil
				})))
				assert.Equal(t, tc.arrives, failed == nil && len(came) == 30, "%d parts, %v", len(came), failed)
				stop()
				time.Sleep(2 * time.Hour) // for those who visit
			})
		})
	}
}

// parts is a body that comes byte by byte.
type parts struct {
	left  int
	pause time.Duration
}

func (p *parts) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(p.pause)
	p.left--
	b[0] = 'x'
	return 1, nil
}

// A WebSocket over HTTP/2 or HTTP/3 is the body of its request. Whose session other requests
// keep alive may be silent there for longer than one expiry.
func TestQuietWebSocketLivesAsLongAsItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		manager := b.guard.realm.ready.Load()
		cookie := b.cookie
		go func() {
			for range 10 * 24 {
				time.Sleep(time.Hour)
				v, err := manager.Read(b.request("/", cookie))
				assert.NoError(t, err)
				assert.NoError(t, v.Slide(t.Context()))
				header := http.Header{}
				if v.SetCookies(header) {
					c, err := http.ParseSetCookie(header.Get("Set-Cookie"))
					assert.NoError(t, err)
					cookie = c.Name + "=" + c.Value
				}
			}
		}()
		r := b.request("/dashboard", b.cookie)
		r.Method, r.Body = http.MethodConnect, io.NopCloser(&parts{left: 1, pause: 8 * 24 * time.Hour})
		r.ProtoMajor, r.Proto = 3, "websocket"
		require.NoError(t, b.guard.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusOK)
			came, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			assert.Len(t, came, 1)
			assert.NoError(t, r.Context().Err())
			return nil
		})))
		time.Sleep(20 * 24 * time.Hour)
	})
}

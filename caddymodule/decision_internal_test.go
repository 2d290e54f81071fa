package caddymodule

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// A page that names itself by the default port is of the same origin as its host without one,
// and the other way round.
func TestOriginsWithDefaultPorts(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct {
		origin, host string
		foreign      bool
	}{
		{"http://app.test", "app.test", false}, {"http://app.test:80", "app.test", false}, {"http://app.test", "app.test:80", false}, {"http://APP.test", "app.TEST", false},
		{"https://app.test:443", "app.test", false}, {"https://app.test", "app.test:443", false},
		{"http://app.test:443", "app.test", true}, {"http://app.test:8080", "app.test", true}, {"http://evil.test", "app.test", true}, {"null", "app.test", true},
		{"http://app.test.evil", "app.test", true}, {"%", "app.test", true},
	} {
		r := b.request("/dashboard", b.cookie)
		r.Host, r.Header["Origin"] = tc.host, []string{tc.origin}
		assert.Equal(t, tc.foreign, (&visit{request: r, manager: b.guard.realm.ready.Load()}).foreignOrigin(), "%s at %s", tc.origin, tc.host)
	}
}

// What was found out for one session does not stay for the next one.
func TestDecisionIsMadeAnew(t *testing.T) {
	b := newBench(t)
	v := &visit{request: b.request("/", ""), table: b.guard.table.Load(), owner: new(routes.Match), from: new(routes.Match)}
	v.route()
	assert.Equal(t, decisionPass, b.guard.decideRequest(v))
	assert.Nil(t, v.owner)
	assert.Nil(t, v.from)
}

// Where nobody can tell any more whether the session is still good when it is to be prolonged,
// nobody passes.
func TestOutageThatBeginsBeforeTheSessionSlides(t *testing.T) {
	for can, want := range map[int]int{0: http.StatusServiceUnavailable, 1: http.StatusServiceUnavailable, 100: 0} {
		b := newBench(t)
		b.with(t, func(s *session.Settings) {
			s.Revocations, s.RefreshThreshold, s.Expiry = &staleLater{can: can}, 30*24*time.Hour, 30*24*time.Hour
		})
		asked := false
		err := b.guard.ServeHTTP(httptest.NewRecorder(), b.request("/dashboard", b.cookie), caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			asked = true
			return nil
		}))
		var failed caddyhttp.HandlerError
		errors.As(err, &failed)
		assert.Equal(t, want, failed.StatusCode, can)
		assert.Equal(t, want == 0, asked, can)
	}
}

// staleLater can tell of a session when it is read, and not any more after that.
type staleLater struct {
	session.Revocations
	can int
}

func (s *staleLater) Revoked(*session.Session) (bool, error) {
	if s.can--; s.can < 0 {
		return false, session.ErrStale
	}
	return false, nil
}

func (*staleLater) UpdatedAfter(string, time.Time) bool { return false }

// Without keys nobody passes, and nothing breaks: neither placeholders nor error routes.
func TestGuardWithoutAManager(t *testing.T) {
	t.Setenv("SESSION_SECRET", "")
	b := newBench(t)
	b.guard.realm.ready.Store(nil)
	for _, path := range []string{"/", "/dashboard", "/_next/static/a.js"} {
		r := b.request(path, b.cookie)
		w := httptest.NewRecorder()
		err := b.guard.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			t.Error("the app was asked")
			return nil
		}))
		var failed caddyhttp.HandlerError
		require.ErrorAs(t, err, &failed)
		assert.GreaterOrEqual(t, failed.StatusCode, 500)
		assert.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))
		replacer := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		assert.Equal(t, "[]error", replacer.ReplaceKnown("[{http.auth.user.id}]{http.session_guard.decision}", ""))
	}
}

// The path that the client sent is as it sent it, escapes included.
func TestOriginalPathIsEscaped(t *testing.T) {
	r := prepare(httptest.NewRequest("GET", "/a%2fb%20c", nil))
	assert.Empty(t, originalPath(r), "nobody has changed it")
	changed := r.Clone(r.Context())
	changed.URL = &url.URL{Path: "/x"}
	assert.Equal(t, "/a%2fb%20c", originalPath(changed))
	changed.URL = &url.URL{Path: r.URL.Path} // a handler has taken the escape for a slash
	assert.Equal(t, "/a%2fb%20c", originalPath(changed))
}

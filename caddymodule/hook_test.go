package caddymodule_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/internal/freeport"
	"github.com/session-guard/caddy-session-guard/session"
)

// hookServer is the service that hooks ask.
type hookServer struct {
	url string

	mu      sync.Mutex
	asked   []hookCall
	handler http.HandlerFunc
}

type hookCall struct {
	path   string
	header http.Header
	body   map[string]any
}

func newHookServer(t *testing.T) *hookServer {
	h := &hookServer{handler: status(http.StatusNoContent)}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := hookCall{path: r.Method + " " + r.URL.Path, header: r.Header.Clone(), body: map[string]any{}}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &call.body)
	h.mu.Lock()
	h.asked = append(h.asked, call)
	handler := h.handler
	h.mu.Unlock()
	handler(w, r)
}

// answer sets how the hook answers.
func (h *hookServer) answer(handler http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handler = handler
}

// calls are the calls since the last time.
func (h *hookServer) calls() []hookCall {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	return asked
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

// withHooks are the usual rules with more settings.
func withHooks(settings ...string) string {
	return strings.Replace(guarded, "home_path /dashboard", "home_path /dashboard\n"+strings.Join(settings, "\n"), 1)
}

func (h *hookServer) validate(options string) string {
	return "validate " + h.url + "/validate {\n cache off\n" + options + "\n}"
}

const hookSecret = "secret {env.HOOK_TEST_SECRET}"

// due signs in and starts the site anew with settings under which the session is
// to be refreshed.
func due(t *testing.T, settings ...string) (*site, string) {
	t.Setenv("HOOK_TEST_SECRET", "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f")
	cookie := serve(t, withHooks(hookSecret, "expiry 1h")).signIn(ada)
	return serve(t, withHooks(append(settings, hookSecret, "expiry 7d", "refresh_threshold 6d")...)), cookie
}

func TestValidateHookIsAskedAboutTheSession(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks(hook.validate("")))
	cookie := s.signIn(ada)
	response := s.request("GET", "/dashboard?secret=query", "Cookie", cookie, "Authorization", "Bearer client", "X-Client", "1", "X-Forwarded-For", "9.9.9.9")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.NotNil(t, s.last())
	calls := hook.calls()
	require.Len(t, calls, 1)
	assert.Equal(t, "POST /validate", calls[0].path)
	assert.Equal(t, "ada", calls[0].body["user"].(map[string]any)["id"])
	assert.Equal(t, "rt-secret", calls[0].body["refreshToken"])
	assert.NotEmpty(t, calls[0].body["expiresAt"])
	for name := range calls[0].header { // nothing of the client's
		assert.Contains(t, []string{"Content-Length", "Content-Type", "User-Agent"}, name)
	}
	s.request("GET", "/_next/static/app.js", "Cookie", cookie)
	for _, name := range []string{"X-Session-User", "X-Session-Data"} {
		assert.NotContains(t, s.last().Header, name, "the hook was not asked, and may have ended the session")
		s.request("GET", "/_next/static/app.js", "Cookie", cookie)
	}
	s.request("GET", "/dashboard")
	assert.Empty(t, hook.calls(), "neither for static files nor for nobody")
}

func TestValidateHookEndsTheSession(t *testing.T) {
	for _, code := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		hook := newHookServer(t)
		s := serve(t, withHooks(hook.validate("")))
		cookie := s.signIn(ada)
		hook.answer(status(code))
		response := s.request("GET", "/dashboard", "Cookie", cookie)
		assert.Equal(t, http.StatusTemporaryRedirect, response.StatusCode)
		assert.Contains(t, response.Header.Get("Location"), "/login?")
		assert.Contains(t, response.Header.Get("Set-Cookie"), "Max-Age=0", "the cookie is cleared")
		assert.Nil(t, s.last())
		hook.answer(status(http.StatusOK))
		response = s.request("GET", "/dashboard", "Cookie", cookie)
		assert.Equal(t, http.StatusTemporaryRedirect, response.StatusCode, "it stays ended")
		assert.Equal(t, http.StatusOK, s.request("GET", "/login", "Cookie", cookie).StatusCode)
		assert.Empty(t, s.last().Header.Get("X-Session-User"))
	}
}

// Whatever is no clear answer says nothing about the session, and lets nobody in.
// The matcher cannot know what the guard behind it would make of a request.
func TestValidateHookOutageAndTheMatcher(t *testing.T) {
	for directives, code := range map[string]int{
		"@in session authenticated\nheader @in X-In yes\n":                                       http.StatusServiceUnavailable,
		"@in session authenticated\nhandle {\n header @in X-In yes\n reverse_proxy {{app}}\n}\n": http.StatusOK,
	} {
		hook := newHookServer(t)
		s := serve(t, directives+withHooks(hook.validate("")))
		cookie := s.signIn(ada)
		hook.answer(status(http.StatusInternalServerError))
		assert.Equal(t, code, s.request("GET", "/_next/static/app.js", "Cookie", cookie).StatusCode, directives)
		assert.Equal(t, code, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode, directives)
		assert.Equal(t, http.StatusOK, s.request("GET", "/_next/static/app.js").StatusCode, directives)
	}
}

func TestValidateHookOutage(t *testing.T) {
	target := newHookServer(t)
	for name, handler := range map[string]http.HandlerFunc{
		"500":       status(http.StatusInternalServerError),
		"404":       status(http.StatusNotFound),
		"slow":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"oversized": text(strings.Repeat("x", 64<<10+1)),
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
					return
				}
			}
		},
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.url+"/elsewhere", http.StatusTemporaryRedirect)
		},
		"changes to another protocol": func(w http.ResponseWriter, _ *http.Request) { // whose connection ends with no timeout
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			hook := newHookServer(t)
			s := serve(t, withHooks(hook.validate("timeout 200ms")))
			cookie := s.signIn(ada)
			hook.answer(handler)
			started := time.Now()
			response := s.request("GET", "/dashboard", "Cookie", cookie)
			assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
			assert.Empty(t, response.Header.Get("Set-Cookie"))
			assert.Nil(t, s.last())
			assert.Less(t, time.Since(started), 5*time.Second)
			assert.Equal(t, http.StatusOK, s.request("GET", "/", "Cookie", cookie).StatusCode)
			assert.Empty(t, s.last().Header.Get("X-Session-User"), "elsewhere the visitor is anonymous")
			assert.Equal(t, http.StatusServiceUnavailable, s.request("GET", "/api/session", "Cookie", cookie).StatusCode)
			assert.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode, "signing out needs no hook")
			assert.Empty(t, target.calls(), "a redirect was followed")

			s = serve(t, withHooks(hook.validate("timeout 200ms\n on_outage keep")))
			hook.answer(status(http.StatusOK))
			cookie = s.signIn(ada)
			hook.answer(handler)
			assert.Equal(t, http.StatusOK, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
			assert.Equal(t, "ada", s.last().Header.Get("X-Session-User"), "on_outage keep")
		})
	}
}

// Whoever goes away before the hook says no, or closes only the half of the connection that
// is not needed for the answer, causes no outage in which sessions are kept.
func TestValidateHookIsNotSkippedByGoingAway(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("validate "+hook.url+"/validate {\n on_outage keep\n}"))
	cookie := s.signIn(ada)
	asked := make(chan struct{})
	hook.answer(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	connection, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	defer connection.Close()
	_, err = fmt.Fprintf(connection, "GET /api/session HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nConnection: close\r\n\r\n", s.addr, cookie)
	require.NoError(t, err)
	<-asked
	hook.answer(status(http.StatusForbidden))
	time.Sleep(250 * time.Millisecond) // for so long an outage would be remembered
	require.NoError(t, connection.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(connection)
	require.NoError(t, err)
	require.Contains(t, string(answer), "503")
	require.NotContains(t, string(answer), "Ada")

	s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
	assert.Len(t, hook.calls(), 2)
}

func TestValidateHookHoldsForAPIAndMatcher(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, "@staff session authenticated\n header @staff X-Staff yes\n"+withHooks(hook.validate("")))
	cookie := s.signIn(ada)
	assert.Equal(t, "yes", s.request("GET", "/about", "Cookie", cookie).Header.Get("X-Staff"))
	assert.Contains(t, body(t, s.request("GET", "/api/session", "Cookie", cookie)), `"id":"ada"`)
	hook.answer(status(http.StatusForbidden))
	assert.Empty(t, s.request("GET", "/about", "Cookie", cookie).Header.Get("X-Staff"))

	for method, code := range map[string]int{"GET": http.StatusOK, "POST": http.StatusUnauthorized, "PATCH": http.StatusUnauthorized} {
		hook.answer(status(http.StatusNoContent))
		cookie := s.signIn(ada)
		hook.answer(status(http.StatusForbidden))
		response := s.request(method, "/api/session", "Cookie", cookie)
		assert.Equal(t, code, response.StatusCode, method)
		assert.NotContains(t, body(t, response), "ada")
		assert.Contains(t, response.Header.Get("Set-Cookie"), "Max-Age=0")
	}
}

// compiledValidator is a hook that somebody compiled in.
type compiledValidator struct {
	Banned string `json:"banned"`
}

func (compiledValidator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "session.hooks.test_validator", New: func() caddy.Module { return new(compiledValidator) }}
}

func (v compiledValidator) ValidateSession(_ context.Context, s *session.Session) error {
	if s.User.ID() == v.Banned {
		return session.ErrRefused
	}
	return nil
}

// compiledAuthorizer forgets the status.
type compiledAuthorizer struct{}

func (compiledAuthorizer) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "session.hooks.test_authorizer", New: func() caddy.Module { return new(compiledAuthorizer) }}
}

func (compiledAuthorizer) AuthorizeRequest(_ context.Context, asked caddymodule.Authorization) (*caddymodule.Refusal, error) {
	if asked.URI == "/forgets" {
		return new(caddymodule.Refusal), nil
	}
	return nil, nil
}

func init() {
	caddy.RegisterModule(compiledValidator{})
	caddy.RegisterModule(compiledAuthorizer{})
}

func TestHookThatIsCompiledIn(t *testing.T) {
	s := &site{t: t, addr: "127.0.0.1:" + freeport.For(t), app: &app{}}
	config := fmt.Sprintf(`{"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
		"apps": {"http": {"servers": {"a": {"listen": [%q], "routes": [{"handle": [
			{"handler": "session_api", "api_key": "Xc5Vb8Nm1Qw4Er7Ty0Ui3Op6As9Df2Gh"},
			{"handler": "session_guard", "default": "auth", "authorize": {"module": "test_authorizer"}, "session": {"validate": {"hook": {"module": "test_validator", "banned": "bob"}}}},
			{"handler": "static_response", "body": "in"}]}]}}}}}`, t.TempDir(), s.addr)
	require.NoError(t, caddy.Load([]byte(config), true))
	t.Cleanup(func() { _ = caddy.Stop() })
	for user, code := range map[string]int{"ada": http.StatusOK, "bob": http.StatusTemporaryRedirect} {
		request, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/api/session", strings.NewReader(`{"user":{"id":"`+user+`"}}`))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer Xc5Vb8Nm1Qw4Er7Ty0Ui3Op6As9Df2Gh")
		created, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, created.Body.Close())
		require.Equal(t, http.StatusCreated, created.StatusCode)
		assert.Equal(t, code, s.request("GET", "/", "Cookie", cookieHeader(created)).StatusCode, user)
		if user == "ada" {
			assert.Equal(t, http.StatusServiceUnavailable, s.request("GET", "/forgets", "Cookie", cookieHeader(created)).StatusCode, "a refusal without a status")
		}
	}
}

func TestHookConfigurationsThatAreRefused(t *testing.T) {
	for settings, want := range map[string]string{
		`{"validate": {"hook": {"module": "http"}}}`:                                       "write for example: http://localhost:3000/hooks/session",
		`{"validate": {"hook": {"module": "http", "url": "{http.request.host}"}}}`:         "has a placeholder",
		`{"validate": {"hook": {"module": "http", "url": "ftp://localhost/"}}}`:            "not an http or https URL",
		`{"validate": {"hook": {"module": "http", "url": "http://a:pass-7@b/"}}}`:          "leave it out",
		`{"validate": {"hook": {"module": "http", "url": "http://b/", "timeout": "31s"}}}`: "the timeout 31s is not between",
		`{"validate": {}}`: "validate names no hook; write for example",
		`{"validate": {"hook": {"module": "http", "url": "http://b/"}, "on_outage": "maybe"}}`: "on_outage cannot be \"maybe\"; write one of: deny, keep",
		`{"on_refresh": {"module": "nothing"}}`:                                                "session.hooks.nothing",
		`{"on_refresh": {"module": "test_validator"}}`:                                         "does not implement this hook",
		`{"on_refresh": {"module": "http", "url": "http://b/", "cache": "30s"}}`:               "cache",
	} {
		var config caddy.Config
		require.NoError(t, json.Unmarshal([]byte(`{"apps": {"http": {"servers": {"a": {"listen": ["127.0.0.1:0"], "routes": [
			{"handle": [{"handler": "session_guard", "default": "hybrid", "session": `+settings+`}]}]}}}}}`), &config))
		err := caddy.Validate(&config)
		if assert.Error(t, err, settings) {
			assert.Contains(t, err.Error(), want)
			assert.NotContains(t, err.Error(), "pass-7")
		}
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(
		"{\n session {\n validate http://localhost:1/a\n }\n}\n:80 {\n session_guard {\n default auth\n validate http://localhost:1/b\n }\n}"),
		map[string]any{"filename": "Caddyfile"})
	require.NoError(t, err)
	var config caddy.Config
	require.NoError(t, json.Unmarshal(adapted, &config))
	assert.ErrorContains(t, caddy.Validate(&config), "validate of the session realm default has two values: at Caddyfile:2 and at Caddyfile:7")
}

// Session fixation: a sign-in ends the session before it also where validate cannot say
// whether that one was still good.
func TestSignInWhileValidateFailsEndsTheSessionBefore(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks(hook.validate("")))
	planted := s.signIn(ada)
	hook.answer(status(http.StatusInternalServerError))
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
	response := s.request("POST", "/sign-in", "Cookie", planted)
	s.answer(nil)
	require.Equal(t, http.StatusOK, response.StatusCode)
	hook.answer(status(http.StatusOK))
	s.wantOnDashboard(cookieHeader(response), http.StatusOK)
	s.wantOnDashboard(planted, http.StatusTemporaryRedirect)
}

// In an outage of the validate hook nobody is sent to the login page who may have a session.
func TestValidateHookOutageOfARefusedAction(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks(hook.validate("")))
	cookie := s.signIn(ada)
	hook.answer(status(http.StatusInternalServerError))
	response := s.request("POST", "/about", "Next-Action", "00aa", "Cookie", cookie)
	assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	assert.Empty(t, response.Header.Get("X-Action-Redirect"))
	assert.Nil(t, s.last())
}

// Without validate the app is told who asks for a file, and with it who runs an action at the
// path of one.
func TestIdentityOnStaticPaths(t *testing.T) {
	s := serve(t, guarded)
	s.request("GET", "/_next/static/app.js", "Cookie", s.signIn(ada))
	assert.Equal(t, "ada", s.last().Header.Get("X-Session-User"))
	hook := newHookServer(t)
	s = serve(t, withHooks(hook.validate("")))
	s.request("POST", "/_next/static/app.js", "Next-Action", "00aa", "Cookie", s.signIn(ada))
	assert.Equal(t, "ada", s.last().Header.Get("X-Session-User"))
}

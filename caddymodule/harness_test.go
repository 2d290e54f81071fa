package caddymodule_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/stretchr/testify/require"

	_ "github.com/session-guard/caddy-session-guard/caddyfile"
	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// ada is the user whom the tests sign in.
const ada = `{"user":{"id":"ada","name":"Ada","role":"admin"},"accessToken":"at-secret","refreshToken":"rt-secret"}`

func handoff(object string) string { return base64.RawURLEncoding.EncodeToString([]byte(object)) }

// site is a real Caddy with a guard in front of a test app.
type site struct {
	t    *testing.T
	addr string
	app  *app
	log  string // the file of Caddy's log at DEBUG
}

// app is the app behind the guard: it remembers what it was asked and answers by
// the test's handler.
type app struct {
	mu      sync.Mutex
	seen    []*http.Request
	handler http.HandlerFunc
	secrets secrets // of the site
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	clone := r.Clone(r.Context())
	clone.Body, clone.Trailer = io.NopCloser(bytes.NewReader(body)), r.Trailer.Clone()
	a.seen = append(a.seen, clone)
	handler := a.handler
	a.mu.Unlock()
	a.secrets.noteObject("the session that the app is told", r.Header.Get("X-Session-Data"))
	if handler != nil {
		defer func() { a.secrets.noteAnswer(w.Header()) }()
		handler(w, r)
	}
}

// answer sets how the app answers.
func (s *site) answer(handler http.HandlerFunc) {
	s.app.mu.Lock()
	defer s.app.mu.Unlock()
	s.app.handler = handler
}

// last is the latest request that reached the app, or nil; it is forgotten.
func (s *site) last() *http.Request {
	s.app.mu.Lock()
	defer s.app.mu.Unlock()
	if len(s.app.seen) == 0 {
		return nil
	}
	last := s.app.seen[len(s.app.seen)-1]
	s.app.seen = nil
	return last
}

// guarded are the rules that most tests use.
const guarded = `
	session_api
	session_guard {
		public  /login /register
		auth    /admin/* {
			require user.role admin
		}
		auth    /editors/* {
			require user.role editor
		}
		auth    /dashboard/*
		hybrid  /
		default hybrid
		home_path /dashboard
		locales en ar
	}
`

// serve starts Caddy with the directives of one site, which may name {{app}}.
func serve(t *testing.T, directives string, options ...string) *site {
	t.Helper()
	s := &site{t: t, app: &app{}}
	upstream := httptest.NewServer(s.app)
	t.Cleanup(upstream.Close)
	s.addr = "127.0.0.1:" + freeport.For(t)
	s.log = filepath.Join(t.TempDir(), "debug.log")
	// The proxy's own log at DEBUG shows the app's headers, as docs/security.md says.
	config := fmt.Sprintf(`{
	admin off
	persist_config off
	storage file_system %s
	log {
		output file %s
		level DEBUG
		exclude http.handlers.reverse_proxy http.reverse_proxy
	}
	%s
}
http://%s {
	bind 127.0.0.1
	log
	%s
	reverse_proxy %s
}
`, t.TempDir(), s.log, strings.Join(options, "\n"), strings.Replace(s.addr, "127.0.0.1", "", 1),
		strings.ReplaceAll(directives, "{{app}}", upstream.Listener.Addr().String()), upstream.Listener.Addr())
	adapted := load(t, config)
	t.Cleanup(func() {
		s.app.secrets.noteKeys(t, config)
		if literalSecret.FindString(config) == "" { // which caddy adapt repeats, and the start warns of
			s.app.secrets.search(t, "caddy adapt", string(adapted))
		}
		s.app.secrets.searchMetrics(t)
		_ = caddy.Stop()
		s.t = t // the test of the last request may be over
		text := s.logged()
		require.Contains(t, text, "\n", "the log has what is searched")
		for line := range strings.Lines(text) {
			require.True(t, json.Valid([]byte(line)), "a line of the log was forged: %q", line)
		}
		s.app.secrets.search(t, "the log at DEBUG", text)
	})
	return s
}

// logged is Caddy's log at DEBUG until now.
func (s *site) logged() string {
	s.t.Helper()
	text, err := os.ReadFile(s.log)
	require.NoError(s.t, err)
	return string(text)
}

// load runs Caddy with a Caddyfile and returns what caddy adapt and the admin API
// would show of it.
func load(t *testing.T, caddyfile string) (adapted []byte) {
	t.Helper()
	adapted = adapt(t, caddyfile)
	require.NoError(t, caddy.Load(adapted, true))
	return adapted
}

func adapt(t *testing.T, caddyfile string) []byte {
	t.Helper()
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	require.NoError(t, err)
	return adapted
}

// request is one request as a browser's navigation, unless headers say otherwise.
func (s *site) request(method, target string, headers ...string) *http.Response {
	s.t.Helper()
	return s.send(method, target, nil, headers...)
}

// send is request with a body.
func (s *site) send(method, target string, content io.Reader, headers ...string) *http.Response {
	s.t.Helper()
	request, err := http.NewRequest(method, "http://"+s.addr+target, content)
	require.NoError(s.t, err)
	request.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(headers); i += 2 {
		if strings.EqualFold(headers[i], "Host") {
			request.Host = headers[i+1]
		}
		request.Header[headers[i]] = append(request.Header[headers[i]], headers[i+1])
	}
	for _, cookie := range request.Cookies() {
		s.app.secrets.noteToken(cookie.Value)
	}
	response, err := (&http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	}).Do(request)
	require.NoError(s.t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, response.Body.Close())
	response.Body = io.NopCloser(bytes.NewReader(body))
	s.app.secrets.noteAnswer(response.Header)
	return response
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	read, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(read)
}

// signIn signs a user in by handoff and returns the Cookie header.
func (s *site) signIn(object string) string {
	s.t.Helper()
	return s.signInAt("/sign-in", object)
}

// signInAt signs in on a path that is open.
func (s *site) signInAt(path, object string) string {
	s.t.Helper()
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(object)) })
	response := s.request("POST", path)
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	s.answer(nil)
	s.last()
	return cookieHeader(response)
}

// cookieHeader is what a browser would send back after an answer.
func cookieHeader(response *http.Response) string {
	var pairs []string
	for _, cookie := range response.Cookies() {
		if cookie.MaxAge >= 0 && cookie.Value != "" {
			pairs = append(pairs, cookie.Name+"="+cookie.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// sessionOf decodes what the app was told.
func sessionOf(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	require.NotNil(t, r, "the request did not reach the app")
	decoded, err := base64.RawURLEncoding.DecodeString(r.Header.Get("X-Session-Data"))
	require.NoError(t, err)
	session := map[string]any{}
	require.NoError(t, json.Unmarshal(decoded, &session))
	return session
}

package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

const exampleDir = "../examples/nextjs"

var (
	installExample                  = sync.OnceValue(install)
	buildExample                    = sync.OnceValue(func() error { return build(".next", "build") })
	buildExampleWithCacheComponents = sync.OnceValue(func() error { return build(".next-cache-components", "build:cache-components") })
)

// install gets the example's packages, the one of this repository among them.
func install() error {
	if err := buildClient(); err != nil {
		return err
	}
	if upToDate("node_modules/.package-lock.json", ".json") {
		return nil
	}
	return run(exampleDir, "npm", "ci", "--no-audit", "--no-fund")
}

// build runs a build script of the example app.
func build(folder, script string) error {
	if err := installExample(); err != nil {
		return err
	}
	if upToDate(filepath.Join(folder, "BUILD_ID")) {
		return nil
	}
	return run(exampleDir, "npm", "run", script)
}

// upToDate tells whether a file that a build has made is newer than the npm
// package and the example app, or the files of it with one of the endings.
func upToDate(made string, endings ...string) bool {
	built, err := os.Stat(filepath.Join(exampleDir, made))
	if err != nil {
		return false
	}
	app, appErr := newest(exampleDir, endings...)
	client, clientErr := newest(clientDir)
	return appErr == nil && clientErr == nil && built.ModTime().After(app) && built.ModTime().After(client)
}

// site is the example app behind Caddy. A recorder between the two keeps what
// the app was asked.
type site struct {
	url     string
	appPort string // of the recorder
	caddy   *process

	mutex    sync.Mutex
	requests []*http.Request
}

func startExample(t *testing.T, environment ...string) *site {
	t.Helper()
	needNode(t)
	if err := buildExample(); err != nil {
		t.Fatal(err)
	}
	return startSite(t, startNext(t, exampleDir), environment...)
}

// startSite puts Caddy, with the example's Caddyfile, in front of the app at a port.
func startSite(t *testing.T, port string, environment ...string) *site {
	t.Helper()
	s := &site{}
	app := &url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = app.Scheme, app.Host, r.In.Host
		for name, values := range r.In.Header { // the app behind sees what Caddy said
			if strings.HasPrefix(name, "X-Forwarded-") {
				r.Out.Header[name] = values
			}
		}
	}}
	recorder := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		s.requests = append(s.requests, r.Clone(r.Context()))
		s.mutex.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(recorder.Close)
	_, s.appPort, _ = strings.Cut(strings.TrimPrefix(recorder.URL, "http://"), ":")
	s.url, s.caddy = s.guard(t, environment...)
	return s
}

// guard starts a Caddy with the example's Caddyfile in front of the app.
func (s *site) guard(t *testing.T, environment ...string) (string, *process) {
	t.Helper()
	port := freeport.For(t)
	environment = append([]string{"APP_PORT=" + s.appPort, readsBuild(t, ".next")}, environment...)
	caddy := startCaddy(t, filepath.Join(exampleDir, "Caddyfile"), port, environment...)
	return "http://127.0.0.1:" + port, caddy
}

// readsBuild is the variable of the example's Caddyfile by which Caddy reads a build of the app.
func readsBuild(t *testing.T, folder string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(exampleDir, folder))
	if err != nil {
		t.Fatal(err)
	}
	return "NEXT_BUILD=next_build " + dir
}

// asked returns what the app was asked since the last call.
func (s *site) asked() []*http.Request {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

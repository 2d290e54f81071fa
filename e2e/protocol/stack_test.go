// Package protocol holds Caddy with the guard against Caddy without it, on the
// same machine and in the same process: where the two differ below HTTP's
// meaning (framing, HTTP/2), the guard must not be the worse one. `make protocol`
// runs it.
package protocol

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// server is one Caddy, with plain and guarded sites in front of an app each.
type server struct {
	plain, guarded       side
	plainTLS, guardedTLS string // ports
}

// side is a site and the app behind it.
type side struct {
	name string
	port string
	app  *app
}

// app answers everything and keeps the bytes that reach it.
type app struct {
	mu          sync.Mutex
	requests    []string // "method target" with the id of the attack, as they were parsed
	forged      []string // those that named a user
	connections []*recordedConn
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.requests = append(a.requests, r.Method+" "+r.RequestURI)
	a.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body) // then there are trailers
	for _, fields := range []http.Header{r.Header, r.Trailer} {
		if len(fields["X-Session-User"]) > 0 {
			a.mu.Lock()
			a.forged = append(a.forged, r.Method+" "+r.RequestURI)
			a.mu.Unlock()
		}
	}
	_, _ = w.Write([]byte("page " + r.URL.Path))
}

// seen are the requests that arrived for one attack.
func (a *app) seen(id string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []string
	for _, request := range a.requests {
		if strings.HasSuffix(request, "id="+id) {
			found = append(found, request)
		}
	}
	return found
}

// received are the bytes of every connection.
func (a *app) received() [][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all [][]byte
	for _, c := range a.connections {
		c.mu.Lock()
		all = append(all, bytes.Clone(c.bytes))
		c.mu.Unlock()
	}
	return all
}

// recorder keeps what arrives on the connections of a listener.
type recorder struct {
	net.Listener
	app *app
}

type recordedConn struct {
	net.Conn
	mu    sync.Mutex
	bytes []byte
}

func (r recorder) Accept() (net.Conn, error) {
	connection, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	recorded := &recordedConn{Conn: connection}
	r.app.mu.Lock()
	r.app.connections = append(r.app.connections, recorded)
	r.app.mu.Unlock()
	return recorded, nil
}

func (c *recordedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.bytes = append(c.bytes, p[:n]...)
	c.mu.Unlock()
	return n, err
}

func startApp(t *testing.T) (*app, string) {
	t.Helper()
	a := &app{}
	upstream := httptest.NewUnstartedServer(a)
	upstream.Listener = recorder{upstream.Listener, a}
	upstream.Start()
	t.Cleanup(upstream.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(upstream.URL, "http://"), ":")
	return a, port
}

// start starts the Caddy that CADDY names, or skips the test.
func start(t *testing.T) *server {
	t.Helper()
	binary := os.Getenv("CADDY")
	if binary == "" {
		t.Skip("CADDY does not name a Caddy with this plugin, so the protocols were not compared; run make protocol")
	}
	s := &server{plainTLS: freeport.For(t), guardedTLS: freeport.For(t)}
	var plainApp, guardedApp string
	s.plain = side{name: "plain Caddy", port: freeport.For(t)}
	s.guarded = side{name: "with the guard", port: freeport.For(t)}
	s.plain.app, plainApp = startApp(t)
	s.guarded.app, guardedApp = startApp(t)

	var log bytes.Buffer
	home := t.TempDir()
	cmd := exec.Command(binary, "run", "--adapter", "caddyfile", "--config", "protocol.caddyfile")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "SESSION_") })
	cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home, "PLAIN_PORT="+s.plain.port, "GUARDED_PORT="+s.guarded.port,
		"PLAIN_TLS_PORT="+s.plainTLS, "GUARDED_TLS_PORT="+s.guardedTLS, "PLAIN_APP_PORT="+plainApp, "GUARDED_APP_PORT="+guardedApp)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if strings.Contains(log.String(), "panic") {
			t.Error("Caddy panicked")
		}
		if t.Failed() {
			t.Logf("the log of Caddy:\n%s", log.String()[max(0, log.Len()-4000):])
		}
	})
	for _, port := range []string{s.plain.port, s.guarded.port} {
		waitFor(t, func() (net.Conn, error) { return net.Dial("tcp", "127.0.0.1:"+port) })
	}
	for _, port := range []string{s.plainTLS, s.guardedTLS} { // until there are certificates
		waitFor(t, func() (net.Conn, error) {
			return tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{InsecureSkipVerify: true})
		})
	}
	return s
}

func waitFor(t *testing.T, dial func() (net.Conn, error)) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		connection, err := dial()
		if err == nil {
			connection.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Caddy does not answer: %v", err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

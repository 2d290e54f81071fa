// Package cluster runs three Caddy processes that share their revocations, and
// measures how soon a sign-out on one of them holds on the others. `make cluster`
// runs it.
package cluster

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
	"github.com/session-guard/caddy-session-guard/internal/programs"
)

const (
	rounds = 20
	slow   = 3 * time.Second
)

// cluster is three nodes in front of one app.
type cluster struct {
	t     *testing.T
	nodes []*node
}

type node struct {
	t       *testing.T
	address string
	storage string
}

// answer is the app: it signs users in, updates sessions, and has a slow page that
// refreshes the session in the end.
func answer(w http.ResponseWriter, r *http.Request) {
	encode := base64.RawURLEncoding.EncodeToString
	if user := r.URL.Query().Get("user"); user != "" {
		w.Header().Set("X-Session-Set", encode(fmt.Appendf(nil, `{"user":{"id":%q}}`, user)))
	}
	switch r.URL.Path {
	case "/update":
		w.Header().Set("X-Session-Update", encode([]byte(`{"user":{"role":"admin"}}`)))
	case "/slow":
		time.Sleep(slow)
		w.Header().Set("X-Session-Update", encode([]byte(`{}`)))
	}
}

// onStorage shares the revocations in one folder.
func onStorage(folder string) func(int) (string, string) {
	return func(int) (string, string) { return "storage", folder }
}

// start starts three nodes. Place says where the nth keeps its revocations, and
// where its files.
func start(t *testing.T, place func(n int) (revocation, storage string)) *cluster {
	t.Helper()
	binary := os.Getenv("CADDY")
	if binary == "" {
		t.Skip("CADDY does not name a Caddy with this plugin, so no cluster was tested; run make cluster")
	}
	app := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(app.Close)
	c := &cluster{t: t}
	for i := range 3 {
		revocation, storage := place(i)
		n := &node{t: t, address: "127.0.0.1:" + freeport.For(t), storage: storage}
		n.run(binary, fmt.Sprintf(`{
	admin off
	persist_config off
	storage file_system %s
	session {
		revocation %s
	}
}
http://%s {
	session_api
	session_guard {
		auth /private/*
		default hybrid
	}
	reverse_proxy %s
}
`, n.storage, revocation, n.address, app.Listener.Addr()))
		c.nodes = append(c.nodes, n)
	}
	return c
}

func (n *node) run(binary, config string) {
	n.t.Helper()
	home := n.t.TempDir()
	file := filepath.Join(home, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		n.t.Fatal(err)
	}
	command := exec.Command(binary, "run", "--config", file)
	command.Env = append(os.Environ(), "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home, "HOME="+home,
		"SESSION_SECRET=wB6zR1mK8vT3xQ9nY4cH7fJ2pL5sD0gE")
	log := &strings.Builder{}
	command.Stderr = log
	if err := command.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if n.t.Failed() {
			n.t.Logf("%s:\n%s", n.address, log)
		}
	})
	listens(n.t, n.address, "the node does not start")
}

func listens(t *testing.T, address, otherwise string) {
	t.Helper()
	eventually(t, otherwise, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func eventually(t *testing.T, otherwise string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
}

// ask sends a request and returns its status and the cookies of the answer.
func (n *node) ask(method, path, cookie string) (int, string) {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), method, "http://"+n.address+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer answer.Body.Close()
	var pairs []string
	for _, c := range answer.Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return answer.StatusCode, strings.Join(pairs, "; ")
}

func (n *node) signIn(user string) string {
	n.t.Helper()
	status, cookie := n.ask("POST", "/login?user="+user, "")
	if status != http.StatusOK || cookie == "" {
		n.t.Fatalf("sign-in: %d %q", status, cookie)
	}
	return cookie
}

func (n *node) knows(cookie string) bool {
	n.t.Helper()
	status, _ := n.ask("GET", "/private/x", cookie)
	return status == http.StatusOK
}

func (n *node) signOut(cookie string) int {
	n.t.Helper()
	status, _ := n.ask("DELETE", "/api/session", cookie)
	return status
}

// measure signs in on A, uses the session on B, signs out on C, and returns how
// long it took until A and B refused it.
func (c *cluster) measure() []time.Duration {
	c.t.Helper()
	a, b, last := c.nodes[0], c.nodes[1], c.nodes[2]
	var delays []time.Duration
	for i := range rounds {
		cookie := a.signIn(fmt.Sprintf("user%d", i))
		if !b.knows(cookie) {
			c.t.Fatal("B does not know a session of A")
		}
		if status := last.signOut(cookie); status != http.StatusOK {
			c.t.Fatalf("sign-out on C: %d", status)
		}
		done := time.Now()
		for _, n := range []*node{a, b} {
			eventually(c.t, "a node never refuses", func() bool { return !n.knows(cookie) })
		}
		delays = append(delays, time.Since(done))
	}
	slices.Sort(delays)
	c.t.Logf("refused on A and B after sign-out on C: median %s, slowest of %d %s", delays[rounds/2].Round(time.Millisecond), rounds, delays[rounds-1].Round(time.Millisecond))
	return delays
}

func TestSharedStorage(t *testing.T) {
	folder := t.TempDir()
	c := start(t, onStorage(folder))
	if delays := c.measure(); delays[rounds-1] > 1100*time.Millisecond {
		t.Errorf("the slowest took %s, want poll_interval (1s) and the time of a request", delays[rounds-1])
	}
	c.updateDuringARefreshElsewhere()
}

// updateDuringARefreshElsewhere updates a session on A while B works on a request
// that came before and refreshes the session in the end.
func (c *cluster) updateDuringARefreshElsewhere() {
	c.t.Helper()
	a, b := c.nodes[0], c.nodes[1]
	old := a.signIn("ann")
	late := make(chan string)
	go func() {
		defer close(late)
		_, cookie := b.ask("GET", "/slow", old)
		late <- cookie
	}()
	time.Sleep(slow / 10)
	if _, updated := a.ask("POST", "/update", old); updated == "" {
		c.t.Error("the update wrote no cookie")
	}
	if cookie := <-late; cookie != "" {
		c.t.Error("the late answer of another node brings back the session before the update")
	}
}

// A node that cannot reach the storage keeps its sign-outs, does not report them
// as done, and catches up when it can.
func TestPartitionedNodeLosesNothing(t *testing.T) {
	folder, links := t.TempDir(), t.TempDir()
	link := func(n int) string { return filepath.Join(links, fmt.Sprint(n)) }
	c := start(t, func(n int) (string, string) {
		if err := os.Symlink(folder, link(n)); err != nil {
			t.Fatal(err)
		}
		return "storage {\n outage_grace 2s\n }", link(n)
	})
	a, b := c.nodes[0], c.nodes[1]
	here, there, kept := a.signIn("here"), b.signIn("there"), a.signIn("kept")
	if err := os.Remove(link(0)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(link(0), nil, 0o600); err != nil { // a file, where a folder should be
		t.Fatal(err)
	}
	if status := a.signOut(here); status != http.StatusServiceUnavailable {
		t.Errorf("a sign-out on the partitioned node answered %d, want 503", status)
	}
	if status := b.signOut(there); status != http.StatusOK {
		t.Errorf("a sign-out on the other side answered %d", status)
	}
	eventually(t, "the partitioned node is never closed", func() bool {
		status, _ := a.ask("GET", "/private/x", kept)
		return status == http.StatusServiceUnavailable
	})
	if err := os.Remove(link(0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(folder, link(0)); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	eventually(t, "the node never opens again", func() bool { return a.knows(kept) })
	eventually(t, "the sign-out on the partitioned node is lost", func() bool { return !b.knows(here) })
	eventually(t, "the sign-out on the other side is lost", func() bool { return !a.knows(there) })
	t.Logf("after the partition: all known everywhere within %s, lost: none", time.Since(healed).Round(time.Millisecond))
}

func TestRedis(t *testing.T) {
	programs.Need(t, "redis-server", "the cluster on Redis is not tested")
	port, folder := freeport.For(t), t.TempDir()
	address := "127.0.0.1:" + port
	run := func() *exec.Cmd {
		server := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", folder, "--appendonly", "yes", "--save", "")
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		return server
	}
	server := run()
	kill := func() { _ = server.Process.Kill(); _ = server.Wait() }
	t.Cleanup(func() { kill() })
	listens(t, address, "Redis does not start") // a node that starts without it is closed, and would seem to know of every sign-out
	toA := newLink(t, address)
	c := start(t, func(n int) (string, string) {
		if n == 0 {
			return "redis redis://" + toA.address + "/0", t.TempDir()
		}
		return "redis redis://" + address + "/0", t.TempDir()
	})
	if delays := c.measure(); delays[rounds-1] > 100*time.Millisecond {
		t.Errorf("the slowest took %s, want at most 100ms", delays[rounds-1])
	}
	a, b := c.nodes[0], c.nodes[1]
	before, during := a.signIn("before"), a.signIn("during")
	if status := a.signOut(before); status != http.StatusOK {
		t.Errorf("sign-out: %d", status)
	}
	kill()
	if status := a.signOut(during); status != http.StatusServiceUnavailable {
		t.Errorf("a sign-out without Redis answered %d, want 503", status)
	}
	server = run()
	restarted := time.Now()
	eventually(t, "a sign-out during the outage is lost", func() bool { return !b.knows(during) })
	if b.knows(before) {
		t.Error("a sign-out before the outage is lost")
	}
	t.Logf("after Redis was killed and started again: all known everywhere within %s, lost: none", time.Since(restarted).Round(time.Millisecond))
	c.cutOff(toA)
}

// cutOff cuts node A off from Redis and heals the cut.
func (c *cluster) cutOff(toA *link) {
	c.t.Helper()
	a, b := c.nodes[0], c.nodes[1]
	here, there := a.signIn("here"), b.signIn("there")
	eventually(c.t, "A is not back after the restart of Redis", func() bool { return a.signOut(a.signIn("first")) == http.StatusOK })
	toA.cut()
	if status := a.signOut(here); status != http.StatusServiceUnavailable {
		c.t.Errorf("a sign-out on the node that is cut off answered %d, want 503", status)
	}
	if status := b.signOut(there); status != http.StatusOK {
		c.t.Errorf("a sign-out on the other side answered %d", status)
	}
	if !a.knows(there) {
		c.t.Error("the node that is cut off heard of the sign-out")
	}
	toA.heal()
	healed := time.Now()
	eventually(c.t, "the sign-out on the node that was cut off is lost", func() bool { return !b.knows(here) })
	eventually(c.t, "the sign-out on the other side is lost", func() bool { return !a.knows(there) })
	c.t.Logf("after one node was cut off from Redis: all known everywhere within %s, lost: none", time.Since(healed).Round(time.Millisecond))
}

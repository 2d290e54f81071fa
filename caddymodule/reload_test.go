package caddymodule_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/require"
)

// descriptors is how many files and sockets the process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // not on this system; goroutines are counted anyway
	}
	return len(entries)
}

// A reload takes over the set and its goroutines, and leaves none behind.
func TestReloadKeepsRevocationsAndLeaksNothing(t *testing.T) {
	folder := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &site{t: t, addr: listener.Addr().String(), app: &app{}}
	require.NoError(t, listener.Close())
	_, port, err := net.SplitHostPort(s.addr)
	require.NoError(t, err)
	config := func(generation int) string {
		return fmt.Sprintf("{\n admin off\n persist_config off\n storage file_system %s\n log {\n output discard\n }\n session {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n list on\n }\n}\n"+
			"http://:%s {\n bind 127.0.0.1\n session_api\n session_guard {\n auth /dashboard/*\n default hybrid\n }\n"+
			"header /sign-in X-Session-Set %s\n respond \"%d\"\n}\n", folder, port, handoff(ada), generation)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	load(t, config(0))
	cookie := cookieHeader(s.request("POST", "/sign-in"))
	require.NotEmpty(t, cookie)
	s.wantOnDashboard(cookie, http.StatusOK)
	require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
	for i := range 5 {
		load(t, config(1+i))
	}
	goroutines, open := runtime.NumGoroutine(), descriptors(t)
	for i := range 1000 {
		load(t, config(10+i))
	}
	s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
	require.Eventually(t, func() bool {
		runtime.GC()
		return runtime.NumGoroutine() <= goroutines+3 && descriptors(t) <= open+3
	}, 10*time.Second, 100*time.Millisecond, "from %d goroutines to %d, from %d descriptors to %d",
		goroutines, runtime.NumGoroutine(), open, descriptors(t))
}

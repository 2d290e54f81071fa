package caddymodule_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
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

// settle waits until Caddy has exchanged its listeners after a reload. Connections
// that come in meanwhile may end without an answer, as they do without a guard.
func (s *site) settle() {
	s.t.Helper()
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	require.Eventually(s.t, func() bool {
		for range 20 {
			response, err := client.Get("http://" + s.addr + "/settled")
			if err != nil {
				return false
			}
			_ = response.Body.Close()
		}
		return true
	}, 10*time.Second, 10*time.Millisecond)
}

// A reload takes over the set and its goroutines, and leaves none behind.
func TestReloadKeepsRevocationsAndLeaksNothing(t *testing.T) {
	folder := t.TempDir()
	port := freeport.For(t)
	s := &site{t: t, addr: "127.0.0.1:" + port, app: &app{}}
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
	s.settle()
	s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
	require.Eventually(t, func() bool {
		runtime.GC()
		return runtime.NumGoroutine() <= goroutines+3 && descriptors(t) <= open+3
	}, 10*time.Second, 100*time.Millisecond, "from %d goroutines to %d, from %d descriptors to %d",
		goroutines, runtime.NumGoroutine(), open, descriptors(t))
}

// withAutomaticKeys is a Caddyfile of a site that signs ada in, with no secret.
func withAutomaticKeys(storage, address string, generation int) string {
	return fmt.Sprintf("{\n admin off\n persist_config off\n storage file_system %s\n log {\n output discard\n }\n}\n"+
		"http://%s {\n bind 127.0.0.1\n session_guard {\n auth /dashboard/*\n default hybrid\n }\n"+
		"header /sign-in X-Session-Set %s\n respond \"%d\"\n}\n", storage, address, handoff(ada), generation)
}

// The file of the automatic keys is gone when the configuration is loaded anew, or the
// new one has another storage.
func TestReloadWithoutItsKeysSignsNobodyOut(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	s := &site{t: t, addr: "127.0.0.1:" + freeport.For(t), app: &app{}}
	reload := func(storage string, generation int) { load(t, withAutomaticKeys(storage, s.addr, generation)) }
	t.Cleanup(func() { _ = caddy.Stop() })
	reload(first, 1)
	cookie := cookieHeader(s.request("POST", "/sign-in"))
	require.NotEmpty(t, cookie)
	for i, folder := range []string{first, first, second} {
		require.NoError(t, os.Remove(filepath.Join(first, "session/default/keys.json")))
		reload(folder, 2+i)
		s.settle()
		s.wantOnDashboard(cookie, http.StatusOK)
	}
}

// A load that failed leaves no keys behind: the next reload goes on with those that
// serve, and takes none to another place.
func TestKeysOfALoadThatFailedAreForgotten(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	s := &site{t: t, addr: "127.0.0.1:" + freeport.For(t), app: &app{}}
	here, elsewhere, next := t.TempDir(), t.TempDir(), t.TempDir()
	t.Cleanup(func() { _ = caddy.Stop() })
	reload := func(storage, address string, generation int) error {
		return caddy.Load(adapt(t, withAutomaticKeys(storage, address, generation)), true)
	}
	require.NoError(t, reload(elsewhere, s.addr, 0)) // it has keys of its own
	require.NoError(t, caddy.Stop())
	require.NoError(t, reload(here, s.addr, 1))
	cookie := cookieHeader(s.request("POST", "/sign-in"))
	for generation := range 10 { // Caddy starts apps in any order, so one failure may come before the keys
		require.Error(t, reload(elsewhere, taken.Addr().String(), generation))
	}
	require.NoError(t, reload(next, s.addr, 2))
	s.settle()
	s.wantOnDashboard(cookie, http.StatusOK)
}

// A reload forgets no rotation: the old cookie gets the new tokens, and the refresh
// token that is used up is not sent again.
func TestReloadForgetsNoRotation(t *testing.T) {
	const secret = "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f"
	hook := newHookServer(t)
	hook.answer(text(`{"user":{"id":"ada"},"accessToken":"new","refreshToken":"new"}`))
	app := &app{}
	upstream := httptest.NewServer(app)
	t.Cleanup(upstream.Close)
	port := freeport.For(t)
	s := &site{t: t, addr: "127.0.0.1:" + port, app: app}
	folder := t.TempDir()
	reload := func(generation int) {
		load(t, fmt.Sprintf("{\n admin off\n persist_config off\n storage file_system %s\n log {\n output discard\n }\n}\n"+
			"http://:%s {\n bind 127.0.0.1\n header X-Generation %d\n session_guard {\n default hybrid\n secret %s\n expiry 30m\n on_refresh %s/refresh\n }\n reverse_proxy %s\n}\n",
			folder, port, generation, secret, hook.url, upstream.Listener.Addr()))
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	reload(1)
	cookie := idleCookie(t, secret, 20*time.Minute, 30*time.Minute)
	first := s.request("GET", "/", "Cookie", cookie)
	require.Len(t, hook.calls(), 1)
	reload(2)
	s.settle()
	late := s.request("GET", "/", "Cookie", cookie)
	require.Empty(t, hook.calls(), "the refresh token was used twice")
	require.Equal(t, cookieHeader(first), cookieHeader(late))
	data, err := base64.RawURLEncoding.DecodeString(s.last().Header.Get("X-Session-Data"))
	require.NoError(t, err)
	require.Contains(t, string(data), `"refreshToken":"new"`)
}

package caddymodule_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// reloaded is a site whose session settings a test changes by reloads.
type reloaded struct {
	*site
	folder     string // of Caddy's storage
	upstream   string
	generation int
}

func newReloaded(t *testing.T) *reloaded {
	t.Helper()
	app := &app{}
	upstream := httptest.NewServer(app)
	t.Cleanup(upstream.Close)
	folder := t.TempDir() // so that it is removed after Caddy, which writes into it, has stopped
	t.Cleanup(func() { _ = caddy.Stop() })
	return &reloaded{
		site:   &site{t: t, addr: "127.0.0.1:" + freeport.For(t), app: app, log: filepath.Join(t.TempDir(), "log")},
		folder: folder, upstream: upstream.Listener.Addr().String(),
	}
}

// load reloads with these session settings, and waits until they serve.
func (s *reloaded) load(settings string) {
	s.t.Helper()
	s.generation++
	load(s.t, fmt.Sprintf("{\n admin off\n persist_config off\n storage file_system %s\n log {\n output file %s\n }\n"+
		"session {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n %s\n }\n}\n"+
		"http://:%s {\n bind 127.0.0.1\n header X-Generation %d\n session_api\n session_guard {\n auth /dashboard/*\n default hybrid\n }\n reverse_proxy %s\n}\n",
		s.folder, s.log, settings, strings.TrimPrefix(s.addr, "127.0.0.1:"), s.generation, s.upstream))
	s.settle()
}

func (s *reloaded) signOut(cookie string, want int) {
	s.t.Helper()
	require.Equal(s.t, want, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
}

// breakStorage makes the storage of sessions unusable until heal.
func (s *reloaded) breakStorage() (heal func()) {
	s.t.Helper()
	sessions := filepath.Join(s.folder, "session")
	require.NoError(s.t, os.Rename(sessions, sessions+".away"))
	// A file, so that it cannot be made anew, unless a node was quicker.
	for os.WriteFile(sessions, nil, 0o600) != nil {
		require.NoError(s.t, os.RemoveAll(sessions))
	}
	return func() {
		s.t.Helper()
		require.NoError(s.t, os.Remove(sessions))
		require.NoError(s.t, os.Rename(sessions+".away", sessions))
	}
}

// An operator who changes what holds in an outage, during one, must bring back no
// session: neither one whose end is shared nor one whose end still waits.
func TestReloadOfOutageRulesForgetsNoSignOut(t *testing.T) {
	s := newReloaded(t)
	s.load("")
	shared, pending, live := s.signIn(ada), s.signIn(ada), s.signIn(ada)
	s.signOut(shared, http.StatusOK)
	heal := s.breakStorage()
	s.signOut(pending, http.StatusServiceUnavailable)
	for _, settings := range []string{
		"revocation storage", "revocation storage {\n on_outage open\n}", "revocation storage {\n poll_interval 50ms\n outage_grace 5m\n}",
	} {
		s.load(settings)
		s.wantOnDashboard(shared, http.StatusTemporaryRedirect)
		s.wantOnDashboard(pending, http.StatusTemporaryRedirect)
		s.wantOnDashboard(live, http.StatusOK)
	}
	heal()
	require.Eventually(t, func() bool {
		_, status := admin(t, "GET", "/session", "")
		return strings.Contains(status, `"pending":0`)
	}, 10*time.Second, 20*time.Millisecond, "the sign-out is not shared")
	require.NoError(t, caddy.Stop())
	s.load("")
	s.wantOnDashboard(pending, http.StatusTemporaryRedirect)
	s.wantOnDashboard(live, http.StatusOK)
}

// Who signs out once more, since the first time was a 503, does not hear that it is done
// while only this node knows. The log has one line for each, which is the only one.
func TestRepeatedSignOutInAnOutage(t *testing.T) {
	const done = http.StatusOK
	for name, signOut := range map[string]func(s *reloaded, cookie string) int{
		"of the session API": func(s *reloaded, cookie string) int {
			return s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode
		},
		"everywhere": func(s *reloaded, cookie string) int {
			status := s.request("DELETE", "/api/session/all", "Cookie", cookie).StatusCode
			if status == http.StatusUnauthorized { // nobody is signed in any more
				return done
			}
			return status
		},
		"by a handoff": func(s *reloaded, cookie string) int {
			s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Delete", "1") })
			defer s.answer(nil)
			return s.request("POST", "/sign-out", "Cookie", cookie).StatusCode
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newReloaded(t)
			s.load("revocation storage {\n poll_interval 50ms\n}")
			cookie, other := s.signIn(ada), s.signIn(`{"user":{"id":"bo"}}`)
			heal := s.breakStorage()
			for range 3 {
				require.Equal(t, http.StatusServiceUnavailable, signOut(s, cookie))
			}
			s.load("revocation storage {\n poll_interval 60ms\n}")
			require.Equal(t, http.StatusServiceUnavailable, signOut(s, cookie), "after a reload")
			_, status := admin(t, "POST", "/session/revoke", `{"user":"bo"}`)
			require.Contains(t, status, "shared as soon as possible")
			s.wantOnDashboard(other, http.StatusTemporaryRedirect)
			heal()
			require.Eventually(t, func() bool { return signOut(s, cookie) == done }, 10*time.Second, 20*time.Millisecond)
			_, status = admin(t, "GET", "/session", "")
			require.Contains(t, status, `"pending":0`)
			log := s.logged()
			require.Equal(t, 1, strings.Count(log, `"signed out"`))
			require.Regexp(t, `"signed out",.*"pending":true`, log, "it is not told as done")
			require.Equal(t, 1, strings.Count(log, "revoked by the admin API"))
		})
	}
}

// What a reload says of outages holds from then on, also if one is going on.
func TestReloadChangesOutageRules(t *testing.T) {
	s := newReloaded(t)
	rules := func(onOutage, grace string) string {
		return fmt.Sprintf("revocation storage {\n poll_interval 20ms\n on_outage %s\n outage_grace %s\n}", onOutage, grace)
	}
	s.load(rules("closed", "50ms"))
	live := s.signIn(ada)
	heal := s.breakStorage()
	closes := func() {
		t.Helper()
		require.Eventually(t, func() bool {
			return s.request("GET", "/dashboard/x", "Cookie", live).StatusCode == http.StatusServiceUnavailable
		}, 5*time.Second, 20*time.Millisecond)
	}
	closes()
	s.load(rules("open", "50ms"))
	s.wantOnDashboard(live, http.StatusOK)
	s.load(rules("closed", "1h"))
	s.wantOnDashboard(live, http.StatusOK)
	s.load(rules("closed", "50ms"))
	closes()
	heal()
}

// An event stream that was opened before a reload ends with its session, wherever
// the revocations are kept after it.
func TestStreamOfBeforeAReloadEndsWithItsSession(t *testing.T) {
	for _, settings := range []string{"", "revocation storage {\n outage_grace 2m\n}", "revocation off"} {
		t.Run(settings, func(t *testing.T) {
			s := newReloaded(t)
			s.load("")
			cookie := s.signIn(ada)
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})
			conn, reader := s.open("GET /dashboard/events HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nCookie: " + cookie + "\r\n\r\n")
			response, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, response.StatusCode)
			s.load(settings)
			s.signOut(cookie, http.StatusOK)
			wantClosed(t, conn)
		})
	}
}

// Whoever turns revocation off signs nobody in again who has just signed out.
func TestReloadToRevocationOffBringsNobodyBack(t *testing.T) {
	s := newReloaded(t)
	s.load("")
	cookie, live := s.signIn(ada), s.signIn(ada)
	s.signOut(cookie, http.StatusOK)
	for _, settings := range []string{"revocation off", "revocation storage"} {
		s.load(settings)
		s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
		s.wantOnDashboard(live, http.StatusOK)
	}
}

// A sign-out that the app is still answering while a reload moves the revocations is
// answered as done, so it must hold on the configuration that runs.
func TestSignOutUnderWayDuringAMoveHolds(t *testing.T) {
	for name, move := range map[string]func(s *reloaded){
		"another storage": func(s *reloaded) { s.folder = s.t.TempDir(); s.load("") },
		"off":             func(s *reloaded) { s.load("revocation off") },
		"on again":        func(s *reloaded) { s.load("") },
		"the same place":  func(s *reloaded) { s.load("revocation storage {\n outage_grace 2m\n}") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newReloaded(t)
			s.load(map[string]string{"on again": "revocation off"}[name])
			cookie := s.signIn(ada)
			s.wantOnDashboard(cookie, http.StatusOK)
			reached, goOn := make(chan struct{}), make(chan struct{})
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/logout" {
					close(reached)
					<-goOn
					w.Header().Set("X-Session-Delete", "1")
				}
			})
			_, reader := s.open("POST /logout HTTP/1.1\r\nHost: " + s.addr + "\r\nContent-Length: 0\r\nCookie: " + cookie + "\r\n\r\n")
			<-reached
			move(s)
			close(goOn)
			response, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, response.StatusCode, "the sign-out was not answered as done")
			s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
		})
	}
}

// With shutdown_delay, both configurations serve for a while. What ends in one of them
// holds in the other, wherever it is kept.
func TestSignOutHoldsWhileTwoConfigurationsServe(t *testing.T) {
	s := newReloaded(t)
	first, second := strings.TrimPrefix(s.addr, "127.0.0.1:"), freeport.For(t)
	config := func(generation string, ports ...string) string {
		all := fmt.Sprintf("{\n admin off\n persist_config off\n shutdown_delay 3s\n storage file_system %s\n session {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n }\n}\n", t.TempDir())
		for _, port := range ports {
			all += fmt.Sprintf("http://:%s {\n bind 127.0.0.1\n header X-Generation %s\n session_api\n session_guard {\n auth /dashboard/*\n default hybrid\n }\n reverse_proxy %s\n}\n",
				port, generation, s.upstream)
		}
		return all
	}
	load(t, config("1", first, second))
	cookie := s.signIn(ada)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config("2", first)), map[string]any{"filename": "Caddyfile"})
	require.NoError(t, err)
	loaded := make(chan error)
	go func() { loaded <- caddy.Load(adapted, true) }()
	for s.request("GET", "/").Header.Get("X-Generation") != "2" {
		time.Sleep(10 * time.Millisecond)
	}
	signOut, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "http://127.0.0.1:"+second+"/api/session", nil)
	require.NoError(t, err)
	signOut.Header.Set("Cookie", cookie)
	response, err := http.DefaultClient.Do(signOut)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "1", response.Header.Get("X-Generation"))
	s.wantOnDashboard(cookie, http.StatusTemporaryRedirect)
	require.NoError(t, <-loaded)
}

// A realm that is gone for a while does not hear of what ends meanwhile, so its
// streams end with it.
func TestStreamEndsWithItsRealm(t *testing.T) {
	s := newReloaded(t)
	s.load("")
	cookie := s.signIn(ada)
	s.answer(stream)
	conn, reader := s.open("GET /dashboard/events HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nCookie: " + cookie + "\r\n\r\n")
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	load(t, fmt.Sprintf("{\n admin off\n persist_config off\n storage file_system %s\n log {\n output file %s\n }\n}\nhttp://:%s {\n bind 127.0.0.1\n respond hello\n}\n",
		s.folder, s.log, strings.TrimPrefix(s.addr, "127.0.0.1:")))
	wantClosed(t, conn)
}

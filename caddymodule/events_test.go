package caddymodule_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func init() { caddy.RegisterModule(new(eventRecorder)) }

// heard are the events of the test that runs.
var heard struct {
	sync.Mutex
	events []caddy.Event
}

// eventRecorder is an event handler of Caddy that remembers.
type eventRecorder struct{}

func (*eventRecorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.test_recorder", New: func() caddy.Module { return new(eventRecorder) }}
}

func (*eventRecorder) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (*eventRecorder) Handle(_ context.Context, e caddy.Event) error {
	heard.Lock()
	defer heard.Unlock()
	heard.events = append(heard.events, e)
	return nil
}

// Who has changed the secret sees why everybody has to sign in again.
func TestCookieOfAnUnknownKeyIsLoggedOnce(t *testing.T) {
	const line = "a session cookie is sealed with a key that is not of this realm"
	cookie := serve(t, guarded, "session {\n secret Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay\n }").signIn(ada)
	s := serve(t, guarded, "session {\n secret Wb5nT8qLx2Rm7Kd1Yc9Vf4Hs6Jg3ZaPe\n }")
	s.request("GET", "/", "Cookie", s.signIn(ada))
	s.request("GET", "/", "Cookie", "session=x")
	log := s.logged()
	assert.NotContains(t, log, line)
	for range 2 {
		s.request("GET", "/", "Cookie", cookie)
	}
	log = s.logged()
	assert.Equal(t, 1, strings.Count(log, line), log)
}

func TestEventsOfASession(t *testing.T) {
	heard.events = nil
	s := serve(t, guarded, "events {\n on create test_recorder\n on update test_recorder\n on delete test_recorder\n }")
	cookie := s.signIn(ada)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Session-Update", handoff(`{"user":{"name":"Ada L."}}`))
	})
	s.request("POST", "/profile", "Cookie", cookie)
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Delete", "1") })
	s.request("POST", "/sign-out", "Cookie", cookie)

	heard.Lock()
	defer heard.Unlock()
	var names []string
	for _, e := range heard.events {
		names = append(names, e.Name())
		assert.Equal(t, "session", string(e.Origin().CaddyModule().ID))
		assert.Equal(t, "default", e.Data["realm"])
		assert.Equal(t, "ada", e.Data["user_id"])
		assert.Len(t, e.Data["session"], 16)
		assert.Len(t, e.Data, 3, "nothing else of the user")
	}
	assert.Equal(t, []string{"create", "update", "delete"}, names)
}

// An end that an operator or another session decides has no event, since nobody knows there which sessions it ends.
func TestWhichEndsOfSessionsAreEvents(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks(hook.validate(""), "on_refresh "+hook.url+"/refresh"), "events {\n on delete test_recorder\n }")
	remote := []string{"Sec-Fetch-Site", "same-origin", "Cookie"}
	for i, tc := range []struct {
		end     string
		do      func(cookie, id string)
		deleted int
	}{
		{"sign-out", func(cookie, _ string) { s.request("DELETE", "/api/session", append(remote, cookie)...) }, 1},
		{"another sign-in", func(cookie, id string) {
			s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(userObject(id))) })
			s.request("POST", "/sign-in", "Cookie", cookie)
			s.answer(nil)
		}, 1},
		{"the end of all sessions, which this visitor has two of", func(cookie, id string) {
			s.signIn(userObject(id))
			s.request("DELETE", "/api/session/all", append(remote, cookie)...)
		}, 1},
		{"the end of the other sessions", func(cookie, id string) {
			s.signIn(userObject(id))
			s.request("DELETE", "/api/session/others", append(remote, cookie)...)
		}, 0},
		{"the admin API", func(_, id string) { admin(t, "POST", "/session/revoke", `{"user":"`+id+`"}`) }, 0},
		{"a refusal of validate", func(cookie, _ string) {
			hook.answer(status(http.StatusForbidden))
			s.request("GET", "/dashboard", "Cookie", cookie)
		}, 1},
		{"a refusal of on_refresh", func(cookie, _ string) {
			hook.answer(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/refresh" {
					w.WriteHeader(http.StatusForbidden)
				}
			})
			s.request("POST", "/api/session", append(remote, cookie)...)
		}, 1},
	} {
		t.Run(tc.end, func(t *testing.T) {
			hook.answer(status(http.StatusOK))
			id := fmt.Sprint("user-", i) // one for each case: a session that begins in the millisecond in which all of its user end has ended, too
			cookie := s.signIn(userObject(id))
			heard.Lock()
			heard.events = nil
			heard.Unlock()
			tc.do(cookie, id)
			hook.answer(status(http.StatusOK))
			heard.Lock()
			deleted := len(heard.events)
			heard.Unlock()
			assert.Equal(t, tc.deleted, deleted, "events")
			ended := s.request("GET", "/dashboard", "Cookie", cookie).StatusCode != http.StatusOK
			assert.Equal(t, tc.end != "the end of the other sessions", ended, "the session has ended")
		})
	}
}

func userObject(id string) string { return `{"user":{"id":"` + id + `"}}` }

// With log_user off nothing that others may read names a user.
func TestLogUserOff(t *testing.T) {
	heard.Lock()
	heard.events = nil
	heard.Unlock()
	s := serve(t, guarded, "session {\n log_user off\n }", "events {\n on create test_recorder\n on delete test_recorder\n }")
	cookie := s.signIn(ada)
	s.request("DELETE", "/api/session", "Cookie", cookie)
	status, text := admin(t, "POST", "/session/revoke", `{"user":"ada"}`)
	require.Equal(t, http.StatusOK, status, text)
	heard.Lock()
	defer heard.Unlock()
	require.Len(t, heard.events, 2)
	for _, e := range heard.events {
		assert.NotContains(t, e.Data, "user_id", e.Name())
	}
	for line := range strings.Lines(s.logged()) {
		if !strings.Contains(line, "http.log.access") {
			assert.NotContains(t, line, `"user_id":"ada"`)
		}
	}
}

// Who ends all of their sessions is in the log, as who signs out.
func TestEndOfAllSessionsIsLogged(t *testing.T) {
	s := serve(t, guarded)
	require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session/all", "Cookie", s.signIn(ada)).StatusCode)
	assert.Contains(t, s.logged(), "sessions of the user were revoked")
}

// An app that has the secret may sign in by a cookie that it has sealed itself, which counts
// as other sign-ins do. The session before goes on, unless the app ends it as well.
func TestSessionThatTheAppSealsIsToldOf(t *testing.T) {
	s := serve(t, guarded, "events {\n on create test_recorder\n on update test_recorder\n on delete test_recorder\n }")
	adas, bobs := s.signIn(ada), s.signIn(userObject("bob"))
	for _, tc := range []struct {
		before  string
		deletes bool
		events  []string
	}{
		{"", false, []string{"create"}},
		{adas, false, []string{"create"}},
		{bobs, false, []string{"update"}},
		{adas, true, []string{"delete", "create"}},
	} {
		s.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", bobs+"; Path=/; HttpOnly")
			if tc.deletes {
				w.Header().Set("X-Session-Delete", "1")
			}
		})
		heard.Lock()
		heard.events = nil
		heard.Unlock()
		signedIn := strings.Count(s.logged(), `"msg":"signed in"`)
		response := s.request("POST", "/sign-in", "Cookie", tc.before)
		assert.Equal(t, bobs, cookieHeader(response))
		heard.Lock()
		var names []string
		for _, e := range heard.events {
			names = append(names, e.Name())
		}
		heard.Unlock()
		assert.Equal(t, tc.events, names, tc)
		if tc.events[0] != "update" {
			assert.Greater(t, strings.Count(s.logged(), `"msg":"signed in"`), signedIn, tc)
		}
		want := http.StatusOK
		if tc.deletes {
			want = http.StatusTemporaryRedirect
		}
		if tc.before == adas {
			assert.Equal(t, want, s.request("GET", "/dashboard", "Cookie", adas).StatusCode)
		}
	}
}

package caddymodule_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// OAuth's token endpoint takes a refresh token once.
func tokenEndpoint(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(100 * time.Millisecond)
	_, _ = io.WriteString(w, `{"user":{"id":"ada","name":"Ada L."},"accessToken":"at-2","refreshToken":"rt-2"}`)
}

func TestOnRefreshReplacesTheSession(t *testing.T) {
	hook := newHookServer(t)
	s, cookie := due(t, "on_refresh "+hook.url+"/refresh")
	hook.answer(tokenEndpoint)
	cookies, apps := make([]string, 20), map[string]bool{}
	s.answer(func(_ http.ResponseWriter, r *http.Request) {
		told := sessionOf(t, r)
		s.app.mu.Lock()
		defer s.app.mu.Unlock()
		apps[told["accessToken"].(string)+" "+told["refreshToken"].(string)] = true
	})
	var requests sync.WaitGroup
	for i := range cookies {
		requests.Go(func() { cookies[i] = cookieHeader(s.request("GET", "/dashboard", "Cookie", cookie)) })
	}
	requests.Wait()
	calls := hook.calls()
	require.Len(t, calls, 1, "one call for parallel requests")
	assert.Equal(t, "POST /refresh", calls[0].path)
	assert.Equal(t, "rt-secret", calls[0].body["refreshToken"])
	assert.Equal(t, map[string]bool{"at-2 rt-2": true}, apps, "what the app is told")
	for _, got := range cookies {
		assert.NotEmpty(t, got)
		assert.Equal(t, cookies[0], got)
	}
	s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, "at-2", sessionOf(t, s.last())["accessToken"], "the old cookie, late")
	s.request("GET", "/dashboard", "Cookie", cookies[0])
	user := sessionOf(t, s.last())["user"].(map[string]any)
	assert.Equal(t, map[string]any{"id": "ada", "name": "Ada L."}, user, "the whole user is replaced")
	assert.Empty(t, hook.calls())
}

// The app takes a role away when it is asked, and is not asked for the page of that role any more.
func TestOnRefreshTakesARoleAway(t *testing.T) {
	hook := newHookServer(t)
	s, cookie := due(t, "on_refresh "+hook.url)
	hook.answer(text(`{"user":{"id":"ada","role":"viewer"},"accessToken":"at-2","refreshToken":"rt-2"}`))
	response := s.request("GET", "/admin/users", "Cookie", cookie)
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.Nil(t, s.last())
	require.NotEmpty(t, cookieHeader(response), "the new refresh token is lost")
	s.request("GET", "/dashboard", "Cookie", cookieHeader(response))
	assert.Equal(t, "rt-2", sessionOf(t, s.last())["refreshToken"])
}

// dueAtErrorRoute is due with an error route, for a site whose app breaks off at first, and
// then answers with a page. It returns what comes of a visit.
func dueAtErrorRoute(t *testing.T, errorRoute string, page http.HandlerFunc, globals ...string) (*site, *http.Response) {
	t.Helper()
	hook := newHookServer(t)
	hook.answer(tokenEndpoint)
	t.Setenv("HOOK_TEST_SECRET", "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f")
	cookie := serve(t, withHooks(hookSecret, "expiry 1h")).signIn(ada)
	s := serve(t, withHooks(hookSecret, "expiry 7d", "refresh_threshold 6d", "on_refresh "+hook.url)+"\nhandle_errors {\n"+errorRoute+"\n}\n", globals...)
	var asked atomic.Int32
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		page(w, r)
	})
	return s, s.request("GET", "/dashboard", "Cookie", cookie)
}

// A refresh token that is used twice looks stolen, so the new one reaches the browser with
// whatever is answered.
func TestOnRefreshIsKeptWhenTheAnswerFails(t *testing.T) {
	for name, app := range map[string]http.HandlerFunc{
		"the app breaks off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a wrong handoff":    func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Update", "!!!") },
	} {
		hook := newHookServer(t)
		s, cookie := due(t, "on_refresh "+hook.url)
		hook.answer(tokenEndpoint)
		s.answer(app)
		response := s.request("GET", "/dashboard", "Cookie", cookie)
		require.Equal(t, http.StatusBadGateway, response.StatusCode, name)
		assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"), name)
		require.NotEmpty(t, cookieHeader(response), "%s: the new refresh token is lost", name)
		s.answer(func(http.ResponseWriter, *http.Request) {})
		s.request("GET", "/dashboard", "Cookie", cookieHeader(response))
		assert.Equal(t, "rt-2", sessionOf(t, s.last())["refreshToken"], name)
	}
}

// A guard in an error route does not take the cookie of the guard before for the app's.
func TestErrorRouteSendsTheCookieOfTheGuardBefore(t *testing.T) {
	page := func(headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			_, _ = io.WriteString(w, "error page")
		}
	}
	update := handoff(`{"user":{"seen":"1"}}`)
	for name, tc := range map[string]struct {
		errorRoute string
		page       http.HandlerFunc
		status     int
		user       string // what the app is told with the cookie that comes back
	}{
		"a page":                    {"", page("Set-Cookie", "app=1"), 200, "rt-2"},
		"a page that updates":       {"", page("X-Session-Update", update), 200, "rt-2"},
		"handoffs elsewhere":        {"handoff /login", page(), 200, "rt-2"},
		"no page either":            {"", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 502, "rt-2"},
		"a page with a bad handoff": {"", page("X-Session-Update", "!!!"), 502, "rt-2"},
		"a page that signs in anew": {"", page("X-Session-Set", handoff(`{"user":{"id":"bob"},"refreshToken":"rt-bob"}`)), 200, "rt-bob"},
	} {
		t.Run(name, func(t *testing.T) {
			s, response := dueAtErrorRoute(t, "session_guard {\n default hybrid\n "+tc.errorRoute+"\n}\n reverse_proxy {{app}}", tc.page)
			assert.Equal(t, tc.status, response.StatusCode)
			assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"))
			log := s.logged()
			assert.NotContains(t, log, "was ignored")
			assert.NotContains(t, log, "something like a handoff")
			s.answer(nil)
			s.request("GET", "/dashboard", "Cookie", cookieHeader(response))
			told := sessionOf(t, s.last())
			assert.Equal(t, tc.user, told["refreshToken"])
			if strings.Contains(name, "updates") {
				assert.Equal(t, "1", told["user"].(map[string]any)["seen"])
			}
		})
	}
}

// A slide may be lost with an answer that fails: error routes may be for shared caches.
func TestSlideIsNotSentWithAnErrorOfTheApp(t *testing.T) {
	s, cookie := due(t)
	s.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	response := s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, 502, response.StatusCode)
	assert.Empty(t, response.Cookies())
	s.answer(nil)
	assert.NotEmpty(t, s.request("GET", "/dashboard", "Cookie", cookie).Cookies(), "the next one slides")
}

func TestOnRefreshOfTheAPI(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("on_refresh "+hook.url+"/refresh", "expose_tokens on"))
	cookie := s.signIn(ada)
	s.request("GET", "/api/session", "Cookie", cookie)
	assert.Empty(t, hook.calls(), "it is not due")
	hook.answer(tokenEndpoint)
	response := s.request("POST", "/api/session", "Cookie", cookie)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, body(t, response), `"accessToken":"at-2"`)
	assert.Len(t, hook.calls(), 1)
	hook.answer(status(http.StatusNoContent))
	response = s.request("POST", "/api/session", "Cookie", cookieHeader(response))
	assert.Contains(t, body(t, response), `"accessToken":"at-2"`, "no body changes nothing")

	hook.answer(status(http.StatusUnauthorized))
	response = s.request("POST", "/api/session", "Cookie", cookieHeader(response))
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Equal(t, http.StatusTemporaryRedirect, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
}

func TestOnRefreshEndsTheSession(t *testing.T) {
	hook := newHookServer(t)
	s, cookie := due(t, "on_refresh "+hook.url)
	hook.answer(status(http.StatusUnauthorized))
	response := s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, http.StatusTemporaryRedirect, response.StatusCode)
	assert.Nil(t, s.last(), "the app was asked for a session that had ended")
	assert.Contains(t, response.Header.Get("Set-Cookie"), "Max-Age=0")
	assert.Equal(t, http.StatusOK, s.request("GET", "/login", "Cookie", cookie).StatusCode)
}

// Of an answer that makes no sense nothing is taken, and nobody is logged out.
func TestOnRefreshThatFailsKeepsTheSession(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"an outage":           status(http.StatusBadGateway),
		"another user":        text(`{"user":{"id":"bob"},"accessToken":"at-bob"}`),
		"a user without id":   text(`{"user":{"name":"Ada"}}`),
		"no JSON":             text(`<html>`),
		"two objects":         text(`{} {}`),
		"a member twice":      text(`{"accessToken":"a","accessToken":"b"}`),
		"an unknown member":   text(`{"access_token":"a"}`),
		"a number as a token": text(`{"accessToken":7}`),
		"too large for us":    text(`{"user":{"id":"ada","bio":"` + strings.Repeat("b", 20_000) + `"}}`),
		"an oversized answer": text(`{"user":{"id":"ada","bio":"` + strings.Repeat("b", 70_000) + `"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			hook := newHookServer(t)
			s, cookie := due(t, "on_refresh "+hook.url)
			hook.answer(handler)
			response := s.request("GET", "/dashboard", "Cookie", cookie)
			assert.Equal(t, http.StatusOK, response.StatusCode)
			assert.Equal(t, "at-secret", sessionOf(t, s.last())["accessToken"])
			assert.Empty(t, response.Header.Get("Set-Cookie"))
			response = s.request("POST", "/api/session", "Cookie", cookie)
			failed := map[bool]int{false: http.StatusServiceUnavailable, true: http.StatusRequestEntityTooLarge}[name == "too large for us"]
			assert.Equal(t, failed, response.StatusCode, "a refresh on demand says that it failed")
			if name == "an unknown member" {
				assert.Contains(t, s.logged(), `unknown member \"access_token\"; the known ones are user, accessToken and refreshToken`)
			}
			hook.answer(tokenEndpoint)
			assert.Equal(t, http.StatusOK, s.request("POST", "/api/session", "Cookie", cookie).StatusCode)
		})
	}
}

// An app that asks for a refresh gets what its users' visits get: the provider is asked, once
// a request, and its no ends the session, though not the answer.
func TestRefreshThatTheAppAsksFor(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("on_refresh "+hook.url)+"\nmetrics /metrics")
	refresh := func(cookie string) string {
		s.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Update", handoff(`{}`))
			_, _ = io.WriteString(w, "page")
		})
		response := s.request("POST", "/profile", "Cookie", cookie)
		assert.Equal(t, "page", body(t, response))
		s.answer(nil)
		s.last()
		return cookieHeader(response)
	}
	changed := func(change string) int {
		return s.counted(`caddy_session_changes_total{change="` + change + `",realm="default"}`)
	}
	cookie, refreshed, updated := s.signIn(ada), changed("refreshed"), changed("updated")

	hook.answer(tokenEndpoint)
	cookie = refresh(cookie)
	require.Len(t, hook.calls(), 1)
	s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, "rt-2", sessionOf(t, s.last())["refreshToken"])
	assert.Equal(t, []int{refreshed + 1, updated + 1}, []int{changed("refreshed"), changed("updated")})

	hook.answer(status(http.StatusInternalServerError))
	assert.Empty(t, refresh(cookie), "the session is as it was")
	assert.Equal(t, http.StatusOK, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)

	hook.answer(status(http.StatusForbidden))
	assert.Empty(t, refresh(cookie))
	assert.Equal(t, http.StatusTemporaryRedirect, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)

	hook.answer(text(`{"accessToken":"` + strings.Repeat("x", 40_000) + `"}`))
	assert.Empty(t, refresh(s.signIn(ada)), "it does not fit, which the app is not to blame for")
	assert.Contains(t, s.logged(), "what on_refresh returned is too large for a session")

	s, cookie = due(t, "on_refresh "+hook.url)
	hook.answer(tokenEndpoint)
	hook.calls()
	assert.NotEmpty(t, refresh(cookie))
	assert.Len(t, hook.calls(), 1, "for the visit, and not again for the app")
}

// What a guard in an error route has refreshed reaches the browser beside a cookie that was
// set before the error, also if the app has no page either.
func TestErrorRouteThatRefreshesBesideACookieFromBefore(t *testing.T) {
	hook := newHookServer(t)
	t.Setenv("HOOK_TEST_SECRET", "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f")
	cookie := serve(t, withHooks(hookSecret, "expiry 1h")).signIn(ada)
	s := serve(t, "route {\n header +Set-Cookie before=1\n session_guard {\n auth /dashboard\n default hybrid\n no_activity /dashboard\n "+
		strings.Join([]string{hookSecret, "expiry 7d", "refresh_threshold 6d", "on_refresh " + hook.url}, "\n ")+"\n }\n error 500\n}\n"+
		"handle_errors {\n session_guard {\n auth /dashboard\n default hybrid\n }\n reverse_proxy {{app}}\n}")
	hook.answer(tokenEndpoint)
	s.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	got := cookieHeader(s.request("GET", "/dashboard", "Cookie", cookie))
	require.Len(t, hook.calls(), 1)
	assert.Contains(t, got, "before=1")
	assert.Contains(t, got, "session=", "the new refresh token is lost")
}

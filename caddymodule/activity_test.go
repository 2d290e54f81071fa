package caddymodule_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// idleCookie is the cookie of a session that was last used a while ago.
func idleCookie(t *testing.T, secret string, idle, expiry time.Duration) string {
	t.Helper()
	keys, err := session.NewKeyring("", []byte(secret))
	require.NoError(t, err)
	used := time.Now().Add(-idle)
	token, err := keys.Seal(&session.Session{
		ID: "AAAAAAAAAAAAAAAAAAAAAA", User: session.User{"id": "ada"},
		CreatedAt: used, LastActivity: used, ExpiresAt: used.Add(expiry),
	})
	require.NoError(t, err)
	return "session=" + token
}

func TestPollingDoesNotKeepASessionAlive(t *testing.T) {
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	t.Setenv("SESSION_SECRET", secret)
	s := serve(t, `
	session_api
	session_guard {
		auth /dashboard/*
		default hybrid
		no_activity /dashboard/poll /ping* /api/session
		locales en
		expiry 30m
	}`)
	cookie := idleCookie(t, secret, 10*time.Minute, 30*time.Minute)
	none := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Activity", "none") }
	for _, tc := range []struct {
		target  string
		answer  http.HandlerFunc
		renewed bool
	}{
		{"/dashboard/poll", nil, false},
		{"/en/dashboard/poll", nil, false},
		{"/pings", nil, false},
		{"/dashboard", none, false},
		{"/", none, false},
		{"/dashboard", nil, true},
		{"/PINGs", nil, true}, // patterns are compared in their own letter case
	} {
		s.answer(tc.answer)
		response := s.request("GET", tc.target, "Cookie", cookie)
		assert.Equal(t, http.StatusOK, response.StatusCode, tc.target)
		assert.Equal(t, tc.renewed, len(response.Header["Set-Cookie"]) > 0, "%s renews the cookie", tc.target)
		assert.Empty(t, response.Header.Get("X-Session-Activity"), tc.target)
		assert.Equal(t, "ada", s.last().Header.Get("X-Session-User"), tc.target)
	}
	// The session API answers before the guard, so no_activity does not concern it.
	assert.NotEmpty(t, s.request("GET", "/api/session", "Cookie", cookie).Header["Set-Cookie"], "a GET of the session API is use")
}

// A handoff on the same answer still counts.
func TestHandoffWithoutActivity(t *testing.T) {
	s := serve(t, guarded)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Session-Activity", "none")
		w.Header().Set("X-Session-Set", handoff(ada))
	})
	assert.NotEmpty(t, s.request("POST", "/sign-in").Header["Set-Cookie"])
}

// A parallel request has slid the session. Who still has the old cookie gets the
// new one, but not along with what is never the user's own doing: a file that every
// visitor may share, what nobody may ever look at, and another site's request.
func TestNewCookieIsHandedOnWhereTheSessionMaySlide(t *testing.T) {
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	t.Setenv("SESSION_SECRET", secret)
	s := serve(t, "session_api\nsession_guard {\n auth /dashboard/*\n default hybrid\n expiry 30m\n}")
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	})
	cookie := idleCookie(t, secret, 20*time.Minute, 30*time.Minute)
	require.NotEmpty(t, s.request("GET", "/dashboard", "Cookie", cookie).Cookies())
	for _, tc := range []struct {
		name, target string
		header       []string
		handedOn     bool
	}{
		{"a page", "/dashboard", nil, true},
		{"the session API", "/api/session", nil, true},
		{"a static file", "/_next/static/chunks/a.js", nil, false},
		{"a prefetch", "/dashboard", []string{"RSC", "1", "Next-Router-Prefetch", "1"}, false},
		{"a prefetch of the session API", "/api/session", []string{"Purpose", "prefetch"}, false},
		{"another site that asks the session API", "/api/session", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
	} {
		response := s.request("GET", tc.target, append([]string{"Cookie", cookie}, tc.header...)...)
		assert.Equal(t, http.StatusOK, response.StatusCode, tc.name)
		assert.Equal(t, tc.handedOn, len(response.Cookies()) > 0, "%s gets the new cookie", tc.name)
		if tc.name == "a static file" {
			assert.Equal(t, "public, max-age=31536000, immutable", response.Header.Get("Cache-Control"))
		}
	}
}

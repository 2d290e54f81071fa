package caddymodule_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dueSite is a site on which every use refreshes, and a session that is due.
func dueSite(t *testing.T) (s *site, cookie string) {
	t.Helper()
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	t.Setenv("SESSION_SECRET", secret)
	s = serve(t, `
	session_guard {
		auth /dashboard/*
		default hybrid
		expiry 30m
		refresh_threshold 30m
		forward_cookie on
	}`)
	return s, idleCookie(t, secret, 10*time.Minute, 30*time.Minute)
}

// auth0/nextjs-auth0 issue 2124, better-auth issue 8464: a cookie that is set at
// every Server Action makes Next.js throw its caches away and reload for ever.
func TestAuth0Issue2124ServerActionsDoNotRollTheCookieEachTime(t *testing.T) {
	s, cookie := dueSite(t)
	first := s.request("POST", "/dashboard", "Cookie", cookie, "Next-Action", "00ab")
	require.Equal(t, http.StatusOK, first.StatusCode)
	renewed := cookieHeader(first)
	require.NotEmpty(t, renewed)
	for range 3 {
		again := s.request("POST", "/dashboard", "Cookie", renewed, "Next-Action", "00ab")
		require.Equal(t, http.StatusOK, again.StatusCode)
		require.Empty(t, again.Header.Values("Set-Cookie"))
	}
}

// better-auth issue 2115: a server component refreshes the session and cannot set
// the cookie. Here Caddy does, and the same render sees the new session (next-auth
// issue 7558).
func TestBetterAuth2115RenderOfAServerComponentRefreshesTheCookie(t *testing.T) {
	s, cookie := dueSite(t)
	answer := s.request("GET", "/dashboard?_rsc=1", "Cookie", cookie, "RSC", "1")
	renewed := cookieHeader(answer)
	require.NotEmpty(t, renewed)
	require.NotEqual(t, cookie, renewed)
	seen := s.last()
	require.Equal(t, renewed, seen.Header.Get("Cookie"))
	require.Greater(t, sessionOf(t, seen)["expiresAt"], float64(time.Now().Add(29*time.Minute).UnixMilli()))
}

// kinde-auth-nextjs pull requests 251 and 528: a prefetched link signs users out,
// or keeps a session alive that nobody uses.
func TestKinde251PrefetchChangesNoSession(t *testing.T) {
	s, cookie := dueSite(t)
	answer := s.request("GET", "/dashboard", "Cookie", cookie, "Next-Router-Prefetch", "1", "RSC", "1")
	require.Empty(t, answer.Header.Values("Set-Cookie"))
}

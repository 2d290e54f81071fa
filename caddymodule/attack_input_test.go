package caddymodule_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Nothing but the path chooses the rule: no query, fragment, client or forwarded path
// (the class of CVE-2025-54576, CVE-2026-34457, CVE-2026-40575 and CVE-2026-41059).
func TestAttackRuleChosenBesideThePath(t *testing.T) {
	s := serve(t, guarded)
	for _, target := range []string{
		"/dashboard?x=/login", "/dashboard?/login", "/dashboard?.css", "/dashboard?x=.css", "/dashboard?/../login", "/dashboard??/login", "/dashboard?id=1&id=/login",
		"/dashboard?nxtPid=login", "/dashboard?__nextLocale=en&__nextDataReq=1", "/dashboard#/login", "/dashboard#/../login", "/dashboard/#.css", "/dashboard%23/login",
	} {
		response := raw(t, s.addr, "GET "+target+" HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
		assert.Contains(t, []int{307, 400}, response.StatusCode, target)
		assert.Nil(t, s.last(), target)
	}
	for _, agent := range []string{"GoogleHC/1.0", "kube-probe/1.33", "ELB-HealthChecker/2.0", "Googlebot/2.1", "Go-http-client/1.1", "curl/8", ""} {
		assert.Equal(t, 307, s.request("GET", "/dashboard", "User-Agent", agent).StatusCode, agent)
		assert.Nil(t, s.last(), agent)
	}
	for _, name := range []string{"X-Forwarded-Uri", "X-Forwarded-Path", "X-Forwarded-Prefix", "X-Original-Url", "X-Rewrite-Url", "X-Matched-Path", "X-Invoke-Path", "Location", "Referer"} {
		assert.Equal(t, 307, s.request("GET", "/dashboard", name, "/login").StatusCode, name)
		assert.Nil(t, s.last(), name)
	}
	// Nor does the host, however it is written (CVE-2026-48794).
	for _, host := range []string{"APP.example", "app.EXAMPLE:80", "app.example.", "localhost", "127.0.0.1"} {
		assert.Equal(t, 307, s.request("GET", "/dashboard", "Host", host).StatusCode, host)
		assert.Nil(t, s.last(), host)
	}
}

// Nothing that the client writes comes back as a page, or leads anywhere (CVE-2023-52430,
// CVE-2024-21496, CVE-2024-21498, CVE-2024-21499).
func TestAttackReflectedInput(t *testing.T) {
	s := serve(t, guarded)
	const script = `<script>alert(1)</script>`
	cookie := s.signIn(ada)
	for _, target := range []string{
		"/dashboard/" + script, "/dashboard?x=" + script, "/dashboard/%3Cscript%3Ealert(1)%3C/script%3E", "/editors/" + script, "/a%00" + script,
		"/api/session?callback=" + script, "/login?return_to=" + script, "/login?return_to=javascript:alert(1)",
	} {
		for _, sent := range []string{"", cookie} {
			response := raw(t, s.addr, "GET "+target+" HTTP/1.1\r\nHost: evil.example\r\nAccept: text/html\r\nCookie: "+sent+"\r\nReferer: javascript:alert(1)\r\nOrigin: https://evil.example\r\n"+
				"X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: javascript\r\nForwarded: host=evil.example;proto=evil\r\nConnection: close\r\n\r\n")
			s.last()
			var answer bytes.Buffer
			require.NoError(t, response.Write(&answer))
			for _, reflected := range []string{"<script", "javascript:", "evil"} {
				assert.NotContains(t, strings.ToLower(answer.String()), reflected, target)
			}
			if location := response.Header.Get("Location"); location != "" {
				assert.True(t, strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//"), location)
			}
		}
	}
}

// The scheme that a client claims makes no cookie Secure, and none insecure
// (CVE-2024-21499).
func TestAttackForwardedProtoOfAClient(t *testing.T) {
	for options, secure := range map[string]bool{"": false, "servers {\n trusted_proxies static 127.0.0.1\n }": true} {
		s := serve(t, guarded, options)
		s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
		response := s.request("POST", "/sign-in", "X-Forwarded-Proto", "https")
		require.Len(t, response.Cookies(), 1)
		assert.Equal(t, secure, response.Cookies()[0].Secure, options)
		response = s.request("POST", "/sign-in", "X-Forwarded-Proto", "evil")
		require.Len(t, response.Cookies(), 1)
		assert.False(t, response.Cookies()[0].Secure, options)
	}
}

// A session counts in its cookie only: in no URL, body or other header (OWASP ASVS 14.2.1).
func TestAttackTokenOutsideTheCookie(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	token := strings.TrimPrefix(cookie, "session=")
	for _, target := range []string{"/dashboard?" + cookie, "/dashboard?access_token=" + token, "/dashboard;" + cookie, "/dashboard?jwt=" + token + "&token=" + token} {
		response := s.request("GET", target, "Referer", "http://"+s.addr+"/?"+cookie)
		assert.Equal(t, 307, response.StatusCode)
		assert.Empty(t, response.Header["Set-Cookie"])
		assert.Nil(t, s.last())
	}
	for _, header := range [][2]string{{"Authorization", "Bearer " + token}, {"X-Session-Token", token}, {"Session", token}, {"X-Auth-Token", token}, {"Cookie2", cookie}} {
		assert.Equal(t, 307, s.request("GET", "/dashboard", header[0], header[1]).StatusCode, header[0])
		assert.Nil(t, s.last())
	}
	response := s.send("POST", "/dashboard", strings.NewReader(cookie), "Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, 303, response.StatusCode)
	assert.Nil(t, s.last())
	s.request("GET", "/dashboard", "Cookie", cookie)
	assert.NotNil(t, s.last(), "the token itself is good")
	clear(s.app.secrets.found) // Caddy logs the URL that a client wrote, whatever is in it
}

// An upgrade reaches the app that the Caddyfile names, on the path that was decided, whatever
// host the request names (Next.js itself once went there).
func TestAttackUpgradeToAnotherHost(t *testing.T) {
	s := serve(t, guarded)
	for target, reaches := range map[string]string{"http://evil.example/x": "/x", "/x?http://evil.example": "/x?http://evil.example", "http://evil.example/dashboard": "", "//evil.example/dashboard": ""} {
		raw(t, s.addr, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nLocation: http://evil.example\r\nX-Forwarded-Uri: http://evil.example\r\n\r\n")
		r := s.last()
		if reaches == "" {
			assert.Nil(t, r, target)
			continue
		}
		require.NotNil(t, r, target)
		assert.Equal(t, reaches, r.RequestURI, target)
		assert.Empty(t, r.Header["Location"], target)
	}
}

// A request without any path is answered, and reaches no page of a rule.
func TestAttackNoPath(t *testing.T) {
	s := serve(t, "session_api\nsession_guard {\n public /login\n default auth\n }")
	for _, line := range []string{"GET http://x", "GET http://x?/login", "OPTIONS *", "GET ?x", "GET *"} {
		response := raw(t, s.addr, line+" HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
		assert.Equal(t, line == "OPTIONS *", response.StatusCode == 200, line) // which net/http answers itself
		assert.Less(t, response.StatusCode, 500, line)
		assert.Nil(t, s.last(), line)
	}
}

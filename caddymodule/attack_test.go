package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A page that anybody on the network may have written (plain HTTP, the same host)
// is another origin than the site over TLS (the class of CVE-2025-24358).
func TestAttackWebSocketOfPageOverPlainHTTP(t *testing.T) {
	s := serve(t, guarded, "servers {\n trusted_proxies static 127.0.0.1\n }")
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
	tls := []string{"X-Forwarded-Proto", "https", "Host", "app.example"}
	cookie := cookieHeader(s.request("POST", "/sign-in", tls...))
	require.Contains(t, cookie, "__Host-session=")
	s.answer(nil)
	s.last()
	upgrade := append(tls, "Connection", "Upgrade", "Upgrade", "websocket", "Cookie", cookie, "Origin")
	for origin, status := range map[string]int{
		"http://app.example": 403, "HTTP://APP.EXAMPLE": 403, "ws://app.example": 403, "http://app.example:443": 403, "https://app.example:80": 403,
		"https://app.example": 200, "https://app.example:443": 200, "https://APP.example": 200,
	} {
		assert.Equal(t, status, s.request("GET", "/", append(upgrade, origin)...).StatusCode, origin)
		assert.Equal(t, status == 200, s.last() != nil, origin)
	}
}

// A connection that changes to another protocol than WebSocket is a tunnel: in one of HTTP/2 (h2c smuggling) any request
// reaches the app, with any identity and past every rule. Caddy forwards the first line of Upgrade.
func TestAttackTunnelByUpgrade(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		protocol := r.Header.Get("Upgrade")
		if protocol == "" {
			return
		}
		connection, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			_, _ = fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocol)
			_ = connection.Close()
		}
	})
	for _, tc := range []struct {
		upgrade []string
		status  int
		reaches []string
	}{
		{nil, 200, nil},
		{[]string{"h2c"}, 200, nil},
		{[]string{"H2C"}, 200, nil},
		{[]string{"TLS/1.3", "h2c"}, 200, nil},
		{[]string{"websockets"}, 200, nil},
		{[]string{""}, 200, nil},
		{[]string{"h2c", "websocket"}, 101, []string{"websocket"}},
		{[]string{"h2c, websocket"}, 101, []string{"websocket"}},
		{[]string{"websocket, h2c"}, 101, []string{"websocket"}},
		{[]string{"websocket", "h2c"}, 101, []string{"websocket"}},
		{[]string{"websocket"}, 101, []string{"websocket"}},
		{[]string{"WebSocket"}, 101, []string{"websocket"}},
	} {
		for path, cookie := range map[string]string{"/": "", "/dashboard": cookie} {
			request := "GET " + path + " HTTP/1.1\r\nHost: " + s.addr + "\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nCookie: " + cookie + "\r\n"
			for _, line := range tc.upgrade {
				request += "Upgrade: " + line + "\r\n"
			}
			assert.Equal(t, tc.status, raw(t, s.addr, request+"\r\n").StatusCode, "%s %q", path, tc.upgrade)
			r := s.last()
			require.NotNil(t, r, "%s %q", path, tc.upgrade)
			assert.Equal(t, tc.reaches, r.Header["Upgrade"], "%s %q", path, tc.upgrade)
		}
	}
}

// Trailers that no Trailer header announces.
func TestAttackUnannouncedTrailers(t *testing.T) {
	s := serve(t, guarded)
	for _, announced := range []string{"", "Trailer: X-Fine\r\n", "Trailer: X-SESSION-USER, x_session_data\r\n", "Trailer: Cookie, Forwarded, X-Forwarded-Host\r\n"} {
		raw(t, s.addr, "POST / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"+announced+"\r\n"+
			"2\r\nhi\r\n0\r\nX-Session-User: root\r\nx-session-data: e30\r\nX_Session_User: root\r\nX-Middleware-Subrequest: 1\r\nCookie: session.set=e30\r\nForwarded: host=evil.example\r\nX-Forwarded-Host: evil.example\r\nX_Forwarded_Uri: /\r\nX-Fine: 1\r\n\r\n")
		r := s.last()
		if r == nil {
			continue // refused
		}
		for name := range r.Trailer {
			assert.Equal(t, "X-Fine", name, announced)
		}
		assert.Empty(t, r.Header["X-Session-User"], announced)
	}
}

// Next.js chooses the interception route of an open path by the page that the client says
// it comes from, and sends that page's folder and layout.
func TestAttackInterceptionRouteOfAGuardedPage(t *testing.T) {
	s := serve(t, guarded)
	reader, editor := s.signIn(ada), s.signIn(`{"user":{"id":"ed","role":["editor"]}}`)
	for _, tc := range []struct {
		cookie, from string
		allowed      bool
	}{
		{"", "/", true},
		{"", "/blog/1", true},
		{"", "/login", true},
		{"", "/dashboard", false},
		{"", "/DASHBOARD/x", false},
		{"", "/en/dashboard", false},
		{"", "/blog/../dashboard", false},
		{"", "/%64ashboard", false},
		{"", "dashboard", false},
		{reader, "/login", true}, // from which somebody has just signed in
		{reader, "/dashboard", true},
		{reader, "/editors/x", false},
		{editor, "/editors/x", true},
	} {
		denied := map[string]int{"Rsc": http.StatusUnauthorized, "Next-Router-Prefetch": http.StatusNoContent}
		if tc.cookie != "" {
			denied = map[string]int{"Rsc": http.StatusForbidden, "Next-Router-Prefetch": http.StatusForbidden}
		}
		for kind, status := range denied {
			response := s.request("GET", "/blog/1", "Cookie", tc.cookie, "Next-Url", tc.from, kind, "1")
			r := s.last()
			if !tc.allowed {
				// Without the header the client would ask again and again.
				assert.Equal(t, status, response.StatusCode, "%s from %s", kind, tc.from)
				assert.Nil(t, r, "%s from %s", kind, tc.from)
				continue
			}
			require.NotNil(t, r, "%s from %s", kind, tc.from)
			assert.Equal(t, tc.from, r.Header.Get("Next-Url"), kind)
		}
		s.request("GET", "/blog/1", "Cookie", tc.cookie, "Next-Url", tc.from) // as a document
		r := s.last()
		require.NotNil(t, r)
		assert.Equal(t, tc.allowed, r.Header.Get("Next-Url") == tc.from, "%+v: the app gets %q", tc, r.Header["Next-Url"])
	}
	raw(t, s.addr, "GET /blog/1 HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nNext-Url: /\r\nNext-Url: /dashboard\r\n\r\n")
	r := s.last()
	require.NotNil(t, r)
	assert.Empty(t, r.Header["Next-Url"])

	// Clients leave the base path out, with which the rules may be written.
	s = serve(t, "session_guard {\n auth /base/dashboard/*\n login_path /base/login\n home_path /base\n default hybrid\n }")
	s.request("GET", "/base/photo/1", "Next-Url", "/dashboard", "Rsc", "1")
	assert.Nil(t, s.last())
}

// What a client says of itself gets into headers and placeholders as text: no
// line of a header or a log can be forged by it.
func TestAttackLinesInPaths(t *testing.T) {
	s := serve(t, guarded)
	for _, path := range []string{"/dashboard/%0d%0aSet-Cookie:%20a=b", "/dashboard/%0aX", "/dashboard/%E5%98%8A%E5%98%8DX", "/dashboard?x=%0d%0aSet-Cookie:a=b", "/dashboard/%1b[31m"} {
		response := s.request("GET", path)
		assert.Equal(t, 307, response.StatusCode, path)
		assert.Empty(t, response.Cookies(), path)
		assert.False(t, strings.ContainsFunc(response.Header.Get("Location"), func(r rune) bool { return r < ' ' || r > '~' }), path)
	}
}

// Two requests in one connection, the second in the body of the first: each is
// decided by itself.
func TestAttackPipelinedRequests(t *testing.T) {
	s := serve(t, guarded)
	hidden := "GET /dashboard HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n"
	response := raw(t, s.addr, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s%s", len(hidden), hidden, hidden))
	_, err := io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	assert.Equal(t, 200, response.StatusCode)
	r := s.last()
	require.NotNil(t, r)
	assert.Equal(t, "/", r.URL.Path)
	assert.Nil(t, s.last())
}

// HTTP/2 announces an element of the list that has no name as a trailer without one,
// which made the guard panic.
func TestAttackTrailersWithoutAName(t *testing.T) {
	s := serve(t, guarded, "servers {\n protocols h1 h2c\n }")
	for _, announced := range []string{"a,", ",", "X-Session-User, ,a"} {
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(true)
		request, err := http.NewRequest("POST", "http://"+s.addr+"/", strings.NewReader("body"))
		require.NoError(t, err)
		request.Header.Set("Trailer", announced)
		response, err := transport.RoundTrip(request)
		require.NoError(t, err, announced)
		require.NoError(t, response.Body.Close())
		transport.CloseIdleConnections()
		assert.Equal(t, 2, response.ProtoMajor)
		assert.Equal(t, 200, response.StatusCode, announced)
		r := s.last()
		require.NotNil(t, r, announced)
		assert.NotContains(t, r.Trailer, "", announced)
		assert.NotContains(t, r.Trailer, "X-Session-User", announced)
	}
}

// What a site says to CDNs about its pages does not hold for Caddy's own answers, least
// of all for those with somebody's session: a CDN takes it before Cache-Control.
func TestAttackSharedCacheOfOwnAnswers(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, "header {\n CDN-Cache-Control max-age=600\n Surrogate-Control max-age=600\n Acme-Cache-Control max-age=600\n Edge-Control max-age=600\n X-Accel-Expires 600\n}\n"+
		withHooks("authorize "+hook.url+"/authorize"))
	check := func(response *http.Response, status int) {
		t.Helper()
		assert.Equal(t, status, response.StatusCode)
		assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"])
		for _, name := range []string{"Cdn-Cache-Control", "Surrogate-Control", "Acme-Cache-Control", "Edge-Control", "X-Accel-Expires"} {
			assert.NotContains(t, response.Header, name)
		}
	}
	hook.answer(status(http.StatusNoContent))
	cookie := s.signIn(ada)
	check(s.request("GET", "/dashboard"), 307)
	check(s.request("GET", "/dashboard", "Sec-Fetch-Mode", "cors"), 401)
	check(s.request("GET", "/a%00"), 400)
	check(s.request("GET", "/login", "Cookie", cookie), 307)
	check(s.request("GET", "/api/session"), 200)
	check(s.request("GET", "/api/session", "Cookie", cookie), 200)
	hook.answer(status(http.StatusTeapot))
	check(s.request("GET", "/dashboard", "Cookie", cookie), 418)
	hook.answer(status(http.StatusInternalServerError))
	check(s.request("GET", "/dashboard", "Cookie", cookie), 503)
	check(s.request("DELETE", "/api/session", "Cookie", cookie), 200)
	response := s.request("GET", "/")
	assert.Equal(t, "max-age=600", response.Header.Get("Cdn-Cache-Control"), "only those answers are meant")
}

// What an operator replaces in the Cache-Control of one answer does not change that
// of all others: Caddy's header directive writes into the slices that it finds.
func TestAttackReplacedCacheControl(t *testing.T) {
	s := serve(t, `
	@shared path /dashboard/shared
	header @shared >Cache-Control private "public, s-maxage=600"
	header @shared >Vary Cookie Accept
`+guarded+`
	handle_errors 400 {
		header Cache-Control "private, no-store" "public, max-age=60"
		header Vary Cookie Accept
		respond "bad path"
	}`)
	cookie := s.signIn(ada)
	response := s.request("GET", "/dashboard/shared", "Cookie", cookie)
	require.Equal(t, []string{"public, s-maxage=600"}, response.Header["Cache-Control"])
	response = s.request("GET", "/a%00")
	require.Equal(t, []string{"public, max-age=60"}, response.Header["Cache-Control"])

	response = s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, []string{"private"}, response.Header["Cache-Control"])
	assert.Equal(t, []string{"Cookie"}, response.Header["Vary"])
	response = s.request("GET", "/dashboard", "Accept", "application/json")
	assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"])
	assert.Equal(t, []string{"Cookie"}, response.Header["Vary"])
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
	response = s.request("POST", "/sign-in")
	require.NotEmpty(t, response.Header["Set-Cookie"])
	assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"], "beside the cookie of a sign-in")
}

// Every method is decided alike, also those that no server knows, and no answer
// lets another origin read it.
func TestAttackMethods(t *testing.T) {
	s := serve(t, guarded)
	for _, method := range []string{
		"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY", "SEARCH", "PURGE", "get", "FOO", strings.Repeat("A", 33), "GET!", "PRI", "TRACE", "TRACK",
	} {
		for _, target := range []string{"/dashboard", "//dashboard", "/dashboard/x.css", "/dashboard%2fx.css", "/_next/data/B/dashboard.json"} {
			response := raw(t, s.addr, method+" "+target+" HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\nConnection: close\r\n\r\n")
			assert.NotEqual(t, 2, response.StatusCode/100, "%s %s", method, target)
			assert.Less(t, response.StatusCode, 500, "%s %s", method, target)
			for name := range response.Header {
				assert.False(t, strings.HasPrefix(name, "Access-Control-"), "%s %s", method, target)
			}
			assert.Nil(t, s.last(), "%s %s", method, target)
		}
	}
	for _, version := range []string{"HTTP/1.0", "HTTP/1.1"} {
		response := raw(t, s.addr, "GET /dashboard "+version+"\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
		assert.Equal(t, 307, response.StatusCode, version)
	}
	raw(t, s.addr, "GET /dashboard HTTP/1.0\r\n\r\n")
	assert.Nil(t, s.last(), "without a Host")
}

// Web cache deception: whatever the path looks like and whatever the status, an
// answer to somebody who is signed in stays out of shared caches.
func TestAttackWebCacheDeception(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for _, status := range []int{200, 206, 304, 404, 500} {
		s.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, s-maxage=600, immutable")
			w.Header().Set("Etag", `"1"`)
			w.WriteHeader(status)
		})
		response := s.request("GET", "/dashboard/x.css", "Cookie", cookie)
		require.Equal(t, status, response.StatusCode)
		cacheControl := response.Header.Get("Cache-Control")
		assert.Contains(t, cacheControl, "private", status)
		assert.NotContains(t, cacheControl, "public", status)
		assert.NotContains(t, cacheControl, "s-maxage", status)
		assert.Contains(t, response.Header.Get("Vary"), "Cookie", status)
	}
}

// Ambiguity is a bug even where it is safe: which reading decided stands in the
// log, and is counted.
func TestAmbiguousPathsAreLoggedAndCounted(t *testing.T) {
	s := serve(t, "metrics /metrics\n"+guarded)
	count := func() string {
		for line := range strings.Lines(body(t, s.request("GET", "/metrics"))) {
			if strings.HasPrefix(line, `caddy_session_ambiguous_paths_total{realm="default",rule="auth"}`) {
				return line
			}
		}
		return ""
	}
	before := count()
	for target, reading := range map[string]string{
		"/x/..%2fdashboard": `"reading":"cleaned"`, "/x/../dashboard": `"reading":"dot-resolved"`, "/%64ashboard": `"reading":"decoded"`,
	} {
		s.request("GET", target)
		text := s.logged()
		logged := ""
		for line := range strings.Lines(text) {
			if strings.Contains(line, `"msg":"decided"`) {
				logged = line
			}
		}
		assert.Contains(t, logged, `"ambiguous":true`, target)
		assert.Contains(t, logged, reading, target)
	}
	assert.NotEqual(t, before, count())
	s.request("GET", "/dashboard/a-normal/page")
	text := s.logged()
	for line := range strings.Lines(text) {
		if strings.Contains(line, "a-normal") {
			assert.NotContains(t, line, "ambiguous")
		}
	}
}

// Of a path that can be read in two ways, what the rules of both readings require must hold.
func TestAttackRequirementsOfAllReadings(t *testing.T) {
	s := serve(t, "session_guard {\n auth /dashboard/* {\n require user.role admin\n }\n auth /admin/* {\n require user.staff yes\n }\n default hybrid\n}")
	for object, want := range map[string]int{
		`{"user":{"id":"a","role":"admin","staff":"yes"}}`: http.StatusOK,
		`{"user":{"id":"b","role":"admin"}}`:               http.StatusForbidden,
		`{"user":{"id":"c","staff":"yes"}}`:                http.StatusForbidden,
	} {
		for _, path := range []string{"/dashboard/..%2fadmin/x", "/admin/..%2fdashboard/x"} {
			response := s.request("GET", path, "Cookie", s.signIn(object))
			assert.Equal(t, want, response.StatusCode, "%s for %s", path, object)
			assert.Equal(t, want == http.StatusOK, s.last() != nil, "%s for %s", path, object)
		}
	}
}

// Two ids of an action are none that anybody may run: Node.js makes one text of them.
func TestAttackTwoActionIDs(t *testing.T) {
	s := serve(t, withHooks("next_build "+writeBuild(t)))
	assert.Equal(t, http.StatusOK, s.request("POST", "/about", "Next-Action", "0000").StatusCode)
	s.last()
	assert.Equal(t, http.StatusUnauthorized, s.request("POST", "/about", "Next-Action", "0000", "Next-Action", "00ad").StatusCode)
	assert.Nil(t, s.last())
}

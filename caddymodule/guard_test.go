package caddymodule_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The rows of the request kinds, and what each gets.
func TestDenialByRequestKind(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for _, kind := range []struct {
		name                  string
		method                string
		headers               []string
		anonymous, signedIn   int
		location, actionLogin bool
	}{
		{name: "document", method: "GET", anonymous: 307, signedIn: 307, location: true},
		{name: "document HEAD", method: "HEAD", anonymous: 307, signedIn: 307, location: true},
		{name: "document POST", method: "POST", anonymous: 303, signedIn: 303, location: true},
		{name: "rsc", method: "GET", headers: []string{"Rsc", "1"}, anonymous: 401, signedIn: 401},
		{name: "prefetch", method: "GET", headers: []string{"Rsc", "1", "Next-Router-Prefetch", "1"}, anonymous: 204, signedIn: 204},
		{name: "browser prefetch", method: "GET", headers: []string{"Sec-Purpose", "prefetch;prerender"}, anonymous: 204, signedIn: 204},
		{name: "action", method: "POST", headers: []string{"Next-Action", "00ab"}, anonymous: 401, signedIn: 200, actionLogin: true},
		{name: "data", method: "GET", headers: []string{"X-Nextjs-Data", "1"}, anonymous: 401, signedIn: 401},
		{name: "fetch", method: "GET", headers: []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, anonymous: 401, signedIn: 401},
		{name: "websocket", method: "GET", headers: []string{"Connection", "Upgrade", "Upgrade", "websocket"}, anonymous: 401, signedIn: 403},
	} {
		t.Run(kind.name, func(t *testing.T) {
			s.t = t
			response := s.request(kind.method, "/dashboard", kind.headers...)
			assert.Equal(t, kind.anonymous, response.StatusCode)
			assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"))
			assert.Contains(t, response.Header.Get("Vary"), "Cookie")
			assert.Nil(t, s.last(), "the app was asked")
			if kind.location {
				assert.Equal(t, "/login?return_to=%2Fdashboard", response.Header.Get("Location"))
			} else {
				assert.Empty(t, response.Header.Get("Location"))
			}
			if kind.actionLogin {
				assert.Equal(t, "/login?return_to=%2Fdashboard", response.Header.Get("X-Action-Redirect"))
				assert.Equal(t, "text/plain", response.Header.Get("Content-Type"))
			}
			response = s.request(kind.method, "/login", append(kind.headers, "Cookie", cookie)...)
			assert.Equal(t, kind.signedIn, response.StatusCode)
			assert.Nil(t, s.last(), "the app was asked")
			if kind.actionLogin {
				assert.Equal(t, "/dashboard", response.Header.Get("X-Action-Redirect"))
			}
		})
	}
}

// The client of a Server Action puts the base path in front of where it is sent, and a
// browser does not.
func TestActionsAndTheBasePath(t *testing.T) {
	s := serve(t, "session_guard {\n base_path /base\n public /login\n auth /dashboard/*\n default hybrid\n }")
	cookie := s.signInAt("/base/join", ada)
	response := s.request("POST", "/base/dashboard", "Next-Action", "00ab")
	assert.Equal(t, 401, response.StatusCode)
	assert.Equal(t, "/login?return_to=%2Fbase%2Fdashboard", response.Header.Get("X-Action-Redirect"))
	response = s.request("POST", "/base/login?return_to=%2Fbase%2Fdashboard%3Fa%3Db", "Next-Action", "00ab", "Cookie", cookie)
	assert.Equal(t, 200, response.StatusCode)
	assert.Equal(t, "/dashboard?a=b", response.Header.Get("X-Action-Redirect"))
	assert.Equal(t, "/base/login?return_to=%2Fbase%2Fdashboard", s.request("GET", "/base/dashboard").Header.Get("Location"))
}

func TestRulesDecide(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for _, tc := range []struct {
		target              string
		anonymous, signedIn int
		location            string // of the anonymous answer
	}{
		{"/", 200, 200, ""},
		{"/elsewhere", 200, 200, ""},
		{"/login", 200, 307, ""},
		{"/dashboard/settings?tab=a&b", 307, 200, "/login?return_to=%2Fdashboard%2Fsettings%3Ftab%3Da%26b"},
		{"/ar/dashboard", 307, 200, "/ar/login?return_to=%2Far%2Fdashboard"},
		{"/admin/users", 307, 200, "/login?return_to=%2Fadmin%2Fusers"},
		{"/editors/new", 307, 403, "/login?return_to=%2Feditors%2Fnew"},
		{"/x/..%2fdashboard", 307, 200, "/login?return_to=%2Fx%2F..%252fdashboard"},
		{"/a%00b", 400, 400, ""},
	} {
		t.Run(tc.target, func(t *testing.T) {
			s.t = t
			response := s.request("GET", tc.target)
			assert.Equal(t, tc.anonymous, response.StatusCode)
			if tc.location != "" && !strings.Contains(tc.target, "..") {
				assert.Equal(t, tc.location, response.Header.Get("Location"))
			}
			assert.Equal(t, tc.anonymous == 200, s.last() != nil)
			response = s.request("GET", tc.target, "Cookie", cookie)
			assert.Equal(t, tc.signedIn, response.StatusCode)
			assert.Equal(t, tc.signedIn == 200, s.last() != nil)
		})
	}
}

func TestSignedInVisitorOfAPublicPathGoesToReturnTo(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for query, location := range map[string]string{
		"":                                 "/dashboard",
		"?return_to=%2Fdashboard%2Fa%3Fb":  "/dashboard/a?b",
		"?return_to=%2F%2Fevil.example":    "/dashboard",
		"?return_to=https%3A%2F%2Fevil.ex": "/dashboard",
		"?return_to=%2Fregister":           "/dashboard",
	} {
		response := s.request("GET", "/login"+query, "Cookie", cookie)
		assert.Equal(t, location, response.Header.Get("Location"), query)
	}
}

func TestTheAppIsToldWhoIsThere(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(`{"user":{"id":"a b%é","n":12345678901234567890},"accessToken":"at"}`)
	s.request("GET", "/dashboard", "Cookie", cookie+"; theme=dark")
	r := s.last()
	require.NotNil(t, r)
	assert.Equal(t, []string{"a%20b%25%C3%A9"}, r.Header["X-Session-User"])
	assert.Equal(t, []string{"default"}, r.Header["X-Session-Realm"])
	assert.Equal(t, "theme=dark", r.Header.Get("Cookie"), "the sealed cookie stays with Caddy")
	session := sessionOf(t, r)
	assert.Equal(t, "at", session["accessToken"])
	assert.Contains(t, session, "expiryDate")

	s.send("POST", "/dashboard", strings.NewReader("{}"), "Cookie", cookie, "Content-Type", "application/json")
	assert.Equal(t, []string{"application/json"}, s.last().Header["Content-Type"], "the request is the client's otherwise")

	s.request("GET", "/")
	r = s.last()
	assert.Empty(t, r.Header["X-Session-User"])
	assert.Empty(t, r.Header["X-Session-Data"])
	assert.Equal(t, []string{"default"}, r.Header["X-Session-Realm"])
}

// Tokens stay with Caddy where the app needs none, and nothing of the client takes their place.
func TestTheAppIsToldWhatIdentityHeadersSays(t *testing.T) {
	for setting, told := range map[string][2]bool{"on": {true, true}, "user": {true, false}, "off": {false, false}} {
		s := serve(t, "session_guard {\n auth /dashboard/*\n default hybrid\n identity_headers "+setting+"\n }")
		cookie := s.signIn(ada)
		s.request("GET", "/dashboard", "Cookie", cookie, "X-Session-User", "root", "X-Session-Data", "e30")
		r := s.last()
		require.NotNil(t, r, setting)
		assert.Equal(t, told[0], r.Header.Get("X-Session-User") != "", setting)
		data, _ := base64.RawURLEncoding.DecodeString(r.Header.Get("X-Session-Data"))
		assert.Equal(t, told[1], strings.Contains(string(data), "at-secret"), setting)
		for name, values := range r.Header {
			assert.NotContains(t, values, "root", "%s: %s", setting, name)
			assert.NotContains(t, values, "e30", "%s: %s", setting, name)
		}
	}
}

// next dev sends what it knows of a request over a WebSocket, to the browser and the request that these ids name. Its client
// waits for that, so without them no navigation and no Server Action ever ends.
func TestTheDevelopmentServerLearnsWhichRequestItAnswers(t *testing.T) {
	s := serve(t, guarded, "")
	s.request("GET", "/", "X-Nextjs-Request-Id", "5f3a", "X-Nextjs-Html-Request-Id", "71c0", "X-Nextjs-Other-Id", "1")
	r := s.last()
	assert.Equal(t, []string{"5f3a"}, r.Header["X-Nextjs-Request-Id"])
	assert.Equal(t, []string{"71c0"}, r.Header["X-Nextjs-Html-Request-Id"])
	assert.NotContains(t, r.Header, "X-Nextjs-Other-Id")
}

// CVE-2025-64484, CVE-2026-33433 and others: identity headers that the client
// sends, in every spelling that a server may fold.
func TestSpoofedIdentityHeadersNeverReachTheApp(t *testing.T) {
	s := serve(t, guarded, "servers {\n expected_underscore_headers X_Session_User X_Session_Data\n expected_dot_headers X.Session.User x.middleware.subrequest\n }")
	cookie := s.signIn(ada)
	for _, sent := range []string{"", cookie} {
		s.request("GET", "/", "Cookie", sent+"; session.set="+handoff(ada)+`; a="b; session.update=e30"`,
			"X-Session-User", "root", "x-session-data", "e30", "X_Session_User", "root", "X.Session.User", "root", "x.middleware.subrequest", "middleware", "X-SESSION-REALM", "x", "X-Session-Anything", "1",
			"X-Middleware-Subrequest", "middleware", "X-Nextjs-Data", "1", "X-Matched-Path", "/dashboard", "X-Rewrite-Url", "/dashboard",
			"X-Accel-Mapping", "/=/etc/", "X_Accel_Redirect", "/x", "X-Sendfile-Type", "X-Accel-Redirect",
			"X-Http-Method-Override", "DELETE", "X-Forwarded-Uri", "/dashboard", "X-Original-Url", "/x", "X-Invoke-Path", "/dashboard")
		r := s.last()
		require.NotNil(t, r)
		for name, values := range r.Header {
			folded := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
			if strings.HasPrefix(folded, "x-session-") {
				assert.Contains(t, []string{"X-Session-User", "X-Session-Data", "X-Session-Realm"}, name)
				assert.NotContains(t, values, "root")
				assert.Len(t, values, 1)
			}
			for _, gone := range []string{"x-middleware-", "x-nextjs-", "x-matched-", "x-rewrite-", "x-http-", "x-original-", "x-invoke-", "x-forwarded-uri", "x-accel-", "x-sendfile-"} {
				assert.False(t, strings.HasPrefix(folded, gone), name)
			}
		}
		assert.NotContains(t, r.Header.Get("Cookie"), "session.")
		assert.Equal(t, sent != "", r.Header.Get("X-Session-User") == "ada")
	}
}

// What a proxy in front says of a request is true only of one that Caddy trusts.
func TestForwardedHeadersAreThoseOfATrustedProxy(t *testing.T) {
	for options, trusted := range map[string]bool{"": false, "servers {\n trusted_proxies static 127.0.0.1\n }": true} {
		s := serve(t, guarded, options)
		s.request("GET", "/", "X-Forwarded-Port", "8443", "X-Forwarded-Prefix", "/shop", "X-Original-Url", "/dashboard", "X-Session-User", "root")
		r := s.last()
		require.NotNil(t, r)
		assert.Equal(t, trusted, r.Header.Get("X-Forwarded-Port") == "8443")
		assert.Equal(t, trusted, r.Header.Get("X-Forwarded-Prefix") == "/shop")
		assert.NotContains(t, r.Header, "X-Original-Url")
		assert.NotContains(t, r.Header, "X-Session-User")
	}
}

// CVE-2024-45410: the proxy removes what the client lists in Connection.
func TestConnectionHeaderCannotStripIdentity(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	s.request("GET", "/dashboard", "Cookie", cookie+"; theme=dark", "Connection", "close, X-Session-User, x-session-data", "Connection", "Cookie, X-Forwarded-Proto")
	r := s.last()
	require.NotNil(t, r)
	assert.Equal(t, "ada", r.Header.Get("X-Session-User"))
	assert.NotEmpty(t, r.Header.Get("X-Session-Data"))
	assert.Equal(t, "theme=dark", r.Header.Get("Cookie"))
	assert.NotEmpty(t, r.Header.Get("X-Forwarded-Proto"))
}

func TestTrailersCarryNoIdentity(t *testing.T) {
	s := serve(t, guarded)
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Session-Set, X-Other")
		_, _ = io.WriteString(w, "ok")
		w.Header().Set("X-Session-Set", handoff(ada))
		w.Header().Set("X-Other", "kept")
		w.Header().Set(http.TrailerPrefix+"X-Session-Update", "e30")
	})
	response := raw(t, s.addr, "POST / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-Session-User, X-Fine\r\n\r\n"+
		"2\r\nhi\r\n0\r\nX-Session-User: root\r\nX-Session-Data: e30\r\nX-Fine: 1\r\n\r\n")
	_, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	r := s.last()
	require.NotNil(t, r)
	assert.Equal(t, http.Header{"X-Fine": {"1"}}, r.Trailer)
	assert.Equal(t, "kept", response.Trailer.Get("X-Other"))
	for name := range response.Trailer {
		assert.NotContains(t, name, "Session")
	}
	assert.Empty(t, response.Cookies())
}

// raw sends bytes as they are.
func raw(t *testing.T, addr, request string) *http.Response {
	t.Helper()
	connection, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	_, err = io.WriteString(connection, request)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	return response
}

func TestTraceAndConnectAreRefused(t *testing.T) {
	s := serve(t, guarded)
	for _, method := range []string{"TRACE", "CONNECT"} {
		target := "/"
		if method == "CONNECT" {
			target = "example.com:443"
		}
		response := raw(t, s.addr, method+" "+target+" HTTP/1.1\r\nHost: example.com\r\n\r\n")
		assert.Equal(t, 405, response.StatusCode, method)
	}
	assert.Nil(t, s.last())
}

func TestAbsoluteFormIsDecidedByItsPath(t *testing.T) {
	s := serve(t, guarded)
	for _, target := range []string{"http://evil.example/dashboard", "x:/dashboard", "http://evil.example/login/../dashboard"} {
		response := raw(t, s.addr, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n", target))
		assert.Equal(t, 307, response.StatusCode, target)
		assert.True(t, strings.HasPrefix(response.Header.Get("Location"), "/login"), response.Header.Get("Location"))
	}
	response := raw(t, s.addr, "GET http:dashboard HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, 400, response.StatusCode)
	assert.Nil(t, s.last())
}

// Cross-site WebSocket hijacking.
func TestWebSocketOfAnotherOrigin(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Cookie", cookie, "Origin"}
	assert.Equal(t, 403, s.request("GET", "/", append(upgrade, "https://evil.example")...).StatusCode)
	for _, origin := range []string{"null", "", "http://[", "http://%zz", "http://" + s.addr + ".evil.example", s.addr} {
		assert.Equal(t, 403, s.request("GET", "/", append(upgrade, origin)...).StatusCode, origin)
	}
	assert.Nil(t, s.last())
	s.request("GET", "/", append(upgrade, "http://"+s.addr)...)
	assert.NotNil(t, s.last())
	s.request("GET", "/", "Connection", "Upgrade", "Upgrade", "websocket", "Origin", "https://evil.example")
	assert.NotNil(t, s.last(), "whoever has no session has nothing that another site could use")
}

func TestServerActionNeedsASessionOutsideOfActions(t *testing.T) {
	s := serve(t, guarded)
	for target, passes := range map[string]bool{"/": false, "/elsewhere": false, "/nonexistent": false, "/_next/static/x": false, "/login": true, "/register": true} {
		response := s.request("POST", target, "Next-Action", "00ab")
		assert.Equal(t, passes, s.last() != nil, target)
		assert.Equal(t, passes, response.StatusCode == 200, target)
	}
	// The kind that comes first in the table must not hide the action.
	s.request("POST", "/", "Next-Action", "00ab", "Connection", "Upgrade", "Upgrade", "websocket")
	assert.Nil(t, s.last())
}

func TestUnauthenticatedModes(t *testing.T) {
	for mode, want := range map[string]map[string]int{
		"redirect": {"document": 307, "fetch": 307, "action": 303, "websocket": 401}, // which follows no redirect
		"status":   {"document": 401, "fetch": 401, "action": 401, "websocket": 401},
	} {
		s := serve(t, "session_guard {\n auth /dashboard/*\n unauthenticated "+mode+"\n}")
		assert.Equal(t, want["document"], s.request("GET", "/dashboard").StatusCode, mode)
		assert.Equal(t, want["fetch"], s.request("GET", "/dashboard", "Sec-Fetch-Mode", "cors").StatusCode, mode)
		assert.Equal(t, want["action"], s.request("POST", "/dashboard", "Next-Action", "x").StatusCode, mode)
		assert.Equal(t, want["websocket"], s.request("GET", "/dashboard", "Connection", "Upgrade", "Upgrade", "websocket").StatusCode, mode)
	}
	s := serve(t, "session_guard {\n auth /dashboard/*\n unauthenticated status\n}\n handle_errors {\n respond \"error {err.status_code}\"\n }")
	for name, want := range map[string]string{"Next-Action": "", "RSC": "", "Accept": "error 401"} {
		response := s.request("POST", "/dashboard", name, "1")
		assert.Equal(t, http.StatusUnauthorized, response.StatusCode, name)
		assert.Equal(t, want, body(t, response), "%s: Next.js's client is answered in its own protocol", name)
	}
}

func TestHandleErrorsSeesDenials(t *testing.T) {
	s := serve(t, guarded+"\n handle_errors {\n respond \"error {err.status_code}\"\n }")
	response := s.request("GET", "/dashboard", "Sec-Fetch-Mode", "cors")
	assert.Equal(t, "error 401", body(t, response))
	assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"))
}

func TestRewritesBeforeTheGuard(t *testing.T) {
	s := serve(t, "rewrite /alias /dashboard?x=1\n rewrite /dashboard/open /\n"+guarded)
	response := s.request("GET", "/alias?y=2")
	assert.Equal(t, "/login?return_to=%2Falias%3Fy%3D2", response.Header.Get("Location"))
	assert.Equal(t, 307, s.request("GET", "/dashboard/open").StatusCode, "the original path is a further reading")
	assert.Nil(t, s.last())
}

// A login page that a rewrite before the guard has closed is an answer to each kind of
// request, and no redirect to itself.
func TestNoRedirectFromTheLoginPageToItself(t *testing.T) {
	s := serve(t, "route {\n rewrite /index.html\n session_guard {\n default auth\n }\n reverse_proxy {{app}}\n }")
	for kind, headers := range map[string][]string{"document": {}, "fetch": {"Sec-Fetch-Mode", "cors"}, "action": {"Next-Action", "x"}, "rsc": {"RSC", "1"}} {
		response := s.request("GET", "/login?return_to=%2Fx", headers...)
		assert.Equal(t, 401, response.StatusCode, kind)
		assert.Empty(t, response.Header.Get("Location")+response.Header.Get("X-Action-Redirect"), kind)
	}
	assert.Equal(t, "/login?return_to=%2Fother", s.request("GET", "/other").Header.Get("Location"))
	assert.Nil(t, s.last())
}

// What is refused on an open login page is not the page.
func TestRefusalOnTheLoginPageIsNoLockout(t *testing.T) {
	s := serve(t, "session_guard {\n public /login\n auth /dashboard/*\n default hybrid\n actions /other\n }")
	response := s.request("POST", "/login", "Next-Action", "x")
	assert.Equal(t, 401, response.StatusCode)
	assert.Equal(t, "/login", response.Header.Get("X-Action-Redirect"))
	response = s.request("GET", "/login", "RSC", "1", "Next-Url", "/dashboard")
	assert.Equal(t, 401, response.StatusCode)
	assert.Equal(t, "text/plain", response.Header.Get("Content-Type"))
	log := s.logged()
	assert.NotContains(t, log, "nobody can sign in")
}

// A static export has the rules of its pages, although try_files names their files.
func TestTryFilesOfStaticExport(t *testing.T) {
	folder := t.TempDir()
	for _, page := range []string{"login", "dashboard"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, page+".html"), []byte("page "+page), 0o600))
	}
	s := serve(t, "root * "+folder+"\n session_guard {\n public /login\n default auth\n home_path /dashboard\n }\n try_files {path} {path}.html\n handle {\n file_server\n }")
	assert.Equal(t, "page login", body(t, s.request("GET", "/login")))
	assert.Equal(t, "/login?return_to=%2Fdashboard", s.request("GET", "/dashboard").Header.Get("Location"))
	assert.Equal(t, "/login?return_to=%2Fdashboard.html", s.request("GET", "/dashboard.html").Header.Get("Location"))
}

// CVE-2026-30852, CVE-2026-77281: values of a session are never expanded.
func TestPlaceholdersAreNotExpandedAgain(t *testing.T) {
	t.Setenv("LEAK", "leaked")
	s := serve(t, guarded+"\n header >X-Who \"{http.auth.user.id} {http.auth.user.name} {http.session_guard.decision} {http.session_guard.kind}\"")
	cookie := s.signIn(`{"user":{"id":"{env.LEAK}","name":"{http.request.host}"}}`)
	response := s.request("GET", "/", "Cookie", cookie)
	assert.Equal(t, "{env.LEAK} {http.request.host} pass document", response.Header.Get("X-Who"))
}

// A session that today's settings would not seal stays good until it expires.
func TestSessionOfFormerSettingsIsNoError(t *testing.T) {
	t.Setenv("SESSION_SECRET", "9vK2mQx7Lr4TfW8zYb3NcH6pJd1GsE5u")
	s := serve(t, "session_guard {\n default hybrid\n expiry 1h\n}")
	cookie := s.signIn(`{"user":{"id":"ada","notes":"` + strings.Repeat("x", 6000) + `"}}`)
	s = serve(t, "session_guard {\n default hybrid\n refresh_threshold 7d\n forward_cookie on\n}")
	response := s.request("GET", "/", "Cookie", cookie)
	assert.Equal(t, 200, response.StatusCode)
	assert.Empty(t, response.Cookies())
	r := s.last()
	require.NotNil(t, r)
	assert.Equal(t, "ada", r.Header.Get("X-Session-User"))
	assert.Empty(t, r.Header.Get("Cookie"), "with it, the request has more headers than Node.js takes")
	s.request("GET", "/", "Cookie", cookie)
	assert.Equal(t, 1, strings.Count(s.logged(), "too large for forward_cookie"))
}

// What unauthenticated says holds for anonymous visitors only.
func TestUnauthenticatedIsNotForSignedInVisitors(t *testing.T) {
	for _, mode := range []string{"auto", "redirect", "status"} {
		s := serve(t, "session_guard {\n public /login\n auth /dashboard/*\n default hybrid\n home_path /dashboard\n unauthenticated "+mode+"\n }")
		response := s.request("GET", "/login", "Cookie", s.signIn(ada), "Accept", "application/json", "Sec-Fetch-Mode", "cors")
		assert.Equal(t, http.StatusUnauthorized, response.StatusCode, mode)
		response = s.request("GET", "/login", "Cookie", s.signIn(ada))
		assert.Equal(t, http.StatusTemporaryRedirect, response.StatusCode, mode)
		assert.Equal(t, "/dashboard", response.Header.Get("Location"), mode)
	}
}

// A method that no app gets is refused with the ones that it may get (RFC 9110 section 15.5.6).
func TestRefusedMethodNamesTheOthers(t *testing.T) {
	s := serve(t, guarded)
	response := s.request("TRACE", "/")
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
	assert.Equal(t, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", response.Header.Get("Allow"))
}

// Next.js's client says on its data routes that it asks for data, and nobody may say so
// elsewhere.
func TestNextjsDataHeader(t *testing.T) {
	s := serve(t, guarded)
	for path, want := range map[string]string{"/_next/data/build/about.json": "1", "/about": ""} {
		s.request("GET", path, "X-Nextjs-Data", "1")
		r := s.last()
		require.NotNil(t, r, path)
		assert.Equal(t, want, r.Header.Get("X-Nextjs-Data"), path)
	}
}

// Where a handler before the guard makes a closed path of the login page, nobody is sent there
// again and again. The log says so once, and a prefetch says nothing.
func TestLoginPageThatIsClosed(t *testing.T) {
	s := serve(t, "rewrite /login /dashboard/login\nsession_guard {\n auth /dashboard/*\n default hybrid\n }")
	assert.Equal(t, http.StatusNoContent, s.request("GET", "/login", "Rsc", "1", "Next-Router-Prefetch", "1").StatusCode)
	assert.NotContains(t, s.logged(), "nobody can sign in")
	for range 2 {
		assert.Equal(t, http.StatusUnauthorized, s.request("GET", "/login").StatusCode)
	}
	assert.Equal(t, 1, strings.Count(s.logged(), "the login page needs a session itself, so nobody can sign in"))
	assert.Equal(t, http.StatusTemporaryRedirect, s.request("GET", "/dashboard").StatusCode)
}

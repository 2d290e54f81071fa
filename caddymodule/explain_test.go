package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

const explained = `{
	admin off
	persist_config off
	storage file_system STORAGE
}

http://other.example.com {
	session_guard {
		default auth
	}
}

http://app.example.com {
	session_api
	session_guard {
		public /login
		auth /admin/* {
			require user.role admin
		}
		auth /dashboard/*
		default hybrid
		locales en
	}
	reverse_proxy localhost:1
	rewrite /old/* /dashboard{path}
	rewrite /admin/reports /reports
}

http://third.example.com {
	handle_path /inside/* {
		session_guard {
			auth /dashboard/*
			default hybrid
		}
	}
	handle {
		session_guard {
			default auth
		}
	}
}

http://fourth.example.com {
	route {
		reverse_proxy localhost:2
		session_guard {
			default auth
		}
	}
}
`

// actionSites have open pages to which Server Actions may be posted.
const actionSites = `
http://fifth.example.com {
	session_guard {
		public /sign-in /join/*
		auth /dashboard/*
		default hybrid
		login_path /sign-in
	}
	respond ok
}

http://sixth.example.com {
	session_guard {
		default hybrid
		actions /help
	}
	respond ok
}
`

// sessionCommand runs a command below `caddy session`.
func sessionCommand(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	root, session := &cobra.Command{Use: "caddy", SilenceUsage: true}, &cobra.Command{Use: "session"}
	caddycmd.Commands()["session"].CobraFunc(session)
	root.AddCommand(session)
	root.SetArgs(append([]string{"session"}, args...))
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	err = root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestExplain(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	storage := t.TempDir()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(explained, "STORAGE", storage, 1)+actionSites), 0o600))
	for _, tc := range []struct {
		args     []string
		expected []string
		status   string
	}{
		{[]string{"GET", "http://app.example.com/"}, []string{"Rule default hybrid", "Decision pass", "Answer the app answers"}, ""},
		{[]string{"GET", "http://app.example.com/en/dashboard?a=b"},
			[]string{"Path /dashboard", "Kind document", "Locale en", "Rule auth /dashboard/* (Caddyfile:20)", "Decision login",
				"Answer 307 Temporary Redirect to /en/login?return_to=%2Fen%2Fdashboard%3Fa%3Db"}, "2"},
		{[]string{"POST", "http://app.example.com/", "--header", "Next-Action: 00ab"}, []string{"Kind action", "Reason a Server Action,", "actions /login / ", "Answer 401 Unauthorized to /login"}, "2"},
		{[]string{"POST", "http://fifth.example.com/contact", "--header", "Next-Action: 00ab"}, []string{"write for example: actions /sign-in /join/* /contact"}, "2"},
		{[]string{"POST", "http://sixth.example.com/login", "--header", "Next-Action: 00ab"}, []string{"write for example: actions /help /login"}, "2"},
		{[]string{"GET", "http://fourth.example.com/"}, []string{"Rule none: no session_guard stands before reverse_proxy", "Answer reverse_proxy answers"}, ""},
		{[]string{"GET", "http://app.example.com/admin/users"}, []string{"Needs require user.role admin", "Rule auth /admin/* (Caddyfile:17)"}, "2"},
		{[]string{"GET", "http://other.example.com/login"}, []string{"Rule login_path", "Decision pass"}, ""},
		{[]string{"GET", "http://other.example.com/_next/static/x.js"}, []string{"Rule static", "Decision pass"}, ""},
		{[]string{"GET", "http://other.example.com/_next/hmr"}, []string{"Rule static", "Decision pass"}, ""},
		{[]string{"GET", "http://other.example.com/__nextjs_font/x.woff2"}, []string{"Rule static", "Decision pass"}, ""},
		{[]string{"GET", "http://other.example.com/_next/static"}, []string{"Rule default auth"}, "2"},
		{[]string{"GET", "http://other.example.com/"}, []string{"Guard Caddyfile:8", "Rule default auth"}, "2"},
		{[]string{"GET", "http://other.example.com/", "-H", "Accept: */*"}, []string{"Kind fetch", "Answer 401 Unauthorized"}, "2"},
		{[]string{"GET", "http://other.example.com/", "-H", "Sec-Fetch-Mode: cors"}, []string{"Kind fetch", "Answer 401 Unauthorized"}, "2"},
		{[]string{"GET", "http://app.example.com/old/x"}, []string{"Path /dashboard/old/x", "Answer 307 Temporary Redirect to /login?return_to=%2Fold%2Fx"}, "2"},
		{[]string{"GET", "http://app.example.com/admin/reports"}, []string{"Rule auth /admin/* (Caddyfile:17)", "Decision login"}, "2"},
		{[]string{"TRACE", "http://app.example.com/"}, []string{"Rule none", "Decision bad", "Reason no app should get this method", "Answer 405 Method Not Allowed"}, "5"},
		{[]string{"GET", "http://app.example.com/api/session"}, []string{"Rule session_api (Caddyfile:14)", "Answer session_api answers"}, ""},
		{[]string{"GET", "/"}, []string{"Guard Caddyfile:8", "Rule default auth"}, "2"},
		{[]string{"GET", "http://third.example.com/inside/dashboard"}, []string{"Path /dashboard", "Rule auth /dashboard/* (Caddyfile:32)"}, "2"},
		{[]string{"GET", "http://third.example.com/inside/"}, []string{"Rule default hybrid", "Answer the app answers"}, ""},
		{[]string{"GET", "http://third.example.com/outside"}, []string{"Guard Caddyfile:37", "Rule default auth"}, "2"},
		{[]string{"GET", "http://app.example.com/a%zz"}, []string{"Path /a%zz", "Rule none", "Decision bad", "Answer 400 Bad Request"}, "5"},
		{[]string{"GET", "/dashboard/%?a=b"}, []string{"Path /dashboard/%", "Decision bad", "Answer 400 Bad Request"}, "5"},
		{[]string{"GET", "http://app.example.com/x/../dashboard/y"}, []string{"Path /dashboard/y", "Reading dot-resolved", "Rule auth /dashboard/*"}, "2"},
		{[]string{"GET", "http://app.example.com/en/x/%2e%2e/dashboard"}, []string{"Path /dashboard Reading dot-resolved Kind document Locale en", "Rule auth /dashboard/*"}, "2"},
		{[]string{"GET", "http://app.example.com/d%61shboard"}, []string{"Path /dashboard Reading decoded", "Rule auth /dashboard/*"}, "2"},
		{[]string{"GET", "http://app.example.com/dashboard/index.html"}, []string{"Path /dashboard/index.html Kind"}, "2"},
		{[]string{"GET", "http://app.example.com/_next/image?url=%2Fdashboard%2Fa.png"}, []string{"Path /dashboard/a.png", "Rule auth /dashboard/*"}, "2"},
		{[]string{"GET", "http://app.example.com/admin/reports?a=//b#c"}, []string{"Path /admin/reports Reading original path", "Rule auth /admin/*"}, "2"},
		{[]string{"GET", "http://other.example.com/_next/static/x.js"}, []string{"Path /_next/static/x.js"}, ""},
		{[]string{"GET", "//dashboard", "-H", "Host: app.example.com"}, []string{"Path /dashboard Reading cleaned", "Rule auth /dashboard/*"}, "2"},
		{[]string{"GET", "//app.example.com/x://y", "-H", "Host: app.example.com"}, []string{"Path //app.example.com/x://y", "Rule default hybrid"}, ""},
		{[]string{"GET", "http://app.example.com/?a=%zz"}, []string{"Rule default hybrid", "Decision pass"}, ""},
		{[]string{"GET", "http://app.example.com/a%00b"}, []string{"Rule none", "Decision bad", "Reason no app should receive this path", "Answer 400 Bad Request"}, "5"},
	} {
		output, err := sessionCommand(t, append([]string{"explain", "--config", file}, tc.args...)...)
		spaced := strings.Join(strings.Fields(output), " ")
		for _, part := range tc.expected {
			assert.Contains(t, spaced, part, tc.args)
		}
		if tc.status == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, tc.status, tc.args)
		}
	}
	entries, err := os.ReadDir(storage)
	require.NoError(t, err)
	assert.Empty(t, entries, "explaining writes nothing")

	_, err = sessionCommand(t, "explain", "--config", file, "GET", "http://nowhere.example.com/")
	assert.ErrorContains(t, err, `no route of the configuration is for the host "nowhere.example.com"`)
	_, err = sessionCommand(t, "explain", "--config", file, "GET", "http://app.example.com:9/")
	assert.ErrorContains(t, err, "no site of the configuration listens for http://app.example.com:9")
	_, err = sessionCommand(t, "explain", "--config", file, "GET", "app.example.com:80/")
	assert.ErrorContains(t, err, "write for example: https://app.example.com/dashboard")
	_, err = sessionCommand(t, "explain", "--config", file, "GET", "/", "-H", "nonsense")
	assert.ErrorContains(t, err, "has no colon")
	_, err = sessionCommand(t, "exlain")
	assert.ErrorContains(t, err, `there is no command "exlain"`)
	t.Chdir(t.TempDir())
	_, err = sessionCommand(t, "explain", "GET", "/")
	assert.ErrorContains(t, err, "there is no Caddyfile in this folder")
	output, err := sessionCommand(t, "explain", "GET")
	assert.Error(t, err)
	assert.Contains(t, output, "caddy session explain GET https://", "a wrong call shows the right one")
}

// A path alone may be asked about where no guard stands. The error must not say that no route is for it.
func TestExplainOfAPathThatNoGuardSees(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte(":8080 {\n\treverse_proxy localhost:3000\n}\n"), 0o600))
	_, err := sessionCommand(t, "explain", "--config", file, "GET", "/dashboard")
	require.ErrorContains(t, err, `no session_guard would see the path "/dashboard" on any site; give the whole URL to learn what answers`)
	printed, err := sessionCommand(t, "explain", "--config", file, "GET", "http://localhost:8080/dashboard")
	require.NoError(t, err)
	require.Contains(t, printed, "no session_guard stands before reverse_proxy")

	require.NoError(t, os.WriteFile(file, []byte(":8080 {\n\treverse_proxy localhost:3000 {\n\t\t@failed status 5xx\n\t\thandle_response @failed {\n\t\t\trespond sorry\n\t\t}\n\t}\n}\n"), 0o600))
	printed, err = sessionCommand(t, "explain", "--config", file, "GET", "http://localhost:8080/dashboard")
	require.NoError(t, err)
	require.Contains(t, printed, "no session_guard stands before reverse_proxy")
}

// Explain knows the same handlers that answer as check does: forward_auth and a file
// server that passes on do not, an error and metrics do.
func TestExplainKnowsWhatAnswersBeforeAGuard(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	for before, expected := range map[string]string{
		"file_server {\n pass_thru\n}":             "auth /dashboard/*",
		"forward_auth localhost:2 {\n uri /ask\n}": "auth /dashboard/*",
		"error 418": "no session_guard stands before error",
		"reverse_proxy localhost:2 {\n @ok status 204\n handle_response @ok {\n request_header X-Checked 1\n }\n }": "auth /dashboard/*",
		"reverse_proxy localhost:2 {\n @failed status 5xx\n handle_response @failed {\n respond sorry\n }\n }":      "no session_guard stands before reverse_proxy",
		"metrics":       "no session_guard stands before metrics",
		"file_server":   "no session_guard stands before file_server",
		"respond 103":   "auth /dashboard/*",
		"respond hello": "no session_guard stands before static_response",
	} {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		site := "http://a.example {\n route {\n " + before + "\n session_guard {\n auth /dashboard/*\n default hybrid\n }\n reverse_proxy localhost:1\n }\n}\n"
		require.NoError(t, os.WriteFile(file, []byte(site), 0o600))
		printed, _ := sessionCommand(t, "explain", "--config", file, "GET", "http://a.example/dashboard") // not passing is no success
		assert.Contains(t, printed, expected, before)
	}
}

// What handlers before the guard set only, and where the client is, decide as in Caddy.
// Caddy asks nothing behind a terminal route, however deep it lies, and takes one route of a
// group for the whole request. What explain says is compared with what the server does.
func TestExplainFollowsTerminalRoutesAndGroups(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	const (
		mark  = `{"handler":"vars","x":"y"}`
		guard = `{"handle":[{"handler":"session_guard","default":"auth"}]}`
	)
	for name, routes := range map[string]string{
		"terminal in a subroute":    `{"handle":[{"handler":"subroute","routes":[{"handle":[` + mark + `],"terminal":true}]}]},` + guard,
		"terminal named route":      `{"handle":[{"handler":"invoke","name":"ends"}]},` + guard,
		"one group in two lists":    `{"group":"a","handle":[` + mark + `]},{"handle":[{"handler":"subroute","routes":[{"group":"a",` + guard[1:] + `]}]}`,
		"not terminal":              `{"handle":[{"handler":"subroute","routes":[{"handle":[` + mark + `]}]}]},` + guard,
		"a terminal one is skipped": `{"match":[{"path":["/other"]}],"handle":[` + mark + `],"terminal":true},` + guard,
	} {
		address := "127.0.0.1:" + freeport.For(t)
		config := `{"admin":{"disabled":true},"storage":{"module":"file_system","root":"` + t.TempDir() + `"},"apps":{"http":{"servers":{"s":{"listen":["` + address + `"],
			"named_routes":{"ends":{"handle":[` + mark + `],"terminal":true}},"routes":[` + routes + `]}}}}}`
		require.NoError(t, caddy.Load([]byte(config), true), name)
		response, err := http.Get("http://" + address + "/dashboard")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.NoError(t, caddy.Stop())
		file := filepath.Join(t.TempDir(), "caddy.json")
		require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
		printed, _ := sessionCommand(t, "explain", "--config", file, "GET", "http://"+address+"/dashboard") // not passing is no success
		asked := response.StatusCode == http.StatusUnauthorized                                             // by a program
		assert.Equal(t, asked, strings.Contains(printed, "login"), "%s: %d\n%s", name, response.StatusCode, printed)
	}
}

func TestExplainKnowsVariablesAndAddresses(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	files := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(files, "index.html"), nil, 0o600))
	file := filepath.Join(t.TempDir(), "Caddyfile")
	const guard = "session_guard {\n auth /dashboard/* /index.html\n default hybrid\n }\n reverse_proxy localhost:1\n"
	const closed = "session_guard {\n default auth\n }\n reverse_proxy localhost:1\n"
	const mapped = "map {path} {target} {\n /a /dashboard\n default /open\n }\n"
	for _, tc := range []struct {
		directives, path string
		flags            []string
		expected         string
	}{
		{"@lan remote_ip 127.0.0.1 ::1\n handle @lan {\n " + guard + "}\n handle {\n " + closed + "}\n", "/", nil, "Rule default hybrid"},
		{"@lan remote_ip 127.0.0.1 ::1\n handle @lan {\n " + guard + "}\n handle {\n " + closed + "}\n", "/", []string{"--from", "203.0.113.7"}, "Rule default auth"},
		{"@lan client_ip 2001:db8::/32\n handle @lan {\n " + guard + "}\n handle {\n " + closed + "}\n", "/", []string{"--from", "2001:db8::1"}, "Rule default hybrid"},
		{"@lan client_ip 203.0.113.7\n handle @lan {\n " + guard + "}\n handle {\n " + closed + "}\n", "/", []string{"-H", "X-Forwarded-For: 203.0.113.7"}, "Rule default hybrid"},
		{"@local expression `{client_ip}.startsWith(\"127.\") && path(\"/x/*\")`\n rewrite @local /dashboard\n " + guard, "/x/y", nil, "Rule auth /dashboard/*"},
		{mapped + "rewrite {target}\n " + guard, "/a", nil, "Rule auth /dashboard/*"},
		{mapped + "rewrite {target}\n " + guard, "/b", nil, "Path /open Kind document Rule default hybrid"},
		{"vars zone private\n @private vars zone private\n route {\n rewrite @private /dashboard{uri}\n " + guard + "}\n", "/x", nil, "Rule auth /dashboard/*"},
		{"root * " + files + "\n try_files {path} /index.html\n " + guard, "/x", nil, "Path /index.html Kind document Rule auth"},
		{"root * " + files + "\n @file file\n handle @file {\n file_server\n }\n handle {\n " + closed + "}\n", "/index.html", nil, "no session_guard stands before file_server"},
	} {
		require.NoError(t, os.WriteFile(file, []byte("{\n servers {\n trusted_proxies static 127.0.0.1/32\n }\n}\nhttp://a.example {\n "+tc.directives+"}\n"), 0o600))
		printed, _ := sessionCommand(t, append([]string{"explain", "--config", file, "GET", "http://a.example" + tc.path}, tc.flags...)...) // not passing is no success
		assert.Contains(t, strings.Join(strings.Fields(printed), " "), tc.expected, tc.directives)
	}

	token := strings.TrimPrefix(idleCookie(t, "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay", 0, time.Hour), "session=")
	require.NoError(t, os.WriteFile(file, []byte("{\n storage file_system "+t.TempDir()+"\n servers {\n trusted_proxies static 10.0.0.0/8\n }\n}\nhttp://a.example {\n "+closed+"}\n"), 0o600))
	for from, expected := range map[string]string{"10.0.0.1": "Cookie opened", "203.0.113.7": "Cookie none"} {
		printed, _ := sessionCommand(t, "explain", "--config", file, "GET", "http://a.example/", "--from", from, "-H", "X-Forwarded-Proto: https", "-H", "Cookie: __Host-session="+token)
		assert.Contains(t, strings.Join(strings.Fields(printed), " "), expected, from)
	}
	_, err := sessionCommand(t, "explain", "--config", file, "GET", "http://a.example/", "--from", "10.0.0.1:80")
	assert.ErrorContains(t, err, `from "10.0.0.1:80" is no address; write one such as 203.0.113.7`)
}

// A guard may stand in a named route, and such a route may invoke itself.
func TestExplainFollowsNamedRoutes(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte(`&(app) {
	route {
		route /old/* {
			uri strip_prefix /old
			invoke app
		}
		session_guard {
			auth /dashboard/*
			default hybrid
		}
		reverse_proxy localhost:3000
	}
}
&(endless) {
	invoke endless
}
http://a.example {
	invoke app
}
http://b.example {
	invoke endless
}
`), 0o600))
	for _, path := range []string{"/dashboard", "/old/dashboard", "/old/old/dashboard"} {
		printed, _ := sessionCommand(t, "explain", "--config", file, "GET", "http://a.example"+path) // not passing is no success
		assert.Contains(t, printed, "auth /dashboard/*", path)
	}
	_, err := sessionCommand(t, "explain", "--config", file, "GET", "http://b.example/")
	assert.ErrorContains(t, err, `the named route "endless" invokes itself without end`)
}

// A session that is due would have on_refresh asked, which may end it.
func TestExplainNamesTheHookOfARefresh(t *testing.T) {
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	t.Setenv("SESSION_SECRET", secret)
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte("http://localhost:8080\nsession_api\nsession_guard {\n\tdefault auth\n\tno_activity /poll\n\tvalidate http://localhost:1\n\ton_refresh http://localhost:1\n}\nreverse_proxy localhost:1\n"), 0o600))
	fresh, due := idleCookie(t, secret, 0, 7*24*time.Hour), idleCookie(t, secret, 0, time.Hour)
	for _, tc := range []struct{ method, path, cookie, hooks string }{
		{"GET", "/", fresh, "validate (not asked here)"},
		{"GET", "/", due, "validate, on_refresh (not asked here)"},
		{"GET", "/poll", due, "validate (not asked here)"},
		{"GET", "/api/session", fresh, "validate (not asked here)"},
		{"GET", "/api/session", due, "validate, on_refresh (not asked here)"},
		{"POST", "/api/session", fresh, "validate, on_refresh (not asked here)"},
		{"PATCH", "/api/session", due, "validate (not asked here)"},
		{"DELETE", "/api/session/all", due, "validate (not asked here)"},
		{"DELETE", "/api/session", due, ""}, // whoever signs out needs nobody's leave
		{"GET", "/api/session/all", due, ""},
	} {
		output, err := sessionCommand(t, "explain", "--config", file, tc.method, "http://localhost:8080"+tc.path, "-H", "Cookie: "+tc.cookie)
		require.NoError(t, err)
		if tc.hooks == "" {
			assert.NotContains(t, output, "Hooks", "%s %s", tc.method, tc.path)
			continue
		}
		assert.Contains(t, strings.Join(strings.Fields(output), " "), "Hooks "+tc.hooks, "%s %s", tc.method, tc.path)
	}
}

// What a hook would say is not known here; that it would be asked is.
func TestExplainAndCheckNameTheHooks(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, "@staff session authenticated\n rewrite @staff {path}\n"+withHooks(hook.validate(""), "authorize "+hook.url, "on_refresh "+hook.url))
	cookie := s.signIn(ada)
	hook.calls()
	for path, hooks := range map[string]any{"/dashboard": []any{"validate", "authorize"}, "/about": []any{"validate"}, "/_next/static/a.js": nil} {
		question, err := json.Marshal(map[string]any{"method": "GET", "url": "http://" + s.addr + path, "headers": map[string][]string{"Cookie": {cookie}}})
		require.NoError(t, err)
		for _, route := range new(caddymodule.Admin).Routes() {
			if route.Pattern != "/session/explain" {
				continue
			}
			w := httptest.NewRecorder()
			require.NoError(t, route.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, route.Pattern, bytes.NewReader(question))))
			var answer map[string]any
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			assert.Equal(t, hooks, answer["hooks"], path)
		}
	}
	assert.Empty(t, hook.calls())

	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte("localhost\nsession_guard {\n\tdefault auth\n\tvalidate http://localhost:1\n\ton_refresh http://localhost:1\n\tauthorize http://localhost:1\n}\n"), 0o600))
	output, err := sessionCommand(t, "check", "--config", file)
	require.NoError(t, err)
	for _, line := range []string{"  hook validate: cache 30s, on_outage deny\n", "  hook on_refresh: asked at every refresh\n", "  hook authorize: asked at every request on auth routes\n"} {
		assert.Contains(t, output, line)
	}
}

// Over TLS the cookie has another name.
func TestExplainOverTLS(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte("{\n\tstorage file_system "+t.TempDir()+"\n}\nhttps://localhost:8443, http://localhost:8080 {\n\tsession_guard {\n\t\tauth /dashboard/*\n\t\tdefault hybrid\n\t}\n"+
		"\treverse_proxy localhost:1\n}\n"), 0o600))
	token := strings.TrimPrefix(idleCookie(t, "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay", 0, time.Hour), "session=")
	for _, tc := range []struct {
		url, cookie string
		opens       bool
	}{
		{"https://localhost:8443/dashboard", "__Host-session", true},
		{"https://localhost:8443", "__Host-session", true}, // its front page
		{"https://localhost:8443/dashboard", "session", false},
		{"http://localhost:8080/dashboard", "session", true},
		{"http://localhost:8080/dashboard", "__Host-session", false},
	} {
		output, err := sessionCommand(t, "explain", "--config", file, "GET", tc.url, "-H", "Cookie: "+tc.cookie+"="+token)
		assert.Equal(t, tc.opens, err == nil, output)
		assert.Equal(t, tc.opens, strings.Contains(strings.Join(strings.Fields(output), " "), "Cookie opened"), output)
	}
}

// The running site explains itself, with the session of a cookie.
func TestAdminExplains(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(`{"user":{"id":"bob","role":"reader"}}`)
	var explain caddy.AdminRoute
	for _, route := range new(caddymodule.Admin).Routes() {
		if route.Pattern == "/session/explain" {
			explain = route
		}
	}
	ask := func(body string) (*httptest.ResponseRecorder, error) {
		r, err := http.NewRequest(http.MethodPost, "/session/explain", strings.NewReader(body))
		require.NoError(t, err)
		w := httptest.NewRecorder()
		return w, explain.Handler.ServeHTTP(w, r)
	}
	body, err := json.Marshal(map[string]any{"method": "GET", "url": "http://" + s.addr + "/admin/users", "headers": map[string][]string{"Cookie": {cookie}}})
	require.NoError(t, err)
	w, err := ask(string(body))
	require.NoError(t, err)
	var answer map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	assert.Equal(t, "forbidden", answer["decision"])
	assert.EqualValues(t, 403, answer["status"])
	assert.Equal(t, "opened", answer["cookie"])
	assert.NotContains(t, w.Body.String(), "bob")
	w, err = ask(`{"method":"GET","url":"http://` + s.addr + `/a%zz"}`)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	assert.Equal(t, "bad", answer["decision"])
	assert.EqualValues(t, raw(t, s.addr, "GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n").StatusCode, answer["status"], "as Caddy answers")
	for _, wrong := range []string{`{"method":"GET","url":"nowhere"}`, `{"method":"G T","url":"/"}`, `{"method":"GET","url":"/","from":"nobody"}`} {
		_, err := ask(wrong)
		assert.Error(t, err, wrong)
	}
	const instead = `the body must be one JSON object of method, url, headers (a list of strings for each name) and from (an address), with nothing else in or after it, such as {"method": "GET", "url": "https://app.example.com/dashboard", "headers": {"Accept": ["text/html"]}}`
	for _, wrong := range []string{"", `{"surprise":1}`, `{"method":1,"url":"/"}`, `{"method":"GET","url":"/","headers":{"Accept":"*/*"}}`, `[]`, `nonsense`,
		`{"method":"GET","url":"/"} junk`, `{"method":"GET","url":"/"}{}`, `{"method":"GET","url":"/"`, `null`} {
		_, err := ask(wrong)
		var answer caddy.APIError
		require.ErrorAs(t, err, &answer, wrong)
		assert.Equal(t, http.StatusBadRequest, answer.HTTPStatus)
		assert.EqualError(t, answer.Err, instead, wrong)
	}
	assert.Nil(t, s.last(), "the app was asked")
}

// Explain names the hooks of a Server Action at an open path, and of the page that a
// navigation comes from, and none of a refresh that auto_refresh leaves out.
func TestExplainNamesTheHooksOfActionsAndInterceptionRoutes(t *testing.T) {
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	t.Setenv("SESSION_SECRET", secret)
	build, err := filepath.Abs("../routes/testdata/builds/16.4")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte("http://localhost:8080\nsession_guard {\n\tauth /feed/*\n\tdefault hybrid\n\tauto_refresh off\n\tnext_build "+build+
		"\n\tauthorize http://localhost:1\n\tvalidate http://localhost:1\n\ton_refresh http://localhost:1\n}\nreverse_proxy localhost:1\n"), 0o600))
	due := idleCookie(t, secret, 0, time.Hour)
	for _, tc := range []struct {
		args  []string
		hooks string
	}{
		{[]string{"GET", "http://localhost:8080/photo/1"}, "validate (not asked here)"},
		{[]string{"GET", "http://localhost:8080/photo/1", "-H", "Rsc: 1", "-H", "Next-Url: /feed"}, "validate, authorize (not asked here)"},
		{[]string{"GET", "http://localhost:8080/_next/static/a.js"}, ""},
		{[]string{"POST", "http://localhost:8080/_next/static/a.js", "-H", "Next-Action: 00ab"}, "validate (not asked here)"},
	} {
		output, _ := sessionCommand(t, append([]string{"explain", "--config", file, "-H", "Cookie: " + due}, tc.args...)...) // not passing is no success
		spaced := strings.Join(strings.Fields(output), " ")
		if tc.hooks == "" {
			assert.NotContains(t, spaced, "Hooks", tc.args)
			continue
		}
		assert.Contains(t, spaced, "Hooks "+tc.hooks, tc.args)
	}
}

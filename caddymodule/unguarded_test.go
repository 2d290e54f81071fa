package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever reaches the app around the guard may claim to be anybody, by its own headers.
func TestWaysAroundTheGuardAreFound(t *testing.T) {
	t.Setenv("SURVEYED_APP", "127.0.0.1:3000")
	const guard = "session_guard {\n default auth\n}\n"
	const open = "localhost:3000 without a session_guard"
	const some = "session_guard {\n auth /dashboard/*\n default hybrid\n}\n"
	const lax = "session_guard {\n default hybrid\n}\n"
	const refused = "a.example: file_server in handle_errors answers with the file of the path that was asked for, so what session_guard (Caddyfile:6) refuses is sent with the error"
	const moved = "which shows the same, since the path is changed on the way"
	for name, tc := range map[string]struct {
		caddyfile string
		says      []string
	}{
		"all is guarded":                 {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"in one handle only":             {"http://a.example {\nhandle /dashboard/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: ", open}},
		"in each handle":                 {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"before every handle":            {"http://a.example {\n" + guard + "handle /x/* {\nreverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", nil},
		"no default, and none is needed": {"http://a.example {\nsession_guard {\npublic /login\nauth /*\n}\nreverse_proxy localhost:3000\n}", nil},
		"no default":                     {"http://a.example {\nsession_guard {\nauth /dashboard/*\n}\nreverse_proxy localhost:3000\n}", []string{"paths that no rule matches are open to everybody"}},
		"another app":                    {"http://a.example {\nhandle /grafana/* {\nreverse_proxy localhost:4000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"behind the proxy":               {"http://a.example {\nroute {\nreverse_proxy localhost:3000\n" + guard + "}\n}", []string{"session_guard (Caddyfile:7) is never reached, since reverse_proxy answers first"}},
		"behind the file server":         {"http://a.example {\nroute {\nfile_server\n" + guard + "}\n}", []string{"session_guard (Caddyfile:7) is never reached, since file_server answers first"}},
		"behind handles that answer":     {"http://a.example {\nroute {\nhandle /x {\nrespond x\n}\nhandle {\nerror 404\n}\n" + guard + "}\n}", []string{"session_guard (Caddyfile:12) is never reached, since error answers first"}},
		"behind a named route":           {"&(app) {\nrespond x\n}\nhttp://a.example {\nroute {\ninvoke app\n" + guard + "}\n}", []string{"session_guard (Caddyfile:10) is never reached, since respond or redir answers first"}},
		"behind the files of some paths": {"http://a.example {\nroute {\nfile_server /x/*\nhandle /y {\nrespond y\n}\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"behind an answer that is none":  {"http://a.example {\nroute {\nrespond 103\nforward_auth localhost:4000 {\nuri /verify\n}\nfile_server {\npass_thru\n}\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"for the error page of a denial": {"http://a.example {\n" + guard + "file_server\nhandle_errors {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"behind a handle that comes on":  {"http://a.example {\nroute {\nhandle /x {\nheader X-A b\n}\nhandle {\nrespond no\n}\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"behind another site":            {"http://a.example {\nrespond x\n}\nhttp:// {\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"on another site":                {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\n}\nhttp://b.example {\nreverse_proxy localhost:3000\n}", []string{"b.example: ", open}},
		"for errors, the guard's denial": {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\nhandle_errors {\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: ", open}},
		"by a named route":               {"&(app) {\nreverse_proxy localhost:3000\n}\nhttp://a.example {\n" + guard + "invoke app\n}\nhttp://b.example {\ninvoke app\n}", []string{"b.example: ", open}},
		"by one that invokes itself":     {"&(app) {\n" + guard + "@old path /old/*\nhandle @old {\nuri strip_prefix /old\ninvoke app\n}\nreverse_proxy localhost:3000\n}\nhttp://a.example {\ninvoke app\n}", []string{"requests pass two session_guards"}},
		"the API without a guard":        {"http://a.example {\nsession_api\nreverse_proxy localhost:3000\n}", []string{"a.example: ", open}},
		"another site's API":             {"http://a.example {\nsession_api\nrespond ok\n}\nhttp://b.example {\nreverse_proxy localhost:3000\n}", nil},
		"two guards":                     {"http://a.example {\n" + guard + guard + "reverse_proxy localhost:3000\n}", []string{"requests pass two session_guards (the second at Caddyfile:8); merge their rules into one"}},
		"the API in a handle":            {"http://a.example {\n" + guard + "handle /api/session {\nsession_api\n}\nreverse_proxy localhost:3000\n}", []string{"move it before session_guard, and out of handle"}},
		"a guard behind an optional one": {"http://a.example {\nroute {\nroute /admin/* {\n" + guard + "}\n" + guard + "reverse_proxy localhost:3000\n}\n}", []string{"some requests pass two session_guards (the second at Caddyfile:11); merge their rules into one, or put each into a handle of its own"}},
		"the API behind the guard":       {"http://a.example {\nroute {\n" + guard + "session_api\nreverse_proxy localhost:3000\n}\n}", []string{"session_api (Caddyfile:9) comes after session_guard"}},
		"handle_path behind the guard":   {"http://a.example {\n" + some + "handle_path /app/* {\nreverse_proxy localhost:3000\n}\n}", []string{moved}},
		"uri behind the guard":           {"http://a.example {\n" + some + "handle /old/* {\nuri strip_prefix /old\nreverse_proxy localhost:3000\n}\n}", []string{moved}},
		"rewrite behind the guard":       {"http://a.example {\nroute {\n" + some + "rewrite /x* /dashboard\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: session_guard (Caddyfile:6) asks for a session at /dashboard, but not at /x, " + moved}},
		"rewrite of the proxy":           {"http://a.example {\n" + some + "reverse_proxy localhost:3000 {\nrewrite /dashboard{uri}\n}\n}", []string{moved}},
		"rewrite by a named route":       {"&(app) {\nroute {\nuri strip_prefix /old\nreverse_proxy localhost:3000\n}\n}\nhttp://a.example {\n" + some + "handle /old/* {\ninvoke app\n}\n}", []string{moved}},
		"handle_path around the guard":   {"http://a.example {\nhandle_path /app/* {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"rewrite before the guard":       {"http://a.example {\nrewrite /x /dashboard\nuri strip_prefix /old\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"rules with what is stripped":    {"http://a.example {\nuri strip_prefix /old\nsession_guard {\nauth /old/x/*\ndefault hybrid\n}\nreverse_proxy localhost:3000\n}", []string{"a.example: session_guard (Caddyfile:6) asks for a session at /old/x/*, but not at /x/*, " + moved}},
		"rules with what some lose":      {"http://a.example {\nuri /old/* strip_prefix /old\nsession_guard {\nauth /old/*\ndefault hybrid\n}\nreverse_proxy localhost:3000\n}", []string{"at /old/*, but not at /*, " + moved}},
		"rules without what is stripped": {"http://a.example {\nuri strip_prefix /old\nsession_guard {\nauth /x/* /older\nhybrid /old/y\ndefault hybrid\n}\nreverse_proxy localhost:3000\n}", nil},
		"rules beside default auth":      {"http://a.example {\nuri strip_prefix /old\nsession_guard {\nauth /old/x/*\ndefault auth\n}\nreverse_proxy localhost:3000\n}", nil},
		"rules with and without it":      {"http://a.example {\nuri strip_prefix /old\nsession_guard {\nauth /old/x/* /x/*\ndefault hybrid\n}\nreverse_proxy localhost:3000\n}", nil},
		"rules beside open ones":         {"http://a.example {\nuri strip_prefix /old\nsession_guard {\nhybrid /docs/*\nauth /old/x/*\ndefault auth\n}\nreverse_proxy localhost:3000\n}", nil},
		"rules with a require":           {"http://a.example {\nuri strip_prefix /old\nsession_guard {\nauth /old/x/* {\nrequire user.role admin\n}\ndefault auth\n}\nreverse_proxy localhost:3000\n}", []string{"asks for user.role admin at /old/x/*, but not at /x/*"}},
		"rules with a require for both":  {"http://a.example {\nuri strip_prefix /old\nsession_guard {\nauth /old/x/* {\nrequire user.role admin\n}\nauth /x/* {\nrequire user.role admin\n}\ndefault auth\n}\nreverse_proxy localhost:3000\n}", nil},
		"rules in a handle_path":         {"http://a.example {\nhandle_path /old/* {\nsession_guard {\nauth /old/x/*\ndefault hybrid\n}\nreverse_proxy localhost:3000\n}\n}", nil},
		"rules beside a handle_path":     {"http://a.example {\nhandle_path /old/* {\nreverse_proxy localhost:4000\n}\nhandle {\nsession_guard {\nauth /old/x/*\ndefault hybrid\n}\nreverse_proxy localhost:3000\n}\n}", nil},
		"rewrite in another handle":      {"http://a.example {\n" + guard + "handle_path /files/* {\nfile_server\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", nil},
		"rewrite of the query":           {"http://a.example {\nroute {\n" + guard + "rewrite ?a=b\nrewrite {path}?c=d\nreverse_proxy localhost:3000\n}\n}", nil},
		"the guard's own base path":      {"http://a.example {\nsession_guard {\ndefault auth\nbase_path /app\n}\nhandle_path /app/* {\nreverse_proxy localhost:3000\n}\n}", nil},
		"handle_path of another app":     {"http://a.example {\n" + some + "handle_path /api/* {\nreverse_proxy localhost:4000\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", nil},
		"rewrite of another app":         {"http://a.example {\n" + some + "handle /files/* {\nrewrite * /bucket{uri}\nreverse_proxy localhost:9000\n}\nreverse_proxy localhost:3000\n}", nil},
		"handle_path beside files":       {"http://a.example {\n" + some + "handle_path /api/* {\nreverse_proxy localhost:4000\n}\nhandle {\nfile_server\n}\n}", nil},
		"handle_path beside its paths":   {"http://a.example {\n" + some + "handle_path /old/* {\nreverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", []string{moved}},
		"two handle_paths of an app":     {"http://a.example {\nsession_guard {\nauth /v1/admin/*\ndefault hybrid\n}\nhandle_path /v1/* {\nreverse_proxy localhost:4000\n}\nhandle_path /v2/* {\nreverse_proxy localhost:4000\n}\nreverse_proxy localhost:3000\n}", []string{moved}},
		"two that are guarded alike":     {"http://a.example {\nsession_guard {\nauth /v1/* /v2/*\ndefault hybrid\n}\nhandle_path /v1/* {\nreverse_proxy localhost:4000\n}\nhandle_path /v2/* {\nreverse_proxy localhost:4000\n}\nreverse_proxy localhost:3000\n}", nil},
		"two of which one asks for more": {"http://a.example {\nsession_guard {\nauth /v1/* {\nrequire user.role admin\n}\nauth /v2/*\ndefault hybrid\n}\nhandle_path /v1/* {\nreverse_proxy localhost:4000\n}\nhandle_path /v2/* {\nreverse_proxy localhost:4000\n}\nreverse_proxy localhost:3000\n}", []string{moved}},
		"handle_path below its rules":    {"http://a.example {\nsession_guard {\nauth /app/dashboard/*\ndefault hybrid\n}\nhandle_path /app/* {\nreverse_proxy localhost:3000\n}\nredir / /app\n}", nil},
		"handle_path and default auth":   {"http://a.example {\n" + guard + "handle_path /app/* {\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", nil},
		"handle_path and an open folder": {"http://a.example {\nsession_guard {\nhybrid /app/docs/*\ndefault auth\n}\nhandle_path /app/* {\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", []string{moved}},
		"a path after its rewrite":       {"http://a.example {\nroute {\n" + some + "rewrite /x* /api/x\nreverse_proxy /api/* localhost:4000\nreverse_proxy localhost:3000\n}\n}", nil},
		"one page of the app":            {"http://a.example {\n" + some + "reverse_proxy /healthz localhost:3000 {\nrewrite /api/health\n}\nreverse_proxy localhost:3000\n}", nil},
		"one page by rewrite":            {"http://a.example {\n" + some + "handle /healthz {\nrewrite * /api/health\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", nil},
		"one page that is guarded":       {"http://a.example {\n" + some + "handle /me {\nrewrite * /dashboard\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", []string{moved}},
		"one page, guarded alike":        {"http://a.example {\nsession_guard {\nauth /me /dashboard/*\ndefault hybrid\n}\nhandle /me {\nrewrite * /dashboard\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", nil},
		"one page or another":            {"http://a.example {\n" + some + "handle /x/* {\nrewrite /x/y /dashboard\nrewrite * /index\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", []string{moved}},
		"for errors, one page":           {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\nhandle_errors {\nrewrite * /error\nreverse_proxy localhost:3000\n}\n}", nil},
		"for errors of the app":          {"http://a.example {\n" + guard + "reverse_proxy localhost:3000 localhost:3001\nhandle_errors 502 {\nreverse_proxy localhost:3001\n}\n}", nil},
		"for errors of another app":      {"http://a.example {\nhandle /x/* {\nreverse_proxy localhost:4000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle_errors 502 {\nrewrite * /error\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: ", open}},
		"for errors of another site":     {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\n}\nhttp://b.example {\nfile_server\nhandle_errors {\nrewrite * /error\nreverse_proxy localhost:3000\n}\n}", []string{"b.example: ", open}},
		"for errors before the guard":    {"http://a.example {\nroute {\nerror /x 404\n" + guard + "reverse_proxy localhost:3000\n}\nhandle_errors {\nrewrite * /error\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: ", open}},
		"forward_auth behind the guard":  {"http://a.example {\nroute {\n" + guard + "forward_auth localhost:4000 {\nuri /check\n}\nreverse_proxy localhost:3000\n}\n}", nil},
		"an error behind handle_path":    {"http://a.example {\n" + guard + "handle_path /x/* {\nerror 404\n}\nreverse_proxy localhost:3000\n}", nil},
		"error pages of another":         {"http://a.example {\nsession_api\n" + guard + "reverse_proxy localhost:3000\nhandle_errors {\nreverse_proxy localhost:4000\n}\n}", nil},
		"pictures for errors of files":   {"http://a.example {\n" + guard + "file_server\nhandle_errors {\nrewrite * /{err.status_code}\nreverse_proxy https://http.cat {\nheader_up Host {upstream_hostport}\nreplace_status {err.status_code}\n}\n}\n}", nil},
		"one page of the app for errors": {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\nhandle_errors {\nrewrite * /error?status={err.status_code}\nreverse_proxy localhost:3000\n}\n}", nil},
		"pages of the app for errors":    {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\nhandle_errors {\nrewrite * /errors{path}\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: ", open}},
		"the app for errors of a site":   {"http://a.example {\n" + guard + "reverse_proxy localhost:3000\n}\nhttp://b.example {\nfile_server\nhandle_errors {\nreverse_proxy localhost:3000\n}\n}", []string{"b.example: ", open}},
		"one snippet, for errors too":    {"(app) {\nsession_api\n" + guard + "reverse_proxy localhost:3000\n}\nhttp://a.example {\nimport app\nhandle_errors {\nrewrite * /error-page\nimport app\n}\n}", nil},
		"a deferred header":              {"http://a.example {\nheader {\nCache-Control public\nCDN-Cache-Control max-age=60\n-Server\n}\nsession_api\n" + guard + "reverse_proxy localhost:3000\n}", []string{"a.example: a header directive sets Cache-Control, Cdn-Cache-Control after the session's own headers"}},
		"a deferred header of cookies":   {"http://a.example {\nheader >Set-Cookie a=b\n" + guard + "reverse_proxy localhost:3000\n}", []string{"sets Set-Cookie after the session's own headers"}},
		"a deferred header of all":       {"http://a.example {\nheader -Set-*\n" + guard + "reverse_proxy localhost:3000\n}", []string{"sets Set-Cookie after the session's own headers"}},
		"a deferred header of others":    {"http://a.example {\nheader {\nX-Frame-Options DENY\n+Set-Cookie a=b\n-Server\n}\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"a deferred header of files":     {"http://a.example {\nheader /files/* >Cache-Control public\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"a header of good answers":       {"http://a.example {\nheader {\nmatch status 200\nCache-Control public\n}\n" + guard + "reverse_proxy localhost:3000\n}", []string{"sets Cache-Control after the session's own headers"}},
		"a header of what is no file":    {"http://a.example {\n@pages not path /_next/* *.css\nheader @pages >Cache-Control public\n" + guard + "reverse_proxy localhost:3000\n}", []string{"sets Cache-Control after the session's own headers"}},
		"a header of a method":           {"http://a.example {\n@get method GET\nheader @get >Cache-Control public\n" + guard + "reverse_proxy localhost:3000\n}", []string{"sets Cache-Control after the session's own headers"}},
		"a header of another handle":     {"http://a.example {\n@get method GET\nhandle @get {\nheader >Cache-Control public\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"a default of good answers":      {"http://a.example {\nheader {\n?Cache-Control public\n-Server\n}\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"a deferred header of no-store":  {"http://a.example {\nheader {\nCache-Control no-store\n-Server\n}\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"a deferred edit of cookies":     {"http://a.example {\nheader >Set-Cookie (.*) \"$1; Partitioned\"\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"a header that is a default":     {"http://a.example {\nheader ?Cache-Control public\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"a header that comes first":      {"http://a.example {\nheader Cache-Control public\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"metrics behind handle_path":     {"http://a.example {\n" + guard + "handle_path /x/* {\nmetrics\n}\nreverse_proxy localhost:3000\n}", nil},
		"handles behind handle_path":     {"http://a.example {\n" + guard + "handle_path /x/* {\nhandle /a {\nfile_server\n}\nhandle {\nrespond no 404\n}\n}\nreverse_proxy localhost:3000\n}", nil},
		"files that pass through":        {"http://a.example {\nroute {\n" + some + "uri strip_prefix /x\nfile_server {\npass_thru\n}\nreverse_proxy localhost:3000\n}\n}", []string{moved}},
		"a matched route":                {"http://a.example {\nroute {\n" + some + "route /old/* {\nuri strip_prefix /old\n}\nreverse_proxy localhost:3000\n}\n}", []string{moved}},
		"a proxy that reads its answers": {"http://a.example {\n" + some + "reverse_proxy localhost:3000 {\nrewrite /dashboard{uri}\n@x status 404\nhandle_response @x {\nrespond no\n}\n}\n}", []string{moved}},
		"the app by its address":         {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy 127.0.0.1:3000\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: ", open}},
		"the app by its IPv6 address":    {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy [::1]:3000\n}\n}", []string{"a.example: ", open}},
		"the app by any address":         {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy 127.0.0.1:3000\n}\nhandle {\nreverse_proxy 0.0.0.0:3000\n}\n}", []string{"a.example: ", open}},
		"the app in capitals":            {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy http://LocalHost:3000\n}\n}", []string{"a.example: ", open}},
		"the app by its variable":        {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy {env.SURVEYED_APP}\n}\n}", []string{"a.example: ", open}},
		"another port of this machine":   {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy 127.0.0.1:3000\n}\nhandle {\nreverse_proxy localhost:3001\n}\n}", nil},
		"two ports of one host":          {"http://a.example:3001 {\nsession_api\n" + guard + "reverse_proxy localhost:3000\n}\nhttp://a.example:3002 {\nreverse_proxy localhost:4000\n}", nil},
		"the app on another port":        {"http://a.example:3001 {\n" + guard + "reverse_proxy localhost:3000\n}\nhttp://a.example:3002 {\nreverse_proxy localhost:3000\n}", []string{"a.example:3002: ", open}},
		"HTTP and HTTPS of one host":     {"https://a.example {\n" + guard + "file_server\n}\nhttp://a.example {\nreverse_proxy localhost:3000\n}", []string{"a.example: ", open}},
		"for the answers of another app": {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\nreverse_proxy localhost:4000 {\n@x status 404\nhandle_response @x {\nreverse_proxy localhost:3000\n}\n}\n}\n}", []string{"a.example: ", open}},
		"for answers of Caddy":           {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\nintercept {\n@x status 404\nhandle_response @x {\nreverse_proxy localhost:3000\n}\n}\nfile_server\n}\n}", []string{"a.example: ", open}},
		"for the app's own answers":      {"http://a.example {\n" + guard + "reverse_proxy localhost:3000 {\n@x header X-Sendfile *\nhandle_response @x {\nrewrite * {rp.header.X-Sendfile}\nreverse_proxy localhost:3000\n}\n}\n}", nil},
		"dynamic upstreams":              {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy {\ndynamic a app 3000\n}\n}\nhandle {\nreverse_proxy {\ndynamic a app 3000\n}\n}\n}", []string{"a.example: ", `dynamic a {"name":"app","port":"3000"`, "without a session_guard"}},
		"other dynamic upstreams":        {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy {\ndynamic a app 3000\n}\n}\nhandle {\nreverse_proxy {\ndynamic a app 3001\n}\n}\n}", nil},
		"dynamic upstreams of several":   {"http://a.example {\nhandle /x/* {\n" + guard + "reverse_proxy {\ndynamic multi {\na app 3000\n}\n}\n}\nhandle {\nreverse_proxy {\ndynamic multi {\na app 3001\n}\n}\n}\n}", nil},
		"only forward_auth is guarded":   {"http://a.example {\nroute /admin/* {\n" + guard + "forward_auth localhost:4000 {\nuri /verify\n}\n}\nreverse_proxy localhost:3000\n}", []string{"a.example: ", open}},
		"the site of forward_auth":       {"http://a.example {\n" + guard + "forward_auth localhost:4000 {\nuri /verify\n}\nreverse_proxy localhost:3000\n}\nhttp://b.example {\nreverse_proxy localhost:4000\n}", nil},
		"only another app is guarded":    {"http://a.example {\nroute /app/* {\n" + guard + "}\nhandle /admin/* {\n" + guard + "reverse_proxy localhost:4000\n}\nreverse_proxy localhost:3000\n}", []string{"a.example: ", open}},
		"some requests of a named route": {"&(app) {\nroute /app/* {\n" + guard + "}\nreverse_proxy localhost:3000\n}\nhttp://a.example {\nhandle /admin/* {\n" + guard + "reverse_proxy localhost:4000\n}\nhandle {\ninvoke app\n}\n}", []string{"a.example: ", open}},
		"a site that serves some paths":  {"http://a.example {\n" + guard + "reverse_proxy /x/* localhost:3000\n}\nhttp://b.example {\nreverse_proxy localhost:4000\n}", nil},
		"beside a guard in a handle":     {"http://a.example {\nhandle /x/* {\n" + guard + "}\nhandle /y/* {\nreverse_proxy localhost:4000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"a matcher for guests":           {"http://a.example {\n" + lax + "@x {\npath /staff/*\nnot session user.role staff\n}\nrespond @x no 403\nreverse_proxy localhost:3000\n}", []string{"a.example: the matcher session (Caddyfile:10) closes /staff/* in one spelling only, so /_next/data/x/staff.json passes, and others; write an auth rule for /staff/* into session_guard"}},
		"a matcher for guests' handle":   {"http://a.example {\n" + lax + "@x {\npath /staff\nnot session authenticated\n}\nhandle @x {\nerror 401\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", []string{"closes /staff in one spelling only"}},
		"a matcher beside its rule":      {"http://a.example {\nsession_guard {\nauth /staff/* {\nrequire user.role staff\n}\ndefault hybrid\n}\n@x {\npath /staff/*\nnot session user.role staff\n}\nrespond @x no 403\nreverse_proxy localhost:3000\n}", nil},
		"a matcher beside default auth":  {"http://a.example {\n" + guard + "@x {\npath /staff/*\nnot session authenticated\n}\nrespond @x no 403\nreverse_proxy localhost:3000\n}", nil},
		"a matcher for more than auth":   {"http://a.example {\n" + guard + "@x {\npath /staff/*\nnot session user.role staff\n}\nrespond @x no 403\nreverse_proxy localhost:3000\n}", []string{"closes /staff/* in one spelling only"}},
		"a matcher for an offer":         {"http://a.example {\n" + lax + "@x {\npath /pricing\nnot session authenticated\n}\nredir @x /join\nreverse_proxy localhost:3000\n}", nil},
		"a matcher for some":             {"http://a.example {\n" + lax + "@x {\npath /pricing\nsession user.banned true\n}\nrespond @x no 403\nreverse_proxy localhost:3000\n}", nil},
		"a matcher for all paths":        {"http://a.example {\n" + lax + "@x not session authenticated\nrespond @x no 403\nreverse_proxy localhost:3000\n}", nil},
		"a matcher behind handles":       {"http://a.example {\n" + lax + "@x not session authenticated\nrespond @x no 403\nhandle /x {\nrespond x\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: the matcher session (Caddyfile:8) is never tried, since reverse_proxy answers first; move its directive before reverse_proxy"}},
		"a matcher behind some handles":  {"http://a.example {\n" + lax + "@x not session authenticated\nrespond @x no 403\nhandle /x {\nrespond x\n}\nreverse_proxy localhost:3000\n}", nil},
		"a hook that anybody may call":   {"http://a.example {\nsession_guard {\ndefault hybrid\nvalidate http://127.0.0.1:3000/hooks/validate\n}\nreverse_proxy localhost:3000\n}", []string{"a.example: the hook validate is a path of the app, /hooks/validate, that session_guard (Caddyfile:5) leaves open, so anybody may call it as Caddy does, about any session; write the address of the app itself for it, such as http://localhost:3000/hooks/validate, and close it by the first rule: auth /hooks/validate, with require user.is_caddy true in its block"}},
		"a hook of an open guard":        {"http://a.example {\nsession_guard {\nauth /dashboard/*\ndefault hybrid\nauthorize http://localhost:3000/may\n}\nreverse_proxy localhost:3000\n}", []string{"the hook authorize is a path of the app, /may,"}},
		"a hook of the site":             {"http://a.example {\nsession_guard {\ndefault hybrid\non_refresh https://a.example\n}\nreverse_proxy localhost:3000\n}", []string{"the hook on_refresh is a path of the app, /,", "about any session; write the address of the app itself for it, such as http://localhost:3000/, and close it by the first rule: auth /,"}},
		"a hook that the guard refuses":  {"http://a.example {\nsession_guard {\ndefault auth\nvalidate https://a.example/hooks/validate\n}\nreverse_proxy localhost:3000\n}", []string{"the hook validate is called by the address of the site, where session_guard (Caddyfile:5) refuses it with 401"}},
		"a hook that only Caddy calls":   {"http://a.example {\nsession_guard {\nauth /hooks/* {\nrequire user.is_caddy true\n}\ndefault hybrid\nvalidate http://localhost:3000/hooks/validate\n}\nreverse_proxy localhost:3000\n}", nil},
		"a hook with a key":              {"http://a.example {\nsession_guard {\ndefault hybrid\nvalidate http://localhost:3000/hooks/validate?key=x\n}\nreverse_proxy localhost:3000\n}", nil},
		"a hook of another port":         {"http://a.example {\nsession_guard {\ndefault hybrid\nvalidate http://a.example:4000/validate\n}\nreverse_proxy localhost:3000\n}", nil},
		"a hook of another service":      {"http://a.example {\nsession_guard {\ndefault hybrid\nvalidate http://localhost:4000/validate\n}\nreverse_proxy localhost:3000\n}", nil},
		"an app for each host":           {"http://*.a.example {\n" + guard + "reverse_proxy {labels.2}.internal:3000\n}", []string{"any.a.example: session_guard (Caddyfile:5) guards an app for each host, {http.request.host.labels.2}.internal:3000, with sessions of one realm, so who signs in to one app can take that session to the others"}},
		"one realm for each host":        {"http://*.a.example {\nsession_guard {\ndefault auth\nrealm default\n}\nreverse_proxy {host}:3000\n}", nil},
		"one cookie for each host":       {"http://*.a.example {\nsession_guard {\ncookie_domain a.example\ndefault auth\n}\nreverse_proxy {host}:3000\n}", nil},
		"an app by its name":             {"http://*.a.example {\n" + guard + "reverse_proxy {env.SURVEYED_APP}\n}", nil},
		"another site for some paths":    {"http://a.example {\n" + guard + "handle /ingest/* {\nreverse_proxy https://eu.i.posthog.com\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: reverse_proxy behind session_guard (Caddyfile:5) sends requests to eu.i.posthog.com, another site, which gets the session of each visitor with its tokens and may sign visitors in as anybody by X-Session-Set; write a handle for it"}},
		"another site for 404":           {"http://a.example {\n" + guard + "reverse_proxy localhost:3000 {\n@404 status 404\nhandle_response @404 {\nreverse_proxy https://old.b.example\n}\n}\n}", []string{"sends requests to old.b.example, another site"}},
		"another site without tokens":    {"http://a.example {\nsession_guard {\ndefault auth\nidentity_headers user\n}\nreverse_proxy /ingest/* https://eu.i.posthog.com\nreverse_proxy localhost:3000\n}", []string{"another site, which may sign visitors in as anybody by X-Session-Set; write a handle for it, and the guard in another handle beside that, or in the guard handoff with all paths that sign in or out, such as /login\n"}},
		"another site without a session": {"http://a.example {\nsession_guard {\ndefault auth\nhandoff /login\n}\nreverse_proxy /ingest/* https://eu.i.posthog.com {\nheader_up -X-Session-*\n}\nreverse_proxy localhost:3000\n}", nil},
		"another site with the user":     {"http://a.example {\nsession_guard {\ndefault auth\nhandoff /login\nidentity_headers user\n}\nreverse_proxy /ingest/* https://eu.i.posthog.com\nreverse_proxy localhost:3000\n}", nil},
		"another site beside the guard":  {"http://a.example {\nhandle /ingest/* {\nreverse_proxy https://eu.i.posthog.com\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"an app at another site":         {"http://a.example {\n" + guard + "handle /api/* {\nreverse_proxy localhost:8080\n}\nhandle {\nreverse_proxy https://a.vercel.app\n}\n}", nil},
		"an API of the same site":        {"http://www.a.example {\n" + guard + "reverse_proxy /api/* https://api.a.example\nreverse_proxy localhost:3000\n}", nil},
		"an API of the private network":  {"http://a.example {\n" + guard + "reverse_proxy /a/* https://10.0.0.5\nreverse_proxy /b/* https://api:8443\nreverse_proxy /c/* https://api.prod.svc.cluster.local\nreverse_proxy /d/* http://api.corp.example.net\nreverse_proxy localhost:3000\n}", nil},
		"another site of a laptop":       {"http://localhost {\n" + guard + "reverse_proxy /api/* https://api.b.example\nreverse_proxy localhost:3000\n}", nil},
		"two guards of one app":          {"http://a.example {\nhandle /admin/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\n" + lax + "reverse_proxy 127.0.0.1:3000\n}\n}", []string{"a.example: localhost:3000 is behind session_guard (Caddyfile:6) for some paths and behind session_guard (Caddyfile:12) for others"}},
		"two guards, the lax one first":  {"http://a.example {\n@open path_regexp ^/open\nhandle @open {\n" + lax + "reverse_proxy localhost:3000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", []string{"put one session_guard with all rules before both"}},
		"two guards, one with a require": {"http://a.example {\nhandle /admin/* {\nsession_guard {\nauth /* {\nrequire user.role admin\n}\ndefault auth\n}\nreverse_proxy localhost:3000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", []string{"put one session_guard with all rules before both"}},
		"two guards of a snippet":        {"(guard) {\nsession_guard {\ndefault auth\nauthorize http://localhost:3000/may\n}\n}\nhttp://a.example {\nhandle /admin/* {\nimport guard\nreverse_proxy localhost:3000\n}\nhandle {\nimport guard\nreverse_proxy localhost:3000\n}\n}", nil},
		"two guards that ask two hooks":  {"http://a.example {\nhandle /admin/* {\nsession_guard {\ndefault auth\nauthorize http://localhost:3000/may\n}\nreverse_proxy localhost:3000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", []string{"put one session_guard with all rules before both"}},
		"two guards of two apps":         {"http://a.example {\nhandle /admin/* {\n" + guard + "reverse_proxy localhost:3000\n}\nhandle {\n" + lax + "reverse_proxy localhost:3001\n}\n}", nil},
		"two guards by address":          {"http://a.example {\n@here remote_ip 10.0.0.0/8\nhandle @here {\n" + lax + "reverse_proxy localhost:3000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"two guards by host":             {"http://a.example, http://b.example {\n@b {\nhost b.example\npath /admin/*\n}\nhandle @b {\n" + lax + "reverse_proxy localhost:3000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", nil},
		"files for errors":               {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\n@404 expression {err.status_code} == 404\nrewrite @404 /404.html\nfile_server\n}\n}", []string{refused}},
		"files of the path for errors":   {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\ntry_files {path} /404.html\nfile_server\n}\n}", []string{refused}},
		"files for 4xx":                  {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors 4xx {\nfile_server\n}\n}", []string{refused}},
		"files for 404 and 401":          {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors 404 401 {\nfile_server\n}\n}", []string{refused}},
		"files for errors of that root":  {"http://a.example {\n" + guard + "handle {\nroot * /srv\nfile_server\n}\nhandle_errors {\nroot * /srv\nfile_server\n}\n}", []string{"(Caddyfile:5) refuses is sent with the error"}},
		"files for errors of a handle":   {"http://a.example {\nroot * /srv\nhandle /x/* {\n" + guard + "file_server\n}\nhandle_errors {\n@404 expression {err.status_code} == 404\nhandle @404 {\nrespond no\n}\nhandle {\nfile_server\n}\n}\n}", []string{"(Caddyfile:7) refuses is sent with the error"}},
		"files for errors by expression": {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\n@other expression {err.status_code} != 404\nhandle @other {\nfile_server\n}\n}\n}", []string{refused}},
		"a file for each error":          {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\nrewrite * /{err.status_code}.html\nfile_server\n}\n}", nil},
		"a file for some errors":         {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\n@404 expression {err.status_code} == 404\nrewrite @404 /404.html\nrewrite * /error.html\nfile_server\n}\n}", nil},
		"files that are there for some":  {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\n@own file /err-{err.status_code}.html /err.html\nhandle @own {\nrewrite * {file_match.relative}\nfile_server\n}\nrespond {err.status_code}\n}\n}", nil},
		"files that errors try":          {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\ntry_files /{err.status_code}.html /error.html\nfile_server\n}\n}", nil},
		"files for 404":                  {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors 404 {\nfile_server\n}\n}", nil},
		"files for 404 by expression":    {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\n@404 expression {err.status_code} == 404\nhandle @404 {\nfile_server\n}\n}\n}", nil},
		"files for 404 to 499":           {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\n@others expression `{err.status_code} >= 404 && {err.status_code} < 500`\nhandle @others {\nfile_server\n}\nrespond {err.status_code}\n}\n}", nil},
		"files for some clients' errors": {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\n@page header Accept *text/html*\nhandle @page {\nrewrite * /error.html\nfile_server\n}\nhandle {\nfile_server\n}\n}\n}", []string{refused}},
		"files by two names":             {"http://a.example {\nroot * /srv\n" + some + "handle_path /files/* {\nfile_server browse\n}\nfile_server\n}", []string{"a.example: session_guard (Caddyfile:6) asks for a session at /dashboard/*, but not at /files/dashboard/*, " + moved}},
		"files by two names of uri":      {"http://a.example {\nroot * /srv\n" + some + "handle /v2/* {\nuri replace /v2/ /dashboard/\nfile_server\n}\nhandle {\nfile_server\n}\n}", []string{moved}},
		"files of a folder's own root":   {"http://a.example {\nroot * /srv\n" + guard + "handle_path /files/* {\nroot * /files\nfile_server\n}\nfile_server\n}", nil},
		"files by one other name":        {"http://a.example {\nroot * /srv\n" + guard + "handle_path /files/* {\nfile_server\n}\nhandle {\nrespond hello\n}\n}", nil},
		"files of a page for all":        {"http://a.example {\nroot * /srv\n" + guard + "handle /app/* {\nrewrite * /index.html\nfile_server\n}\nhandle {\ntry_files {path} {path}.html\nfile_server\n}\n}", nil},
		"one file for open paths":        {"http://a.example {\nroot * /srv\nsession_guard {\nhybrid /images/*\ndefault auth\n}\ntry_files {path} /index.html\nfile_server\n}", nil},
		"one script for open paths":      {"http://a.example {\nroot * /srv\nsession_guard {\nhybrid /images/*\npublic /login\ndefault auth\n}\nhandle /login* {\nphp_fastcgi localhost:9000\n}\nhandle {\nphp_fastcgi localhost:9000\n}\n}", nil},
		"guarded files by two names":     {"http://a.example {\nroot * /srv\nsession_guard {\npublic /login\ndefault auth\n}\nhandle_path /files/* {\nfile_server browse\n}\nfile_server\n}", nil},
		"open files by two names":        {"http://a.example {\nroot * /srv\nsession_guard {\nhybrid /files/*\ndefault auth\n}\nhandle_path /files/* {\nfile_server browse\n}\nfile_server\n}", []string{moved}},
		"files of that root with slash":  {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\nroot * /srv/\nfile_server\n}\n}", []string{"refuses is sent with the error"}},
		"files of another folder":        {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\nroot * /errors\nfile_server\n}\n}", nil},
		"files of errors for an app":     {"http://a.example {\nroot * /errors\n" + guard + "reverse_proxy localhost:3000\nhandle_errors {\n@404 expression {err.status_code} == 404\nrewrite @404 /404.html\nfile_server\n}\n}", nil},
		"guarded files for errors":       {"http://a.example {\nroot * /srv\n" + guard + "file_server\nhandle_errors {\n" + guard + "file_server\n}\n}", nil},
		"files of another site's errors": {"http://a.example {\nroot * /srv\n" + guard + "file_server\n}\nhttp://b.example {\nroot * /srv\nfile_server\nhandle_errors {\nfile_server\n}\n}", nil},
		"PHP of another site":            {"http://a.example {\nroot * /srv/a\n" + guard + "php_fastcgi unix//run/php.sock\n}\nhttp://b.example {\nroot * /srv/b\nphp_fastcgi unix//run/php.sock\n}", nil},
		"PHP of another site's root":     {"http://a.example {\nroot * /srv/a\n" + guard + "php_fastcgi unix//run/php.sock\n}\nhttp://b.example {\nphp_fastcgi unix//run/php.sock {\nroot /srv/a\n}\n}", []string{"b.example: reverse_proxy sends requests to unix//run/php.sock (root /srv/a) without a session_guard"}},
		"PHP of that root with a slash":  {"http://a.example {\nroot * /srv/a\n" + guard + "php_fastcgi unix//run/php.sock\n}\nhttp://b.example {\nroot * /srv/a/\nphp_fastcgi unix//run/php.sock\n}", []string{"b.example: reverse_proxy sends requests to unix//run/php.sock (root /srv/a) without a session_guard"}},
		"PHP of a root above":            {"http://a.example {\nroot * /srv/a/public\n" + guard + "php_fastcgi unix//run/php.sock\n}\nhttp://b.example {\nroot * /srv\nphp_fastcgi unix//run/php.sock\n}", []string{"b.example: reverse_proxy sends requests to unix//run/php.sock (root /srv) without a session_guard"}},
		"PHP of a root beside":           {"http://a.example {\nroot * /srv/ab\n" + guard + "php_fastcgi unix//run/php.sock\n}\nhttp://b.example {\nroot * /srv/a\nphp_fastcgi unix//run/php.sock\n}", nil},
		"PHP for errors":                 {"http://a.example {\nroot * /srv/a\n" + guard + "php_fastcgi localhost:9000\nhandle_errors {\nphp_fastcgi localhost:9000\n}\n}", []string{"a.example: reverse_proxy in handle_errors asks localhost:9000 (root /srv/a) without a session_guard for the path of the request, so a denial is answered with the very page that was denied; write rewrite * /error before it, for every error"}},
		"PHP":                            {"http://a.example {\n" + guard + "php_fastcgi localhost:9000\n}", nil},
		"two APIs at one path":           {"http://a.example {\n" + strings.Repeat("session_api\n", 2) + "}", []string{"session_api (Caddyfile:6) never answers, since an earlier one answers /api/session; give it another path"}},
		"two APIs at two paths":          {"http://a.example {\nsession_api {\npath /staff/session\n}\nsession_api\n}", nil},
		"two APIs of two handles":        {"http://a.example {\nhandle /a/* {\nsession_api\n}\nhandle {\nsession_api\n}\n}", nil},
		"two APIs of two sites":          {"http://a.example {\nsession_api\n}\nhttp://b.example {\nsession_api\n}", nil},
		"two APIs of two ports":          {"http://a.example:3001 {\nsession_api\n}\nhttp://a.example:3002 {\nsession_api\n}", nil},
		"an API without the cookie": {"http://a.example {\nsession_api\nsession_guard {\ncookie_path /app\ndefault auth\n}\n}", []string{
			"warning: session_api (Caddyfile:5) answers /api/session, but browsers send the session cookie to cookie_path /app only, so it never sees who is signed in; write a path below that, such as path /app/api/session\n"}},
		"an API with the cookie": {"http://a.example {\nsession_api {\npath /app/session\n}\nsession_guard {\ncookie_path /app/\ndefault auth\n}\n}", nil},
		"a role that visitors change": {"http://a.example {\nsession_api\nsession_guard {\nclient_update name role\nauth /admin/* {\nrequire user.role admin\n}\ndefault hybrid\n}\n}", []string{
			"warning: auth /admin/* (Caddyfile:8) asks for user.role, but by client_update role each visitor may change that alone, in the session API; take role out of client_update, unless"}},
		"a part of what visitors change": {"http://a.example {\nsession_api\nsession_guard {\nclient_update org\nauth /admin/* {\nrequire user.org.plan pro\n}\ndefault hybrid\n}\n}", []string{"asks for user.org.plan, but by client_update org"}},
		"a matcher of what they change":  {"http://a.example {\nsession_api\nsession_guard {\nclient_update role\ndefault auth\n}\n@x not session user.role admin\nrespond @x no 403\n}", []string{"the matcher session (Caddyfile:10) asks for user.role, but by client_update role"}},
		"another site's client_update":   {"http://a.example {\nsession_api\nsession_guard {\nclient_update role\ndefault auth\n}\n}\nhttp://b.example {\nsession_guard {\nauth /* {\nrequire user.role admin\n}\n}\n}", []string{"auth /* (Caddyfile:13) asks for user.role"}},
		"what visitors do not change":    {"http://a.example {\nsession_api\nsession_guard {\nclient_update name rol user roles\nauth /admin/* {\nrequire user.role admin\nrequire fresh 1h\n}\ndefault hybrid\n}\n}", nil},
		"no API by which they change it": {"http://a.example {\nsession_guard {\nclient_update role\nauth /admin/* {\nrequire user.role admin\n}\ndefault hybrid\n}\n}", nil},
		"an API below a path of a site":  {"http://a.example/shop* {\nsession_api\n}\nhttp://a.example {\nsession_api\n}", nil},
		"a slash at the end":             {"http://a.example {\n" + some + "route {\nuri strip_suffix /\nreverse_proxy localhost:3000\n}\n}", nil},
		"an ending behind the guard":     {"http://a.example {\n" + some + "route {\nuri strip_suffix .html\nreverse_proxy localhost:3000\n}\n}", nil},
		"an ending of no page":           {"http://a.example {\n" + some + "route {\nuri strip_suffix .bak\nreverse_proxy localhost:3000\n}\n}", []string{"asks for a session at /dashboard, but not at /dashboard.bak, " + moved}},
		"handle_path beside open paths":  {"http://a.example {\nsession_guard {\nauth /api/*\ndefault hybrid\n}\nhandle_path /api/* {\nreverse_proxy localhost:4000\n}\nreverse_proxy /openapi.json localhost:4000\nreverse_proxy localhost:3000\n}", nil},
		"rewrite for some query":         {"http://a.example {\n" + some + "@x query q=*\nhandle @x {\nrewrite * /dashboard{path}\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", []string{"asks for a session at /dashboard/, but not at /, " + moved}},
		"rewrite for some header":        {"http://a.example {\n" + some + "handle {\n@x header X-A b\nrewrite @x /dashboard{path}\nreverse_proxy localhost:3000\n}\n}", []string{moved}},
		"rewrite to what is open":        {"http://a.example {\n" + some + "@x query amp=*\nhandle @x {\nrewrite * /amp{path}\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", []string{"asks for a session at /dashboard/*, but not at /amp/dashboard/*, " + moved}},
		"rewrite for who is signed in":   {"http://a.example {\n" + some + "@x session user.role admin\nhandle @x {\nrewrite * /dashboard{path}\nreverse_proxy localhost:3000\n}\nreverse_proxy localhost:3000\n}", nil},
		"handle_path beside a rule":      {"http://a.example {\nsession_guard {\nauth /admin/*\ndefault hybrid\n}\nhandle_path /api/* {\nreverse_proxy localhost:4000\n}\nreverse_proxy /admin/* localhost:4000\nreverse_proxy localhost:3000\n}", []string{moved}},
		"a matcher for files alone":      {"http://a.example {\n" + lax + "@x {\npath /files/*\nnot session authenticated\n}\nhandle @x {\nerror 401\n}\nhandle /files/* {\nfile_server\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", nil},
		"a matcher for an app alone":     {"http://a.example {\n" + lax + "@x {\npath /files/*\nnot session authenticated\n}\nrespond @x 401\nreverse_proxy /files/* localhost:4000\nreverse_proxy localhost:3000\n}", nil},
		"a matcher for a part of an app": {"http://a.example {\n" + lax + "@x {\npath /files/*\nnot session authenticated\n}\nrespond @x 401\nreverse_proxy /files/* localhost:3000\nreverse_proxy localhost:3000\n}", []string{"closes /files/* in one spelling only"}},
		"a hook that nobody may call":    {"http://a.example {\nsession_guard {\ndefault hybrid\nvalidate http://localhost:3000/hooks/validate\n}\nhandle /hooks/* {\nrespond 404\n}\nhandle {\nreverse_proxy localhost:3000\n}\n}", nil},
		"a hook for the own network":     {"http://a.example {\nsession_guard {\ndefault hybrid\nvalidate http://localhost:3000/hooks/validate\n}\n@outside {\npath /hooks/*\nnot remote_ip private_ranges\n}\nrespond @outside 403\nreverse_proxy localhost:3000\n}", nil},
		"a hook beside what is refused":  {"http://a.example {\nsession_guard {\ndefault hybrid\nvalidate http://localhost:3000/hooks/validate\n}\nrespond /hooks 404\nreverse_proxy localhost:3000\n}", []string{"the hook validate is a path of the app, /hooks/validate,"}},
		"a private Cache-Control":        {"http://a.example {\nheader {\n-Server\nCache-Control \"private, no-cache\"\n}\n" + guard + "reverse_proxy localhost:3000\n}", nil},
		"a private one for a while":      {"http://a.example {\nheader {\n-Server\nCache-Control \"private, max-age=60\"\n}\n" + guard + "reverse_proxy localhost:3000\n}", []string{"sets Cache-Control after the session's own headers"}},
		"for errors, the app of files":   {"http://a.example {\n" + guard + "file_server\nhandle_errors {\nreverse_proxy localhost:3000\n}\n}", []string{"a.example: reverse_proxy in handle_errors asks localhost:3000 without a session_guard"}},
		"for errors of files, the app":   {"http://a.example {\n" + guard + "file_server\nhandle_errors 404 {\nreverse_proxy localhost:3000\n}\n}", nil},
		"only a path is open":            {"http://a.example {\nhandle /healthz {\nreverse_proxy localhost:3000\n}\nhandle {\n" + guard + "reverse_proxy localhost:3000\n}\n}", []string{"a.example: reverse_proxy sends requests for /healthz to localhost:3000 without a session_guard, so they can claim to be any user, and with Next.js run any Server Action; put session_guard before each"}},
		"another site that signs in":     {"http://a.example {\n" + guard + "reverse_proxy /ingest/* https://eu.i.posthog.com {\nheader_up -X-Session-*\n}\nreverse_proxy localhost:3000\n}", []string{"another site, which may sign visitors in as anybody by X-Session-Set; write"}},
		"a private network by name":      {"http://a.example {\n" + guard + "reverse_proxy /a/* https://api.internal.example.net\nreverse_proxy /b/* https://api.tail0.ts.net\nreverse_proxy localhost:3000\n}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\n}\n"+tc.caddyfile), 0o600))
			output, err := sessionCommand(t, "check", "--config", file)
			require.NoError(t, err)
			if tc.says == nil {
				assert.NotContains(t, output, "warning")
			}
			for _, part := range tc.says {
				assert.Contains(t, output, part)
			}
			assert.LessOrEqual(t, strings.Count(output, "warning"), 1)
		})
	}
}

// A realm that is forgotten in the API signs nobody out, though it answers 200.
func TestAPIOfAnotherRealmThanTheGuardIsFound(t *testing.T) {
	const other, served = "session_guard {\nrealm other\ndefault auth\n}\n", "session_api {\nrealm other\n}\n"
	const warning = "warning: session_api (Caddyfile:7) serves the realm default, but session_guard (Caddyfile:8) the realm other, so signing out by the API has no effect there; write realm other in session_api\n"
	for directives, warns := range map[string]bool{
		"session_api\n" + other: true,
		served + other:          false,
		other:                   false,
		"session_api\n":         false,
		"session_api\nhandle /admin/* {\n" + other + "}\nhandle {\nsession_guard {\ndefault auth\n}\n}\n": false, // only the other guard has one
		"session_api {\npath /x\n}\n" + served + other:                                                    false, // of nobody here
		"session_api\nrespond ok\n}\nhttp://b.example {\n" + other:                                        false,
	} {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\nsession other {\n}\n}\nhttp://a.example {\n"+directives+"}"), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		assert.Equal(t, warns, strings.Contains(output, warning), output)
		assert.Equal(t, warns, strings.Contains(output, "so signing out by the API has no effect there"), output)
	}
}

// Nobody is turned away by a matcher for which nobody is ever signed in.
func TestMatcherOfAnotherRealmThanTheGuardIsFound(t *testing.T) {
	const warning = "warning: the matcher session (Caddyfile:10) asks for sessions of the realm default, but session_guard (Caddyfile:6) has those of the realm other, so it never matches; write realm other into the matcher's block\n"
	const guard = "{\nadmin off\nsession other\n}\nhttp://a.example {\nsession_guard {\nrealm other\ndefault auth\n}\n"
	for rest, warns := range map[string]bool{
		"@x session user.banned true\nrespond @x no 403\n}":                                                          true,
		"@x not session user.banned false\nrespond @x no 403\n}":                                                     true,
		"@x session {\nrealm other\nuser.banned true\n}\nrespond @x no 403\n}":                                       false,
		"@x session user.banned true\nrespond @x no 403\n}\nhttp://b.example {\nsession_guard {\ndefault auth\n}\n}": false, // of that realm
		"respond no\n}\nhttp://b.example {\n@x session user.banned true\nrespond @x no 403\n}":                       false, // another node may have the guard
	} {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, []byte(guard+rest), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		assert.Equal(t, warns, strings.Contains(output, warning), output)
		assert.Equal(t, warns, strings.Contains(output, "so it never matches"), output)
	}
}

// A session of one app must not be one of another by accident.
func TestTwoAppsOfOneRealmAreFound(t *testing.T) {
	const warning = "warning: session_guard (Caddyfile:7) of a.example and session_guard (Caddyfile:14) of b.example guard two apps with sessions of one realm"
	site := func(address, guard, upstream string) string {
		return address + " {\nsession_guard {\ndefault auth\n" + guard + "\n}\nreverse_proxy " + upstream + "\n}\n"
	}
	first := site("http://a.example", "", "localhost:3000")
	for name, tc := range map[string]struct {
		sites string
		warns bool
	}{
		"two apps":             {first + site("http://b.example", "", "localhost:4000"), true},
		"one app":              {first + site("http://b.example", "", "127.0.0.1:3000"), false},
		"one app of two nodes": {first + site("http://b.example", "", "localhost:4000 localhost:3000"), false},
		"a realm of its own":   {first + site("http://b.example", "realm other", "localhost:4000"), false},
		"one realm that is named": {site("http://a.example", "realm default", "localhost:3000") +
			site("http://b.example", "realm default", "localhost:4000"), false},
		"one cookie for both": {site("http://a.example", "cookie_domain example", "localhost:3000") + site("http://b.example", "", "localhost:4000"), false},
		"two ports":           {site("http://a.example:3001", "", "localhost:3000") + site("http://a.example:3002", "", "localhost:4000"), false},
		"a site for any host": {first + site("http://", "", "localhost:4000"), false},
		"files beside an app": {first + "http://b.example {\nsession_guard {\ndefault auth\n}\nfile_server\n}\n", false},
		"two hosts of a site": {"http://*.example {\n@a host a.example\nhandle @a {\nsession_guard {\ndefault auth\n}\nreverse_proxy localhost:3000\n}\n@b host b.example\nhandle @b {\nsession_guard {\ndefault auth\n}\nreverse_proxy localhost:4000\n}\n}", true},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\nsession other {\n}\n}\n"+tc.sites), 0o600))
			output, err := sessionCommand(t, "check", "--config", file)
			require.NoError(t, err)
			assert.Equal(t, tc.warns, strings.Contains(output, "guard two apps with sessions of one realm"), output)
			if name == "two apps" {
				assert.Contains(t, output, warning)
			}
		})
	}
}

// One guard above all does not make one app of two.
func TestTwoAppsOfOneGuardAreFound(t *testing.T) {
	const warning = "warning: session_guard (Caddyfile:5) of b.example and session_guard (Caddyfile:5) of a.example guard two apps with sessions of one realm"
	const ofB = "@b host b.example\nhandle @b {\nreverse_proxy localhost:4000\n}\n"
	const api = "handle /api/* {\nreverse_proxy localhost:5000\n}\n"
	for name, tc := range map[string]struct {
		setting, routes string
		warns           bool
	}{
		"two apps":              {"", "handle {\nreverse_proxy localhost:3000\n}\n" + ofB, true},
		"an app and an API":     {"", "handle {\nreverse_proxy localhost:3000\n}\n" + ofB + api, true},
		"an API of both":        {"", "handle {\nreverse_proxy localhost:3000\n}\n@b host b.example\nhandle @b {\n" + api + "handle {\nreverse_proxy localhost:4000\n}\n}\n" + api, false},
		"by path":               {"", "handle {\nreverse_proxy localhost:3000\n}\n" + api, false},
		"one app":               {"", "handle {\nreverse_proxy localhost:4000\n}\n" + ofB, false},
		"a realm that is named": {"realm default", "handle {\nreverse_proxy localhost:3000\n}\n" + ofB, false},
		"a cookie for both":     {"cookie_domain example", "handle {\nreverse_proxy localhost:3000\n}\n" + ofB, false},
		"a redirect":            {"", "handle {\nreverse_proxy localhost:3000\n}\n@b host b.example\nhandle @b {\nredir https://a.example{uri}\n}\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\n}\nhttp://a.example, http://b.example {\nsession_guard {\ndefault auth\n"+tc.setting+"\n}\n"+tc.routes+"}\n"), 0o600))
			output, err := sessionCommand(t, "check", "--config", file)
			require.NoError(t, err)
			assert.Equal(t, tc.warns, strings.Contains(output, warning), output)
			assert.Equal(t, tc.warns, strings.Contains(output, "guard two apps"), output)
		})
	}
}

// Realms cannot read each other's tokens, so in one cookie only the last is signed in.
func TestTwoRealmsOfOneCookieAreFound(t *testing.T) {
	const warning = "warning: session_guard (Caddyfile:12) and session_guard (Caddyfile:18) keep the sessions of the realms admin and default in one cookie, __Host-sid, so who signs in to one of them is signed out of the other; leave cookie_name out, or write two different ones\n"
	for _, tc := range []struct {
		admin, shop string // settings
		between     string // the two guards
		warns       bool
	}{
		{"cookie_name sid", "cookie_name sid", "", true},
		{"cookie_name sid", "cookie_name sid;cookie_path /shop", "", false}, // __Host-sid and __Secure-sid
		{"cookie_name sid;cookie_prefix none", "cookie_name sid;cookie_path /shop", "", false},
		{"cookie_name sid;cookie_path /shop", "cookie_name sid;cookie_path /shop/cart", "", true},
		{"cookie_name sid;cookie_path /admin", "cookie_name sid;cookie_path /shop", "", false},
		{"cookie_name sid;cookie_path /shop", "cookie_name sid;cookie_path /shops", "", false},
		{"cookie_name sid;secure_cookie never", "cookie_name sid;secure_cookie never;cookie_path /shop", "", true},
		{"cookie_name session", "", "", true}, // which is the other's without a name
		{"", "cookie_name session_admin", "", true},
		{"cookie_name sid", "cookie_name other", "", false},
		{"cookie_name sid", "", "", false},
		{"", "", "", false},
		{"cookie_name sid", "cookie_name sid", "}\nhttp://b.example {\n", false},
	} {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\nsession admin {\n"+strings.ReplaceAll(tc.admin, ";", "\n")+"\n}\nsession {\n"+strings.ReplaceAll(tc.shop, ";", "\n")+"\n}\n}\n"+
			"http://a.example {\nhandle /admin/* {\nsession_guard {\nrealm admin\ndefault auth\n}\n}\n"+tc.between+"handle {\nsession_guard {\ndefault auth\n}\n}\n}"), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		assert.Equal(t, tc.warns, strings.Contains(output, "in one cookie"), "%+v\n%s", tc, output)
		if tc.admin == "cookie_name sid" && tc.admin == tc.shop {
			assert.Equal(t, tc.warns, strings.Contains(output, warning), "%+v\n%s", tc, output)
		}
	}
}

// The order of directives is the operator's, too.
func TestGuardThatIsOrderedBehindWhatAnswersIsFound(t *testing.T) {
	for answers, directive := range map[string]string{"file_server": "file_server", "reverse_proxy": "reverse_proxy localhost:3000"} {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\norder session_guard after "+answers+"\n}\nhttp://a.example {\nsession_guard {\ndefault auth\n}\n"+directive+"\n}"), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		assert.Contains(t, output, "session_guard (Caddyfile:6) is never reached, since "+answers+" answers first")
	}
}

// What the build rewrites for some hosts is decided by the host that the browser asks for.
func TestProxyThatChangesTheHostIsFound(t *testing.T) {
	build := t.TempDir()
	for name, content := range map[string]string{
		"BUILD_ID":             "x",
		"routes-manifest.json": `{"rewrites":[{"source":"/a","destination":"/b","regex":"^/a$","has":[{"type":"host","value":"b.example"}]}]}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(build, name), []byte(content), 0o600))
	}
	for proxy, warns := range map[string]bool{
		"reverse_proxy localhost:3000":                                            false,
		"reverse_proxy localhost:3000 {\nheader_up X-Host {host}\n}":              false,
		"reverse_proxy localhost:3000 {\nheader_up Host {upstream_hostport}\n}":   true,
		"reverse_proxy localhost:3000 {\nheader_up -Host\n}":                      true,
		"reverse_proxy https://localhost:3000":                                    true,
		"reverse_proxy https://localhost:3000 {\nheader_up Host {host}\n}":        false,
		"route {\nforward_auth localhost:2 {\nuri /check\nheader_up Host a\n}\n}": false,
	} {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, []byte("{\nadmin off\n}\nhttp://a.example {\nsession_guard {\ndefault auth\nnext_build "+build+"\n}\n"+proxy+"\n}"), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		assert.Equal(t, warns, strings.Contains(output, "sends the app another Host than session_guard (Caddyfile:5) saw"), output)
	}
}

// Errors of a subroute behind the guard are of requests that the guard has let pass.
func TestErrorsOfASubrouteBehindTheGuardAreGuarded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "caddy.json")
	const proxy = `{"routes":[{"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"localhost:3000"}]}]}]`
	for routes, warns := range map[string]bool{
		`{"handler":"session_guard","default":"auth"},{"handler":"subroute",` + proxy[1:] + `,"errors":` + proxy + `}}`:                                                false,
		`{"handler":"subroute","routes":[{"handle":[{"handler":"session_guard","default":"auth"},{"handler":"subroute",` + proxy[1:] + `}]}],"errors":` + proxy + `}}`: true,
	} {
		require.NoError(t, os.WriteFile(file, []byte(`{"admin":{"disabled":true},"apps":{"http":{"servers":{"s":{"listen":[":80"],"routes":[{"match":[{"host":["a.example"]}],"handle":[`+routes+`]}]}}}}}`), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		assert.Equal(t, warns, strings.Contains(output, "without a session_guard"), output)
	}
}

// Whoever starts a site hears of ways around its guard, not only who runs check.
func TestWaysAroundTheGuardAreLoggedAtTheStart(t *testing.T) {
	s := serve(t, "handle /dashboard/* {\n session_guard {\n default auth\n }\n reverse_proxy {{app}}\n }")
	assert.Contains(t, s.logged(), "without a session_guard, so they reach every page and can claim to be any user")
}

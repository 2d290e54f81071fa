package routes

import (
	"bufio"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/internal/vectors"
)

func TestReturnTo(t *testing.T) {
	for value, want := range map[string]string{
		"/":                       "/",
		"/dashboard?x=1#top":      "/dashboard?x=1#top",
		"/docs/%40scope%2Fname":   "/docs/%40scope%2Fname",
		"/кафе?q=чай":             "/%D0%BA%D0%B0%D1%84%D0%B5?q=%D1%87%D0%B0%D0%B9",
		"/a b?c=d e":              "/a%20b?c=d%20e",
		"/search?q=100%":          "/search?q=100%",
		"/x?next=//evil.example":  "/x?next=//evil.example",
		"/%5cevil.example":        "/%5cevil.example",
		"/%09/evil.example":       "/%09/evil.example",
		"/x//y":                   "/x//y",
		"/{env.SESSION_SECRET}":   "/%7Benv.SESSION_SECRET%7D",
		"/@user":                  "/@user",
		"/:80":                    "/:80",
		"/" + long(maxReturnTo-1): "/" + long(maxReturnTo-1),
	} {
		if got, ok := ReturnTo(value); !ok || got != want {
			t.Errorf("%q: %q, %v; want %q", value, got, ok, want)
		}
	}
	for _, value := range []string{
		"", "dashboard", "?x", "#x", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, `/x\y`,
		"/\t/evil.example", "/\n/evil.example", "/x\r\nSet-Cookie: a=b", " //evil.example", "\x01//evil.example", "/\x7f",
		"https://evil.example", "https:evil.example", "https:/evil.example", "HtTpS://evil.example", "javascript:alert(1)", "data:text/html,x",
		"/..//evil.example", "/./%2e%2e//evil.example", "/x/../../y", "/%zz", "/%2", "/\xff", "/" + long(maxReturnTo),
	} {
		if got, ok := ReturnTo(value); ok {
			t.Errorf("%q is taken as %q", value, got)
		}
	}
}

func long(n int) string { return strings.Repeat("a", n) }

// Public lists of open redirects and header injections.
func TestReturnToWithPayloads(t *testing.T) {
	for _, name := range []string{"Open-Redirect-payloads.txt", "open_redirect_wordlist.txt", "openredirects.txt", "crlfinjection.txt"} {
		file, err := os.Open(vectors.Path(t, "payloads/"+name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		n := 0
		for lines := bufio.NewScanner(file); lines.Scan(); n++ {
			decoded, _ := url.PathUnescape(lines.Text())
			for _, value := range []string{lines.Text(), decoded} {
				if location, ok := ReturnTo(value); ok {
					checkLocation(t, location)
				}
			}
		}
		if n < 10 {
			t.Errorf("%s has only %d lines", name, n)
		}
	}
}

// checkLocation holds a Location against the WHATWG URL parser, as far as it
// concerns paths: after one slash, which no slash, backslash, tab or newline
// follows, the host cannot change.
func checkLocation(t *testing.T, location string) {
	t.Helper()
	for i := range len(location) {
		if c := location[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			t.Fatalf("%q has a byte %#x", location, c)
		}
	}
	if !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") {
		t.Fatalf("%q leaves the site", location)
	}
	base := &url.URL{Scheme: "https", Host: "app.example", Path: "/login"}
	path := pathOf(location)
	reference, err := url.Parse(path)
	if err != nil || base.ResolveReference(reference).Host != "app.example" {
		t.Fatalf("%q leaves the site: %v", location, err)
	}
}

// What browsers make of odd URLs: nothing that we take may leave the origin.
func TestReturnToWithURLTestData(t *testing.T) {
	data, err := os.ReadFile(vectors.Path(t, "url/urltestdata.json"))
	if err != nil {
		t.Fatal(err)
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(data, &entries); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, raw := range entries {
		var entry struct {
			Input, Host, Base string
			Failure           bool
		}
		if json.Unmarshal(raw, &entry) != nil || !strings.HasPrefix(entry.Base, "http") {
			continue
		}
		if _, ok := ReturnTo(entry.Input); !ok {
			continue
		}
		taken++
		base, err := url.Parse(entry.Base)
		if err != nil {
			t.Fatal(err)
		}
		if entry.Failure || entry.Host != base.Host {
			t.Errorf("%q is taken, and leads a browser from %s to %s", entry.Input, base.Host, entry.Host)
		}
	}
	if taken < 5 {
		t.Errorf("only %d inputs were taken", taken)
	}
}

func TestLoginLocation(t *testing.T) {
	config := guarded
	config.BasePath = "/base"
	based := compile(t, config)
	table := compile(t, guarded)
	for _, tc := range []struct {
		table             *Table
		path, query, want string
	}{
		{table, "/dashboard", "x=1", "/login?return_to=%2Fdashboard%3Fx%3D1"},
		{table, "/AR/dashboard", "", "/ar/login?return_to=%2FAR%2Fdashboard"},
		{table, "/dashboard", "a=b&return_to=%2Fx&_rsc=1&c=%20&return%5fto=y", "/login?return_to=%2Fdashboard%3Fa%3Db%26c%3D%2520"},
		{table, "/login", "return_to=/x%3Fy=1", "/login?return_to=%2Fx%3Fy%3D1"},
		{table, "/ar/login/", "a=b&return_to=/ar/x", "/ar/login?return_to=%2Far%2Fx"},
		{table, "/login", "return_to=//evil.example", "/login"},
		{table, "/login", "return_to=/x&return_to=/y", "/login"},
		{table, "/login", "a=b", "/login"},
		{table, "/en/login/", "", "/en/login"},
		{table, "//evil.example/dashboard", "", "/login"},
		{table, "/x/..//dashboard", "", "/login"},
		{table, "/dashboard/" + long(2100), "", "/login"},
		{table, "/dashboard", "q=" + strings.Repeat("%20", 600), "/login"},
		{table, "/_next/data/B/en/dashboard.json", "", "/en/login"},
		{table, "/%00", "", "/login"},
		{table, "/dashboard", "q=100%&r=\xe9", "/login"},
		{table, "/dashboard", "q=100%", "/login?return_to=%2Fdashboard%3Fq%3D100%25"},
		{table, "/dashboard", "r={env.SESSION_SECRET}", "/login?return_to=%2Fdashboard%3Fr%3D%257Benv.SESSION_SECRET%257D"},
		{based, "/base/pt-br/admin", "", "/base/pt-BR/login?return_to=%2Fbase%2Fpt-br%2Fadmin"},
	} {
		m := tc.table.Match(tc.path, tc.query, "")
		got := tc.table.LoginLocation(m, tc.path, tc.query)
		if got != tc.want {
			t.Errorf("%s?%s: %s, want %s", tc.path, tc.query, got, tc.want)
		}
		checkLocation(t, got)
	}
	config = guarded
	config.ReturnTo, config.LoginPath = "off", "/вход"
	off := compile(t, config)
	if got := off.LoginLocation(off.Match("/dashboard", "", ""), "/dashboard", ""); got != "/%D0%B2%D1%85%D0%BE%D0%B4" {
		t.Errorf("return_to off: %s", got)
	}
	if m := off.Match("/%d0%b2%d1%85%d0%be%d0%b4", "", ""); m.Type != Hybrid {
		t.Errorf("the login page in another spelling: %+v", m)
	}
}

// Next.js's client puts the base path in front of where an action sends it.
func TestActionLocation(t *testing.T) {
	table := compile(t, Config{Default: Auth, BasePath: "/ba se", LoginPath: "/login"})
	for location, want := range map[string]string{
		"/ba%20se/login?return_to=%2Fba%2520se%2Fx": "/login?return_to=%2Fba%2520se%2Fx", "/ba%20se": "/", "/ba%20se?a=b": "/?a=b", "/ba%20se/": "/",
		"/ba%20se#top": "/#top", "/ba%20sement": "/ba%20sement", "/ba%20se//evil.example": "/ba%20se//evil.example", "/other": "/other",
	} {
		if got := table.ActionLocation(location); got != want {
			t.Errorf("%s: %s, want %s", location, got, want)
		}
	}
	if got := compile(t, Config{Default: Auth}).ActionLocation("/login?x"); got != "/login?x" {
		t.Errorf("without a base path: %s", got)
	}
}

// A base path of "/" is none, and brings no second slash, behind which browsers see a host.
func TestBasePathWithASlashAtTheEnd(t *testing.T) {
	below := compile(t, Config{BasePath: "/base/"})
	if got := below.LoginLocation(below.Match("/base/x", "", ""), "/base/x", ""); got != "/base/login?return_to=%2Fbase%2Fx" {
		t.Errorf("a visitor is sent to %s", got)
	}
	table := compile(t, Config{BasePath: "/", HomePath: "/home"})
	m := table.Match("/x", "", "")
	for _, got := range []string{table.LoginLocation(m, "/x", ""), table.HomeLocation(m, ""), table.ActionLocation("/home")} {
		if got != "/login?return_to=%2Fx" && got != "/home" {
			t.Errorf("a visitor is sent to %s", got)
		}
	}
}

func TestHomeLocation(t *testing.T) {
	config := guarded
	config.HomePath, config.BasePath = "/dashboard", "/base"
	table := compile(t, config)
	for _, tc := range []struct{ path, query, want string }{
		{"/base/login", "", "/base/dashboard"},
		{"/base/AR/login", "", "/base/ar/dashboard"},
		{"/base/login", "return_to=%2Fbase%2Fadmin%3Fx%3D1", "/base/admin?x=1"},
		{"/base/login", "x=1&return_to=/base/blog", "/base/blog"},
		{"/base/login", "return_to=/base/login", "/base/dashboard"},
		{"/base/login", "return_to=/base/en/register?x", "/base/dashboard"},
		{"/base/login", "return_to=/base/a&return_to=/base/b", "/base/dashboard"},
		{"/base/login", "return_to=//evil.example", "/base/dashboard"},
		{"/base/login", "return_to=%2F%5Cevil.example", "/base/dashboard"},
		{"/base/login", "return_to=/%00", "/base/dashboard"},
		{"/base/login", "return_to=/base/x%2500", "/base/dashboard"},
		{"/base/login", "return_to=", "/base/dashboard"},
		{"/base/login", "return_to=%zz", "/base/dashboard"},
		{"/base/login", "next=/base/admin", "/base/dashboard"},
	} {
		got := table.HomeLocation(table.Match(tc.path, "", ""), tc.query)
		if got != tc.want {
			t.Errorf("%s?%s: %s, want %s", tc.path, tc.query, got, tc.want)
		}
		checkLocation(t, got)
	}
	table = compile(t, guarded)
	if got := table.HomeLocation(table.Match("/ar/login", "", ""), ""); got != "/ar" {
		t.Errorf("the front page in a locale: %s", got)
	}
	// A login page without a public rule is hybrid, and still no place to return to.
	table = compile(t, Config{ReturnTo: "next", Rules: []Rule{{Type: Public, Patterns: []string{"/join"}}}})
	if got := table.HomeLocation(table.Match("/join", "", ""), "next=/login"); got != "/" {
		t.Errorf("return to the login page: %s", got)
	}
	if got := table.HomeLocation(table.Match("/join", "", ""), "next=/login%23x"); got != "/" {
		t.Errorf("return to a part of the login page: %s", got)
	}
	off := compile(t, Config{ReturnTo: "off"})
	if got := off.HomeLocation(off.Match("/join", "", ""), "=/x&off=/x&return_to=/x"); got != "/" {
		t.Errorf("without return_to: %s", got)
	}
	if got := table.HomeLocation(table.Match("/join", "", ""), "next=/x"); got != "/x" {
		t.Errorf("another parameter name: %s", got)
	}
}

func TestForbiddenLocation(t *testing.T) {
	config := guarded
	config.BasePath = "/base"
	for _, tc := range []struct {
		path, original, forbidden, want string
		ok                              bool
	}{
		{"/base/admin", "/base/admin", "/denied", "/base/denied", true},
		{"/base/EN/admin", "/base/EN/admin", "/denied", "/base/en/denied", true},
		{"/base/deniedx", "/base/deniedx", "/denied", "/base/denied", true},
		{"/base/admin", "/base/admin", "/déni", "/base/d%C3%A9ni", true},
		{"/base/denied", "/base/denied", "/denied", "", false},
		{"/base/en/denied/", "/base/en/denied/", "/denied", "", false},
		{"/base/d%c3%a9ni", "/base/d%c3%a9ni", "/déni", "", false},
		{"/base/denied", "/base/old", "/denied", "", false},
		{"/base/admin", "/base/denied", "/denied", "", false},
		{"/base/en", "/base/en", "/", "", false},
		{"/base/admin", "/base/admin", "", "", false},
	} {
		config.ForbiddenPath = tc.forbidden
		table := compile(t, config)
		got, ok := table.ForbiddenLocation(table.Match(tc.path, "", ""), tc.original)
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("%s, asked for as %s, to %s: %s %v, want %s %v", tc.path, tc.original, tc.forbidden, got, ok, tc.want, tc.ok)
		}
	}
}

func TestIsLoginPage(t *testing.T) {
	table := compile(t, Config{LoginPath: "/вход", BasePath: "/base", Locales: []string{"en"}})
	for path, want := range map[string]bool{
		"/base/%D0%B2%D1%85%D0%BE%D0%B4": true, "/base/en/%D0%B2%D1%85%D0%BE%D0%B4": true,
		"/%D0%B2%D1%85%D0%BE%D0%B4": false, "/base/%D0%B2%D1%85%D0%BE%D0%B4%2F": false, "/base/x": false, // sent there, they arrive
	} {
		if got := table.IsLoginPage(table.Match(path, "", ""), path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}

package routes

import (
	"net/url"
	"strings"
	"testing"
)

// A rewrite may lead to the image optimizer, with the image in its destination.
func TestAttackByRewriteToImage(t *testing.T) {
	const rewrites = `
		{"source":"/pic/:path*","destination":"/_next/image?url=/:path*&w=640&q=75","regex":"^/pic` + catchAll + `"},
		{"source":"/thumb/:w(\\d+)/:path*","destination":"/_next/image?url=%2F:path*&w=:w&q=75","regex":"^/thumb(?:/(\\d+))` + catchAll + `"},
		{"source":"/unused/:url(.*)","destination":"/_next/image?w=640&q=75","regex":"^/unused/(.*)(?:/)?$"},
		{"source":"/chosen","destination":"/_next/image?url=/public/:name&w=640","has":[{"type":"query","key":"name"}],"regex":"^/chosen(?:/)?$"},
		{"source":"/header","destination":"/_next/image?w=640","has":[{"type":"header","key":"url"}],"regex":"^/header(?:/)?$"},
		{"source":"/go/:path*","destination":"/there?url=/:path*","regex":"^/go` + catchAll + `"},
		{"source":"/there","destination":"/_next/image","regex":"^/there(?:/)?$"},
		{"source":"/any","destination":"/:page","has":[{"type":"query","key":"page","value":"(?<page>.*)"}],"regex":"^/any(?:/)?$"}`
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: rewriteOf(t, rewrites)})
	for target, want := range map[string]Type{
		"/pic/dashboard/secret.png": Auth, "/PIC/dashboard/secret.png": Auth, "/pic/logo.png": Hybrid, "/pic/x%26y/..%2Fdashboard%2Fa.png": Auth,
		"/pic/x&y/..%2F..%2Fdashboard%2Fa.png": Auth, "/pic/%64ashboard/a.png": Auth,
		"/thumb/256/dashboard/chart.png": Auth, "/thumb/256/chart.png": Hybrid,
		"/unused//dashboard/a.png": Auth, "/unused//a.png": Hybrid,
		"/chosen?name=x": Auth, "/header": Auth, "/go/dashboard/a.png": Auth, "/go/a.png": Hybrid, "/any?page=x": Auth,
		"/_next/image?url=%2Fpic%2Fdashboard%2Fsecret.png": Auth, "/_next/image?url=%2Fpic%2Flogo.png": Hybrid,
	} {
		if m := matchHost(t, table, "", target); m.Type != want {
			t.Errorf("%s is %s, want %s", target, m.Type, want)
		}
	}
}

// Next.js fetches a full URL by itself. One that leads to the app, around the guard, is
// decided by its path, and one of another site is not.
func TestAttackByImageOfTheMachineItself(t *testing.T) {
	rules := []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}, {Type: Hybrid, Patterns: []string{"/_next/image", "/files/*"}}}
	for target, want := range map[string]struct{ hybrid, auth Type }{
		"http://localhost:3000/dashboard/a.png":       {Auth, Auth},
		"http://127.0.0.1:3000/dashboard/a.png":       {Auth, Auth},
		"HTTP:\\\\LOCALHOST\\dashboard/a.png":         {Auth, Auth},
		"http:localhost/dashboard/a.png":              {Auth, Auth},
		"https://user:pw@[::1]:3000/dashboard/a.png":  {Auth, Auth},
		"http://[::1]/dashboard/a.png":                {Auth, Auth},
		"http://[::ffff:10.0.0.1]/dashboard/a.png":    {Auth, Auth},
		"http://0x7f.1/dashboard/a.png":               {Auth, Auth},
		"http://2130706433/dashboard/a.png":           {Auth, Auth},
		"http://loc%61lhost./dashboard/a.png":         {Auth, Auth},
		"http://web:3000/%64ashboard/a.png?x#y":       {Auth, Auth},
		"http://app.internal/dashboard/a.png":         {Auth, Auth},
		"http://localtest.me:3000/dashboard/a.png":    {Auth, Auth},
		"http://localhost:3000/other.png":             {Hybrid, Auth},
		"http://localhost:3000/files/a.png":           {Hybrid, Hybrid},
		"http://cdn.example:9000/other.png":           {Hybrid, Hybrid},
		"https://cdn.example/dashboard/a.png":         {Hybrid, Hybrid},
		"https://203.0.113.7/dashboard/a.png":         {Hybrid, Hybrid},
		"https://[2001:db8::1]/dashboard/a.png":       {Hybrid, Hybrid},
		"data:image/png;base64,localhost/dashboard/x": {Hybrid, Hybrid},
	} {
		for _, byDefault := range []Type{Hybrid, Auth} {
			wanted := want.hybrid
			if byDefault == Auth {
				wanted = want.auth
			}
			table := compile(t, Config{Rules: rules, Default: byDefault, HomePath: "/dashboard"})
			if m := table.Match("/_next/image", "w=640&url="+url.QueryEscape(target), ""); m.Type != wanted {
				t.Errorf("%s is %s by default %s, want %s", target, m.Type, byDefault, wanted)
			}
		}
	}
}

// The machine and its neighbours have many names and numbers, of all of which one may lead
// to the app.
func TestAttackByImageOfANeighbour(t *testing.T) {
	table := compile(t, guarded)
	for host, want := range map[string]Type{
		"0.0.0.0": Auth, "[::]": Auth, "172.16.0.1": Auth, "192.168.1.1": Auth, "[fd00::1]": Auth, "169.254.1.1": Auth, "[fe80::1]": Auth, "127.1": Auth, "9": Auth, "0x7f.0": Auth, "0x7f.9": Auth,
		"app.localhost": Auth, "web.local": Auth, "web.internal": Auth, "web.lan": Auth, "web.home": Auth, "localhost..": Auth, "①.example": Auth,
		"local.example": Hybrid, "8.8.8.8": Hybrid, "cdn.a0": Hybrid, "localhost@cdn.example": Hybrid,
	} {
		if m := table.Match("/_next/image", "w=64&url="+url.QueryEscape("http://"+host+"/dashboard/a.png"), ""); m.Type != want {
			t.Errorf("%s: %+v", host, m)
		}
	}
}

// A login page that a rewrite's expression leaves out, or that Next.js finds before it
// tries the rewrite, is not closed by it.
func TestLoginPathThatNoRewriteTakes(t *testing.T) {
	for name, tc := range map[string]struct {
		manifest string
		rules    []Rule
		byauth   Type
	}{
		"left out": {`{"rewrites":{"beforeFiles":[{"source":"/:path((?!login$|_next/).*)","destination":"/app/:path","regex":"^(?:/((?!login$|_next/).*))(?:/)?$"}]}}`,
			[]Rule{{Type: Public, Patterns: []string{"/login"}}, {Type: Auth, Patterns: []string{"/app/*"}}}, Hybrid},
		"found before": {`{"staticRoutes":[{"page":"/"},{"page":"/login"}],"rewrites":{"afterFiles":[{"source":"/:any*","destination":"/","regex":"^` + catchAll + `"}]}}`,
			[]Rule{{Type: Public, Patterns: []string{"/login"}}}, Auth},
		"another host": {`{"rewrites":{"beforeFiles":[{"source":"/:path*","destination":"/t/:tenant/:path*","has":[{"type":"host","value":"(?<tenant>(?!www)[a-z0-9-]+)\\.acme\\.test"}],"regex":"^` + catchAll + `"}]}}`,
			[]Rule{{Type: Public, Patterns: []string{"/login", "/t/*/login"}}, {Type: Auth, Patterns: []string{"/dashboard/*", "/t/*/members/*"}}}, Hybrid},
	} {
		t.Run(name, func(t *testing.T) {
			table := compile(t, Config{Rules: tc.rules, Default: tc.byauth, HomePath: "/home", Build: buildOf(t, tc.manifest)})
			for _, host := range []string{"www.acme.test", "x.acme.test"} {
				if m := matchHost(t, table, host, "/login"); m.Type != Public {
					t.Errorf("/login of %s is %s", host, m.Type)
				}
			}
		})
	}
	table := compile(t, Config{
		Rules: []Rule{{Type: Auth, Patterns: []string{"/t/*/members/*"}}},
		Build: buildOf(t, `{"rewrites":{"beforeFiles":[{"source":"/:path*","destination":"/t/:tenant/:path*","has":[{"type":"host","value":"(?<tenant>(?!www)[a-z0-9-]+)\\.acme\\.test"}],"regex":"^`+catchAll+`"}]}}`),
	})
	for host, want := range map[string]Type{"x.acme.test": Auth, "www.acme.test": Hybrid} {
		if m := matchHost(t, table, host, "/members/1"); m.Type != want {
			t.Errorf("/members/1 of %s is %s, want %s", host, m.Type, want)
		}
	}
}

// An error names the rewrite's destination, which nobody sees in the rules.
func TestErrorAboutRewriteOfLoginPath(t *testing.T) {
	_, err := Compile(Config{
		Rules: []Rule{{Type: Auth, Patterns: []string{"/app/*"}, Source: "Caddyfile:5"}},
		Build: buildOf(t, `{"rewrites":{"beforeFiles":[{"source":"/:path*","destination":"/app/:path*","regex":"^`+catchAll+`"}]}}`),
	})
	want := "login_path /login is guarded, by the auth rule (Caddyfile:5), since a rewrite in next.config leads to /app/login, so nobody could log in; " +
		"write a public rule for it, and for the page that a rewrite leads to"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// Next.js tries a rewrite before pages with parameters, but for those of fallback.
func TestOpenAliasBesidePageWithParameter(t *testing.T) {
	for phase, want := range map[string]map[string]Type{
		"beforeFiles": {"/feed.xml": Hybrid, "/about": Hybrid}, "afterFiles": {"/feed.xml": Hybrid, "/about": Auth}, "fallback": {"/feed.xml": Auth, "/about": Auth},
	} {
		table := compile(t, Config{
			Rules: []Rule{{Type: Hybrid, Patterns: []string{"/blog/*"}}}, Default: Auth,
			Build: buildOf(t, `{"staticRoutes":[{"page":"/about"}],"dynamicRoutes":[{"page":"/[user]"}],"rewrites":{"`+phase+`":[
				{"source":"/feed.xml","destination":"/blog/rss","regex":"^/feed\\.xml(?:/)?$"},{"source":"/about","destination":"/blog/about","regex":"^/about(?:/)?$"}]}}`),
		})
		for path, want := range want {
			if m := table.Match(path, "", ""); m.Type != want {
				t.Errorf("%s by %s is %s, want %s", path, phase, m.Type, want)
			}
		}
	}
}

// What is said at the start of a page is what holds for hosts without rewrites of their
// own.
func TestReportsOnSiteWithRewritesForHosts(t *testing.T) {
	build := buildOf(t, `{"staticRoutes":[{"page":"/"},{"page":"/pricing"}],"rewrites":{"beforeFiles":[
		{"source":"/:path*","destination":"/t/:tenant/:path*","has":[{"type":"host","value":"(?<tenant>[a-z0-9-]+)\\.acme\\.test"}],"regex":"^`+catchAll+`"}]}}`)
	build.endpoints = []endpoint{{page: "/"}, {page: "/pricing"}}
	build.actions = []serverAction{{id: "a", owners: []string{"/pricing"}}}
	table := compile(t, Config{
		Rules:   []Rule{{Type: Public, Patterns: []string{"/login", "/t/*/login"}}, {Type: Hybrid, Patterns: []string{"/", "/pricing"}}},
		Default: Auth, Build: build,
	})
	if got := table.Warnings(); len(got) > 0 {
		t.Errorf("warnings: %q", got)
	}
	if c := table.coverage(); c.rules[1] != (count{pages: 2, actions: 1}) || len(c.uncovered) > 0 {
		t.Errorf("the coverage is\n%s", c)
	}
	for host, want := range map[string]Type{"acme.test": Hybrid, "x.acme.test": Auth} {
		if m := matchHost(t, table, host, "/pricing"); m.Type != want {
			t.Errorf("/pricing of %s is %s, want %s", host, m.Type, want)
		}
	}
	if !table.ActionAllowed("/pricing", "a") {
		t.Error("the action of an open page is closed")
	}
}

// Caddy's try_files makes the file of an exported page before the guard sees it. It has the
// rule of the page.
func TestFileOfStaticExport(t *testing.T) {
	table := compile(t, Config{
		Rules:   []Rule{{Type: Public, Patterns: []string{"/login"}}, {Type: Hybrid, Patterns: []string{"/", "/pricing"}}, {Type: Auth, Patterns: []string{"/open.html", "/pricing/secret"}}},
		Default: Auth, HomePath: "/dashboard",
	})
	for _, tc := range []struct {
		path, original string
		want           Type
	}{
		{"/login.html", "/login", Public}, {"/pricing/index.html", "/pricing", Hybrid}, {"/pricing/index.html", "/pricing/", Hybrid}, {"/index.html", "/", Hybrid},
		{"/dashboard.html", "/dashboard", Auth}, {"/open.html", "/open", Auth}, {"/pricing/secret.html", "/pricing/secret", Auth},
		{"/secret.html", "/login", Auth}, {"/login.html", "/LOGIN", Auth}, {"/dashboard.html", "/%64ashboard", Auth}, {"/login.html", "/x/..//login", Auth}, {"/index.html", "/pricing", Auth}, {"/login.html", "", Auth},
	} {
		if m := table.Match(tc.path, "", tc.original); m.Type != tc.want {
			t.Errorf("%s for %s is %s, want %s", tc.path, tc.original, m.Type, tc.want)
		}
	}
	named := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard", "/about.html"}}}})
	for original, want := range map[string]Type{"/%64ashboard": Auth, "/x/../dashboard": Auth, "/about": Auth, "/other": Hybrid} {
		if m := named.Match(original+".html", "", original); m.Type != want {
			t.Errorf("%s.html for %s is %s, want %s", original, original, m.Type, want)
		}
	}
}

// An open rule counts only in its own letter case, so it hides no other in another case.
func TestRulesInOtherLetterCaseAreNotHidden(t *testing.T) {
	for _, rules := range [][]Rule{
		{{Type: Hybrid, Patterns: []string{"/Docs/*"}}, {Type: Auth, Patterns: []string{"/docs/*"}}},
		{{Type: Hybrid, Patterns: []string{"/a/*"}}, {Type: Auth, Patterns: []string{"/A/b"}}},
		{{Type: Public, Patterns: []string{"/Docs"}}, {Type: Public, Patterns: []string{"/docs"}}},
		{{Type: Hybrid, Patterns: []string{"/Blog*"}}, {Type: Auth, Patterns: []string{"/blogs"}}},
	} {
		if got := compile(t, Config{Rules: rules}).Warnings(); len(got) > 0 {
			t.Errorf("%v: %q", rules, got)
		}
	}
	hidden := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/docs/*"}}, {Type: Hybrid, Patterns: []string{"/Docs/*"}}}}).Warnings()
	if len(hidden) != 1 || !strings.Contains(hidden[0], "has no effect") {
		t.Errorf("an auth rule counts in any case, but the warnings are %q", hidden)
	}
}

package routes

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestActionAllowedByPath(t *testing.T) {
	byDefault := compile(t, Config{
		Rules: []Rule{
			{Type: Hybrid, Patterns: []string{"/join/help"}},
			{Type: Public, Patterns: []string{"/join/*"}},
			{Type: Hybrid, Patterns: []string{"/"}},
			{Type: Auth, Patterns: []string{"/dashboard/*"}},
		},
		Locales: []string{"en"},
	})
	written := compile(t, Config{
		Rules:   []Rule{{Type: Public, Patterns: []string{"/join"}}},
		Actions: []string{"/contact", "/shop/*"},
		Locales: []string{"en"},
	})
	none := compile(t, Config{Actions: []string{}})
	localized := compile(t, Config{
		Rules:   []Rule{{Type: Hybrid, Patterns: []string{"/en/login"}}, {Type: Public, Patterns: []string{"/join"}}, {Type: Auth, Patterns: []string{"/ar/*"}}},
		Locales: []string{"en", "ar"},
	})
	for _, tc := range []struct {
		table *Table
		path  string
		want  bool
	}{
		{byDefault, "/login", true},
		{byDefault, "/en/login", true},
		{byDefault, "/join/now", true},
		{byDefault, "/join/help", false},
		{byDefault, "/", false},
		{byDefault, "/nonexistent", false},
		{byDefault, "/dashboard", false},
		{byDefault, "/%6Cogin", false},
		{byDefault, "/LOGIN", false},
		{byDefault, "/x/../login", false},
		{byDefault, "/login%2f..%2fdashboard", false},
		{byDefault, "/_next/static/x", false},
		{byDefault, "/_next/image", false},
		{byDefault, "/%00", false},
		{written, "/contact", true},
		{written, "/en/shop/x", true},
		{written, "/login", false},
		{written, "/join", false},
		{none, "/login", false},
		{localized, "/login", true},
		{localized, "/ar/login", true}, // as the page is open there
		{localized, "/en/login", true},
		{localized, "/ar/login/x", false},
		{localized, "/en/join", true},
		{localized, "/ar/join", false},
		{localized, "/LOGIN", false},
	} {
		if got := tc.table.ActionAllowed(tc.path, "00ab"); got != tc.want {
			t.Errorf("%s: %v", tc.path, got)
		}
	}
}

// Actions take the place of the default, which has the login page: whoever leaves that out
// has a login form that does nothing.
func TestActionsWithoutTheLoginPage(t *testing.T) {
	const warning = "actions does not name the login page %s, so a Server Action there is refused to visitors who are not signed in; write for example: actions %s"
	for _, tc := range []struct {
		name   string
		config Config
		want   string
	}{
		{"another page", Config{Actions: []string{"/contact"}}, fmt.Sprintf(warning, "/login", "/login /contact")},
		{"a public login page", Config{Actions: []string{"/contact", "/a/*"}, Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}}},
			fmt.Sprintf(warning, "/login", "/login /contact /a/*")},
		{"another login path", Config{LoginPath: "/sign-in", Actions: []string{"/login"}}, fmt.Sprintf(warning, "/sign-in", "/sign-in /login")},
		{"another case", Config{Actions: []string{"/Login"}}, fmt.Sprintf(warning, "/login", "/login /Login")},
		{"a page below", Config{Actions: []string{"/login/help"}}, fmt.Sprintf(warning, "/login", "/login /login/help")},
		{"a base path", Config{BasePath: "/base", Actions: []string{"/contact"}}, fmt.Sprintf(warning, "/login", "/login /contact")},
		{"a locale", Config{Locales: []string{"en"}, Actions: []string{"/contact"}}, fmt.Sprintf(warning, "/login", "/login /contact")},

		{"the default", Config{}, ""},
		{"none, on purpose", Config{Actions: []string{}}, ""},
		{"named", Config{Actions: []string{"/contact", "/login"}}, ""},
		{"named with a slash at the end", Config{LoginPath: "/login/", Actions: []string{"/login"}}, ""},
		{"below a base path", Config{BasePath: "/base", Actions: []string{"/login"}}, ""},
		{"everything", Config{Actions: []string{"/*"}}, ""},
		{"everything below", Config{LoginPath: "/account/login", Actions: []string{"/account/*"}}, ""},
		{"a prefix", Config{Actions: []string{"/log*"}}, ""},
		{"any segment", Config{LoginPath: "/account/login", Actions: []string{"/*/login"}}, ""},
	} {
		table := compile(t, tc.config)
		if got := strings.Join(table.Warnings(), "\n"); got != tc.want {
			t.Errorf("%s: the warnings are %q", tc.name, got)
		}
		if login := table.basePath + table.loginPath; len(tc.config.Actions) > 0 && table.ActionAllowed(login, "00ab") != (tc.want == "") {
			t.Errorf("%s: the warning is not what happens at %s", tc.name, login)
		}
	}
	config := Config{Actions: []string{"/contact"}, Build: loadBuild(t, "16.4")} // which says whose each action is
	if got := strings.Join(compile(t, config).Warnings(), "\n"); strings.Contains(got, "login page") || !strings.Contains(got, "actions has no effect with next_build") {
		t.Errorf("with next_build: %s", got)
	}
}

func TestActionTarget(t *testing.T) {
	table := compile(t, guarded)
	here := &url.URL{Path: "/login"}
	for _, tc := range []struct {
		target string
		ok     bool
		want   Type
	}{
		{"/dashboard;push", true, Auth},
		{"/en/dashboard?x=1;replace", true, Auth},
		{"/blog;push", true, Hybrid},
		{"/register;push", true, Public},
		{"/register;replace", true, Public},
		{"/register#top;push", true, Public},
		{" /register;push", true, Public},
		{"https://app.example/register", true, Public},
		{"https://app.example?x=1", true, Hybrid},
		{"https://dashboard", true, Hybrid}, // a host
		{"/_next/image?url=%2Fdashboard%2Fa.png&w=64&q=75;push", true, Auth},
		{"/blog post", true, Hybrid},
		{"/blog\x1f", false, ""},
		{"/blog\x7f", false, ""},
		{"/blog;%00;push", false, ""}, // what the server renders
		{";/blog;push", false, ""},    // what the client goes to
		{"ftp://app.example/blog", false, ""},
		{":dashboard;push", false, ""},
		{"?a=b:c;push", true, Public},
		{"/blog", true, Hybrid},
		{"/a;b/../dashboard;push", true, Auth},
		{"/a%3Bb/../dashboard", true, Auth},
		{"/x/../dashboard;push", true, Auth},
		{"./dashboard;push", false, ""}, // the page that resolves it may be another one
		{"../dashboard;push", false, ""},
		{"../admin;push", false, ""},
		{"https://app.example/dashboard;push", true, Auth},
		{"http://127.0.0.1:3000/x/%2e%2e/dashboard", true, Auth},
		{`https://app.example\dashboard`, false, ""},
		{"https://id.example/authorize?x=/dashboard;push", true, Hybrid},
		{"https://id.example", true, Hybrid},
		{"/кафе;push", true, Hybrid},
		{`/x\..\dashboard;push`, true, Auth},
		{"/dash\tboard;push", false, ""},
		{"//dashboard;push", false, ""},
		{`/\dashboard;push`, false, ""},
		{"dashboard;push", true, Auth},
		{"dashboard/a:b;push", true, Auth},
		{"blog;push", true, Hybrid},
		{"x/../dashboard?y;replace", true, Auth},
		{"?a=1;push", true, Public},
		{"?a=/dashboard", true, Public},
		{"#x;push", false, ""},
		{" ;push", false, ""},
		{`x\..\dashboard;push`, false, ""},
		{`?a=\`, false, ""},
		{"dash board;push", false, ""},
		{"dash\nboard;push", false, ""},
		{"\u00a0dashboard;push", false, ""},
		{"кафе;push", false, ""},
		{"app.example:80/dashboard;push", false, ""},
		{"x:dashboard;push", false, ""},
		{";push", false, ""},
		{"", false, ""},
		{"javascript:alert(1)", false, ""},
		{"https:dashboard", false, ""},
		{"/%00", false, ""},
	} {
		m, ok := table.ActionTarget(here, tc.target)
		if ok != tc.ok || ok && m.Type != tc.want {
			t.Errorf("%q: %v %+v, want %v %s", tc.target, ok, m, tc.ok, tc.want)
		}
	}
	// An app names its targets without its base path, which the rules may be written with.
	full := compile(t, Config{LoginPath: "/base/login", HomePath: "/base", Rules: []Rule{{Type: Auth, Patterns: []string{"/base/dashboard/*"}}}})
	for path, want := range map[string]Type{"/base/login": Auth, "/base": Auth, "/base/x/y/z": Auth, "/other/login": Hybrid} {
		if m, ok := full.ActionTarget(&url.URL{Path: path}, "/dashboard/x;push"); !ok || m.Type != want {
			t.Errorf("below an unknown base path, at %s: %v %+v", path, ok, m)
		}
	}
	long := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/a/b/c/dashboard/*"}}}})
	if m, ok := long.ActionTarget(&url.URL{Path: "/a/b/c/login"}, "/dashboard;push"); !ok || m.Type != Auth {
		t.Errorf("below an unknown base path of three segments: %v %+v", ok, m)
	}
	for _, nowhere := range []string{"", "*"} {
		if _, ok := table.ActionTarget(&url.URL{Path: nowhere}, "blog;push"); ok {
			t.Errorf("beside the path %q", nowhere)
		}
	}
	// A query alone is of the page itself.
	for path, want := range map[string]Type{"/dashboard/1": Auth, "/blog": Hybrid} {
		if m, ok := table.ActionTarget(&url.URL{Path: path}, "?a=1;push"); !ok || m.Type != want {
			t.Errorf("a query at %s: %v %+v", path, ok, m)
		}
	}
	if m, ok := table.ActionTarget(&url.URL{Path: "/dashboard/1"}, "blog;push"); !ok || m.Type != Auth {
		t.Errorf("beside a guarded page: %v %+v", ok, m)
	}
	// Next.js 14 resolves it at the root, for who names the host n.
	if m, ok := table.ActionTarget(&url.URL{Path: "/auth/login"}, "dashboard;push"); !ok || m.Type != Auth {
		t.Errorf("at the root: %v %+v", ok, m)
	}
	// Next.js 15.5 resolves "." at the root, and 16.4 at the page that has run the action.
	for _, target := range []string{"./dashboard;push", "./blog;push", "../blog;replace", "."} {
		if m, ok := table.ActionTarget(&url.URL{Path: "/auth/login"}, target); ok {
			t.Errorf("%s: %+v", target, m)
		}
	}
}

// A relative target is read in several ways, and what each requires must hold.
func TestActionTargetKeepsTheRequirementsOfAllReadings(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{
		{Type: Auth, Patterns: []string{"/admin/*"}, Requires: true},
		{Type: Auth, Patterns: []string{"/x/*"}, Requires: true},
		{Type: Hybrid, Patterns: []string{"/open/*"}},
	}, Default: Auth})
	for path, want := range map[string][]int{"/x": {0, 1}, "/open": {0, 2}, "/else": {0}} {
		m, ok := table.ActionTarget(&url.URL{Path: path}, "admin/new;push")
		if !ok || m.Type != Auth || !slices.Equal(m.Matched, want) {
			t.Errorf("from %s: %v, %+v, want the rules %v", path, ok, m, want)
		}
	}
}

// Next.js renders what a redirect of the target leads to.
func TestActionTargetThatIsRedirected(t *testing.T) {
	for _, version := range []string{"14.2", "15.5", "16.4"} {
		config := guarded
		config.Build = loadBuild(t, version)
		table := compile(t, config)
		for target, ok := range map[string]bool{
			"/old-dashboard;push":               false,
			"/OLD-dashboard/":                   false,
			"/en/old-dashboard?x=1;replace":     false,
			"/x/../old-dashboard":               false,
			"/%6fld-dashboard":                  false,
			"./x/../../old-dashboard":           false,
			"./old-dashboard":                   false, // as a browser takes it
			"https://app.example/old-dashboard": false,
			"/api/public":                       false, // a route handler
			"/api/items/7":                      false,
			"/blog;push":                        true,
			"/blog/old-dashboard;push":          true,
			"/blog?from=/old-dashboard":         true,
			"/dashboard/settings;push":          true,
			"/docs/old-dashboard":               true,
		} {
			if _, got := table.ActionTarget(&url.URL{Path: "/login"}, target); got != ok {
				t.Errorf("%s: %s: %v", version, target, got)
			}
		}
		if _, ok := table.ActionTarget(&url.URL{Path: "/api"}, "items/7;push"); ok { // as Next.js takes it
			t.Errorf("%s: a route handler below the request's path", version)
		}
	}
}

// A redirect may stand behind a rewrite. What leads to another host comes back through the
// guard, and a page without parameters comes before a route handler with them.
func TestActionTargetOfARouteHandler(t *testing.T) {
	build, err := LoadBuild(fstest.MapFS{
		"BUILD_ID": {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{"staticRoutes":[{"page":"/feed"},{"page":"/go"},{"page":"/go2"}],"dynamicRoutes":[{"page":"/[code]"}],
			"redirects":[{"source":"/:path*","destination":"https://example.com/:path*","regex":"^(?!/_next)` + catchAll + `"}],
			"rewrites":[{"source":"/go2","destination":"/go","regex":"^/go2(?:/)?$"},{"source":"/go","destination":"/out","regex":"^/go(?:/)?$"}]}`)},
		"app-path-routes-manifest.json": {Data: []byte(`{"/feed/page":"/feed","/go/page":"/go","/go2/page":"/go2","/out/route":"/out","/[code]/route":"/[code]"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: build})
	for target, ok := range map[string]bool{"/out": false, "/go": false, "/GO/": false, "/go2": false, "/x7f": false, "/feed": true, "/feed/a": true, "/": true} {
		if _, got := table.ActionTarget(&url.URL{Path: "/login"}, target); got != ok {
			t.Errorf("%s: %v", target, got)
		}
	}
	// Only a rule that is written with it speaks of a base path.
	wide := compile(t, Config{Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}, {Type: Hybrid, Patterns: []string{"/feed"}}, {Type: Auth, Patterns: []string{"/*"}}}, HomePath: "/home"})
	if m, ok := wide.ActionTarget(&url.URL{Path: "/login"}, "/feed;push"); !ok || m.Type != Hybrid {
		t.Errorf("below a wide rule: %v %+v", ok, m)
	}
}

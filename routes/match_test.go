package routes

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// guarded are rules as one writes them for a real site.
var guarded = Config{
	Rules: []Rule{
		{Type: Public, Patterns: []string{"/login", "/register"}},
		{Type: Hybrid, Patterns: []string{"/api/public"}},
		{Type: Auth, Patterns: []string{"/dashboard/*", "api"}},
		{Type: Auth, Patterns: []string{"/admin/*"}, Requires: true},
		{Type: Auth, Patterns: []string{"/orgs/*/settings", "/team*"}},
		{Type: Hybrid, Patterns: []string{"/"}},
	},
	Locales: []string{"en", "ar", "pt-BR"},
}

func TestPatterns(t *testing.T) {
	for _, tc := range []struct {
		pattern    string
		yes, other []string
	}{
		{"/login", []string{"/login", "/login/"}, []string{"/", "/loginx", "/login/x", "/x/login"}},
		{"/", []string{"/"}, []string{"/x"}},
		{"/dashboard/*", []string{"/dashboard", "/dashboard/", "/dashboard/a", "/dashboard/a/b"}, []string{"/dashboards", "/dash", "/x/dashboard"}},
		{"/blog*", []string{"/blog", "/blog/", "/blog/post", "/blogs", "/blogs/x"}, []string{"/blo", "/x/blog"}},
		{"/a/b*", []string{"/a/b", "/a/bc", "/a/b/c"}, []string{"/a", "/a/c"}},
		{"/orgs/*/settings", []string{"/orgs/1/settings"}, []string{"/orgs/settings", "/orgs//settings/x", "/orgs/1/2/settings", "/orgs/1/settings/x"}},
		{"/orgs/*/members/*", []string{"/orgs/1/members", "/orgs/1/members/2/3"}, []string{"/orgs/1", "/orgs/1/x"}},
		{"/*/edit", []string{"/post/edit"}, []string{"/edit", "/a/b/edit"}},
		{"/*/b*", []string{"/x/b", "/x/bc/d"}, []string{"/b", "/x/y/b"}},
		{"/teams", []string{"/teams", "/teams/index"}, []string{"/teams/a.jpg", "/teams/abcde"}},
		{"*", []string{"/", "/x", "/x/y"}, nil},
		{"/*", []string{"/", "/x", "/x/y"}, nil},
		{"api", []string{"/api", "/api/x"}, []string{"/apis"}},
		{"profile", []string{"/profile/me"}, []string{"/profiles"}},
		{"/кафе", []string{"/%D0%BA%D0%B0%D1%84%D0%B5", "/%d0%ba%d0%b0%d1%84%d0%b5", "/%D0%9A%D0%90%D0%A4%D0%95"}, []string{"/%D0%BA%D0%B0%D1%84"}},
		{"/%D0%BA%D0%B0%D1%84%D0%B5", []string{"/%d0%ba%d0%b0%d1%84%d0%b5"}, []string{"/x"}},
		{"/a b", []string{"/a%20b"}, []string{"/a+b"}},
		{"/@me", []string{"/@me", "/%40me"}, []string{"/me"}},
		{"/tags/c%23", []string{"/tags/c%23", "/Tags/C%23", "/%54AGS/%43%23"}, []string{"/tags/d"}},
		{"/Tags/C%2b", []string{"/tags/c%2B", "/tags/c+", "/TAGS/%63%2b"}, []string{"/tags/c"}},
		{"/x%2Fy", []string{"/x%2Fy", "/x%2fy", "/x/y"}, []string{"/x"}},
	} {
		table := compile(t, Config{
			Rules:     []Rule{{Type: Auth, Patterns: []string{tc.pattern}}},
			LoginPath: "/sign-in",
		})
		for _, path := range tc.yes {
			if m := table.Match(path, "", ""); m.Type != Auth || m.Rule != 0 {
				t.Errorf("%s does not match %s: %+v", tc.pattern, path, m)
			}
		}
		for _, path := range tc.other {
			if m := table.Match(path, "", ""); m.Type != Hybrid || m.Rule != -1 {
				t.Errorf("%s matches %s: %+v", tc.pattern, path, m)
			}
		}
	}
}

func TestFirstRuleWins(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{
		{Type: Hybrid, Patterns: []string{"/a/*/open"}},
		{Type: Auth, Patterns: []string{"/a/b/*"}},
		{Type: Hybrid, Patterns: []string{"/a*"}},
		{Type: Auth, Patterns: []string{"/*"}},
	}})
	for path, want := range map[string]int{
		"/a/b/open": 0, "/a/c/open": 0, "/a/b": 1, "/a/b/c": 1, "/a/c": 2, "/ab": 2, "/": 3, "/x": 3, "/a/c/open/x": 2,
	} {
		if m := table.Match(path, "", ""); m.Rule != want || !slices.Equal(m.Matched, []int{want}) {
			t.Errorf("%s: rule %d %v, want %d", path, m.Rule, m.Matched, want)
		}
	}
}

// Each attack is a path by which a guard that reads paths in one way only was,
// or would be, walked around.
func TestAttacks(t *testing.T) {
	table := compile(t, guarded)
	for attack, paths := range map[string][]string{
		"dot segments":               {"/x/../dashboard", "/./dashboard", "/x/%2e%2e/dashboard", "/x/.%2E/dashboard", "/login/%2e%2e/dashboard"},
		"escape out of a page":       {"/dashboard/u/..%2F..%2F..%2Flogin", "/dashboard/%2e%2e%2f%2e%2e%2flogin", "/dashboard/..%5c..%5clogin"},
		"dots before decoding":       {"/x%2fy/../%64ashboard/report.txt", "/x%2fy/%2e%2E/dashboard", "/x%2fy/%2e./dashboard", "/x%2fy/.%2E/dashboard", "/x%2fy/%2e/../dashboard"},
		"dots after merging":         {"/a//../dashboard", "/a%2fb//../../dashboard"},
		"dots before merging":        {"/dashboard//../x", "/x%2f..%2fdashboard%2f%2f..%2fy", `/x/..\dashboard\\..\x`, `/x/y/..\..\dashboard\\..\x`},
		"encoded letters":            {"/%64ashboard", "/d%61shboard/report.txt", "/dashboard%2Freport.txt"},
		"decoded twice":              {"/d%2561shboard", "/%2564ashboard/x", "/x/%252e%252e/dashboard", "/x%252f..%252fdashboard", "/en/d%2561shboard", "/_next/data/B/d%2561shboard.json"},
		"slashes":                    {"//dashboard", "/x//../dashboard", "/login/..//dashboard", "/%2fdashboard", "/%5cdashboard"},
		"a host in front":            {"//x/dashboard", "///x/dashboard", "//x:80/dashboard", "//x/y/../dashboard", "//x/%2e%2e/dashboard/a", "//x//dashboard", "//x/%64ashboard", "//x/en/dashboard", "//x/_next/data/B/dashboard.json", "/\\x/dashboard", `//x\dashboard`},
		"letter case":                {"/DASHBOARD", "/Dashboard/x", "/%44ashboard"},
		"locale":                     {"/en/dashboard", "/EN/dashboard", "/pt-br/dashboard", "/%65n/dashboard", "/en/en/dashboard", "/ar//dashboard", "//en/dashboard", "/en%2fdashboard"},
		"data route":                 {"/_next/data/B/dashboard.json", "/_next/data/B/ar/dashboard.json", "/ar/_next/data/B/ar/dashboard.json", "/_next/data/dashboard.json", "/_next/data/dashboard/x.json", "/_next/data/B/x/../dashboard.json", "/_NEXT/data/B/dashboard.JSON", "/%5fnext/data/B/dashboard.json", "/_next/data%2fB%2fdashboard.json"},
		"static and out again":       {"/_next/static/../data/B/dashboard.json", "/_next/static/%2e%2e/%2e%2e/dashboard", "/_next/static/..%2f..%2fdashboard"},
		"rsc suffix":                 {"/dashboard.rsc", "/dashboard.RSC", "/dashboard.prefetch.rsc", "/dashboard.segments/_full.segment.rsc", "/dashboard.segments/a/b.segment.rsc", "/en/dashboard.rsc"},
		"rsc suffix within":          {"/dashboard.rsc/x", "/dashboard.rsc.rsc/x", "/en/dashboard.rsc/x", "/dashboard%2Ersc/x", "/dashboard%2Ersc.rsc/x", "/orgs.rsc.rsc/1.rsc/settings", "/orgs.rsc/1.rsc/settings", "/_next/data/B/dashboard.rsc/x.json", "/x/../dashboard.rsc/x"},
		"static export":              {"/dashboard.html", "/dashboard.txt", "/dashboard.json", "/dashboard/__next._full.txt"},
		"interception":               {"/feed/(..)dashboard", "/feed/(.)x/(..)(..)dashboard", "/feed/x/(...)dashboard", "/feed/%28..%29dashboard", "/feed/(..)teams", "/en/feed/(...)en/teams", "/feed/%28..%29teams/x", "/x/(.)y/(..)(..)teams", "/feed/(..)teams.rsc"},
		"path parameters":            {"/dashboard;a=b", "/dashboard%3ba=b", "/;x/dashboard", "/en;x/dashboard", "/orgs;x/1/settings;y", "/teams;x"},
		"parameters of dot segments": {"/public/..;/dashboard", "/x/..;a=b/dashboard", "/x/%2e%2e;/dashboard", "/x/..%3b/dashboard", "/x/;/../dashboard", "/x/y/..;/..;/teams", "/x/..%20/dashboard", "/_next/static/..;/..;/dashboard", "/_next/static/..%3b/..%3b/teams", "/__nextjs_x/..;/dashboard"},
		"ends that servers drop":     {"/dashboard%20", "/dashboard.", "/dashboard%0a", "/dashboard%3fx", "/dashboard%23/login"},
		"public by a prefix only":    {"/login/../dashboard", "/login%2f..%2fdashboard"},
		"rule order in another way":  {"/api/public/../secret", "/api/public%2f..%2fsecret", "/api/PUBLIC", "/api/public%2fx"},
	} {
		for _, path := range paths {
			if m := table.Match(path, "", ""); !m.Bad && m.Type != Auth {
				t.Errorf("%s: %s passes: %+v", attack, path, m)
			}
		}
	}
}

// A static export keeps a page in the index file of its folder, and a file server
// gives that file to whoever names it, so a pattern for the page alone covers both.
func TestAttackByIndexFile(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{
		{Type: Auth, Patterns: []string{"/", "/dashboard", "/account/settings", "/orgs/*/settings"}},
		{Type: Public, Patterns: []string{"/login"}},
	}, Locales: []string{"en"}})
	for _, path := range []string{
		"/index", "/index.html", "/en/index.html", "/dashboard/index.html", "/dashboard/index.txt", "/dashboard/index.json", "/dashboard/index",
		"/dashboard/index/", "/dashboard/INDEX", "/__next._index.txt", "/dashboard/Index.HTML", "/Dashboard/index.html", "/dashboard/%69ndex.html", "/dashboard/index%2ehtml", "/dashboard//index.html",
		"/dashboard/index.html;x", "/dashboard/index;x", "/account/settings/index.html", "/account/settings/index.txt", "/orgs/1/settings/index.html",
		"/en/dashboard/index.html", "/en/dashboard/index", "/dashboard/index/__next._full.txt",
	} {
		if m := table.Match(path, "", ""); m.Type != Auth {
			t.Errorf("%s passes: %+v", path, m)
		}
	}
	for _, path := range []string{"/dashboard/indexes", "/dashboard/reindex", "/dashboard/index.png", "/dashboard/index/x", "/login/index.html", "/x/index.html", "/x/index"} {
		if m := table.Match(path, "", ""); m.Type != Hybrid {
			t.Errorf("%s is %s: %+v", path, m.Type, m)
		}
	}
	closed := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/docs"}}}, Default: Auth})
	if m := closed.Match("/docs/index.html", "", ""); m.Type != Auth {
		t.Errorf("the rule of a page opened a file: %+v", m)
	}
}

// Where everything is closed but a section, a server that takes ";" for the
// beginning of parameters climbs out of that section, and out of Next.js's static files.
func TestAttackByParametersOfDotSegments(t *testing.T) {
	for name, table := range map[string]*Table{
		"a rule for everything": compile(t, Config{Rules: []Rule{
			{Type: Public, Patterns: []string{"/public/*"}}, {Type: Auth, Patterns: []string{"/*"}},
		}}),
		"by default": compile(t, Config{Rules: []Rule{{Type: Public, Patterns: []string{"/public/*"}}}, Default: Auth}),
	} {
		for _, path := range []string{
			"/public/..;/admin", "/public/..;a=b/admin", "/public/..%3B/admin", "/public/;/../admin", "/public/x/..;/..;/",
			"/_next/static/..;/..;/admin", "/_next/static/..%3b/..%3b/admin", "/_next/static/x/..%20/..%20/../../admin", "/__nextjs_x/..;/admin",
		} {
			if m := table.Match(path, "", ""); m.Type != Auth || m.Open {
				t.Errorf("%s: %s passes: %+v", name, path, m)
			}
		}
		for path, want := range map[string]Type{"/public/a;b": Public, "/public/x/..;/a": Public, "/public/a.": Public, "/public/...": Public} {
			if m := table.Match(path, "", ""); m.Type != want {
				t.Errorf("%s: %s is %s, want %s: %+v", name, path, m.Type, want, m)
			}
		}
	}
}

func TestBad(t *testing.T) {
	table := compile(t, guarded)
	for _, path := range []string{"", "*", "dashboard", "/%00", "/x%00/dashboard", "/%zz", "/%4z", "/%z4", "/x%2"} {
		if m := table.Match(path, "", ""); !m.Bad || m.Type != Auth {
			t.Errorf("%q is not bad: %+v", path, m)
		}
	}
	for raw, bad := range map[string]bool{
		`/x%2f..%2fdashboard/u/"`: true, "/%64ashboard/{": true, "/x%2fé": true, `/x%2f\`: true, "/x%2f#": true,
		"/é": false, `/x"y`: false, "/a|b": false, "/x%2fy": false, "/x[1]": false, "/x%20y": false,
		"http:dashboard": true,
	} {
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			t.Fatal(err)
		}
		if m := table.MatchURL(u, ""); m.Bad != bad {
			t.Errorf("%s: bad is %v", raw, m.Bad)
		}
	}
}

func TestStaticFilesAreOpen(t *testing.T) {
	everything := Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/*"}}}, Default: Auth, BasePath: "/base"}
	table := compile(t, everything)
	for path, static := range map[string]bool{
		"/base/_next/static/chunks/a.js": true, "/_next/static/chunks/a.js": true, "/_next/hmr": false, "/__nextjs_original-stack-frame": false,
		"/base/_next/static/chunks/app/%5Blocale%5D/%40modal/%5B...slug%5D/page-1.js": true,
		"/base/_next/hmr": false, "/base/_next/webpack-hmr": false, "/base/__nextjs_original-stack-frame": false,
		"/base/__nextjs_font/geist-latin.woff2": false,
	} {
		m := table.Match(path, "", "")
		if !m.Open || m.Static != static {
			t.Errorf("%s: %+v", path, m)
		}
	}
	for _, path := range []string{"/base/_NEXT/STATIC/x", "/base/_next/staticx", "/base/_next/static", "/base/_next/data/static/x.json", "/base/_next/static/../x", "/base/_next/static/%2e%2e/x",
		"/base/__nextjs_x/dashboard", "/base/__nextjs_x/", "/base/__nextjs_font/x/dashboard", "/base/__nextjs_fonts/x", "/base/__nextjs_font/", "/base/__NEXTJS_x", "/base/_next/hmr/x"} {
		if m := table.Match(path, "", ""); m.Open || m.Type != Auth {
			t.Errorf("%s: %+v", path, m)
		}
	}
	everything.Rules = append([]Rule{{Type: Auth, Patterns: []string{"/_next/static/private/*"}}}, everything.Rules...)
	table = compile(t, everything)
	if m := table.Match("/base/_next/static/private/a.js", "", ""); m.Open || m.Type != Auth || m.Rule != 0 {
		t.Errorf("a rule names the file: %+v", m)
	}
	if m := table.Match("/base/_next/static/a.js", "", ""); !m.Open {
		t.Errorf("no rule names the file: %+v", m)
	}
}

// Whoever writes a rule as the address bar shows the page protects its data, its files
// and its images too, and not what every page needs.
func TestAttackOnRulesWithAPrefix(t *testing.T) {
	for pattern, paths := range map[string][]string{
		"/app/dashboard/*": {
			"/app/dashboard", "/app/dashboard/x", "/app/_next/data/B/dashboard.json", "/app/_next/data/B/en/dashboard/x.json", "/app/en/dashboard",
			"/app/dashboard.rsc", "/app/dashboard.segments/_full.segment.rsc", "/app/dashboard.html", "/app/dashboard/index.html", "/app/Dashboard;x",
			"/app/_next/image?url=/dashboard/a.png", "/app/_next/image?url=/app/dashboard/a.png",
		},
		"/app/dashboard": {"/app/dashboard", "/app/_next/data/B/dashboard.json", "/app/dashboard.rsc", "/app/dashboard.txt"},
		"/app*":          {"/app", "/app/x", "/app/_next/data/B/x.json"},
		"/en/dashboard/*": {
			"/app/en/dashboard", "/app/en/dashboard/x", "/app/_next/data/B/en/dashboard.json", "/app/en/dashboard.rsc", "/app/EN/dashboard.prefetch.rsc",
			"/app/en/dashboard.segments/_full.segment.rsc", "/app/en/dashboard.html", "/app/en/dashboard/index.html", "/app/en/dashboard/index", "/app/en/dashboard.txt.gz",
		},
	} {
		table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{pattern}}}, BasePath: "/app", Locales: []string{"en"}})
		for _, path := range paths {
			path, query, _ := strings.Cut(path, "?")
			if m := table.Match(path, query, ""); m.Type != Auth || m.Rule != 0 {
				t.Errorf("%s: %s passes: %+v", pattern, path, m)
			}
		}
		for _, path := range []string{"/app/_next/static/a.js", "/app/__nextjs_font/geist.woff2", "/app/login"} {
			if m := table.Match(path, "", ""); m.Type != Hybrid {
				t.Errorf("%s: %s is %s: %+v", pattern, path, m.Type, m)
			}
		}
	}
	named := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/app/_next/static/private/*"}}}, BasePath: "/app"})
	if m := named.Match("/app/_next/static/private/a.js", "", ""); m.Type != Auth || m.Open {
		t.Errorf("a rule names the file: %+v", m)
	}
}

// A file server sends the compressed file that lies beside a page's own.
func TestAttackByCompressedFile(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard", "/"}}}})
	for _, path := range []string{
		"/dashboard.html.gz", "/dashboard.html.br", "/dashboard.html.zst", "/dashboard.HTML.GZ", "/dashboard.txt.gz", "/dashboard.rsc.br", "/dashboard/index.html.gz",
		"/dashboard.html%2egz", "/_next/data/B/dashboard.json.gz", "/index.html.zst", "/dashboard/__next._full.txt.br",
	} {
		if m := table.Match(path, "", ""); m.Type != Auth {
			t.Errorf("%s passes: %+v", path, m)
		}
	}
	open := compile(t, Config{Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}, {Type: Hybrid, Patterns: []string{"/"}}}, Default: Auth})
	for _, path := range []string{"/login.rsc.gz", "/login.segments/x.segment.rsc.gz", "/index.rsc.br", "/_next/data/B/login.gz", "/_next/hmr.rsc.zst", "/login.html.gz"} {
		if m := open.Match(path, "", ""); m.Type != Auth || m.Open {
			t.Errorf("a page called %s is opened: %+v", path, m)
		}
	}
	for _, path := range []string{"/dashboard.gz", "/x.html.gz", "/dashboards.html.gz", "/gz", "/.gz"} {
		if m := table.Match(path, "", ""); m.Type != Hybrid {
			t.Errorf("%s is %s: %+v", path, m.Type, m)
		}
	}
}

// Only Next.js's own files are open: behind a locale, or in a data route, a name like theirs
// is a page's.
func TestNamesLikeStaticFilesAreDecided(t *testing.T) {
	table := compile(t, Config{Default: Auth, Locales: []string{"en"}})
	for path, static := range map[string]bool{"/_next/static/x.js": true, "/_next/static/chunks/a.css": true, "/__nextjs_x": false, "/__nextjs_font/x.woff2": false} {
		if m := table.Match(path, "", ""); !m.Open || m.Static != static {
			t.Errorf("%s: %+v", path, m)
		}
	}
	for _, path := range []string{
		"/en/_next/static/x.js", "/en/en/_next/static/x.js", "/_next/data/B/_next/static/x.js.json", "/_next/data/B/en/_next/static/x.json", "/en/_next/data/B/_next/static/x.json",
		"/__nextjs_", "/__nextjs_/x", "/__nextjs_x/y", "/__nextjs_font/x", "/__nextjs_font/x/y.woff2", "/en/__nextjs_x", "/en/_next/hmr", "/_next/data/B/_next/hmr.json",
	} {
		if m := table.Match(path, "", ""); m.Open || m.Static || m.Type != Auth {
			t.Errorf("%s: %+v", path, m)
		}
	}
}

// A locale is taken off before a rule is looked for, but not from under a rule that names it.
func TestRuleThatNamesALocaleCounts(t *testing.T) {
	for pattern, want := range map[string]Type{
		"/en/*": Auth, "/en*": Auth, "/EN*": Auth, "/en/about": Auth, "/en/ab*": Auth, "/en/*/": Auth,
		"/e*": Hybrid, "/ar*": Hybrid, "/en/x": Hybrid, "/english*": Hybrid,
	} {
		table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{pattern}}}, Locales: []string{"en", "ar"}})
		if m := table.Match("/en/about", "", ""); m.Type != want {
			t.Errorf("%s: %+v", pattern, m)
		}
	}
}

func TestLoginPathCountsAsHybrid(t *testing.T) {
	for _, rules := range [][]Rule{
		nil,
		{{Type: Auth, Patterns: []string{"/*"}}},
		{{Type: Auth, Patterns: []string{"/login/*"}}},
		{{Type: Auth, Patterns: []string{"/en/*"}, Requires: true}},
	} {
		table := compile(t, Config{Rules: rules, Default: Auth, Locales: []string{"en"}})
		for _, path := range []string{"/login", "/login/", "/en/login", "/EN/login", "/_next/data/B/en/login.json"} {
			if m := table.Match(path, "", ""); m.Type != Hybrid || m.Rule != -1 || len(m.Matched) != 0 {
				t.Errorf("%v: %s: %+v", rules, path, m)
			}
		}
		for _, path := range []string{"/", "/login/x", "/x/login", "/LOGIN", "/login%2fx"} {
			if m := table.Match(path, "", ""); m.Type != Auth {
				t.Errorf("%v: %s: %+v", rules, path, m)
			}
		}
	}
	public := compile(t, Config{Default: Public, Rules: []Rule{{Type: Hybrid, Patterns: []string{"/"}}}})
	wantTypes(t, public, map[string]Type{"/login": Hybrid, "/join": Public})
}

// A file of Next.js is for everybody, so nobody who is signed in is sent home where a server
// may read a path as one.
func TestPublicPathThatMayBeAStaticFileSendsNobodyHome(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{{Type: Public, Patterns: []string{"/login/*"}}}})
	if m := table.Match("/login/..%2f_next/static/a.js", "", ""); m.Type != Hybrid || m.Open {
		t.Errorf("%+v", m)
	}
}

func TestUnstrippedFormWhereARuleNamesIt(t *testing.T) {
	table := compile(t, Config{
		Rules: []Rule{
			{Type: Auth, Patterns: []string{"/en/beta/*", "/_next/data/private/*"}},
			{Type: Auth, Patterns: []string{"/*/drafts"}},
		},
		Locales: []string{"en", "ar"},
	})
	wantTypes(t, table, map[string]Type{
		"/en/beta": Auth, "/EN/beta/x": Auth, "/ar/beta": Hybrid, "/beta": Hybrid,
		"/_next/data/private/x.json": Auth, "/_next/data/B/x.json": Hybrid,
		"/en/drafts": Hybrid, "/blog/drafts": Auth, "/en/blog/drafts": Auth,
	})
}

// A path that was rewritten before the guard still has its first form.
func TestOriginalPathWhereARuleNamesIt(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{
		{Type: Auth, Patterns: []string{"/app/private/*"}},
		{Type: Hybrid, Patterns: []string{"/private/*"}},
	}, Default: Hybrid})
	if m := table.Match("/private/x", "", "/app/private/x"); m.Type != Auth || !slices.Equal(m.Matched, []int{1, 0}) {
		t.Errorf("the original path is named: %+v", m)
	}
	if m := table.Match("/private/x", "", "/app/%70rivate/x"); m.Type != Auth {
		t.Errorf("the original path, encoded: %+v", m)
	}
	if m := table.Match("/private/x", "", "/other/x"); m.Type != Hybrid || m.Rule != 1 {
		t.Errorf("no rule names the original path: %+v", m)
	}
	closed := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/open"}}}, Default: Auth})
	if m := closed.Match("/open", "", "/old"); m.Type != Hybrid {
		t.Errorf("the default counted for the original path: %+v", m)
	}
}

// A front controller (/index.php) and a single-page app (/index.html) get every path by a
// rewrite, so each auth rule that has any text of its own counts for the first form.
func TestAttackByRewriteToOneFile(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/admin*", "/*/settings", "/orgs/*/members", "/pt/reports"}}}, Default: Hybrid, Locales: []string{"en", "pt"}})
	for original, want := range map[string]Type{
		"/admin": Auth, "/admin-tools": Auth, "/administrator/users": Auth, "/acme/settings": Auth, "/acme/%73ettings": Auth, "/orgs/a/members": Auth, "/en/acme/settings": Auth, "/pt/reports": Auth,
		"/about": Hybrid, "/settings": Hybrid, "/en/settings": Hybrid, "/acme/other": Hybrid,
	} {
		for _, file := range []string{"/index.php", "/index.html"} {
			if m := table.Match(file, "", original); m.Type != want {
				t.Errorf("%s for %s is %s, want %s", file, original, m.Type, want)
			}
		}
	}
	for name, rule := range map[string]Rule{"all": {Type: Auth, Patterns: []string{"/*"}}, "an open rule": {Type: Hybrid, Patterns: []string{"/*/settings"}}} {
		table := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/open"}}, rule}, Default: Auth})
		if m := table.Match("/open", "", "/acme/settings"); m.Type != Hybrid || m.Ambiguous {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// A static export has a file for each page, also for those whose rule begins with a
// parameter.
func TestAttackByExportedFileBehindAParameter(t *testing.T) {
	wantTypes(t, compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/*/settings"}}}, Default: Hybrid, Locales: []string{"en"}}), map[string]Type{
		"/acme/settings.html": Auth, "/acme/settings/index.html": Auth, "/acme/settings/index": Auth, "/acme/settings.txt": Auth, "/acme/settings.html;x": Auth,
		"/en/settings.html": Hybrid, "/settings.html": Hybrid, "/acme/settings.png": Hybrid,
	})
}

func TestMatchedHasTheRulesOfAllReadings(t *testing.T) {
	table := compile(t, guarded)
	m := table.Match("/dashboard/..%2fadmin", "", "")
	if !slices.Contains(m.Matched, 2) || !slices.Contains(m.Matched, 3) || !m.Ambiguous {
		t.Errorf("got %+v", m)
	}
	if m.Rule != 2 {
		t.Errorf("rule %d decided, and not the first", m.Rule)
	}
	if m := table.Match("/admin/x", "", ""); !slices.Equal(m.Matched, []int{3}) || m.Ambiguous {
		t.Errorf("got %+v", m)
	}
	if m := table.Match("/dashboard/..%2fteam", "", ""); !slices.Equal(m.Matched, []int{2, 4}) || m.Ambiguous {
		t.Errorf("two rules that require the same: %+v", m)
	}
	closed := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/x"}}}, Default: Auth})
	if m := closed.Match("/y%2f..%2fx", "", ""); m.Rule != -1 || m.Type != Auth {
		t.Errorf("a rule of another type did not decide: %+v", m)
	}
	marks := "/admin/a" + strings.Repeat("/(.)b", maxMarks+1) // more than are looked at
	if m := table.Match(marks, "", ""); m.Type != Auth || !slices.Contains(m.Matched, 3) {
		t.Errorf("of too many readings: %+v", m)
	}
	if cap(table.Match("/admin", "", "").Matched) != 1 {
		t.Error("appending to Matched would write into the table")
	}
}

func TestMatchDescribesThePath(t *testing.T) {
	config := guarded
	config.BasePath = "/base"
	table := compile(t, config)
	for path, want := range map[string]Match{
		"/base/PT-br/dashboard/X":            {Type: Auth, Rule: 2, Path: "/dashboard/X", Locale: "pt-BR"},
		"/base/_next/data/B/ar/admin/a.json": {Type: Auth, Rule: 3, Path: "/admin/a", Locale: "ar", Data: true},
		"/base":                              {Type: Hybrid, Rule: 5, Path: "/"},
		"/base/ar":                           {Type: Hybrid, Rule: 5, Path: "/", Locale: "ar"},
		"/base/en/ar/dashboard":              {Type: Auth, Rule: 2, Path: "/dashboard", Locale: "en", Ambiguous: true, Reading: "locale"},
		"/base/_next/data/B/index.json":      {Type: Hybrid, Rule: 5, Path: "/", Data: true},
		"/dashboard":                         {Type: Auth, Rule: 2, Path: "/dashboard"},
		"/based/x":                           {Type: Hybrid, Rule: -1, Path: "/based/x"},
	} {
		m := table.Match(path, "", "")
		m.Matched = nil
		if !equalMatch(m, want) {
			t.Errorf("%s: %+v, want %+v", path, m, want)
		}
	}
}

// Whoever asks why sees the path that a rule matched, not the one that was sent.
func TestDecisivePath(t *testing.T) {
	decisive := func(table *Table, path, query, original string) string {
		j := judgement{table: table, query: query}
		return j.decisivePath(path, original)
	}
	table := compile(t, guarded)
	for path, want := range map[string]string{
		"/dashboard/x": "/dashboard/x", "/en/dashboard": "/dashboard", "/x/../dashboard/y": "/dashboard/y", "/d%61shboard": "/dashboard",
		"/en/x/%2e%2e/dashboard": "/dashboard", "//dashboard": "/dashboard", "/dashboard;a=b": "/dashboard", "/dashboard.html": "/dashboard",
		"/feed/(..)dashboard": "/dashboard", "/_next/data/B/en/dashboard.json": "/dashboard", "/about": "/about", "/x/%2e%2e/about": "/x/%2E%2E/about",
		"/_next/static/a.js": "/_next/static/a.js", "/x%00": "/x%00",
	} {
		if got := decisive(table, path, "", ""); got != want {
			t.Errorf("%s is decided as %s, want %s", path, got, want)
		}
	}
	if got := decisive(table, "/_next/image", "url=/d%2561shboard/a", ""); got != "/dashboard/a" {
		t.Errorf("the image is decided as %s", got)
	}
	if got := decisive(table, "/about", "", "/dashboard"); got != "/dashboard" {
		t.Errorf("the rewritten path is decided as %s", got)
	}
	closed := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard"}}}, Default: Auth})
	if got := decisive(closed, "/x/../dashboard", "", ""); got != "/dashboard" {
		t.Errorf("the rule instead of the default is found at %s", got)
	}
}

func equalMatch(a, b Match) bool {
	return a.Bad == b.Bad && a.Open == b.Open && a.Static == b.Static && a.Type == b.Type && a.Rule == b.Rule &&
		a.Path == b.Path && a.Locale == b.Locale && a.Data == b.Data && a.Ambiguous == b.Ambiguous
}

package routes

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func loadBuild(t testing.TB, name string) *Build {
	t.Helper()
	build, err := LoadBuild(os.DirFS(filepath.Join("testdata/builds", name)))
	if err != nil {
		t.Fatal(err)
	}
	return build
}

// buildOfVariant is the build that stands for the app of a target. The builds
// of 14.2 and 15.5 have the same pages as that of 16.4.
var buildOfVariant = map[string]string{
	"i18n": "16.4-i18n", "basepath": "16.4-basepath", "strict": "16.4-strict",
}

// The build knows what no rule names: rewrites, unlisted locales and
// interception routes.
func TestNextjsTargetsWithBuild(t *testing.T) {
	for _, version := range []string{"14.2", "15.5", "16.4"} {
		t.Run(version, func(t *testing.T) {
			closed := make(map[string]int)
			tables := make(map[string]*Table)
			for _, target := range readTargets(t) {
				name := buildOfVariant[target.Variant]
				if name == "" {
					name = version
				}
				table := tables[name]
				if table == nil {
					config := nextjsConfig(target.Variant)
					config.BasePath, config.Build = "", loadBuild(t, name)
					table = compile(t, config)
					tables[name] = table
				}
				u, err := target.url()
				if err != nil {
					continue
				}
				m := table.MatchURL(u, "")
				stopped := m.Bad || m.Type == Auth
				if id := target.Headers["Next-Action"]; id != "" && target.Method == http.MethodPost {
					stopped = stopped || !table.ActionAllowed(u.EscapedPath(), id)
				}
				if target.MustPass && stopped {
					t.Errorf("%s %s: stopped, but it must pass: %+v", target.Variant, target.Target, m)
				}
				if target.MustProtect || strings.HasPrefix(target.ClosesBy, "config-") || target.ClosesBy == "locale-config" {
					closed[target.ClosesBy]++
					if !stopped {
						t.Errorf("%s %s (%s): passes: %+v", target.Variant, target.Target, target.ClosesBy, m)
					}
				}
			}
			for _, by := range []string{"config-rewrite", "config-interception", "locale-config"} {
				if closed[by] < 10 {
					t.Errorf("only %d targets are closed by %s", closed[by], by)
				}
			}
		})
	}
}

func compile(t testing.TB, config Config) *Table {
	t.Helper()
	table, err := Compile(config)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// actionID finds an action of a build by its name.
func actionID(t *testing.T, b *Build, name, owner string) string {
	t.Helper()
	for _, action := range b.actions {
		if action.name == name || name == "" && len(action.owners) > 0 && action.owners[0] == owner {
			return action.id
		}
	}
	t.Fatalf("the build has no action %s of %s", name, owner)
	return ""
}

// Next.js runs any action of the app at any path, so the pages that own it
// decide, not the path.
func TestActionFollowsItsOwner(t *testing.T) {
	build := loadBuild(t, "16.4")
	config := nextjsConfig("main")
	config.Build = build
	table := compile(t, config)
	for _, path := range []string{"/", "/login", "/en/login", "/nonexistent", "/_next/data/B/legacypub.json"} {
		if id := actionID(t, build, "readReport", ""); table.ActionAllowed(path, id) {
			t.Errorf("the dashboard's action may run at %s", path)
		}
		if id := actionID(t, build, "", "/admin"); table.ActionAllowed(path, id) {
			t.Errorf("the admin's action may run at %s", path)
		}
		if id := actionID(t, build, "go", ""); !table.ActionAllowed(path, id) {
			t.Errorf("the login's action may not run at %s", path)
		}
		if id := actionID(t, build, "", "/admin"); !table.KnowsAction(id) {
			t.Error("an action of the build is not known")
		}
		if table.KnowsAction("40d7c0e6ab00169003b8c46d06dd03ea7cca2d7352") {
			t.Error("an action of another build is known")
		}
		if table.ActionAllowed(path, "40d7c0e6ab00169003b8c46d06dd03ea7cca2d7352") {
			t.Errorf("an action of another build may run at %s", path)
		}
	}
}

// What holds for the pages that own an action is told, so that it can be asked for wherever the action is posted.
func TestActionOwners(t *testing.T) {
	build := loadBuild(t, "16.4")
	config := nextjsConfig("main")
	config.Build = build
	table := compile(t, config)
	for _, tc := range []struct {
		name, owner string
		want        []Type
	}{
		{"", "/admin", []Type{Auth}},
		{"readReport", "", []Type{Auth}},
		{"go", "", []Type{Hybrid, Hybrid}}, // the login path,
	} {
		owners := table.ActionOwners(actionID(t, build, tc.name, tc.owner))
		var types []Type
		for _, m := range owners {
			types = append(types, m.Type)
			if m.Bad || m.Open || m.Type == Auth && !slices.Contains(m.Matched, m.Rule) {
				t.Errorf("%s %s: %+v", tc.name, tc.owner, m)
			}
		}
		if !slices.Equal(types, tc.want) {
			t.Errorf("%s %s: %v", tc.name, tc.owner, types)
		}
	}
	if owners := table.ActionOwners("40d7c0e6ab00169003b8c46d06dd03ea7cca2d7352"); owners != nil {
		t.Errorf("an action of another build is owned by %+v", owners)
	}
	without, admin := compile(t, nextjsConfig("main")), actionID(t, build, "", "/admin")
	if owners := without.ActionOwners(admin); owners != nil || !without.KnowsAction(admin) {
		t.Errorf("without a build an action is owned by %+v", owners)
	}
	// The manifest has an action of pages for both runtimes twice, and may name a page that is gone.
	_, files := buildFiles(t, "x", `"staticRoutes":[{"page":"/a"},{"page":"/b"}]`, `"/a/page":"/a","/b/page":"/b"`, "")
	files["server/server-reference-manifest.json"].Data = []byte(`{"node":{"id":{"workers":{"app/a/page":{},"app/gone/page":{}}}},"edge":{"id":{"workers":{"app/b/page":{}}}}}`)
	both, err := LoadBuild(files)
	if err != nil {
		t.Fatal(err)
	}
	if owners := compile(t, Config{Build: both}).ActionOwners("id"); len(owners) != 2 || owners[0].Path != "/a" || owners[1].Path != "/b" {
		t.Errorf("an action of two runtimes is owned by %+v", owners)
	}
	for _, version := range []string{"14.2", "15.5", "16.4", "16.4-i18n", "16.4-basepath", "16.4-strict"} {
		build := loadBuild(t, version)
		table := compile(t, Config{Build: build})
		for _, action := range build.actions {
			if len(table.ActionOwners(action.id)) == 0 {
				t.Errorf("%s: no page owns %s", version, action.id)
			}
		}
	}
}

func TestBuildBasePath(t *testing.T) {
	build := loadBuild(t, "16.4-basepath")
	table := compile(t, Config{Build: build, Rules: []Rule{{Type: Auth, Patterns: []string{"dashboard"}}}})
	if got := table.LoginLocation(table.Match("/base/dashboard", "", ""), "/base/dashboard", ""); got != "/base/login?return_to=%2Fbase%2Fdashboard" {
		t.Errorf("login is at %s", got)
	}
	if got := compile(t, Config{Build: build, BasePath: "/base/"}); got.basePath != "/base" {
		t.Errorf("written as well, the base path is %s", got.basePath)
	}
	_, err := Compile(Config{Build: build, BasePath: "/other"})
	if err == nil || !strings.Contains(err.Error(), "write base_path /base") {
		t.Errorf("a base path that is not the build's: %v", err)
	}
}

func TestLoadBuildRefusesWhatIsNotWhole(t *testing.T) {
	good := fstest.MapFS{
		"BUILD_ID":             {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{"rewrites":[]}`)},
	}
	if _, err := LoadBuild(good); err != nil {
		t.Fatalf("a small build: %v", err)
	}
	for name, broken := range map[string]fstest.MapFS{
		"no build":                 {},
		"no routes":                {"BUILD_ID": good["BUILD_ID"]},
		"half written":             {"BUILD_ID": good["BUILD_ID"], "routes-manifest.json": {Data: []byte(`{"rewrites":[`)}},
		"broken expression":        {"BUILD_ID": good["BUILD_ID"], "routes-manifest.json": {Data: []byte(`{"rewrites":[{"source":"/x","destination":"/y","regex":"("}]}`)}},
		"a source without a slash": {"BUILD_ID": good["BUILD_ID"], "routes-manifest.json": {Data: []byte(`{"rewrites":[{"source":":path*","destination":"/y","regex":"^/x"}]}`)}},
		"broken pages":             {"BUILD_ID": good["BUILD_ID"], "routes-manifest.json": good["routes-manifest.json"], "server/pages-manifest.json": {Data: []byte(`[]`)}},
		"broken app pages":         {"BUILD_ID": good["BUILD_ID"], "routes-manifest.json": good["routes-manifest.json"], "app-path-routes-manifest.json": {Data: []byte(`[]`)}},
		"broken settings":          {"BUILD_ID": good["BUILD_ID"], "routes-manifest.json": good["routes-manifest.json"], "required-server-files.json": {Data: []byte(`[]`)}},
		"broken actions":           {"BUILD_ID": good["BUILD_ID"], "routes-manifest.json": good["routes-manifest.json"], "server/server-reference-manifest.json": {Data: []byte(`[]`)}},
	} {
		if _, err := LoadBuild(broken); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFingerprintChangesWithAManifest(t *testing.T) {
	build := fstest.MapFS{"BUILD_ID": {Data: []byte("x")}}
	for _, manifest := range []string{
		"routes-manifest.json", "app-path-routes-manifest.json", "server/pages-manifest.json",
		"server/server-reference-manifest.json", "required-server-files.json",
	} {
		before, err := BuildFingerprint(build)
		if err != nil {
			t.Fatal(err)
		}
		build[manifest] = &fstest.MapFile{Data: []byte(`{ }`)}
		if after, err := BuildFingerprint(build); err != nil || before == after {
			t.Errorf("%s: before %s, after %s, %v", manifest, before, after, err)
		}
	}
	before, _ := BuildFingerprint(build)
	build["BUILD_ID"] = &fstest.MapFile{Data: []byte("y")} // as long, and of the same time
	if after, err := BuildFingerprint(build); err != nil || before == after {
		t.Errorf("another build: before %s, after %s, %v", before, after, err)
	}
	if _, err := BuildFingerprint(fstest.MapFS{}); err == nil {
		t.Error("what is no build has a fingerprint")
	}
}

// An app whose default locale has no prefix is seen through a rewrite, and its
// [locale] folder takes any first segment. That /login may be the home page in the
// language "login" can protect it, but does not make it less public.
func TestLocaleThatIsOnlyPossibleDoesNotOpenAPublicPage(t *testing.T) {
	build, err := LoadBuild(fstest.MapFS{
		"BUILD_ID": {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{
			"dynamicRoutes":[{"page":"/[locale]"},{"page":"/[locale]/login"},{"page":"/[locale]/secret"}],
			"rewrites":{"beforeFiles":[],"fallback":[],"afterFiles":[
				{"source":"/","destination":"/en","regex":"^/(?:/)?$"},
				{"source":"/:path(login|secret)","destination":"/en/:path","regex":"^(?:/(login|secret))(?:/)?$"}]}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := compile(t, Config{Build: build, Locales: []string{"en", "ar"}, Rules: []Rule{
		{Type: Public, Patterns: []string{"/login"}}, {Type: Auth, Patterns: []string{"/secret"}}, {Type: Hybrid, Patterns: []string{"/"}},
	}})
	wantTypes(t, table, map[string]Type{
		"/login": Public, "/en/login": Public, "/ar/login": Public, "/xx/login": Hybrid,
		"/secret": Auth, "/ar/secret": Auth, "/xx/secret": Auth,
		"/": Hybrid, "/ar": Hybrid, "/xx": Hybrid,
	})
	// With locales, a folder in their place takes any word, however it is called.
	country := buildOf(t, `{"dynamicRoutes":[{"page":"/[country]/dashboard"}]}`)
	rules := []Rule{{Type: Auth, Patterns: []string{"/dashboard"}}}
	wantTypes(t, compile(t, Config{Build: country, Locales: []string{"en"}, Rules: rules}), map[string]Type{"/en/dashboard": Auth, "/xx/dashboard": Auth})
	wantTypes(t, compile(t, Config{Build: country, Rules: rules}), map[string]Type{"/xx/dashboard": Hybrid})
}

// A site that is private from its front page on: its login page is no home page in
// the language "login", since the configuration says what it is.
func TestOpenPagesBesideALocaleFolder(t *testing.T) {
	build, err := LoadBuild(fstest.MapFS{
		"BUILD_ID":             {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{"dynamicRoutes":[{"page":"/[locale]"},{"page":"/[locale]/login"}],"rewrites":[]}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := compile(t, Config{Build: build, Locales: []string{"en"}, Rules: []Rule{
		{Type: Public, Patterns: []string{"/login", "/join"}}, {Type: Auth, Patterns: []string{"/"}},
	}})
	wantTypes(t, table, map[string]Type{
		"/login": Public, "/login/": Public, "/en/login": Public, "/join": Public,
		"/": Auth, "/en": Auth, "/xx": Auth, "/LOGIN": Auth, "/xx/login": Hybrid, "/login/login": Hybrid,
	})
	// A wider rule says nothing of the page itself.
	wide := compile(t, Config{Build: build, Rules: []Rule{{Type: Hybrid, Patterns: []string{"/blog/*"}}, {Type: Auth, Patterns: []string{"/"}}}})
	wantTypes(t, wide, map[string]Type{"/blog": Auth, "/blog/x": Hybrid})
}

// A [locale] folder takes the names of Next.js's development tools for a locale,
// so with a build that has such a page they are pages.
func TestDevelopmentToolsThatArePagesOfTheBuild(t *testing.T) {
	rules := []Rule{{Type: Auth, Patterns: []string{"/*"}}}
	page := func(name string) *Build {
		build, err := LoadBuild(fstest.MapFS{
			"BUILD_ID":             {Data: []byte("x")},
			"routes-manifest.json": {Data: []byte(`{"dynamicRoutes":[{"page":"` + name + `"}],"rewrites":[]}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return build
	}
	for name, open := range map[string]map[string]bool{
		"/[locale]":           {"/__nextjs_source-map": false, "/__nextjs_font/a.woff2": true},
		"/[locale]/[slug]":    {"/__nextjs_source-map": true, "/__nextjs_font/a.woff2": false},
		"/[[...slug]]":        {"/__nextjs_source-map": false, "/__nextjs_font/a.woff2": false},
		"/blog/[slug]":        {"/__nextjs_source-map": true, "/__nextjs_font/a.woff2": true},
		"/[locale]/dashboard": {"/__nextjs_x/dashboard": false},
	} {
		table := compile(t, Config{Rules: rules, Build: page(name)})
		for path, want := range open {
			if m := table.Match(path, "", ""); m.Open != want || !want && m.Type != Auth {
				t.Errorf("with a page %s, %s: %+v", name, path, m)
			}
		}
	}
	alias := rewriteOf(t, `{"source":"/:path","destination":"/en/:path","regex":"^(?:/([^/]+?))(?:/)?$"}`)
	if m := compile(t, Config{Rules: rules, Build: alias, Locales: []string{"en"}}).Match("/__nextjs_x", "", ""); m.Open || m.Type != Auth {
		t.Errorf("a rewrite to a page passes: %+v", m)
	}
	locale := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard"}}}, Build: page("/[locale]/dashboard")})
	if m := locale.Match("/__nextjs_x/dashboard", "", ""); m.Type != Auth {
		t.Errorf("a page in the language __nextjs_x passes: %+v", m)
	}
}

// A [locale] folder of the Pages Router takes any first segment, in its data routes
// as in its pages.
func TestDataRouteOfALocaleThatIsOnlyPossible(t *testing.T) {
	build, err := LoadBuild(fstest.MapFS{
		"BUILD_ID":             {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{"dynamicRoutes":[{"page":"/[locale]"},{"page":"/[locale]/dashboard"}],"rewrites":[]}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := compile(t, Config{Build: build, Rules: []Rule{
		{Type: Public, Patterns: []string{"/login"}}, {Type: Auth, Patterns: []string{"/dashboard"}},
	}})
	for path, want := range map[string]Type{
		"/xx/dashboard": Auth, "/_next/data/B/xx/dashboard.json": Auth, "/_next/data/B/XX/dashboard.json": Auth, "/_next/data/B/%78x/dashboard.json": Auth,
		"/_next/data/B/xx.json": Hybrid, "/_next/data/B/xx/other.json": Hybrid, "/_next/data/B/login.json": Public, "/login": Public,
	} {
		if m := table.Match(path, "", ""); m.Type != want {
			t.Errorf("%s is %s, want %s: %+v", path, m.Type, want, m)
		}
	}
}

// A path full of what other servers cut, of interception routes and of aliases is
// read a few times, not once for each way to combine them.
func TestAttackByPathFullOfMarks(t *testing.T) {
	config := nextjsConfig("main")
	config.Build = loadBuild(t, "16.4")
	table := compile(t, config)
	for _, unit := range []string{"/app/(.)alias;", "/(.)a;", "/xx/(..);/..;", "/(..)app."} {
		j := judgement{table: table}
		j.read("/app/"+strings.Repeat(unit, 1000), howRaw)
		if j.reads > 20 {
			t.Errorf("%s is read %d times", unit, j.reads)
		}
	}
	// A folder that takes any first segment for a locale, and any path below.
	config.Build = buildOf(t, `{"dynamicRoutes":[{"page":"/[locale]/[[...slug]]"}]}`)
	table = compile(t, config)
	for _, path := range []string{"/a/b/c/d/e/f/g/h/i" + strings.Repeat(".rsc", 6), "/a/(.)b;/c.segments/(.)d;/e.segment.rsc", "/_next/data/x/a/b/c.segments/d/e.segment.rsc.json"} {
		j := judgement{table: table}
		j.read(path, howRaw)
		if j.reads > 60 {
			t.Errorf("%s is read %d times", path, j.reads)
		}
	}
}

// The report names each page once, whatever locales it is rendered in, and each action by
// the name that people gave it.
func TestCoverageReport(t *testing.T) {
	_, files := buildFiles(t, "x", `"i18n":{"locales":["en","fr"],"defaultLocale":"en"}`, `"/a/page":"/a","/b/page":"/b","/b/x/route":"/b/x","/_not-found/page":"/_not-found"`,
		`"1f":{"exportedName":"save","workers":{"app/a/page":{},"app/b/page":{}}},"2f":{"exportedName":"$$RSC_SERVER_ACTION_0","workers":{"app/b/page":{}}},"3f":{"workers":{"app/gone/page":{}}}`)
	files["server/pages-manifest.json"] = &fstest.MapFile{Data: []byte(`{"/_app":"","/404":"","/500":"","/en/404":"","/en/about":"","/fr/about":"","/enough":"","/api":"","/login":""}`)}
	build, err := LoadBuild(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		rules []Rule
		want  string
	}{
		{[]Rule{{Type: Auth, Patterns: []string{"/b/*", "/c"}, Source: "Caddyfile:3"}, {Type: Hybrid, Patterns: []string{"/d"}}}, `the build has 5 pages, 2 route handlers, 2 actions
auth /b/* /c (Caddyfile:3): 1 page, 1 route handler, 1 action
hybrid /d: nothing
no rule, so hybrid by default: 5
  action save of /a and /b
  page /a
  page /about
  page /enough
  route handler /api
anybody may run, so they must check input and session themselves: 1
  action save of /a and /b`},
		{[]Rule{{Type: Auth, Patterns: []string{"/b/*"}}, {Type: Hybrid, Patterns: []string{"/*"}}}, `the build has 5 pages, 2 route handlers, 2 actions
auth /b/*: 1 page, 1 route handler, 1 action
hybrid /*: 4 pages, 1 route handler, 1 action
every page has a rule
anybody may run, so they must check input and session themselves: 1
  action save of /a and /b`},
		{[]Rule{{Type: Auth, Patterns: []string{"/*"}}}, `the build has 5 pages, 2 route handlers, 2 actions
auth /*: 4 pages, 2 route handlers, 2 actions
every page has a rule`},
	} {
		if got := compile(t, Config{Rules: tc.rules, Build: build}).Coverage(); got != tc.want {
			t.Errorf("got\n%s\nwant\n%s", got, tc.want)
		}
	}
}

func TestCoverage(t *testing.T) {
	config := nextjsConfig("main")
	config.Rules[1].Source = "Caddyfile:14"
	config.Build = loadBuild(t, "16.4")
	c := compile(t, config).coverage()
	// Counted by hand in testdata/builds/16.4.
	if want := (count{pages: 26, handlers: 5, actions: 6}); c.total != want {
		t.Errorf("the build has %v, want %v", c.total, want)
	}
	slices.Sort(c.open)
	if want := []string{
		"action 008dca1038433714897b35c6091bcc99fec6171063 of /grouped", "action go of /[locale]/login and /login", "action ping of /[locale]/login and /login",
	}; !slices.Equal(c.open, want) {
		t.Errorf("anybody may run %q", c.open)
	}
	if want := (count{handlers: 1}); c.rules[0] != want {
		t.Errorf("under hybrid /api/public: %v, want %v", c.rules[0], want)
	}
	for _, name := range []string{"page /docs/[[...path]]", "page /grouped", "action 008dca1038433714897b35c6091bcc99fec6171063 of /grouped"} {
		if !strings.Contains(c.String(), "\n  "+name) {
			t.Errorf("%s is not named in\n%s", name, c)
		}
	}
	for _, name := range []string{"/dashboard", "/login", "[locale]"} {
		if strings.Contains(strings.Join(c.uncovered, "\n"), name) {
			t.Errorf("%s has a rule, but is named in\n%s", name, c)
		}
	}
	t.Log("\n" + c.String())
}

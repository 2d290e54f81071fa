package routes

import (
	"fmt"
	"net/http"
	"net/url"
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
	if owners := compile(t, nextjsConfig("main")).ActionOwners(actionID(t, build, "", "/admin")); owners != nil {
		t.Errorf("without a build an action is owned by %+v", owners)
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

// A rewrite has the rule of the page behind it also where the default is auth.
func TestRewriteToOpenPageUnderDefaultAuth(t *testing.T) {
	config := Config{
		Rules:   []Rule{{Type: Hybrid, Patterns: []string{"/dashboard/*"}}},
		Default: Auth,
		Build:   loadBuild(t, "16.4"),
	}
	table := compile(t, config)
	for path, want := range map[string]Type{
		"/alias": Hybrid, "/ALIAS": Hybrid, "/admin": Auth,
		"/app/settings": Auth, // a file of this name would be served first
	} {
		if m := table.Match(path, "", ""); m.Type != want {
			t.Errorf("%s is %s, want %s", path, m.Type, want)
		}
	}
}

func TestBuildBasePath(t *testing.T) {
	build := loadBuild(t, "16.4-basepath")
	table := compile(t, Config{Build: build, Rules: []Rule{{Type: Auth, Patterns: []string{"dashboard"}}}})
	if got := table.LoginLocation(table.Match("/base/dashboard", "", ""), "/base/dashboard", ""); got != "/base/login?return_to=%2Fbase%2Fdashboard" {
		t.Errorf("login is at %s", got)
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
		"broken actions":           {"BUILD_ID": good["BUILD_ID"], "routes-manifest.json": good["routes-manifest.json"], "server/server-reference-manifest.json": {Data: []byte(`[]`)}},
	} {
		if _, err := LoadBuild(broken); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBuildIDChangesWithAManifest(t *testing.T) {
	build := fstest.MapFS{
		"BUILD_ID":             {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{}`)},
	}
	before, err := BuildID(build)
	if err != nil {
		t.Fatal(err)
	}
	build["routes-manifest.json"] = &fstest.MapFile{Data: []byte(`{ }`)}
	after, err := BuildID(build)
	if err != nil || before == after {
		t.Errorf("before %s, after %s, %v", before, after, err)
	}
	if _, err := BuildID(fstest.MapFS{}); err == nil {
		t.Error("no build has an id")
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
	for path, want := range map[string]Type{
		"/login": Public, "/en/login": Public, "/ar/login": Public, "/xx/login": Hybrid,
		"/secret": Auth, "/ar/secret": Auth, "/xx/secret": Auth,
		"/": Hybrid, "/ar": Hybrid, "/xx": Hybrid,
	} {
		if m := table.Match(path, "", ""); m.Type != want {
			t.Errorf("%s is %s, want %s", path, m.Type, want)
		}
	}
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
	for path, want := range map[string]Type{
		"/login": Public, "/login/": Public, "/en/login": Public, "/join": Public,
		"/": Auth, "/en": Auth, "/xx": Auth, "/LOGIN": Auth, "/xx/login": Hybrid, "/login/login": Hybrid,
	} {
		if m := table.Match(path, "", ""); m.Type != want {
			t.Errorf("%s is %s, want %s", path, m.Type, want)
		}
	}
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
		j.read("/app/"+strings.Repeat(unit, 1000), howRaw, 0)
		if j.reads > 20 {
			t.Errorf("%s is read %d times", unit, j.reads)
		}
	}
}

// rewriteOf is a build with nothing but these rewrites.
func rewriteOf(t *testing.T, manifest string) *Build {
	t.Helper()
	build, err := LoadBuild(fstest.MapFS{
		"BUILD_ID":             {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{"rewrites":[` + manifest + `]}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return build
}

func TestRewrites(t *testing.T) {
	for _, tc := range []struct {
		name, rewrite string
		types         map[string]Type
	}{
		{
			"two parameters change places",
			`{"source":"/go/:a/:b","destination":"/:b/:a","regex":"^/go(?:/([^/]+?))(?:/([^/]+?))(?:/)?$"}`,
			map[string]Type{"/go/x/dashboard": Auth, "/go/dashboard/x": Hybrid, "/GO/x/Dashboard": Auth},
		},
		{
			"a lookahead, which Go does not have",
			`{"source":"/p/:path((?!api).*)","destination":"/dashboard/:path","regex":"^/p(?:/((?!api).*))(?:/)?$"}`,
			map[string]Type{"/p/x": Auth, "/q/x": Hybrid},
		},
		{
			"a condition that the client meets as it likes",
			`{"source":"/c","destination":"/dashboard","regex":"^/c(?:/)?$","has":[{"type":"cookie","key":"k"}]}`,
			map[string]Type{"/c": Auth},
		},
		{
			"a destination that the client chooses",
			`{"source":"/show","destination":"/:page","regex":"^/show(?:/)?$","has":[{"type":"query","key":"page","value":"(?<page>.*)"}]}`,
			map[string]Type{"/show": Auth, "/other": Hybrid},
		},
		{
			"a host in the destination leaves the site usable",
			`{"source":"/:path*","destination":"/sites/:tenant/:path*","regex":"^(?:/((?:[^/]+?)(?:/(?:[^/]+?))*))?(?:/)?$","has":[{"type":"host","value":"(?<tenant>.*)"}]}`,
			map[string]Type{"/": Hybrid, "/login": Hybrid, "/dashboard": Auth},
		},
		{
			"a rewrite that matches its own destination is not followed again",
			`{"source":"/:path*","destination":"/site/:path*","regex":"^(?:/((?:[^/]+?)(?:/(?:[^/]+?))*))?(?:/)?$"}`,
			map[string]Type{"/": Hybrid, "/about": Hybrid, "/dashboard": Auth},
		},
		{
			"a source with escapes",
			`{"source":"/%C3%BCber/:path*","destination":"/dashboard/:path*","regex":"^/%C3%BCber` + catchAll + `"}`,
			map[string]Type{"/%C3%BCber/x": Auth, "/%c3%bcber/x": Auth, "/über/x": Auth, "/%C3%9Cber": Auth, "/%C3%BCber/%20": Auth, "/x/../%C3%BCber": Auth, "/uber": Hybrid},
		},
		{
			"a source with escapes of punctuation",
			`{"source":"/%40me%28x%29/a%20b","destination":"/dashboard","regex":"^/%40me%28x%29/a%20b(?:/)?$"}`,
			map[string]Type{"/%40me%28x%29/a%20b": Auth, "/@me(x)/a%20b": Auth, "/@mex/a%20b": Hybrid},
		},
		{
			"a source with escapes that are no UTF-8",
			`{"source":"/caf%E9/:path*","destination":"/dashboard/:path*","regex":"^/caf%E9` + catchAll + `"}`,
			map[string]Type{"/caf%E9/x": Auth, "/caf%e9": Auth, "/cafe/x": Hybrid},
		},
		{
			"a source with escapes that stay",
			`{"source":"/a%2fb%61/:path*","destination":"/dashboard/:path*","regex":"^/a%2fb%61` + catchAll + `"}`,
			map[string]Type{"/a%2Fb%61/x": Auth, "/a%2fb%61": Auth, "/a/ba": Hybrid},
		},
		{
			"a destination with escapes",
			`{"source":"/go/:path*","destination":"/d%C3%A4shboard/:path*","regex":"^/go` + catchAll + `"}`,
			map[string]Type{"/go/x": Auth, "/x": Hybrid},
		},
		{
			"another site has no page of this app",
			`{"source":"/docs","destination":"https://docs.example/dashboard","regex":"^/docs(?:/)?$"}`,
			map[string]Type{"/docs": Hybrid},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table := compile(t, Config{
				Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*", "/däshboard/*"}}},
				Build: rewriteOf(t, tc.rewrite),
			})
			for path, want := range tc.types {
				if m := table.Match(path, "", ""); m.Type != want {
					t.Errorf("%s is %s, want %s", path, m.Type, want)
				}
			}
		})
	}
}

// Next.js writes base path and locale into its rewrites.
func TestDestinationThatTheClientChoosesBelowBasePathAndLocale(t *testing.T) {
	const has = `"has":[{"type":"query","key":"page"}]`
	build, err := LoadBuild(fstest.MapFS{
		"BUILD_ID": {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{"basePath":"/base","i18n":{"locales":["en","ar"],"defaultLocale":"en"},"rewrites":[
			{"source":"/base/show","destination":"/base/:page",` + has + `,"regex":"^/base/show(?:/)?$"},
			{"source":"/base/:nextInternalLocale(en|ar)/go","destination":"/base/:nextInternalLocale/:page",` + has + `,"regex":"^/base(?:/(en|ar))/go(?:/)?$"},
			{"source":"/base/blog","destination":"/base/posts/:page",` + has + `,"regex":"^/base/blog(?:/)?$"}]}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := compile(t, Config{Build: build, Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}})
	for path, want := range map[string]Type{"/base/show": Auth, "/base/go": Auth, "/base/ar/go": Auth, "/base/blog": Hybrid, "/base/login": Hybrid} {
		if m := table.Match(path, "page=dashboard", ""); m.Type != want {
			t.Errorf("%s is %s, want %s", path, m.Type, want)
		}
	}
}

// catchAll is the expression of a source that ends with /:path*.
const catchAll = `(?:/((?:[^/]+?)(?:/(?:[^/]+?))*))?(?:/)?$`

// chainOf is a build whose rewrites lead from /step0 to /step1, and so on, and at last
// to a destination.
func chainOf(t *testing.T, steps int, destination string) *Build {
	t.Helper()
	var list []string
	for i := range steps {
		next := fmt.Sprintf("/step%d", i+1)
		if i == steps-1 {
			next = destination
		}
		list = append(list, fmt.Sprintf(`{"source":"/step%d/:path*","destination":"%s/:path*","regex":"^/step%d%s"}`, i, next, i, catchAll))
	}
	return rewriteOf(t, strings.Join(list, ","))
}

// Next.js goes through its rewrites to the end, so what lies behind many of them is as
// closed as what lies behind one, and what is too far away to be followed is auth.
func TestAttackByChainOfRewrites(t *testing.T) {
	rules := []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}
	for steps := 1; steps <= 12; steps++ {
		table := compile(t, Config{Rules: rules, Build: chainOf(t, steps, "/dashboard")})
		for path, query := range map[string]string{"/step0/settings": "", "/STEP0": "", "/_next/image": "url=%2Fstep0%2Fchart.png"} {
			if m := table.Match(path, query, ""); m.Type != Auth {
				t.Errorf("%d rewrites, %s?%s: %+v", steps, path, query, m)
			}
		}
		if m, ok := table.ActionTarget(&url.URL{Path: "/"}, "/step0/settings;push"); !ok || m.Type != Auth {
			t.Errorf("%d rewrites, a Server Action's redirect: %+v", steps, m)
		}
		open := compile(t, Config{Rules: rules, Build: chainOf(t, steps, "/blog")})
		if m := open.Match("/step0/a-post", "", ""); m.Type == Auth {
			t.Errorf("%d rewrites to an open page: %+v", steps, m)
		}
	}
}

// What leads to an auth rule is not taken for harmless, however it is written.
func TestAttackByChainThatSeemsHarmless(t *testing.T) {
	step := func(source, destination string) string {
		return `{"source":"` + source + `","destination":"` + destination + `","regex":"^` + source + `(?:/)?$"}`
	}
	build, err := LoadBuild(fstest.MapFS{
		"BUILD_ID": {Data: []byte("x")},
		"routes-manifest.json": {Data: []byte(`{"dynamicRoutes":[{"page":"/[locale]/secret"}],"rewrites":[` + strings.Join([]string{
			step("/e1", "/e2"), step("/e2", "/%C3%BCber"), step("/f1", "/f2"), step("/f2", "/c%2By"), step("/c%2By", "/dashboard"), step("/i1", "/i2"), step("/i2", "/xx/secret"),
		}, ",") + `]}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/über/*", "/dashboard/*", "/secret/*"}}}, Build: build})
	for _, path := range []string{"/e1", "/e2", "/f1", "/f2", "/c+y", "/c%2By", "/i1", "/i2"} {
		if m := table.Match(path, "", ""); m.Type != Auth {
			t.Errorf("%s: %+v", path, m)
		}
	}
	// What one table knows of a build is nothing to another.
	compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/other"}}}, Build: build})
	if m := table.Match("/e1", "", ""); m.Type != Auth {
		t.Errorf("after another table: %+v", m)
	}
}

// What a rewrite is for is as Next.js has it: keys of cookies in their own case, a query that
// another rewrite may change, parameters that are named after the letters of a key, and
// what Go cannot tell.
func TestAttackByConditionsOfRewrites(t *testing.T) {
	rules := []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}
	for name, tc := range map[string]struct{ rewrites, host, path string }{
		"cookies in two cases": {`{"source":"/k1","destination":"/k2","regex":"^/k1$","has":[{"type":"cookie","key":"Seen","value":"no"}]},
			{"source":"/k2","destination":"/dashboard","regex":"^/k2$","has":[{"type":"cookie","key":"seen","value":"yes"}]}`, "a.example", "/k1"},
		"a query that changes": {`{"source":"/q1","destination":"/q2?tab=b","regex":"^/q1$","has":[{"type":"query","key":"tab","value":"a"}]},
			{"source":"/q2","destination":"/dashboard","regex":"^/q2$","has":[{"type":"query","key":"tab","value":"b"}]}`, "a.example", "/q1"},
		"hosts of which nothing is known": {`{"source":"/v1","destination":"/v2","regex":"^/v1$","has":[{"type":"host","value":"(?<t>[^.]+).*"}]},
			{"source":"/v2","destination":"/dashboard","regex":"^/v2$","has":[{"type":"host","value":".*"}]}`, "", "/v1"},
		"the letters of a key":         {`{"source":"/h/:path*","destination":"/:xtenant/:path*","regex":"^/h` + catchAll + `","has":[{"type":"header","key":"x-tenant"}]}`, "a.example", "/h/settings"},
		"a group with an underscore":   {`{"source":"/h/:path*","destination":"/:_t/:path*","regex":"^/h` + catchAll + `","has":[{"type":"header","key":"x","value":"(?<_t>.*)"}]}`, "a.example", "/h/settings"},
		"a host that Go does not know": {`{"source":"/h/:path*","destination":"/:host/:path*","regex":"^/h` + catchAll + `","has":[{"type":"host","value":"(?:([a-z])\\1|dashboard)"}]}`, "dashboard", "/h/settings"},
		"a lookahead in a host":        {`{"source":"/h/:path*","destination":"/:tenant/:path*","regex":"^/h` + catchAll + `","has":[{"type":"host","value":"(?<tenant>.+(?=-eu)).*"}]}`, "dashboard-eu.example", "/h/settings"},
	} {
		table := compile(t, Config{Rules: rules, Build: rewriteOf(t, tc.rewrites)})
		if m := table.MatchURL(&url.URL{Host: tc.host, Path: tc.path}, ""); m.Type != Auth {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// A site may have many rewrites that match every path. Those for different hosts, and
// those that only add to the query, do not add up to a chain that closes it.
func TestManyRewritesOfEveryPath(t *testing.T) {
	for name, written := range map[string]string{
		"hosts":             `{"source":"/:path*","destination":"/tenant%d/:path*","has":[{"type":"host","value":"tenant%d\\.example\\.com"}],"regex":"^%s"}`,
		"hosts as they are": `{"source":"/:path*","destination":"/tenant%d/:path*","has":[{"type":"host","value":"tenant%d.example.com"}],"regex":"^%s"}`,
		"query":             `{"source":"/:path*","destination":"/:path*?tenant=%d","has":[{"type":"cookie","key":"tenant%d"}],"regex":"^%s"}`,
		"several hosts":     `{"source":"/:path*","destination":"/brands/b%d/:path*","has":[{"type":"host","value":"(?:www\\.)?brand%d\\.example"}],"regex":"^%s"}`,
		"cookies":           `{"source":"/:path*","destination":"/locales/l%d/:path*","has":[{"type":"cookie","key":"locale","value":"l%d"}],"regex":"^%s"}`,
	} {
		t.Run(name, func(t *testing.T) {
			var list []string
			for i := range 50 {
				list = append(list, fmt.Sprintf(written, i, i, catchAll))
			}
			list = append(list, `{"source":"/about","destination":"/dashboard/about","regex":"^/about(?:/)?$"}`)
			rules := []Rule{{Type: Auth, Patterns: []string{"/dashboard/*", "/brands/*/dashboard/*", "/locales/*/dashboard/*"}}}
			table := compile(t, Config{Rules: rules, Build: rewriteOf(t, strings.Join(list, ","))})
			for path, want := range map[string]Type{"/": Hybrid, "/login": Hybrid, "/blog/a/b": Hybrid, "/dashboard/x": Auth, "/about": Auth} {
				j := judgement{table: table, host: "brand1.example"}
				j.read(path, howRaw, 0)
				if j.typ != want || j.reads > maxReads/2 {
					t.Errorf("%s is %s after %d readings, want %s", path, j.typ, j.reads, want)
				}
			}
		})
	}
}

// Two rewrites are followed one after the other only if both are for the host.
func TestRewritesForHosts(t *testing.T) {
	for other, want := range map[string]Type{
		`.*\\.example\\.com`: Auth, `(?<tenant>a|b)\\.example\\.com`: Auth, `a\\.example\\.com`: Auth, "a.example.com": Auth, `(?!www).*\\.example\\.com`: Auth,
		`b\\.example\\.com`: Hybrid, `(?<tenant>b|c)\\.example\\.com`: Hybrid, "example.com": Hybrid,
	} {
		for _, order := range [][2]string{{`a\\.example\\.com`, other}, {other, `a\\.example\\.com`}} {
			table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: rewriteOf(t, `
				{"source":"/a/:path*","destination":"/b/:path*","has":[{"type":"host","value":"`+order[0]+`"}],"regex":"^/a`+catchAll+`"},
				{"source":"/b/:path*","destination":"/dashboard/:path*","has":[{"type":"host","value":"`+order[1]+`"}],"regex":"^/b`+catchAll+`"}`)})
			if m := table.MatchURL(&url.URL{Host: "a.example.com", Path: "/a/settings"}, ""); m.Type != want {
				t.Errorf("%q: %s, want %s", order, m.Type, want)
			}
		}
	}
}

// The client chooses the host of a site with a wildcard, so a name that is taken from
// it may be that of a guarded page.
func TestAttackByNameFromTheHost(t *testing.T) {
	load := func(rewrite string, pages ...string) *Build {
		build, err := LoadBuild(fstest.MapFS{
			"BUILD_ID":             {Data: []byte("x")},
			"routes-manifest.json": {Data: []byte(`{"dynamicRoutes":[{"page":"` + strings.Join(pages, `"},{"page":"`) + `"}],"rewrites":[` + rewrite + `]}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return build
	}
	const has = `"has":[{"type":"host","value":"(?<tenant>.*)\\.example\\.com"}]`
	below := `{"source":"/byhost/:path*","destination":"/:tenant/:path*",` + has + `,"regex":"^/byhost` + catchAll + `"}`
	all := `{"source":"/:path*","destination":"/:tenant/:path*",` + has + `,"regex":"^` + catchAll + `"}`
	rules := []Rule{{Type: Auth, Patterns: []string{"/dashboard/*", "/site-admin/*", "/orgs/billing/*", "/private.example.com/*", "/files/orgs.example.com/*"}}}
	prefixed := strings.ReplaceAll(below, "/:tenant", "/site-:tenant")
	query := strings.NewReplacer("/:tenant/:path*", "/:tenant/:page", `"has":[`, `"has":[{"type":"query","key":"page"},`).Replace(below)
	two := strings.NewReplacer("/:tenant", "/:a/:b", "(?<tenant>.*)", "(?<a>[^.]*)[.](?<b>[^.]*)").Replace(below)
	whole := strings.NewReplacer(":tenant", ":host", "(?<tenant>.*)", ".*").Replace(below)
	group := strings.NewReplacer("/:tenant", "/files/:host", "(?<tenant>.*)", "(www|orgs)").Replace(below)
	part := strings.NewReplacer(":tenant", ":host", `(?<tenant>.*)\\.example\\.com`, ".*").Replace(below)
	over := strings.NewReplacer(`"/byhost/:path*"`, `"/byhost/:tenant/:path*"`, "^/byhost", "^/byhost(?:/([^/]+?))").Replace(below)
	for _, tc := range []struct {
		rewrite, host, path string
		want                Type
	}{
		{below, "dashboard.example.com", "/byhost/settings", Auth},
		{below, "Dashboard.Example.com:8443", "/BYHOST", Auth},
		{below, "acme.example.com", "/byhost/settings", Hybrid},
		{below, "dashboard.example.org", "/byhost/settings", Hybrid},
		{below, "dashboard.example.com", "/settings", Hybrid},
		{below, "", "/byhost/settings", Hybrid}, // at the start nothing is known of it
		{prefixed, "admin.example.com", "/byhost/x", Auth},
		{prefixed, "acme.example.com", "/byhost/x", Hybrid},
		{query, "dashboard.example.com", "/byhost", Auth},
		{query, "acme.example.com", "/byhost", Hybrid},
		{two, "orgs.billing.example.com", "/byhost/x", Auth},
		{two, "billing.orgs.example.com", "/byhost/x", Hybrid},
		{whole, "private.example.com", "/byhost/x", Auth},
		{group, "orgs.example.com", "/byhost/x", Auth}, // without a named group it is all that matched
		{part, "private.example.com.example.org", "/byhost/x", Hybrid},
		{over, "dashboard.example.com", "/byhost/zz/settings", Auth},
		{all, "acme.example.com", "/login", Hybrid},
		{all, "acme.example.com", "/about", Hybrid},
		{all, "dashboard.example.com", "/about", Auth},
	} {
		table := compile(t, Config{Rules: rules, Build: load(tc.rewrite, "/login", "/[tenant]/about")})
		if m := table.MatchURL(&url.URL{Host: tc.host, Path: tc.path}, ""); m.Type != tc.want {
			t.Errorf("%s%s by %s is %s, want %s", tc.host, tc.path, tc.rewrite, m.Type, tc.want)
		}
	}
}

// What the client chooses of a destination may begin as the path itself, and a rule may
// name the locale that is taken off.
func TestAttackByDestinationThatBeginsAsThePath(t *testing.T) {
	table := compile(t, Config{
		Locales: []string{"en", "ar"},
		Rules:   []Rule{{Type: Auth, Patterns: []string{"/docs/secret", "/en/reports/secret"}}},
		Build: rewriteOf(t, `{"source":"/docs","destination":"/docs/:page","has":[{"type":"query","key":"page"}],"regex":"^/docs(?:/)?$"},
			{"source":"/show","destination":"/en/reports/:page","has":[{"type":"query","key":"page"}],"regex":"^/show(?:/)?$"}`),
	})
	for _, path := range []string{"/docs", "/docs/", "/show"} {
		if m := table.Match(path, "page=secret", ""); m.Type != Auth {
			t.Errorf("%s: %+v", path, m)
		}
	}
}

// Only where the build has an interception route does it matter where a client comes from.
func TestComesFrom(t *testing.T) {
	for _, version := range []string{"14.2", "15.5", "16.4", "16.4-basepath"} {
		table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/feed/*", "/dashboard/*"}}}, Build: loadBuild(t, version)})
		for _, tc := range []struct {
			path, from string
			shown      bool
		}{
			{"/photo/7", "/feed", true},
			{"/photo/7", "/feed/x", true},
			{"/PHOTO/7/", "/Feed", true},
			{"/x/../photo/7", "/feed", true},
			{"/photo/7.rsc", "/feed", true},
			{"/photo/7", "/feeds", false},
			{"/photo/7", "/", false},
			{"/blog", "/feed", true}, // since a rewrite may lead to /photo
			{"/photo/7", "/dashboard", false},
		} {
			path := tc.path
			if version == "16.4-basepath" {
				path = "/base" + path
			}
			m, shown := table.ComesFrom(&url.URL{Path: path}, tc.from)
			if shown != tc.shown || shown && m.Type != Auth {
				t.Errorf("%s: %s from %s: %v %+v", version, path, tc.from, shown, m)
			}
		}
	}
	unknown := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/feed/*"}}}})
	for from, want := range map[string]Type{"/feed/x": Auth, "/": Hybrid} {
		if m, shown := unknown.ComesFrom(&url.URL{Path: "/photo/7"}, from); !shown || m.Type != want {
			t.Errorf("without a build, from %s: %v %+v", from, shown, m)
		}
	}
	for _, from := range []string{"feed", "/f\xfced", "/füed"} {
		if m, shown := unknown.ComesFrom(&url.URL{Path: "/photo/7"}, from); !shown || !m.Bad {
			t.Errorf("from %q: %v %+v", from, shown, m)
		}
	}
}

func TestLoginPathRewrittenToGuardedPage(t *testing.T) {
	_, err := Compile(Config{
		Rules: []Rule{{Type: Auth, Patterns: []string{"/account/*"}, Source: "Caddyfile:5"}},
		Build: rewriteOf(t, `{"source":"/login","destination":"/account/login","regex":"^/login(?:/)?$"}`),
	})
	if err == nil || !strings.Contains(err.Error(), "login_path /login is guarded") || !strings.Contains(err.Error(), "Caddyfile:5") {
		t.Errorf("got %v", err)
	}
}

// The guard does not know who meets the condition of a rewrite, so the page is closed
// to everybody, and a warning says why.
func TestOpenPatternRewrittenToGuardedPage(t *testing.T) {
	build := rewriteOf(t, `
		{"source":"/","destination":"/dashboard","regex":"^/(?:/)?$","has":[{"type":"cookie","key":"loggedIn"}]},
		{"source":"/about","destination":"/company/about","regex":"^/about(?:/)?$"}`)
	table := compile(t, Config{Build: build, HomePath: "/dashboard", Rules: []Rule{
		{Type: Auth, Patterns: []string{"/dashboard/*"}, Source: "Caddyfile:5"}, {Type: Hybrid, Patterns: []string{"/", "/about"}, Source: "Caddyfile:6"},
	}})
	want := "hybrid rule (Caddyfile:6): pattern / does not open /, because a rewrite of the build leads to /dashboard, which is closed, by the auth rule (Caddyfile:5), " +
		"whatever its has and missing say; write a redirect in place of the rewrite, or an open rule for that path too"
	if got := table.Warnings(); len(got) != 1 || got[0] != want {
		t.Errorf("the warnings are %q", got)
	}
	if m := table.Match("/", "", ""); m.Type != Auth {
		t.Errorf("the page is %s", m.Type)
	}
}

func TestCoverage(t *testing.T) {
	config := nextjsConfig("main")
	config.Rules[1].Source = "Caddyfile:14"
	config.Build = loadBuild(t, "16.4")
	c := compile(t, config).Coverage()
	// Counted by hand in testdata/builds/16.4.
	if want := (Count{Pages: 26, Handlers: 5, Actions: 6}); c.Total != want {
		t.Errorf("the build has %v, want %v", c.Total, want)
	}
	if want := (Count{Handlers: 1}); c.Rules[0].Count != want {
		t.Errorf("under hybrid /api/public: %v, want %v", c.Rules[0].Count, want)
	}
	for _, name := range []string{"page /docs/[[...path]]", "page /grouped", "action 008dca1038433714897b35c6091bcc99fec6171063 of /grouped"} {
		if !strings.Contains(c.String(), "\n  "+name) {
			t.Errorf("%s is not named in\n%s", name, c)
		}
	}
	for _, name := range []string{"/dashboard", "/login", "[locale]"} {
		if strings.Contains(strings.Join(c.Uncovered, "\n"), name) {
			t.Errorf("%s has a rule, but is named in\n%s", name, c)
		}
	}
	t.Log("\n" + c.String())
}

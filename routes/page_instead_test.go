package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// buildFiles is a small build. Each part is what stands between the braces of its manifest.
func buildFiles(t *testing.T, id, routes, pages, actions string, static ...string) (*Build, fstest.MapFS) {
	t.Helper()
	files := fstest.MapFS{
		"BUILD_ID":                              {Data: []byte(id)},
		"routes-manifest.json":                  {Data: []byte(`{` + routes + `}`)},
		"app-path-routes-manifest.json":         {Data: []byte(`{` + pages + `}`)},
		"server/server-reference-manifest.json": {Data: []byte(`{"node":{` + actions + `}}`)},
	}
	for _, name := range static {
		files["static/"+name] = &fstest.MapFile{}
	}
	build, err := LoadBuild(files)
	if err != nil {
		t.Fatal(err)
	}
	return build, files
}

// To a page with parameters the suffixes of adapters are a part of a parameter, and what
// stands behind ".segments/" is a path of its own.
func TestAttackBySuffixThatIsAPath(t *testing.T) {
	build, _ := buildFiles(t, "x", `"staticRoutes":[{"page":"/about"}],"dynamicRoutes":[{"page":"/[locale]"},{"page":"/[locale]/dashboard/u/[id]"}]`, "", "")
	open := Rule{Type: Hybrid, Patterns: []string{"/about"}}
	for name, config := range map[string]Config{
		"with a build":   {Rules: []Rule{open, {Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: build},
		"by the default": {Rules: []Rule{open}, Default: Auth},
		"by a wide rule": {Rules: []Rule{open, {Type: Auth, Patterns: []string{"/*"}}}},
		"with both":      {Rules: []Rule{open}, Default: Auth, Build: build},
	} {
		table := compile(t, config)
		for _, path := range []string{"/about.segments/dashboard/u/7.segment.rsc", "/about.segments/dashboard/u/7.segment.RSC", "/about.SEGMENTS/dashboard/u/7.segment.rsc.rsc",
			"/_next/data/x/about.segments/dashboard/u/7.segment.RSC.json", "/_next/data/y/about.segments/dashboard/u/7.segment.RSC.json"} {
			if m := table.Match(path, "", ""); m.Open || m.Type != Auth {
				t.Errorf("%s: %s is %+v", name, path, m)
			}
		}
	}
	for _, path := range []string{"/_next/data/x/a.segments/b/u/7.segment.RSC.json", "/_next/data/x/a/b/u/7.json", "/a/b/u/7"} { // a rewrite of the whole
		build := buildOf(t, `{"rewrites":[{"source":"/:a/:b/u/:id","destination":"/dashboard/:b/:id","regex":"^(?:/([^/]+?))(?:/([^/]+?))/u(?:/([^/]+?))(?:/)?$"}],"dynamicRoutes":[{"page":"/dashboard/[b]/[id]"}]}`)
		wantTypes(t, compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: build}), map[string]Type{path: Auth})
	}
	// A page without parameters keeps its own rule under each name.
	wantTypes(t, compile(t, Config{Rules: []Rule{{Type: Public, Patterns: []string{"/about"}}}}), map[string]Type{
		"/about.rsc": Public, "/about.prefetch.rsc": Public, "/about.segments/_tree.segment.rsc": Public,
	})
}

// Next.js takes one mark of an interception route, and what else looks so for a parameter.
func TestAttackByParameterThatLooksLikeAMark(t *testing.T) {
	rules := []Rule{{Type: Hybrid, Patterns: []string{"/feed/*"}}, {Type: Auth, Patterns: []string{"/photo/*"}}}
	table := compile(t, Config{Rules: rules})
	wantTypes(t, table, map[string]Type{
		"/feed/(..)photo/(.x": Auth, "/feed/(..)photo/a/(.)x/(.)x": Auth, "/feed/(..)photo/(.%20": Auth, "/feed/(..)photo/(.)x": Auth,
		"/feed/(.x": Hybrid, "/feed/(..)other/(.x": Hybrid,
	})
	// What is not looked at any more is still refused to whom a rule refuses.
	required := compile(t, Config{Rules: []Rule{rules[0], {Type: Auth, Patterns: []string{"/photo/*"}, Requires: true}}})
	for marks := range 12 {
		path := "/feed/(..)photo/a" + strings.Repeat("/(.)x", marks)
		if m := required.Match(path, "", ""); m.Type != Auth || !slices.Contains(m.Matched, 1) {
			t.Errorf("%s: %+v", path, m)
		}
	}
	for _, path := range []string{"/feed/zz.segments/(...)photo/5.segment.RSC", "/feed/zz.segments/(...)photo/5.segment.rsc"} {
		wantTypes(t, table, map[string]Type{path: Auth})
	}
	byDefault := compile(t, Config{Rules: rules[:1], Default: Auth})
	wantTypes(t, byDefault, map[string]Type{"/feed/(..)photo/(.)x": Auth, "/feed/1": Hybrid})
}

// All that any rule requires is collected once, not once more for each rule.
func TestGivingUpAmongManyRulesIsCheap(t *testing.T) {
	rules := make([]Rule, 2000)
	for i := range rules {
		rules[i] = Rule{Type: Auth, Patterns: []string{fmt.Sprintf("/area-%d/*", i)}, Requires: true}
	}
	table := compile(t, Config{Rules: rules})
	path := "/feed" + strings.Repeat("/(.)x", maxMarks+1)
	if m := table.Match(path, "", ""); m.Type != Auth || len(m.Matched) != len(rules) {
		t.Fatalf("%s with %d of %d rules", m.Type, len(m.Matched), len(rules))
	}
	if n := testing.AllocsPerRun(10, func() { table.Match(path, "", "") }); n > 100 {
		t.Errorf("it costs %v allocations", n)
	}
}

// Next.js answers a path below /_next/static/ that is no file of its build, and in
// production the name of a development tool, by a page that has parameters enough.
func TestAttackByPageInPlaceOfAFile(t *testing.T) {
	for _, page := range []string{"/[locale]/[category]/[id]", "/[[...slug]]", "/[...slug]"} {
		routes := `"dynamicRoutes":[{"page":"` + page + `"}]`
		build, files := buildFiles(t, "x", routes, "", "", "chunks/a b.js", "x.rsc")
		table := compile(t, Config{Default: Auth, Build: build})
		for path, open := range map[string]bool{
			"/_next/static/5": false, "/_next/static/chunks/a%20b.js": true, "/_next/static/x.rsc": true, "/_next/static/y.rsc": false,
			"/_next/static/chunks": false, // a folder
		} {
			if m := table.Match(path, "", ""); m.Open != open || !open && m.Type != Auth {
				t.Errorf("with %s, %s: %+v", page, path, m)
			}
		}
		// The next build writes its files before its manifests are read anew.
		files["static/5"] = &fstest.MapFile{}
		if m := table.Match("/_next/static/5", "", ""); !m.Open {
			t.Errorf("with %s, a file of the next build: %+v", page, m)
		}
		// Where the files are served from elsewhere, nothing is known of them.
		elsewhere, _ := buildFiles(t, "x", routes, "", "")
		if m := compile(t, Config{Default: Auth, Build: elsewhere}).Match("/_next/static/a.js", "", ""); !m.Open {
			t.Errorf("with %s, a build without its files: %+v", page, m)
		}
	}
	build, _ := buildFiles(t, "x", `"dynamicRoutes":[{"page":"/[[...slug]]"}]`, "", "")
	wantTypes(t, compile(t, Config{Default: Auth, Build: build}), map[string]Type{"/_next/hmr": Auth, "/_next/webpack-hmr": Auth, "/_next/hmr.rsc": Auth})
	wantTypes(t, compile(t, Config{Default: Auth}), map[string]Type{"/__nextjs_font/dashboard": Auth, "/__nextjs_a.segments/any/x.segment.RSC": Auth})
}

// So does it with a data route of another build, or where no page is of the Pages Router.
func TestAttackByPageInPlaceOfADataRoute(t *testing.T) {
	rules := []Rule{{Type: Hybrid, Patterns: []string{"/about"}}}
	const routes = `"staticRoutes":[{"page":"/about"}],"dynamicRoutes":[{"page":"/[[...slug]]"}]`
	app, files := buildFiles(t, "B", routes, `"/[[...slug]]/page":"/[[...slug]]","/about/page":"/about"`, "")
	paths := []string{"/_next/data/B/about.json", "/_next/data/other/about.json", "/_next/data/about.json"}
	for _, path := range paths {
		wantTypes(t, compile(t, Config{Default: Auth, Rules: rules, Build: app}), map[string]Type{path: Auth})
	}
	for manifest, want := range map[string]Type{
		`{"/_app":"","/404":"","/about":"pages/about.js"}`: Hybrid,
		`{"/_app":"","/legacy":"","/api/x":""}`:            Auth, // the page is none of them
		`{"/_app":"","/[[...slug]]":""}`:                   Auth,
	} {
		files["server/pages-manifest.json"] = &fstest.MapFile{Data: []byte(manifest)}
		both, err := LoadBuild(files)
		if err != nil {
			t.Fatal(err)
		}
		wantTypes(t, compile(t, Config{Default: Auth, Rules: rules, Build: both}), map[string]Type{
			paths[0]: want, paths[1]: Auth, paths[2]: Auth, "/_next/data/B/about": Auth, "/_next/data/B/about.JSON": Auth,
		})
	}
}

// The id of a build is the app's own choice, such as the name of a branch.
func TestAttackByBuildIDWithSlashes(t *testing.T) {
	build, _ := buildFiles(t, "feature/x\n", `"staticRoutes":[{"page":"/legacy"},{"page":"/help/legacy"}]`, "", "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/legacy/*"}}}
	for _, config := range []Config{{Rules: rules, Build: build}, {Rules: rules}} {
		wantTypes(t, compile(t, config), map[string]Type{
			"/_next/data/feature/x/legacy.json": Auth, "/_next/data/feature%2Fx/legacy.json": Auth, "/_next/data/y/legacy.json": Auth,
			"/_next/data/y/legacy/1.json": Auth, "/_next/data/feature/y/z/legacy.json": Auth, // of an instance that runs another build
		})
	}
	with := compile(t, Config{Rules: rules, Build: build})
	wantTypes(t, with, map[string]Type{"/_next/data/feature/x/help/legacy.json": Hybrid})
	open := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/x/*"}}}, Default: Auth, Build: build})
	wantTypes(t, open, map[string]Type{"/_next/data/feature/x/legacy.json": Auth, "/_next/data/feature/x/x/1.json": Hybrid})
}

// A page with parameters may be the login page at one of its paths. Its actions can be
// posted there, and nowhere else.
func TestLoginActionOfAPageWithParameters(t *testing.T) {
	for _, tc := range []struct {
		name, login, page, others string
		locales                   []string
	}{
		{"all paths", "/login", "/[[...slug]]", "", nil},
		{"some below", "/sign-in", "/sign-in/[[...x]]", "", nil},
		{"one segment", "/login", "/[slug]", "", nil},
		{"one of several", "/auth/password", "/auth/[step]", "", nil},
		{"below a locale", "/sign-in", "/[locale]/sign-in/[[...x]]", `{"page":"/[locale]"},`, []string{"en", "ar"}},
		{"all below a locale", "/login", "/[locale]/[[...rest]]", `{"page":"/[locale]"},`, []string{"en", "ar"}},
	} {
		build, _ := buildFiles(t, "x", `"dynamicRoutes":[`+tc.others+`{"page":"`+tc.page+`"}],"staticRoutes":[{"page":"/about"}]`,
			`"`+tc.page+`/page":"`+tc.page+`","/about/page":"/about","/[locale]/page":"/[locale]"`,
			`"login":{"workers":{"app`+tc.page+`/page":{}}},"about":{"workers":{"app/about/page":{}}},"home":{"workers":{"app/[locale]/page":{}}}`)
		table := compile(t, Config{Default: Auth, LoginPath: tc.login, Locales: tc.locales, Rules: []Rule{{Type: Public, Patterns: []string{"/offers"}}}, Build: build})
		want := map[[2]string]bool{
			{tc.login, "login"}: true, {tc.login + "/", "login"}: true, {tc.login, "about"}: false, {tc.login, "home"}: false, {tc.login, "other"}: false,
			{"/dashboard", "login"}: false, {"/about", "login"}: false, {"/offers", "login"}: false, {"/_next/static/a", "login"}: false, {tc.login + "%00", "login"}: false,
		}
		if tc.locales != nil {
			want[[2]string{"/en" + tc.login, "login"}], want[[2]string{"/ar" + tc.login, "home"}] = true, false
		}
		for posted, allowed := range want {
			if got := table.ActionAllowed(posted[0], posted[1]); got != allowed {
				t.Errorf("%s: %s at %s: %v", tc.name, posted[1], posted[0], got)
			}
		}
	}
}

// What Next.js may have at the login path in its place is no login page: a home page in the
// language "login", or the target of a rewrite.
func TestLoginActionOfAnotherPage(t *testing.T) {
	const rewrite = `"rewrites":{"beforeFiles":[{"source":"/login","destination":"/in","regex":"^/login(?:/)?$"}]},`
	for page, routes := range map[string]string{
		"/[locale]":             `"dynamicRoutes":[{"page":"/[locale]"}]`,
		"/[locale]/[[...rest]]": `"dynamicRoutes":[{"page":"/[locale]/login"},{"page":"/[locale]/[[...rest]]"}]`,
		"/[[...slug]]":          rewrite + `"staticRoutes":[{"page":"/in"}],"dynamicRoutes":[{"page":"/[[...slug]]"}]`,
	} {
		build, _ := buildFiles(t, "x", routes, `"`+page+`/page":"`+page+`"`, `"id":{"workers":{"app`+page+`/page":{}}}`)
		for _, locales := range [][]string{nil, {"en", "ar"}} {
			table := compile(t, Config{Default: Auth, Rules: []Rule{{Type: Hybrid, Patterns: []string{"/in"}}}, Locales: locales, Build: build})
			for _, path := range []string{"/login", "/en/login", "/xx/login"} {
				if table.ActionAllowed(path, "id") {
					t.Errorf("an action of %s is allowed at %s, locales %v", page, path, locales)
				}
			}
		}
	}
}

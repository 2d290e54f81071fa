package routes

import (
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
		"/feed/(.)a/(.)a/(.)a/(.)a/(.)a/(.)a/(.)a/(.)a/(.)a": Auth,
	})
	byDefault := compile(t, Config{Rules: rules[:1], Default: Auth})
	wantTypes(t, byDefault, map[string]Type{"/feed/(..)photo/(.)x": Auth, "/feed/1": Hybrid})
}

// Next.js answers a path below /_next/static/ that is no file of its build, and in
// production the name of a development tool, by a page that has parameters enough.
func TestAttackByPageInPlaceOfAFile(t *testing.T) {
	for _, page := range []string{"/[locale]/[category]/[id]", "/[[...slug]]", "/[...slug]"} {
		routes := `"dynamicRoutes":[{"page":"` + page + `"}]`
		build, files := buildFiles(t, "x", routes, "", "", "chunks/a b.js")
		table := compile(t, Config{Default: Auth, Build: build})
		for path, open := range map[string]bool{
			"/_next/static/5": false, "/_next/static/chunks/a%20b.js": true,
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
	files["server/pages-manifest.json"] = &fstest.MapFile{Data: []byte(`{"/_app":"","/404":"","/about":"pages/about.js"}`)}
	both, err := LoadBuild(files)
	if err != nil {
		t.Fatal(err)
	}
	wantTypes(t, compile(t, Config{Default: Auth, Rules: rules, Build: both}), map[string]Type{paths[0]: Hybrid, paths[1]: Auth, paths[2]: Auth})
}

// The id of a build is the app's own choice, such as the name of a branch.
func TestAttackByBuildIDWithSlashes(t *testing.T) {
	build, _ := buildFiles(t, "feature/x\n", `"staticRoutes":[{"page":"/legacy"},{"page":"/help/legacy"}]`, "", "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/legacy/*"}}}
	for _, config := range []Config{{Rules: rules, Build: build}, {Rules: rules}} {
		wantTypes(t, compile(t, config), map[string]Type{
			"/_next/data/feature/x/legacy.json": Auth, "/_next/data/feature%2Fx/legacy.json": Auth, "/_next/data/y/legacy.json": Auth,
		})
	}
	with := compile(t, Config{Rules: rules, Build: build})
	wantTypes(t, with, map[string]Type{"/_next/data/feature/x/help/legacy.json": Hybrid})
	open := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/x/*"}}}, Default: Auth, Build: build})
	wantTypes(t, open, map[string]Type{"/_next/data/feature/x/legacy.json": Auth, "/_next/data/feature/x/x/1.json": Hybrid})
}

// A page with parameters may be the login page at one of its paths. Its action can be
// posted there, and nowhere else.
func TestLoginActionOfAPageWithParameters(t *testing.T) {
	for page, login := range map[string]string{"/[[...slug]]": "/login", "/sign-in/[[...x]]": "/sign-in", "/[slug]": "/login", "/auth/[step]": "/auth/password"} {
		build, _ := buildFiles(t, "x", `"dynamicRoutes":[{"page":"`+page+`"}],"staticRoutes":[{"page":"/about"}]`, `"`+page+`/page":"`+page+`","/about/page":"/about"`,
			`"login":{"workers":{"app`+page+`/page":{}}},"about":{"workers":{"app/about/page":{}}}`)
		table := compile(t, Config{Default: Auth, LoginPath: login, Rules: []Rule{{Type: Public, Patterns: []string{"/offers"}}}, Build: build})
		for _, tc := range []struct {
			path, action string
			want         bool
		}{
			{login, "login", true}, {login + "/", "login", true}, {login, "about", false}, {login, "other", false},
			{"/dashboard", "login", false}, {"/about", "login", false}, {"/_next/static/a", "login", false}, {login + "%00", "login", false},
		} {
			if got := table.ActionAllowed(tc.path, tc.action); got != tc.want {
				t.Errorf("%s: %s at %s: %v", page, tc.action, tc.path, got)
			}
		}
	}
}

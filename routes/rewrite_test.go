package routes

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
)

// A rewrite has the rule of the page behind it also where the default is auth.
func TestRewriteToOpenPageUnderDefaultAuth(t *testing.T) {
	config := Config{
		Rules:   []Rule{{Type: Hybrid, Patterns: []string{"/dashboard/*"}}},
		Default: Auth,
		Build:   loadBuild(t, "16.4"),
	}
	table := compile(t, config)
	wantTypes(t, table, map[string]Type{
		"/alias": Hybrid, "/ALIAS": Hybrid, "/admin": Auth,
		"/app/settings": Auth, // a file of this name would be served first
	})
}

// A page keeps its own rule where a rewrite does not certainly take its place.
func TestAttackOnPagesBehindRewritesToOpenPages(t *testing.T) {
	const rewrite = `{"source":"/settings","destination":"/blog","regex":"^/settings(?:/)?$"`
	const cookie = `,"has":[{"type":"cookie","key":"new"}]}`
	for name, tc := range map[string]struct {
		pages, rewrites string
		want            Type
	}{
		"in its place":           {`"staticRoutes":[{"page":"/settings"}]`, `"beforeFiles":[` + rewrite + `}]`, Hybrid},
		"with a condition":       {`"staticRoutes":[{"page":"/settings"}]`, `"beforeFiles":[` + rewrite + cookie + `]`, Auth},
		"unless there is one":    {`"staticRoutes":[{"page":"/settings"}]`, `"beforeFiles":[` + rewrite + `,"missing":[{"type":"cookie","key":"old"}]}]`, Auth},
		"with two":               {`"staticRoutes":[{"page":"/settings"}]`, `"beforeFiles":[` + rewrite + `},` + rewrite + cookie + `]`, Hybrid},
		"before parameters":      {`"dynamicRoutes":[{"page":"/[page]"}]`, `"afterFiles":[` + rewrite + `}]`, Hybrid},
		"behind the page itself": {`"staticRoutes":[{"page":"/settings"}]`, `"afterFiles":[` + rewrite + `}]`, Auth},
		"behind parameters":      {`"dynamicRoutes":[{"page":"/[page]"}]`, `"fallback":[` + rewrite + `}]`, Auth},
	} {
		build, _ := buildFiles(t, "x", tc.pages+`,"rewrites":{`+tc.rewrites+`}`, "", "")
		table := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/blog"}}}, Default: Auth, Build: build})
		if m := table.Match("/settings", "", ""); m.Type != tc.want {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// Each reading of a path goes through all rewrites, whatever the one before has found.
func TestAttackByReadingBehindARewrite(t *testing.T) {
	table := compile(t, Config{
		Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}},
		Build: rewriteOf(t, `{"source":"/go","destination":"/dashboard","regex":"^/go(?:/)?$"},{"source":"/:path*","destination":"/blog/:path*","regex":"^`+catchAll+`"}`),
	})
	wantTypes(t, table, map[string]Type{"/go": Auth, "/x/../go": Auth, "/x%2f..%2fgo": Auth, "/other": Hybrid})
}

// Each of these leads to a guarded page by a way that only Next.js knows.
func TestAttackByWaysThroughRewrites(t *testing.T) {
	link := func(from, to, condition string) string {
		return `{"source":"` + from + `","destination":"` + to + `","regex":"^` + from + `(?:/)?$"` + condition + `}`
	}
	cookie := func(value string) string { return `,"has":[{"type":"cookie","key":"c"` + value + `}]` }
	for name, tc := range map[string]struct {
		manifest string
		types    map[string]Type
	}{
		"one condition for both":        {`"rewrites":[` + link("/a", "/b", cookie(`,"value":"x"`)) + `,` + link("/b", "/dashboard", cookie(`,"value":"x"`)) + `]`, map[string]Type{"/a": Auth}},
		"conditions that may both hold": {`"rewrites":[` + link("/a", "/b", cookie(`,"value":"x|y"`)) + `,` + link("/b", "/dashboard", cookie(`,"value":"x"`)) + `]`, map[string]Type{"/a": Auth}},
		"any value":                     {`"rewrites":[` + link("/a", "/b", cookie("")) + `,` + link("/b", "/dashboard", cookie(`,"value":"x"`)) + `]`, map[string]Type{"/a": Auth}},
		"conditions of which one fails": {`"rewrites":[` + link("/a", "/b", cookie(`,"value":"y"`)) + `,` + link("/b", "/dashboard", cookie(`,"value":"x"`)) + `]`, map[string]Type{"/a": Hybrid}},
		"in another letter case":        {`"rewrites":[` + link("/a", "/B", "") + `,` + link("/b", "/C", "") + `,` + link("/c", "/dashboard", "") + `]`, map[string]Type{"/a": Auth}},
		"before files, in any case":     {`"caseSensitive":true,"rewrites":{"beforeFiles":[` + link("/a", "/dashboard", "") + `]}`, map[string]Type{"/A": Auth}},
		"by the image of a rewrite":     {`"rewrites":[` + link("/go", "/dashboard", "") + `,` + link("/pic", "/_next/image?url=/go&w=64&q=75", "") + `]`, map[string]Type{"/pic": Auth}},
		"by groups without names": {`"rewrites":[{"source":"/one/(.*)","destination":"/:0","regex":"^/one/(.*)(?:/)?$"},{"source":"/two/(a|b)/(.*)","destination":"/:1","regex":"^/two/(a|b)/(.*)(?:/)?$"}]`,
			map[string]Type{"/one/dashboard": Auth, "/one/x": Hybrid, "/two/a/dashboard": Auth, "/two/b/x": Hybrid}},
		"by a name with all that one may have": {`"rewrites":[{"source":"/n/:azAZ_09","destination":"/:azAZ_09","regex":"^/n(?:/([^/]+?))(?:/)?$"}]`, map[string]Type{"/n/dashboard": Auth, "/n/x": Hybrid}},
		"behind an escape of a source":         {`"rewrites":[{"source":"/a\\:b/:p","destination":"/:p","regex":"^/a:b(?:/([^/]+?))(?:/)?$"}]`, map[string]Type{"/a:b/dashboard": Auth, "/a:b/x": Hybrid}},
	} {
		table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: buildOf(t, "{"+tc.manifest+"}")})
		for path, want := range tc.types {
			if m := table.Match(path, "", ""); m.Type != want {
				t.Errorf("%s: %s is %s, want %s", name, path, m.Type, want)
			}
		}
		if table.RewritesByHost() {
			t.Errorf("%s: the host makes a difference", name)
		}
	}
	// What the client chooses may be a page that only the default guards.
	chosen := compile(t, Config{Default: Auth, Rules: []Rule{{Type: Hybrid, Patterns: []string{"/docs"}}}, Build: rewriteOf(t, link("/show", "/docs/:page", `,"has":[{"type":"query","key":"page"}]`))})
	wantTypes(t, chosen, map[string]Type{"/docs": Hybrid, "/show": Auth})
}

// wantTypes checks what a table says of paths.
func wantTypes(t *testing.T, table *Table, types map[string]Type) {
	t.Helper()
	for path, want := range types {
		if m := table.Match(path, "", ""); m.Type != want {
			t.Errorf("%s is %s, want %s", path, m.Type, want)
		}
	}
}

// buildOf is a build with this routes manifest, and one static file.
func buildOf(t *testing.T, routesManifest string) *Build {
	t.Helper()
	build, err := LoadBuild(fstest.MapFS{
		"BUILD_ID": {Data: []byte("x")}, "routes-manifest.json": {Data: []byte(routesManifest)},
		"required-server-files.json": {Data: []byte(`{"config":{"useFileSystemPublicRoutes":true}}`)}, "static/chunks/a.js": {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return build
}

// rewriteOf is a build with nothing but these rewrites.
func rewriteOf(t *testing.T, manifest string) *Build {
	return buildOf(t, `{"rewrites":[`+manifest+`]}`)
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
			wantTypes(t, table, tc.types)
		})
	}
}

// Next.js writes base path and locale into its rewrites.
func TestDestinationThatTheClientChoosesBelowBasePathAndLocale(t *testing.T) {
	const has = `"has":[{"type":"query","key":"page"}]`
	build := buildOf(t, `{"basePath":"/base","i18n":{"locales":["en","ar"],"defaultLocale":"en"},"rewrites":[
			{"source":"/base/show","destination":"/base/:page",`+has+`,"regex":"^/base/show(?:/)?$"},
			{"source":"/base/:nextInternalLocale(en|ar)/go","destination":"/base/:nextInternalLocale/:page",`+has+`,"regex":"^/base(?:/(en|ar))/go(?:/)?$"},
			{"source":"/base/blog","destination":"/base/posts/:page",`+has+`,"regex":"^/base/blog(?:/)?$"}]}`)
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
	build := buildOf(t, `{"dynamicRoutes":[{"page":"/[locale]/secret"}],"rewrites":[`+strings.Join([]string{
		step("/e1", "/e2"), step("/e2", "/%C3%BCber"), step("/f1", "/f2"), step("/f2", "/c%2By"), step("/c%2By", "/dashboard"), step("/i1", "/i2"), step("/i2", "/xx/secret"),
	}, ",")+`]}`)
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
				j.read(path, howRaw)
				if j.typ != want || j.reads > maxReads/2 {
					t.Errorf("%s is %s after %d readings, want %s", path, j.typ, j.reads, want)
				}
			}
		})
	}
}

// A long path in many readings is not compared with many rewrites for as long as that
// takes, which would be seconds: it is auth. Rewrites for other hosts cost next to nothing.
func TestAttackByLongPathsAndManyRewrites(t *testing.T) {
	hostile := "//x/%2e%2e" + strings.Repeat("/a;%41.(.)", 1500)
	for name, tc := range map[string]struct {
		condition string
		want      Type
	}{
		"cookies":     {`{"type":"cookie","key":"brand","value":"b%d"}`, Auth},
		"other hosts": {`{"type":"host","value":"b%d.example.com"}`, Hybrid},
	} {
		var list []string
		for i := range 200 {
			list = append(list, fmt.Sprintf(`{"source":"/:path*","destination":"/brands/b%d/:path*","has":[`+tc.condition+`],"regex":"^`+catchAll+`"}`, i, i))
		}
		table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: rewriteOf(t, strings.Join(list, ","))})
		for path, want := range map[string]Type{hostile: tc.want, "/blog/a/b": Hybrid, strings.Repeat("/a", 500): Hybrid} {
			j := judgement{table: table, host: "www.example.com"}
			j.judge(path, "")
			if j.typ != want || j.searched > maxSearched+1<<20 {
				t.Errorf("%s: %.20s… is %s after a search of %d bytes, want %s", name, path, j.typ, j.searched, want)
			}
		}
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
			here := &url.URL{Host: "a.example.com", Path: "/a/settings"}
			if m := table.MatchURL(here, ""); m.Type != want {
				t.Errorf("%q: %s, want %s", order, m.Type, want)
			}
			if m, _ := table.ActionTarget(here, "/a/settings;push"); m.Type != want {
				t.Errorf("%q: the target of an action is %s, want %s", order, m.Type, want)
			}
			if !table.RewritesByHost() {
				t.Errorf("%q: the host makes no difference", order)
			}
		}
	}
}

// The client chooses the host of a site with a wildcard, so a name that is taken from
// it may be that of a guarded page.
func TestAttackByNameFromTheHost(t *testing.T) {
	load := func(rewrite string, pages ...string) *Build {
		return buildOf(t, `{"dynamicRoutes":[{"page":"`+strings.Join(pages, `"},{"page":"`)+`"}],"rewrites":[`+rewrite+`]}`)
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
	want := "hybrid rule (Caddyfile:6): pattern / does not open /, because a rewrite in next.config leads to /dashboard, which is closed, by the auth rule (Caddyfile:5) " +
		"(has and missing do not count); write a redirect instead, or an open rule for that path"
	if got := table.Warnings(); len(got) != 1 || got[0] != want {
		t.Errorf("the warnings are %q", got)
	}
	if m := table.Match("/", "", ""); m.Type != Auth {
		t.Errorf("the page is %s", m.Type)
	}
}

package routes

import (
	"net/url"
	"strings"
	"testing"
)

// matchHost decides a request for a host.
func matchHost(t *testing.T, table *Table, host, target string) Match {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = host
	return table.MatchURL(u, "")
}

// Next.js compares rewrites with the path as it was sent, so an expression may match an
// escape where it would not match the character.
func TestAttackByEscapesInRewrites(t *testing.T) {
	const rewrites = `
		{"source":"/:slug([^@/]+)/panel","destination":"/dashboard/:slug","regex":"^(?:/([^@/]+))/panel(?:/)?$"},
		{"source":"/u-:slug([a-zA-Z0-9%-]+)","destination":"/dashboard/:slug","regex":"^/u-([a-zA-Z0-9%-]+)(?:/)?$"},
		{"source":"/s/:slug([^ ]+)/x","destination":"/dashboard/:slug","regex":"^/s(?:/([^ ]+))/x(?:/)?$"},
		{"source":"/c/:slug([^:,]+)","destination":"/dashboard/:slug","regex":"^/c(?:/([^:,]+))(?:/)?$"},
		{"source":"/caf%C3%A9/:slug([^@]+)","destination":"/dashboard/:slug","regex":"^/caf%C3%A9(?:/([^@]+))(?:/)?$"},
		{"source":"/first/:path*","destination":"/second/:path*","regex":"^/first` + catchAll + `"},
		{"source":"/second/:slug([^@]+)","destination":"/dashboard/:slug","regex":"^/second(?:/([^@]+))(?:/)?$"}`
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: rewriteOf(t, rewrites)})
	for path, want := range map[string]Type{
		"/x/panel": Auth, "/%40x/panel": Auth, "/%40x%40/panel": Auth, "/y/../%40x/panel": Auth, "/@x/panel": Hybrid, "/%40x@/panel": Hybrid,
		"/u-x": Auth, "/u-%D0%BA": Auth, "/U-%40": Auth, "/u-@": Hybrid,
		"/s/%20/x": Auth, "/c/%3A": Auth, "/c/:": Hybrid,
		"/caf%C3%A9/%40": Auth, "/caf%c3%a9/%40": Auth, "/caf%C3%A9/@": Hybrid,
		"/first/%40": Auth, "/first/@": Hybrid,
	} {
		if m := table.Match(path, "", ""); m.Type != want {
			t.Errorf("%s is %s, want %s", path, m.Type, want)
		}
		image := table.Match("/_next/image", "url="+url.QueryEscape(path), "")
		if image.Type != want {
			t.Errorf("the image %s is %s, want %s", path, image.Type, want)
		}
		if m, ok := table.ActionTarget(&url.URL{Path: "/"}, path+";push"); !ok || m.Type != want {
			t.Errorf("a Server Action's redirect to %s is %s (%t), want %s", path, m.Type, ok, want)
		}
	}
}

// The same holds for what next.config redirects.
func TestAttackByEscapesInRedirects(t *testing.T) {
	table := compile(t, Config{Build: buildOf(t, `{"redirects":[{"destination":"/dashboard","regex":"^(?:/([^@/]+))/old(?:/)?$"}]}`)})
	for target, want := range map[string]bool{"/x/old": false, "/%40x/old": false, "/@x/old": true} {
		if _, ok := table.ActionTarget(&url.URL{Path: "/"}, target+";push"); ok != want {
			t.Errorf("%s: %t, want %t", target, ok, want)
		}
	}
}

// What an expression looks ahead for is compared with the path as Next.js has it: with all
// forms that Next.js itself does not take off, and in any case. These answers are those of
// an app on Next.js 16.4.
func TestLookaheadsInRewrites(t *testing.T) {
	const manifest = `{"staticRoutes":[{"page":"/"},{"page":"/login"},{"page":"/pricing"}],"dynamicRoutes":[{"page":"/[u]"},{"page":"/app/[[...x]]"}],"rewrites":{"afterFiles":[
		{"source":"/:path((?!login$|api|_next).*)","destination":"/app/:path","regex":"^(?:/((?!login$|api|_next).*))(?:/)?$"}]}}`
	table := compile(t, Config{
		Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}, {Type: Auth, Patterns: []string{"/app/*"}}},
		Build: buildOf(t, manifest),
	})
	wantTypes(t, table, map[string]Type{
		"/login": Public, "/LOGIN": Hybrid, "/login.rsc": Auth, "/login/index": Auth, "/login%2F": Auth, "/pricing": Hybrid, "/": Hybrid,
		"/foo": Auth, "/u1": Auth, "/api/x": Hybrid, "/index": Auth, "/__nextjs_font/x": Auth, "/_next/static/chunks/x.js": Hybrid,
	})
}

// A rewrite that Next.js tries before its own files takes them, too.
func TestAttackByRewritesBeforeFiles(t *testing.T) {
	const manifest = `{"dynamicRoutes":[{"page":"/app/[[...x]]"}],"rewrites":{"beforeFiles":[
		{"source":"/:path*","destination":"/app/:path*","has":[{"type":"host","value":"x.example"}],"regex":"^` + catchAll + `"}]}}`
	rules := []Rule{{Type: Public, Patterns: []string{"/app/login"}}, {Type: Auth, Patterns: []string{"/app/*"}}}
	table := compile(t, Config{Rules: rules, Build: buildOf(t, manifest)})
	for _, path := range []string{"/_next/static/foo", "/_next/hmr", "/_next/webpack-hmr", "/__nextjs_font/x", "/_next/image?url=%2Fa", "/about"} {
		if m := matchHost(t, table, "x.example", path); m.Open || m.Type != Auth {
			t.Errorf("%s: %+v", path, m)
		}
		if m := matchHost(t, table, "example", path); m.Type == Auth {
			t.Errorf("%s on another host: %+v", path, m)
		}
	}
	if m := matchHost(t, table, "example", "/_next/static/foo"); !m.Open || !m.Static {
		t.Errorf("a static file on another host: %+v", m)
	}
}

// An assetPrefix is a rewrite that Next.js adds itself.
func TestAssetPrefix(t *testing.T) {
	const manifest = `{"dynamicRoutes":[{"page":"/[...slug]"}],"rewrites":{"beforeFiles":[
		{"source":"/cdn/_next/:path+","destination":"/_next/:path+","regex":"^/cdn/_next(?:/((?:[^/]+?)(?:/(?:[^/]+?))*))(?:/)?$"}]}}`
	config := Config{Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}, {Type: Auth, Patterns: []string{"/dashboard/*"}}}, Default: Auth, HomePath: "/dashboard", Build: buildOf(t, manifest)}
	table := compile(t, config)
	for path, open := range map[string]bool{
		"/cdn/_next/static/chunks/a.js": true, "/CDN/_next/static/chunks/a.js": true, "/cdn/_next/static/../../dashboard": false,
		"/cdn/_next/data/B/dashboard.json": false, "/cdn/_next/image?url=%2Fdashboard%2Fa.png": false, "/cdn/page": false, "/cdn/x/_next/static/a.js": false,
	} {
		m := matchHost(t, table, "", path)
		if m.Open != open || m.Static != open || !open && m.Type != Auth {
			t.Errorf("%s: %+v", path, m)
		}
	}
	config.Rules = append(config.Rules, Rule{Type: Auth, Patterns: []string{"/cdn/*"}})
	if m := compile(t, config).Match("/cdn/_next/static/chunks/a.js", "", ""); m.Open || m.Type != Auth {
		t.Errorf("a rule that names it: %+v", m)
	}
}

// Each domain has a default locale of its own.
func TestAttackByLocaleOfTheDomain(t *testing.T) {
	const manifest = `{"i18n":{"locales":["en","fr","nl-NL"],"defaultLocale":"en","domains":[{"domain":"acme.fr","defaultLocale":"fr"},{"domain":"acme.nl:3000","defaultLocale":"nl-NL"}]},
		"staticRoutes":[{"page":"/dashboard"}],"rewrites":[
		{"source":"/fr/konto","destination":"/fr/dashboard","regex":"^/fr/konto(?:/)?$"},
		{"source":"/en/account","destination":"/en/dashboard","regex":"^/en/account(?:/)?$"},
		{"source":"/nl-NL/rekening/:p*","destination":"/nl-NL/dashboard/:p*","regex":"^/nl-NL/rekening` + catchAll + `"}]}`
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: buildOf(t, manifest)})
	if !table.RewritesByHost() {
		t.Error("the host makes no difference")
	}
	for _, tc := range []struct {
		host, path string
		want       Type
	}{
		{"acme.fr", "/konto", Auth}, {"ACME.fr:8443", "/KONTO", Auth}, {"acme.nl", "/rekening/5", Auth}, {"acme.fr", "/_next/data/B/konto.json", Auth},
		{"acme.com", "/konto", Hybrid}, {"acme.nl", "/konto", Hybrid}, {"acme.com", "/fr/konto", Auth}, {"", "/konto", Auth},
		{"acme.com", "/account", Auth}, {"acme.fr", "/account", Hybrid}, {"", "/account", Auth}, // of HTTP/1.0 nothing is known
	} {
		if m := matchHost(t, table, tc.host, tc.path); m.Type != tc.want {
			t.Errorf("%s%s is %s, want %s", tc.host, tc.path, m.Type, tc.want)
		}
	}
}

// Next.js takes "/index" off the page of a data route, where the app has a middleware.
func TestAttackByIndexInDataRoute(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Locales: []string{"en"}, BasePath: "/base"})
	wantTypes(t, table, map[string]Type{
		"/base/_next/data/B/index/dashboard.json": Auth, "/base/_next/data/B/index/dashboard/5.json": Auth, "/base/_next/data/B/index/en/dashboard.json": Auth,
		"/base/_next/data/B/index.json": Hybrid, "/base/_next/data/B/index/about.json": Hybrid,
	})
	known := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dashboard/*"}}}, Build: buildOf(t, `{}`)})
	wantTypes(t, known, map[string]Type{"/_next/data/x/index/dashboard.json": Auth, "/_next/data/x/index/about.json": Hybrid})
}

// Rewrites come after the files that there are, and before the answer that there is none.
func TestAttackByRewritesBehindFiles(t *testing.T) {
	for _, phase := range []string{"afterFiles", "fallback"} {
		table := compile(t, Config{
			Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}, {Type: Auth, Patterns: []string{"/dashboard/*"}}},
			Build: buildOf(t, `{"staticRoutes":[{"page":"/login"}],"rewrites":{"`+phase+`":[{"source":"/:path*","destination":"/dashboard/:path*","regex":"^`+catchAll+`"}]}}`),
		})
		for path, open := range map[string]bool{
			"/_next/static/chunks/a.js": true, "/_next/static/chunks/%61.js": true, "/_next/static/chunks/b.js": false, "/_next/hmr": false, "/_next/webpack-hmr": false, "/about": false,
		} {
			if m := table.Match(path, "", ""); m.Open != open || !open && m.Type != Auth {
				t.Errorf("%s by %s: %+v", path, phase, m)
			}
		}
	}
}

// That Next.js finds a page before it tries rewrites counts only where that is certain.
func TestAttackByPageThatIsNotFoundFirst(t *testing.T) {
	const rewrites = `"staticRoutes":[{"page":"/login"},{"page":"/pricing"}],"rewrites":{"afterFiles":[
		{"source":"BASE/:path((?!login$|api|_next).*)","destination":"BASE/dashboard/:path","regex":"^BASE(?:/((?!login$|api|_next).*))(?:/)?$"}]}`
	build := func(manifest, base string) *Build {
		return buildOf(t, "{"+manifest+strings.ReplaceAll(rewrites, "BASE", base)+"}")
	}
	unserved := build("", "")
	unserved.servesPages = false
	locales := []string{"en"} // of the App Router, which Next.js does not know
	for name, tc := range map[string]struct {
		build      *Build
		host, path string
		want       Type
	}{
		"found":                          {build("", ""), "", "/pricing", Hybrid},
		"behind a locale":                {build("", ""), "", "/en/pricing", Auth},
		"by escapes":                     {build("", ""), "", "/%70ricing", Auth},
		"behind both":                    {build(`"basePath":"/docs",`, "/docs"), "", "/docs/en/pricing", Auth},
		"found below the base path":      {build(`"basePath":"/docs",`, "/docs"), "", "/docs/pricing", Hybrid},
		"base path in another case":      {build(`"basePath":"/docs",`, "/docs"), "", "/DOCS/pricing", Auth},
		"locales, by which it may not":   {build(`"i18n":{"locales":["en","fr"],"defaultLocale":"en"},`, ""), "", "/pricing", Auth},
		"pages that are not served":      {unserved, "", "/pricing", Auth},
		"letter case that makes another": {build(`"caseSensitive":true,`, ""), "", "/LOGIN", Auth},
		"letter case that makes none":    {build("", ""), "", "/LOGIN", Hybrid},
	} {
		rules := []Rule{{Type: Hybrid, Patterns: []string{"/dashboard/login", "/dashboard/en/login"}}, {Type: Auth, Patterns: []string{"/dashboard/*"}}}
		table := compile(t, Config{Rules: rules, Build: tc.build, Locales: locales})
		if m := matchHost(t, table, tc.host, tc.path); m.Type != tc.want {
			t.Errorf("%s: %s is %s, want %s", name, tc.path, m.Type, tc.want)
		}
	}
	compile(t, Config{ // and the login page below a base path is found, too
		Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}, {Type: Auth, Patterns: []string{"/dashboard/*"}}},
		Build: buildOf(t, `{"basePath":"/docs","staticRoutes":[{"page":"/login"}],"rewrites":{"afterFiles":[{"source":"/docs/:path*","destination":"/docs/dashboard/:path*","regex":"^/docs`+catchAll+`"}]}}`),
	})
}

// What an expression captures is what Next.js captures, or the client chooses it.
func TestAttackByWhatIsCaptured(t *testing.T) {
	for name, tc := range map[string]struct{ manifest, host, path string }{
		"alternatives of a host, the first": {`"rewrites":[{"source":"/h/:p*","destination":"/dashboard/:p*","has":[{"type":"host","value":"a.acme.test|b.acme.test"}],"regex":"^/h` + catchAll + `"}]`, "a.acme.test.evil", "/h/x"},
		"alternatives of a host, the last":  {`"rewrites":[{"source":"/h/:p*","destination":"/dashboard/:p*","has":[{"type":"host","value":"a.acme.test|b.acme.test"}],"regex":"^/h` + catchAll + `"}]`, "xb.acme.test", "/h/x"},
		"a class with escapes":              {`"rewrites":[{"source":"/s/:slug([a-z%20]+)","destination":"/dashboard/:slug","regex":"^/s(?:/([a-z%20]+))(?:/)?$"}]`, "", "/s/a2"},
		"the second spelling":               {`"basePath":"/docs","rewrites":[{"source":"/docs/:lang/:path*","destination":"/docs/:path*","regex":"^/docs(?:/([^/]+?))` + catchAll + `"}]`, "", "/docs/docs/dashboard"},
		"a lookahead that was left out":     {`"rewrites":[{"source":"/n/:a((?:(?!--).)+)--:b(.*)","destination":"/:b","regex":"^/n(?:/((?:(?!--).)+))--(.*)(?:/)?$"}]`, "", "/n/p--dashboard/x--y"},
		"a list with dots":                  {`"rewrites":[{"source":"/k.:path*","destination":"/:path*","regex":"^/k(?:\\.((?:[^/]+?)(?:\\.(?:[^/]+?))*))?(?:/)?$"}]`, "", "/k.dashboard.set"},
		"a list that is joined by dashes":   {`"rewrites":[{"source":"/k/:path*","destination":"/d{-:path}*","regex":"^/k` + catchAll + `"}]`, "", "/k/x/y"},
		"a rest that a later rewrite takes": {`"rewrites":[{"source":"/u-:p/:q(.*)","destination":"/go/:p/:q","has":[{"type":"query","key":"q1"}],"regex":"^/u-([^/]+?)/(.*)(?:/)?$"},
			{"source":"/:p/:q/:r","destination":"/dashboard/:p/:r","regex":"^(?:/([^/]+?))(?:/([^/]+?))(?:/([^/]+?))(?:/)?$"}]`, "", "/u-x/a?q1=a"},
		"a rest behind an empty parameter": {`"rewrites":[{"source":"/:p*","destination":"/:p*/:h","has":[{"type":"header","key":"x","value":"(?<h>.*)"}],"regex":"^` + catchAll + `"}]`, "", "/"},
	} {
		table := compile(t, Config{
			Rules: []Rule{{Type: Public, Patterns: []string{"/login/*"}}, {Type: Auth, Patterns: []string{"/dashboard/*", "/d-x-y"}}},
			Build: buildOf(t, "{"+tc.manifest+"}"),
		})
		if m := matchHost(t, table, tc.host, tc.path); m.Type != Auth {
			t.Errorf("%s: %s is %s", name, tc.path, m.Type)
		}
	}
}

// A lookahead counts where it is asked once, at one place; else the expression matches at
// least what Next.js matches.
func TestLookahead(t *testing.T) {
	for _, tc := range []struct {
		expression  string
		exact       bool
		yes, no     string // separated by spaces
		alsoMatches string // by what was left out
	}{
		{`^(?:/((?!login$|_next/).*))(?:/)?$`, true, "/ /loginx /x /x/login /_nextx", "/login /LOGIN /_next/x x", ""},
		{`^(?!/_next)(?:/(.*))$`, true, "/ /x", "/_next /_NEXT/x", ""},
		{`^/a\.b(?:/((?=x|y).*))$`, true, "/a.b/x /a.b/y1", "/a.b/z /acb/x", ""},
		{`^/((?!a)(?!b).*)$`, true, "/c /", "/a /bx", ""},
		{`^(?<t>(?!www)[a-z]+)\.x$`, true, "acme.x", "www.x wwwa.x", ""},
		{`^/((?!a)b|c)$`, false, "/b /c", "/d", ""},
		{`^/(?:(?!a)[^/]+/)*$`, false, "/ /b/ /b/c/", "/b", "/a/"},
		{`^(?:/((?!login).*))?$`, false, "/x", "", "/login"},
		{`^/[^/]+/((?!a).*)$`, false, "/x/b", "", "/x/a"},
		{`^/x(?<!y)$`, false, "/x", "/y", ""},
		{`^/((?!a(?!b)).*)$`, false, "/x /ab", "", "/ac"},
		{`^/([(?!])$`, false, "", "/x", ""}, // not one, and no valid expression without it
		{`^(?:/(?!a)(b)c)*$`, false, "/bc /bc/bc", "/b", ""},
		{`^/((?![\)]x)(?!\)y).*)$`, true, "/)z /x", "/)x /)y", ""},
		{`^/((?![)]x).*)$`, true, "/)z /x", "/)x", ""},
	} {
		e, err := compileExpression(anyCase, tc.expression)
		if err != nil {
			if tc.yes != "" {
				t.Errorf("%s: %v", tc.expression, err)
			}
			continue
		}
		if e.exact != tc.exact {
			t.Errorf("%s: exact is %t", tc.expression, e.exact)
		}
		for paths, want := range map[string]bool{tc.yes: true, tc.alsoMatches: true, tc.no: false} {
			for path := range strings.FieldsSeq(paths) {
				if _, ok := e.find(path); ok != want {
					t.Errorf("%s matches %s: %t", tc.expression, path, ok)
				}
			}
		}
	}
}

package routes

import (
	"net/url"
	"strings"
	"testing"
)

// Next.js takes the value of a parameter from the query where the path has its name: seen on
// 16.4, and on 15.5 for API routes.
func TestAttackByNameOfAParameter(t *testing.T) {
	build, _ := buildFiles(t, "x", `"staticRoutes":[{"page":"/dashboard"}],"dynamicRoutes":[{"page":"/docs/[...slug]"},{"page":"/item/[id]"},{"page":"/news/[[...all]]"},{"page":"/api/[...p]"}]`,
		`"/api/[...p]/route":"/api/[...p]"`, "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/dashboard/*", "/news/members/*", "/api/private/*"}, Requires: true}}
	closed := []string{
		"/docs/[...slug]?slug=..&slug=dashboard", "/docs/one/[...slug]?slug=..&slug=..&slug=dashboard", "/docs/[...slug]/settings?slug=..&slug=dashboard", "/docs/[...slug]?%73lug=dashboard",
		"/item/[id]?id=..&id=dashboard", "/en/item/[id]?id=..&id=dashboard", "/docs/[...slug]?slug=..&slug=dashboard" + strings.Repeat("&x", 1000) + "&slug=..",
		"/news/[[...all]]?all=members", "/_next/data/x/news/[[...all]].json?all=members", "/api/[...p]?p=private", "/api/./[...p]?p=private",
		"/api/%5B...p%5D?p=private", "/api/%5B...p]?p=private", "/api/%5b...%70%5d?p=private", "/api/%255B...p%255D?p=private", "/api/%25255B...p%25255D?p=private", "/api/x%2F[...p]?p=private",
		"/_next/static/[...slug]?slug=..&slug=..&slug=dashboard", "/x[id]y/[id]?id=1",
	}
	open := []string{
		"/docs/[...slug]", "/item/[id]?x=1", "/docs/%5B...slug%5D", "/docs/%5B...slug%5D?page=2", "/docs/%5Bother?other=1", "/_next/static/chunks/pages/news/%5B%5B...all%5D%5D-1.js", "/docs/slug?slug=dashboard", "/wiki/[...]?id=1",
		"/wiki/[[...]]", "/wiki/[]?=1", "/a[0]?x=1", "/item/[id?id=1", "/item/id]?id=1",
	}
	for name, table := range map[string]*Table{
		"without a build": compile(t, Config{Rules: rules, Locales: []string{"en"}}),
		"with a build":    compile(t, Config{Rules: rules, Locales: []string{"en"}, Build: build}),
	} {
		for _, target := range closed {
			path, query, _ := strings.Cut(target, "?")
			if m := table.Match(path, query, ""); !m.Bad {
				t.Errorf("%s: %.80s passes: %+v", name, target, m)
			}
			if m := table.Match("/_next/image", "w=64&url="+url.QueryEscape(target), ""); m.Type != Auth || len(m.Matched) != 1 {
				t.Errorf("%s: the image %.80s passes: %+v", name, target, m)
			}
			if m, ok := table.ActionTarget(&url.URL{Path: "/login"}, target); ok {
				t.Errorf("%s: an action may render %.80s ahead: %+v", name, target, m)
			}
		}
		for _, target := range open {
			path, query, _ := strings.Cut(target, "?")
			if m := table.Match(path, query, ""); m.Bad || m.Type == Auth {
				t.Errorf("%s: %s does not pass: %+v", name, target, m)
			}
		}
	}
	// One that is optional and not in the query is left out.
	exact := []Rule{{Type: Auth, Patterns: []string{"/dashboard"}}}
	wantTypes(t, compile(t, Config{Rules: exact, Build: build}), map[string]Type{
		"/dashboard/[[...all]]": Auth, "/dash[[...all]]board/[[...all]]": Auth, "/x/[[...all]]": Hybrid, "/dashboard/[[...other]]": Hybrid, "/dashboard/[...all]": Hybrid,
	})
	// A parameter that no page has is text.
	if m := compile(t, Config{Rules: rules, Build: build}).Match("/docs/[tag]", "tag=1", ""); m.Bad {
		t.Errorf("no page has the parameter: %+v", m)
	}
	// Where nothing is guarded, an image is nobody's business.
	if m := compile(t, Config{}).Match("/_next/image", "w=64&url=/item/[id]%3Fid=1", ""); m.Type != Hybrid {
		t.Errorf("the image is %+v", m)
	}
}

// The value of one parameter may be in the path of which another has its name: seen on 16.4 where
// the page takes only what it was built with.
func TestAttackByValueOfAnotherParameter(t *testing.T) {
	build, _ := buildFiles(t, "x", `"dynamicRoutes":[{"page":"/docs/[slug]/[tab]"},{"page":"/docs/private/[tab]"},{"page":"/[org]/[[...rest]]"},{"page":"/a/[b]/[c]/[d]"}],
		"rewrites":[{"source":"/short/:x","destination":"/docs/:x/private","regex":"^/short(?:/([^/]+?))(?:/)?$"}]`, "", "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/docs/private/*", "/a/x/y/*", "/team/all"}}}
	for name, table := range map[string]*Table{"without a build": compile(t, Config{Rules: rules}), "with a build": compile(t, Config{Rules: rules, Build: build})} {
		for _, path := range []string{
			"/docs/[tab]/private", "/docs/[tab]/%70rivate", "/docs/[tab]/x/../private", "/docs/[tab]/private.rsc", "/docs/[...rest]/private/x", "/_next/data/x/docs/[tab]/private.json",
			"/docs[[...rest]]/private", "/[[...rest]]/team/all", "/te[[...rest]]am/all", "/a/[c]/[d]/x/y",
			"/a/[b]/[c]/[d]", "/docs/[tab]/" + strings.Repeat("x", maxNamed), // too many to try
		} {
			if m := table.Match(path, "", ""); m.Type != Auth {
				t.Errorf("%s: %s passes: %+v", name, path, m)
			}
			if m := table.Match("/_next/image", "w=64&url="+url.QueryEscape(path), ""); m.Type != Auth {
				t.Errorf("%s: the image %s passes: %+v", name, path, m)
			}
		}
		for _, path := range []string{"/docs/[tab]", "/docs/[tab]/open", "/docs/[slug]/[tab]", "/wiki/[draft]/private", "/[am_/te/t]am/all", "/_next/static/chunks/app/docs/%5Bslug%5D/%5Btab%5D/private/x.js"} {
			if m := table.Match(path, "", ""); m.Type != Hybrid || m.Bad {
				t.Errorf("%s: %s does not pass: %+v", name, path, m)
			}
		}
	}
	table := compile(t, Config{Rules: rules, Build: build})
	wantTypes(t, table, map[string]Type{"/short/[tab]": Auth, "/short/[other]": Hybrid})
}

// A host may have brackets, and a rewrite may make a part of the path of it.
func TestAttackByNameOfAParameterInTheHost(t *testing.T) {
	build := buildOf(t, `{"rewrites":[{"source":"/shop/:path*","destination":"/sites/:tenant/:path*","has":[{"type":"host","value":"(?<tenant>.*)\\.example\\.com"}],"regex":"^/shop`+catchAll+`"}],
		"dynamicRoutes":[{"page":"/sites/[tenant]"}]}`)
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/sites/acme/*"}}}, Build: build})
	for _, tc := range []struct {
		host, target string
		want         Type
	}{
		{"acme.example.com", "/shop", Auth},
		{"[tenant].example.com", "/shop?tenant=acme", Auth},
		{"[tenant].example.com", "/shop?x=acme", Hybrid},
		{"[other].example.com", "/shop?other=acme", Hybrid},
		{"beta.example.com", "/shop?tenant=acme", Hybrid},
	} {
		if m := matchHost(t, table, tc.host, tc.target); m.Type != tc.want {
			t.Errorf("%s%s is %s, want %s", tc.host, tc.target, m.Type, tc.want)
		}
	}
}

// A rewrite may bring the value, too: seen on 16.4, and on 15.5 for API routes.
func TestAttackByNameOfAParameterBesideARewrite(t *testing.T) {
	build, _ := buildFiles(t, "x", `"dynamicRoutes":[{"page":"/api/[team]"},{"page":"/wiki/[...page]"}],"rewrites":[
		{"source":"/mine/:name","destination":"/api/:name?team=acme","regex":"^/mine(?:/([^/]+?))(?:/)?$"},
		{"source":"/of/:team/:name","destination":"/api/:name?team=:team","regex":"^/of(?:/([^/]+?))(?:/([^/]+?))(?:/)?$"},
		{"source":"/own/:name","destination":"/api/:name?team=:theirs","has":[{"type":"cookie","key":"team","value":"(?<theirs>.*)"}],"regex":"^/own(?:/([^/]+?))(?:/)?$"},
		{"source":"/search/:path*","destination":"/api/:path*?search=1","regex":"^/search`+catchAll+`"},
		{"source":"/cdn/:path*","destination":"/:path*","regex":"^/cdn`+catchAll+`"},
		{"source":"/written/:name","destination":"/api/[team]?team=:name","regex":"^/written(?:/([^/]+?))(?:/)?$"},
		{"source":"/added/:page*","destination":"/wiki/[...page]","regex":"^/added`+catchAll+`"},
		{"source":"/left","destination":"/api/[team]","regex":"^/left(?:/)?$"}]`, `"/api/[team]/route":"/api/[team]"`, "")
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/api/acme/*", "/wiki/private/*"}}}, Build: build})
	wantTypes(t, table, map[string]Type{
		"/mine/[team]": Auth, "/mine/%5Bteam%5D": Auth, "/mine/%255Bteam%255D": Auth, "/mine/[other]": Hybrid, "/mine/team": Hybrid,
		"/of/acme/[team]": Auth, "/of/acme/[other]": Hybrid, "/of/acme/beta": Hybrid, "/of/beta/acme": Auth,
		"/own/[team]": Auth, "/own/beta": Hybrid, "/search/[team]": Hybrid,
		"/cdn/_next/static/chunks/app/wiki/%5B...page%5D/page.js": Hybrid, "/cdn/_next/static/chunks/app/api/%5Bteam%5D/x.js": Hybrid,
		// Apps may write the names themselves.
		"/written/acme": Auth, "/written/beta": Hybrid, "/added/private/x": Auth, "/added/open": Hybrid, "/left": Hybrid,
	})
	for target, want := range map[string]Type{"/left?team=acme": Auth, "/left?x=acme": Hybrid, "/search/[team]?team=acme": Auth, "/written/beta?x=1": Hybrid} {
		path, query, _ := strings.Cut(target, "?")
		if m := table.Match(path, query, ""); m.Type != want {
			t.Errorf("%s is %s, want %s", target, m.Type, want)
		}
	}
}

// Behind a rewrite, the query alone may say the values: seen on 15.5 with a base path, in API routes
// of the Pages Router.
func TestAttackByValueInTheQueryBehindARewrite(t *testing.T) {
	build, _ := buildFiles(t, "x", `"basePath":"/base","dynamicRoutes":[{"page":"/api/v/[v]"},{"page":"/api/two/[a]/[b]"},{"page":"/api/all/[...m]"},{"page":"/api/any/[[...o]]"},{"page":"/wiki/[v]"}],"rewrites":[
		{"source":"/base/w/:path*","destination":"/base/wiki/:path*","regex":"^/base/w`+catchAll+`"},
		{"source":"/base/v1/:path*","destination":"/base/api/:path*","regex":"^/base/v1`+catchAll+`"},
		{"source":"/base/fixed/:x","destination":"/base/api/v/:x?v=private","regex":"^/base/fixed(?:/([^/]+?))(?:/)?$"},
		{"source":"/base/own/:x","destination":"/base/api/v/:x?v=:theirs","has":[{"type":"cookie","key":"v","value":"(?<theirs>.*)"}],"regex":"^/base/own(?:/([^/]+?))(?:/)?$"}]`, "", "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/api/v/private", "/api/two/x/y", "/api/two/y", "/api/all/private/*", "/api/any/private/*", "/wiki/private"}}}
	table := compile(t, Config{Rules: rules, Build: build})
	for target, want := range map[string]Type{
		"/v1/v/open": Hybrid, "/v1/v/private": Auth, "/v1/v/open?v=private": Auth, "/v1/v/open?%76=%70rivate": Auth, "/v1/v/open?v=other": Hybrid, "/v1/v/open?x=private": Hybrid, "/v1/v/open?v=other&v=private": Auth,
		"/v1/two/p/q?a=x&b=y": Auth, "/v1/two/p/q?a=x": Hybrid, "/v1/two/p/q?b=y": Hybrid, "/w/open?v=private": Hybrid, "/w/private": Auth, "/v1/all/p?m=private&m=z": Auth, "/v1/all/p?m=private/z": Auth, "/v1/all/p?m=open": Hybrid, "/v1/any/p?o=private": Auth, "/v1/any?o=private/x": Auth, "/v1/any/p?x=1": Hybrid,
		"/fixed/open": Auth, "/own/open": Auth,
		"/api/v/open?v=private": Hybrid, // no rewrite
	} {
		path, query, _ := strings.Cut(target, "?")
		if m := table.Match("/base"+path, query, ""); m.Type != want || m.Bad {
			t.Errorf("%s is %s, want %s", target, m.Type, want)
		}
	}
}

// The value of an optional parameter may be in the query where the path has none: seen on 14.2,
// 15.5 and 16.4, in API routes of the Pages Router and in the edge runtime.
func TestAttackByOptionalParameterInTheQuery(t *testing.T) {
	build, _ := buildFiles(t, "x", `"dynamicRoutes":[{"page":"/api/files/[[...path]]"},{"page":"/api/[team]/notes/[[...note]]"},{"page":"/api/posts/[id]"}]`, "", "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/api/files/private/*", "/api/posts/drafts"}}, {Type: Public, Patterns: []string{"/api/health"}}, {Type: Auth, Patterns: []string{"/api/admin/*", "/api/acme/notes/*/secret"}}}
	for name, table := range map[string]*Table{"without a build": compile(t, Config{Rules: rules}), "with a build": compile(t, Config{Rules: rules, Build: build})} {
		for target, want := range map[string]Type{
			"/api/files?path=private": Auth, "/api/files/?path=private&path=x": Auth, "/api/files?p%61th=priv%61te": Auth, "/api/files?path=private/x": Auth, "/api/files?path=PRIVATE": Auth,
			"/api/files?path=x/../private": Auth, "/api/files/index?path=private": Auth, "/api/files/index.rsc?path=private": Auth, "/api/./files?path=private": Auth, "/api/%66iles?path=private": Auth,
			"/api/files?path=open": Hybrid, "/api/files?path=": Hybrid, "/api/files/open?path=private": Hybrid, "/api/files?path=privates": Hybrid, "/api/files": Hybrid, "/api/health?verbose=1": Public, "/api/admin?x=1": Auth,
			"/files?path=private": Hybrid, "/api/posts?page=2": Hybrid, "/api/posts/1?x=drafts": Hybrid, "/api/acme/notes?note=x/secret": Auth, "/api/acme/notes?note=x": Hybrid,
		} {
			path, query, _ := strings.Cut(target, "?")
			if m := table.Match(path, query, ""); m.Type != want || m.Bad {
				t.Errorf("%s: %s is %s, want %s", name, target, m.Type, want)
			}
		}
		if m := table.Match("/_next/image", "w=64&url="+url.QueryEscape("/api/files?path=private"), ""); m.Type != Auth {
			t.Errorf("%s: the image passes: %+v", name, m)
		}
	}
	// A query of many names costs little.
	table := compile(t, Config{Rules: rules})
	for path, want := range map[string]Type{"/api/files": Auth, "/api/health": Public, "/files": Hybrid} {
		if m := table.Match(path, strings.Repeat("a&", 1<<19), ""); m.Type != want {
			t.Errorf("%s with a long query is %s, want %s", path, m.Type, want)
		}
	}
	// What no rule names is not decided by the default, as any query might be meant.
	table = compile(t, Config{Default: Auth, Rules: []Rule{{Type: Auth, Patterns: []string{"/api/files/private"}}, {Type: Public, Patterns: []string{"/api/files"}}}})
	for query, want := range map[string]Type{"path=private": Auth, "path=open": Public, "path=../x": Public} {
		if m := table.Match("/api/files", query, ""); m.Type != want {
			t.Errorf("/api/files?%s is %s, want %s", query, m.Type, want)
		}
	}
	// A build says which names are those of parameters, and so the default counts, too.
	table = compile(t, Config{Default: Auth, Rules: []Rule{{Type: Public, Patterns: []string{"/api/files", "/api/files/open", "/api/acme/notes", "/api/posts"}}}, Build: build})
	for target, want := range map[string]Type{
		"/api/files?path=x": Auth, "/api/files?x=path": Public, "/api/files/open?path=x": Public, "/api/acme/notes?note=x": Auth, "/api/acme/notes?team=x": Public, "/api/posts?id=x": Public,
	} {
		path, query, _ := strings.Cut(target, "?")
		if m := table.Match(path, query, ""); m.Type != want || m.Bad {
			t.Errorf("%s is %s, want %s", target, m.Type, want)
		}
	}
}

// Next.js 15.5 takes .rsc off the values of an API route, and what is missing then from the query.
func TestAttackByEmptyValue(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/api/v/private/*"}}}})
	for target, bad := range map[string]bool{
		"/api/v/.rsc?v=private": true, "/api/v/%2ersc?v=private": true, "/api/v/.%2572sc?v=private": true, "/api/.rsc/y?a=private": true,
		"/api/v/.rsc": false, "/api/v/x.rsc?v=private": false, "/.rscx/v?v=private": false,
	} {
		path, query, _ := strings.Cut(target, "?")
		if m := table.Match(path, query, ""); m.Bad != bad {
			t.Errorf("%s is bad: %t, want %t", target, m.Bad, bad)
		}
	}
}

// Next.js 14 takes the value of a parameter from the header Next-Router-State-Tree where the
// path has this word of its own: seen on 14.2 at every page with a parameter.
func TestAttackByEmptyParameter(t *testing.T) {
	build, _ := buildFiles(t, "x", `"dynamicRoutes":[{"page":"/teams/[team]"},{"page":"/teams/[team]/settings"}]`, "", "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/teams/acme/*"}}}
	for name, table := range map[string]*Table{"without a build": compile(t, Config{Rules: rules}), "with a build": compile(t, Config{Rules: rules, Build: build})} {
		for _, target := range []string{
			"/teams/__NEXT_EMPTY_PARAM__", "/teams/__NEXT_EMPTY_PARAM__/settings", "/teams/%5F_NEXT%5FEMPTY_PARAM__/settings", "/teams/%255F_NEXT_EMPTY_PARAM__", "/x/../teams/__NEXT_EMPTY_PARAM__.rsc",
		} {
			if m := table.Match(target, "", ""); !m.Bad {
				t.Errorf("%s: %s passes: %+v", name, target, m)
			}
			if m := table.Match("/_next/image", "w=64&url="+url.QueryEscape(target), ""); m.Type != Auth {
				t.Errorf("%s: the image %s passes: %+v", name, target, m)
			}
			if _, ok := table.ActionTarget(&url.URL{Path: "/login"}, target); ok {
				t.Errorf("%s: an action may render %s ahead", name, target)
			}
		}
		for _, path := range []string{"/teams/NEXT_EMPTY_PARAM", "/teams/__next_empty_param__", "/teams/100%25"} {
			if m := table.Match(path, "", ""); m.Bad || m.Type != Hybrid {
				t.Errorf("%s: %s does not pass: %+v", name, path, m)
			}
		}
	}
}

// Next.js writes the value of a parameter into the query itself, and what runs in its edge
// runtime takes it from there, whoever wrote it.
func TestAttackByInternalParameter(t *testing.T) {
	build, _ := buildFiles(t, "x", `"dynamicRoutes":[{"page":"/orgs/[id]"},{"page":"/api/[...p]"}]`, `"/api/[...p]/route":"/api/[...p]"`, "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/orgs/acme", "/api/private/*"}}}
	for name, table := range map[string]*Table{"without a build": compile(t, Config{Rules: rules}), "with a build": compile(t, Config{Rules: rules, Build: build})} {
		for _, query := range []string{"nxtPid=acme", "x=1&nxtPp=private&y", "nxtIid=acme", "%6extPid=acme", "n%78tPid=acme", "nxtP%69d=acme", "nxtPid"} {
			if m := table.Match("/orgs/open", query, ""); !m.Bad {
				t.Errorf("%s: ?%s passes: %+v", name, query, m)
			}
			if m := table.Match("/_next/image", "url="+url.QueryEscape("/orgs/open?"+query), ""); m.Type != Auth {
				t.Errorf("%s: an image with ?%s passes: %+v", name, query, m)
			}
			if _, ok := table.ActionTarget(&url.URL{Path: "/login"}, "/orgs/open?"+query); ok {
				t.Errorf("%s: an action may render ?%s ahead", name, query)
			}
		}
		for _, query := range []string{"nxtP=1", "nxtI", "id=acme", "x=nxtPid", "xnxtPid=1", "NXTPid=1", "nxt=100%25", "q=%6extPid%3D"} {
			if m := table.Match("/orgs/open", query, ""); m.Bad || m.Type != Hybrid {
				t.Errorf("%s: ?%s does not pass: %+v", name, query, m)
			}
		}
	}
	if m := compile(t, Config{Rules: rules, Build: build}).Match("/orgs/open", "nxtPage=2", ""); m.Bad {
		t.Errorf("no page has the parameter: %+v", m)
	}
}

package routes

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

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
			m, shown := table.ComesFrom(&url.URL{Path: path}, tc.from, "")
			if shown != tc.shown || shown && m.Type != Auth {
				t.Errorf("%s: %s from %s: %v %+v", version, path, tc.from, shown, m)
			}
		}
	}
	unknown := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/feed/*"}}}})
	for from, want := range map[string]Type{"/feed/x": Auth, "/": Hybrid} {
		if m, shown := unknown.ComesFrom(&url.URL{Path: "/photo/7"}, from, ""); !shown || m.Type != want {
			t.Errorf("without a build, from %s: %v %+v", from, shown, m)
		}
	}
	for _, from := range []string{"feed", "/f\xfced", "/füed"} {
		if m, shown := unknown.ComesFrom(&url.URL{Path: "/photo/7"}, from, ""); !shown || !m.Bad {
			t.Errorf("from %q: %v %+v", from, shown, m)
		}
	}
}

// The page behind an interception route is shown whole, so whatever rule guards it
// counts, also one that names no first segment, and the default.
func TestAttackByInterceptionRoute(t *testing.T) {
	hybrid := Rule{Type: Hybrid, Patterns: []string{"/feed/*"}}
	for _, tc := range []struct {
		name, path string
		config     Config
	}{
		{"prefix", "/feed/(..)teams", Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/team*"}}}}},
		{"prefix, two up", "/feed/y/(.)(..)(..)teams", Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/team*"}}}}},
		{"of the same folder", "/feed/(.)photo", Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/feed/photo"}}}}},
		{"of the folder above", "/a/b/(..)photo", Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/a/photo"}}}}},
		{"wildcard", "/feed/(...)x/edit", Config{Rules: []Rule{hybrid, {Type: Auth, Patterns: []string{"/*/edit"}}}}},
		{"everything", "/feed/(..)photo/1", Config{Rules: []Rule{hybrid, {Type: Auth, Patterns: []string{"*"}}}}},
		{"default", "/feed/(..)photo/1", Config{Rules: []Rule{hybrid}, Default: Auth}},
	} {
		if m := compile(t, tc.config).Match(tc.path, "", ""); m.Type != Auth {
			t.Errorf("%s: %s passes: %+v", tc.name, tc.path, m)
		}
	}
	conditional := compile(t, Config{Rules: []Rule{hybrid, {Type: Hybrid, Patterns: []string{"/team*"}, Requires: true}}})
	if m := conditional.Match("/feed/(..)teams", "", ""); !slices.Contains(m.Matched, 1) {
		t.Errorf("what the page requires is forgotten: %+v", m)
	}
	open := compile(t, Config{Rules: []Rule{{Type: Public, Patterns: []string{"/feed/*"}}, {Type: Hybrid, Patterns: []string{"/photo*"}}}})
	if m := open.Match("/feed/(..)photos", "", ""); m.Type != Public {
		t.Errorf("what nothing guards is not as its own rule says: %+v", m)
	}
}

// Next.js 14 gives the page of the interception route those values of parameters that the client
// says it has: seen on 14.2.
func TestAttackByRouterState(t *testing.T) {
	rules := []Rule{{Type: Auth, Patterns: []string{"/teams/acme/*"}}}
	manifest := func(tenant string) string {
		return `{"rewrites":{"beforeFiles":[{"source":"/teams/:team/photo/:id","destination":"/teams/` + tenant + `/(.)photo/:id",
			"has":[{"type":"header","key":"Next-Url","value":"\\/teams(?:\\/([^\\/#\\?]+?))(?:\\/(.*))?[\\/#\\?]?"}],"regex":"^/teams(?:/([^/]+?))/photo(?:/([^/]+?))(?:/)?$"}]},
			"dynamicRoutes":[{"page":"/teams/[team]"},{"page":"/teams/[team]/(.)photo/[id]"}]}`
	}
	tree := func(name, value string) string {
		return url.PathEscape(`["",{"children":["teams",{"children":[["` + name + `","` + value + `","d"],{"children":["__PAGE__",{}]}]}]},null,"refetch"]`)
	}
	tables := map[string]*Table{
		"without a build": compile(t, Config{Rules: rules}),
		"with a build":    compile(t, Config{Rules: rules, Build: buildOf(t, manifest(emptyParameter))}),
		"of a newer one":  compile(t, Config{Rules: rules, Build: buildOf(t, manifest(":nxtPteam"))}),
	}
	for _, tc := range []struct {
		from, tree string
		closed     bool // to 14.2
	}{
		{"/teams/beta", tree("team", "acme"), true},
		{"/teams/beta/x", tree("team", "acme"), true},
		{"/teams/beta", tree("team", "%61cme"), true},
		{"/teams/beta", tree("team", `\u0061cme`), true},
		{"/teams/beta", tree("team", "beta"), false},
		{"/teams/beta", "", false},
	} {
		for name, table := range tables {
			m, shown := table.ComesFrom(&url.URL{Path: "/teams/beta/photo/1"}, tc.from, tc.tree)
			if closed := tc.closed && name != "of a newer one"; !shown || m.Bad || closed != (m.Type == Auth) {
				t.Errorf("%s: from %s with %s: %v %+v", name, tc.from, tc.tree, shown, m)
			}
		}
	}
	// The value is that of another parameter.
	if m, _ := tables["with a build"].ComesFrom(&url.URL{Path: "/teams/beta/photo/acme"}, "/teams/beta", tree("id", "acme")); m.Type != Hybrid {
		t.Errorf("with another parameter: %+v", m)
	}
	for _, tree := range []string{"x", "%", "[\"\xe9\"]", url.PathEscape(`["` + strings.Repeat("x", 50_000) + `"]`)} {
		if m, shown := tables["with a build"].ComesFrom(&url.URL{Path: "/teams/beta/photo/1"}, "/teams/beta", tree); !shown || !m.Bad {
			t.Errorf("with %.20s: %v %+v", tree, shown, m)
		}
	}
}

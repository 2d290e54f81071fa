package routes

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestCompileErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config Config
		want   []string // each must be in the error
	}{
		{"type", Config{Rules: []Rule{{Type: "private", Patterns: []string{"/x"}}}}, []string{`"private" is not a route type; write public, auth or hybrid`}},
		{"no type", Config{Rules: []Rule{{Patterns: []string{"/x"}}}}, []string{`rule 1: "" is not a route type`}},
		{"default", Config{Default: "closed"}, []string{`default "closed" is not a route type`}},
		{"no patterns", Config{Rules: []Rule{{Type: Auth, Source: "Caddyfile:3"}}}, []string{"auth rule (Caddyfile:3) has no pattern"}},
		{"empty pattern", rule(Auth, ""), []string{`empty pattern`}},
		{"no slash", rule(Auth, "account"), []string{`pattern "account" does not begin with a slash; write "/account"`}},
		{"url", rule(Auth, "https://x/y/*"), []string{`pattern "https://x/y/*" names a host, but a rule is for paths of its own site; write "/y/*"`}},
		{"url of a host", rule(Auth, "https://x"), []string{`names a host`, `write "/"`}},
		{"host", rule(Auth, "a.example/admin/*"), []string{`names a host`, `write "/admin/*"`}},
		{"host with a port", rule(Auth, "localhost:3000/admin/*"), []string{`names a host`, `write "/admin/*"`}},
		{"address", rule(Auth, "10.0.0.1/admin/*"), []string{`names a host`, `write "/admin/*"`}},
		{"folder with a dot", rule(Hybrid, ".well-known/*"), []string{`does not begin with a slash; write "/.well-known/*"`}},
		{"folder of a version", rule(Auth, "v1.0/users/*"), []string{`does not begin with a slash; write "/v1.0/users/*"`}},
		{"catch-all without a slash", rule(Auth, "[...slug]/edit"), []string{`does not begin with a slash; write "/[...slug]/edit"`}},
		{"parameter without a slash", rule(Auth, ":locale/users"), []string{`does not begin with a slash; write "/:locale/users"`}},
		{"name with a dot", rule(Auth, "feed.xml"), []string{`does not begin with a slash; write "/feed.xml"`}},
		{"excluded", rule(Auth, "/*", "!/login"), []string{`pattern "!/login" begins with !, but no pattern excludes paths; write a rule for these paths before this one`}},
		{"matcher", rule(Auth, "@admin"), []string{`pattern "@admin" is a matcher, which rules do not take`}},
		{"single quotes", rule(Auth, "'/admin/*'"), []string{`has single quotes, which are part of the text in a Caddyfile`}},
		{"several with commas", rule(Auth, "/admin/*,/x/*"), []string{`pattern "/admin/*,/x/*" looks like several in one; write each by itself, with a space between them`}},
		{"regular expression", rule(Auth, "^/a/.*"), []string{"regular expression", "write a path such as /dashboard/*"}},
		{"dynamic folder", rule(Auth, "/user/[id]"), []string{`pattern "/user/[id]" has the parameter [id]; write "/user/*"`}},
		{"dynamic folder inside", rule(Auth, "/user/[id]/edit"), []string{`write "/user/*/edit"`}},
		{"parameter", rule(Auth, "/x/:id"), []string{`has the parameter :id; write "/x/*"`}},
		{"catch-all folder", rule(Auth, "/docs/[...slug]"), []string{`catch-all folder [...slug]; write "/docs/*"`}},
		{"optional catch-all folder", rule(Auth, "/[[...slug]]"), []string{`catch-all folder [[...slug]]; write "/*"`}},
		{"route group", rule(Auth, "/(shop)/cart"), []string{"(shop), which is not part of a URL"}},
		{"expression for the rest", rule(Auth, "/reports/.*"), []string{`pattern "/reports/.*" has the regular expression .*, which is not supported; write "/reports/*"`}},
		{"expression for at least one", rule(Auth, "/reports/.+"), []string{`has the regular expression .+`, `write "/reports/*"`}},
		{"expression in a group", rule(Auth, "/dashboard/(.*)"), []string{`write "/dashboard/*"`}},
		{"alternatives", rule(Auth, "/(en|ar)/dashboard"), []string{`the regular expression (en|ar)`, `write "/*/dashboard"`}},
		{"end of an expression", rule(Auth, "/files$"), []string{`ends in '$', which no path does; write "/files"`}},
		{"comma", rule(Auth, "/account,", "/billing"), []string{`pattern "/account," ends in ',', which no path does; write "/account"`}},
		{"several in quotes", rule(Auth, "/x /y"), []string{`pattern "/x /y" looks like several in one; write each by itself`}},
		{"query", rule(Auth, "/x?y=1"), []string{`"/x?y=1" can never match`, `remove "?y=1"`}},
		{"fragment", rule(Auth, "/x#y"), []string{"can never match"}},
		{"dot segment", rule(Auth, "/x/../y"), []string{"dot segments"}},
		{"encoded dots", rule(Auth, "/x/%2e%2E/y"), []string{"dot segments"}},
		{"empty segment", rule(Auth, "/x//y"), []string{"empty segment"}},
		{"backslash", rule(Auth, `/x\y`), []string{"backslash"}},
		{"control", rule(Auth, "/x%00"), []string{"control character"}},
		{"the last control", rule(Auth, "/x%7f"), []string{"control character"}},
		{"one dot", rule(Auth, "/x/./y"), []string{"dot segments"}},
		{"percent", rule(Auth, "/100%"), []string{"write %25"}},
		{"not text", rule(Auth, "/\xff"), []string{"not valid UTF-8"}},
		{"star in a segment", rule(Auth, "/*.png"), []string{"* inside a segment"}},
		{"star before the end", rule(Auth, "/a*/b"), []string{"* inside a segment"}},
		{"two stars", rule(Auth, "/a/**"), []string{"* inside a segment"}},
		{"all at once", Config{Default: "x", Rules: []Rule{{Type: Auth, Patterns: []string{"a", "/b?"}}, {Type: Auth}}, HomePath: "home"}, []string{`default "x"`, `"a"`, `"/b?"`, "auth rule 2", `home_path "home"`}},
		{"base path", Config{BasePath: "base"}, []string{`write "/base"`}},
		{"base path with dots", Config{BasePath: "/a/../b"}, []string{"base_path", "dot segments"}},
		{"locale", Config{Locales: []string{"en/us"}}, []string{`locale "en/us"`}},
		{"empty locale", Config{Locales: []string{""}}, []string{`locale ""`}},
		{"locale twice", Config{Locales: []string{"en", "EN"}}, []string{"written twice"}},
		{"login elsewhere", Config{LoginPath: "https://id.example/login"}, []string{"login_path", "not a path of this site"}},
		{"login as a pattern", Config{LoginPath: "/login/*"}, []string{"login_path", "without *"}},
		{"home as a pattern", Config{HomePath: "/*"}, []string{"home_path", "without *"}},
		{"base path as a pattern", Config{BasePath: "/shop*"}, []string{"base_path", "without *"}},
		{"login with a query", Config{LoginPath: "/login?x=1"}, []string{"login_path"}},
		{"login below base path", Config{BasePath: "/app", LoginPath: "/app/login"}, []string{"added to redirects; write /login"}},
		{"login in a locale", Config{Locales: []string{"en"}, LoginPath: "/en/login"}, []string{"added to redirects; write /login"}},
		{"return_to", Config{ReturnTo: "a&b"}, []string{"return_to"}},
		{"actions", Config{Actions: []string{"x"}}, []string{"actions", `write "/x"`}},
		{"loop: login is auth", Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/login"}, Source: "Caddyfile:9"}}}, []string{"auth rule (Caddyfile:9)", "nobody could log in"}},
		{"loop: login is auth in another case", rule(Auth, "/LOGIN/"), []string{"nobody could log in"}},
		{"loop: login is auth in a locale", Config{Locales: []string{"en"}, Rules: []Rule{{Type: Auth, Patterns: []string{"/en/login"}}}}, []string{"nobody could log in"}},
		{"loop: home is public", Config{Rules: []Rule{{Type: Public, Patterns: []string{"/"}, Source: "Caddyfile:7"}}}, []string{"home_path / is public", "public rule (Caddyfile:7)"}},
		{"loop: home is public by default", Config{Default: Public}, []string{"home_path / is public"}},
		{"loop: the page of the forbidden is public", Config{ForbiddenPath: "/denied", Rules: []Rule{{Type: Public, Patterns: []string{"/denied"}, Source: "Caddyfile:7"}}}, []string{"forbidden_path /denied is public", "public rule (Caddyfile:7)"}},
		{"loop: the page of the forbidden requires what they lack", Config{ForbiddenPath: "/admin/denied", Rules: []Rule{{Type: Auth, Patterns: []string{"/admin/*"}, Requires: true}}}, []string{"forbidden_path /admin/denied is under the auth rule 1", "again and again"}},
		{"the page of the forbidden with a query", Config{ForbiddenPath: "/denied?why=role"}, []string{"forbidden_path", `remove "?why=role"`}},
		{"the page of the forbidden as a pattern", Config{ForbiddenPath: "/denied/*"}, []string{"forbidden_path", "without *"}},
		{"loop: home is a public login", Config{HomePath: "/login", Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}}}, []string{"home_path /login is public"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Compile(tc.config)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
		})
	}
}

func rule(typ Type, patterns ...string) Config {
	return Config{Rules: []Rule{{Type: typ, Patterns: patterns}}}
}

func TestWarnings(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rules []Rule
		want  []string // each in the warning of this index
	}{
		{"none", guarded.Rules, nil},
		{"hidden", []Rule{
			{Type: Hybrid, Patterns: []string{"/docs/*"}, Source: "Caddyfile:2"},
			{Type: Auth, Patterns: []string{"/docs/internal/*"}, Source: "Caddyfile:3"},
		}, []string{"auth rule (Caddyfile:3): pattern /docs/internal/* has no effect, because pattern /docs/* of the hybrid rule (Caddyfile:2) matches first"}},
		{"hidden by everything", []Rule{{Type: Auth, Patterns: []string{"/*"}}, {Type: Public, Patterns: []string{"/login"}}}, []string{"pattern /login has no effect"}},
		{"hidden by a prefix", []Rule{{Type: Auth, Patterns: []string{"/blog*"}}, {Type: Hybrid, Patterns: []string{"/blogs/x", "/blog/*", "/blogger*"}}}, []string{"/blogs/x", "/blog/*", "/blogger*", "all of its patterns"}},
		{"hidden by one segment", []Rule{{Type: Auth, Patterns: []string{"/a/*/b"}}, {Type: Hybrid, Patterns: []string{"/a/x/b"}}}, []string{"/a/x/b"}},
		{"not hidden", []Rule{{Type: Auth, Patterns: []string{"/a/x/b", "/b/*", "/c", "/d*"}}, {Type: Hybrid, Patterns: []string{"/a/*/b", "/b*", "/c/*", "/dx/*/y", "/*"}}}, []string{"/dx/*/y"}},
		{"twice", []Rule{{Type: Auth, Patterns: []string{"/x"}}, {Type: Hybrid, Patterns: []string{"/X/"}}}, []string{"the auth rule 1 has it already"}},
		{"twice in a rule", []Rule{{Type: Auth, Patterns: []string{"/x", "/x"}}}, []string{"has the pattern /x twice"}},
		{"covered in a rule", []Rule{{Type: Auth, Patterns: []string{"/x/*", "/x"}}}, []string{"adds nothing to /x/*"}},
		{"locale", []Rule{{Type: Public, Patterns: []string{"/en/join"}}}, []string{"begins with the locale en, which is stripped before matching; write it as /join"}},
		{"locale and below", []Rule{{Type: Hybrid, Patterns: []string{"/en/join/*"}}}, []string{"write it as /join/*"}},
		{"base path", []Rule{{Type: Hybrid, Patterns: []string{"/base/x"}}}, []string{"begins with the base path"}},
		{"auth with the base path", []Rule{{Type: Auth, Patterns: []string{"/based", "/base/x/*", "/base/y*", "/base", "/BASE/*"}}}, []string{"stripped before matching; write it as /x/*", "write it as /y*", "write it as /", "write it as /*"}},
		{"auth of one locale", []Rule{{Type: Auth, Patterns: []string{"/en/beta/*"}}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table := compile(t, Config{Rules: tc.rules, Locales: []string{"en"}, BasePath: "/base", LoginPath: "/sign-in", HomePath: "/home"})
			got := table.Warnings()
			if len(got) != len(tc.want) {
				t.Fatalf("got %d warnings, want %d:\n%s", len(got), len(tc.want), strings.Join(got, "\n"))
			}
			for i, want := range tc.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("%q is not in %q", want, got[i])
				}
			}
		})
	}
}

// An open pattern that is closed in another reading of its own path opens nothing, and
// the error for /100% says to write /100%25.
func TestOpenPatternsThatOpenNothing(t *testing.T) {
	for pattern, closed := range map[string]string{
		"/100%25": "/100%", "/50%25*": "/50%", "/deals/50%25/*": "/deals/50%", "/q%3Fx": "/q?x", "/b%5Cc": `/b\c`, "/img%2fx": "/img/x", "/a%62c": "/abc", "/semi;x": "/semi",
		"/caf%C3%A9": "", "/s%20p": "", "/a/*/b": "", "/plain*": "", "/x.html": "", "/login": "",
	} {
		table := compile(t, Config{Default: Auth, Rules: []Rule{{Type: Hybrid, Patterns: []string{pattern}}}})
		opens := table.Match(strings.ReplaceAll(pattern, "*", "x"), "", "").Type == Hybrid
		warnings := strings.Join(table.Warnings(), "\n")
		if opens != (closed == "") || opens != (warnings == "") {
			t.Errorf("%s opens: %v, the warnings are %q", pattern, opens, warnings)
		}
		if want := "pattern " + pattern + " opens nothing, because some servers read this path as " + closed + ", which is closed"; closed != "" && !strings.Contains(warnings, want) {
			t.Errorf("%q is not in %q", want, warnings)
		}
	}
}

// An app with a folder [locale] shows its pages behind any word, which is open by default.
func TestLocaleWarning(t *testing.T) {
	auth := func(patterns ...string) []Rule {
		return []Rule{{Type: Hybrid, Patterns: []string{"/about"}}, {Type: Auth, Patterns: patterns, Source: "Caddyfile:4"}}
	}
	admins := func(patterns ...string) []Rule { return []Rule{{Type: Auth, Patterns: patterns, Requires: true}} }
	locales := []string{"en", "ar"}
	for name, tc := range map[string]struct {
		config Config
		want   string // how it begins and ends, with … between; empty for none
	}{
		"by default":          {Config{Rules: auth("/dashboard/*"), Locales: locales}, "auth rule (Caddyfile:4): pattern /dashboard/* does not match /xx/dashboard, …/*/dashboard/*"},
		"with a base path":    {Config{Rules: auth("/dashboard"), Locales: locales, BasePath: "/app"}, "auth rule (Caddyfile:4): pattern /dashboard does not match /xx/dashboard, …/*/dashboard"},
		"a prefix":            {Config{Rules: auth("/user*"), Locales: locales}, "auth rule (Caddyfile:4): pattern /user* does not match /xx/user, …/*/user*"},
		"the front page":      {Config{Rules: auth("/"), Locales: locales, LoginPath: "/in"}, "auth rule (Caddyfile:4): pattern / does not match /xx, …set next_build"},
		"a word":              {Config{Rules: auth("dashboard"), Locales: locales}, "auth rule (Caddyfile:4): pattern dashboard does not match /xx/dashboard, …/*/dashboard/*"},
		"not what is below":   {Config{Rules: auth("/dashboard/*", "/*/dashboard"), Locales: locales}, "auth rule (Caddyfile:4): pattern /dashboard/* does not match /xx/dashboard/x, …/*/dashboard/*"},
		"for anybody there":   {Config{Rules: admins("/admin/*"), Locales: locales, Default: Auth}, "auth rule 1: pattern /admin/* does not match /xx/admin, …/*/admin/*"},
		"for the same there":  {Config{Rules: admins("/admin/*", "/*/admin/*"), Locales: locales, Default: Auth}, ""},
		"a folder in between": {Config{Rules: auth("/team/*/pay"), Locales: locales}, "auth rule (Caddyfile:4): pattern /team/*/pay does not match /xx/team/*/pay, …/*/team/*/pay"},
		"the second pattern":  {Config{Rules: auth("/api/*", "/*/a", "/a", "/b"), Locales: locales}, "auth rule (Caddyfile:4): pattern /b does not match /xx/b, …/*/b"},
		"guarded there, too":  {Config{Rules: auth("/dashboard/*", "/*/dashboard/*"), Locales: locales}, ""},
		"closed by default":   {Config{Rules: auth("/dashboard/*"), Locales: locales, Default: Auth}, ""},
		"all is guarded":      {Config{Rules: auth("/dashboard/*", "/*"), Locales: locales, LoginPath: "/about"}, ""},
		"of one locale":       {Config{Rules: auth("/en/beta/*"), Locales: locales}, ""},
		"only the API":        {Config{Rules: auth("/api/*"), Locales: locales}, ""},
		"without locales":     {Config{Rules: auth("/dashboard/*")}, ""},
		"with a build":        {Config{Rules: auth("/dashboard/*"), Locales: locales, Build: loadBuild(t, "16.4")}, ""},
	} {
		got := compile(t, tc.config).LocaleWarning()
		begin, end, _ := strings.Cut(tc.want, "…")
		if (got == "") != (tc.want == "") || !strings.HasPrefix(got, begin) || !strings.HasSuffix(got, " "+end) && got != "" {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// Whoever names each locale means the page, which an app may show without one, too.
func TestPagesGuardedBehindLocalesOnlyAreFound(t *testing.T) {
	auth := func(patterns ...string) []Rule {
		return []Rule{{Type: Auth, Patterns: patterns, Source: "Caddyfile:4"}}
	}
	locales := []string{"en", "pt-BR"}
	for name, tc := range map[string]struct {
		config Config
		want   string
	}{
		"each locale":      {Config{Rules: auth("/en/admin/*", "/pt-br/admin/*"), Locales: locales}, "auth rule (Caddyfile:4): pattern /pt-br/admin/* guards a page behind its locale, but /admin is open, where an app shows the page in its default locale; write /admin/*, which counts behind all locales"},
		"in two rules":     {Config{Rules: append(auth("/en/a"), Rule{Type: Auth, Patterns: []string{"/x", "/pt-BR/a"}}), Locales: locales}, "auth rule 2: pattern /pt-BR/a guards"},
		"with parameters":  {Config{Rules: auth("/en/a/*/b", "/pt-BR/a/*/b"), Locales: locales}, "write /a/*/b"},
		"the default":      {Config{Rules: auth("/en/dashboard/*"), Build: loadBuild(t, "16.4-i18n")}, "auth rule (Caddyfile:4): pattern /en/dashboard/* guards a page behind its locale, but /dashboard is open"},
		"once for each":    {Config{Rules: auth("/en/a", "/ar/a", "/pt-BR/a", "/en/b"), Build: loadBuild(t, "16.4-i18n")}, "write /a, which counts behind all locales\nauth rule (Caddyfile:4): pattern /en/b guards"},
		"not the default":  {Config{Rules: auth("/ar/dashboard/*"), Build: loadBuild(t, "16.4-i18n")}, ""},
		"one of two":       {Config{Rules: auth("/en/admin/*", "/pt-BR/other/*"), Locales: locales}, ""},
		"one of one":       {Config{Rules: auth("/en/admin/*"), Locales: locales[:1]}, ""},
		"closed by a rule": {Config{Rules: auth("/en/admin/*", "/pt-BR/admin/*", "/admin*", "/*/admin/*"), Locales: locales}, ""},
		"by default":       {Config{Rules: auth("/en/admin/*", "/pt-BR/admin/*"), Locales: locales, Default: Auth}, ""},
		"open in each":     {Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/admin/*"}}}, Locales: locales}, ""},
	} {
		got := strings.Join(compile(t, tc.config).Warnings(), "\n")
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestDecidesAll(t *testing.T) {
	for _, tc := range []struct {
		patterns []string
		all      bool
	}{
		{[]string{"/*"}, true}, {[]string{"/dashboard", "/*"}, true}, {[]string{"/base/*"}, false}, {[]string{"/"}, false},
		{[]string{"/*/*"}, false}, {[]string{"/a*", "/dashboard/*"}, false}, {nil, false},
	} {
		config := Config{LoginPath: "/login", Rules: []Rule{{Type: Public, Patterns: []string{"/login"}}}}
		if tc.patterns != nil {
			config.Rules = append(config.Rules, Rule{Type: Auth, Patterns: tc.patterns})
		}
		if got := compile(t, config).DecidesAll(); got != tc.all {
			t.Errorf("%v: %t", tc.patterns, got)
		}
	}
}

// Who writes default auth does not expect that nothing is closed.
func TestDefaultThatGuardsNothingIsFound(t *testing.T) {
	for _, tc := range []struct {
		name  string
		typ   Type
		rules []Rule
		want  string
	}{
		{"everything", Auth, []Rule{{Type: Hybrid, Patterns: []string{"/*"}, Source: "Caddyfile:3"}}, "default auth has no effect, because pattern /* of the hybrid rule (Caddyfile:3) opens all paths that no rule before it matches; remove one of the two"},
		{"the rest", Auth, []Rule{{Type: Auth, Patterns: []string{"/admin/*"}}, {Type: Hybrid, Patterns: []string{"*"}}}, "pattern * of the hybrid rule 2"},
		{"all guarded", Auth, []Rule{{Type: Auth, Patterns: []string{"/*"}}}, ""},
		{"some open", Auth, []Rule{{Type: Hybrid, Patterns: []string{"/", "/docs/*"}}}, ""},
		{"open by default", Hybrid, []Rule{{Type: Hybrid, Patterns: []string{"/*"}}}, ""},
	} {
		got := strings.Join(compile(t, Config{Default: tc.typ, Rules: tc.rules}).Warnings(), "\n")
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q", tc.name, got)
		}
	}
}

// Patterns that only say where something holds can be dead, too.
func TestWarningsOfOtherPatterns(t *testing.T) {
	table := compile(t, Config{BasePath: "/base", Locales: []string{"en"}, Actions: []string{"/base/login", "/join"}})
	want := "actions: pattern /base/login begins with the base path, which is stripped before matching; write it as /login"
	if got := table.Warnings(); len(got) != 1 || got[0] != want {
		t.Errorf("the warnings of actions are %q", got)
	}
	all, err := table.Paths("handoff", []string{"/*"})
	if err != nil {
		t.Fatal(err)
	}
	if got := all.Warnings(); len(got) > 0 { // nobody has written default auth
		t.Errorf("the warnings of handoff /* are %q", got)
	}
	for path, want := range map[string]bool{"/base/x": true, "/base/_next/static/a.js": false} { // which is no page
		if got := all.Match(&url.URL{Path: path}); got != want {
			t.Errorf("/* matches %s: %v", path, got)
		}
	}
	paths, err := table.Paths("handoff", []string{"/base/login", "/en/login", "/join"})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(paths.Warnings(), "\n")
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, "handoff: pattern /base/login begins with the base path") || !strings.Contains(got, "handoff: pattern /en/login begins with the locale en") {
		t.Errorf("the warnings of handoff are %q", got)
	}
}

// Whatever proof calls dead must never decide. Every short path is asked.
func TestDeadPatternsNeverDecide(t *testing.T) {
	patterns := []string{"/", "/a", "/a/*", "/a*", "/ab", "/ab*", "/*/b", "/a/*/b", "/a/b", "/a/b*", "/a/b/*", "/*", "/*/a/*"}
	var paths []string
	segments := []string{"", "a", "b", "ab", "ba", "c"}
	for _, one := range segments {
		for _, two := range segments {
			for _, three := range segments {
				path := "/" + one + "/" + two + "/" + three
				paths = append(paths, trimEnd(strings.TrimRight(path, "/")))
			}
		}
	}
	paths = append(slices.Compact(slices.Sorted(slices.Values(paths))), "/")
	for _, first := range patterns {
		for _, second := range patterns {
			table := compile(t, Config{LoginPath: "/sign-in", Rules: []Rule{
				{Type: Hybrid, Patterns: []string{first}}, {Type: Auth, Patterns: []string{second}},
			}})
			reached := slices.ContainsFunc(paths, func(path string) bool {
				return path != "" && !strings.Contains(path, "//") && table.Match(path, "", "").Rule == 1
			})
			if dead := len(table.Warnings()) > 0; dead == reached {
				t.Errorf("%s before %s: warned of %v, reached %v", first, second, dead, reached)
			}
		}
	}
}

func TestTenThousandRulesCompile(t *testing.T) {
	table := compile(t, Config{Rules: manyRules(10000)})
	if got := table.Warnings(); len(got) != 0 {
		t.Errorf("%d warnings, the first is %s", len(got), got[0])
	}
}

// A rule among thousands decides as it does alone: a matcher that changes its method for
// long lists must not change its answers (the class of CVE-2026-27588).
func TestRuleAmongThousandsDecidesAsAlone(t *testing.T) {
	all := manyRules(10000)
	table := compile(t, Config{Rules: all})
	for _, i := range []int{0, 1, 2, 3, 4, 100, 101, 5000, 7501, 9995, 9996, 9997, 9998, 9999} {
		alone := compile(t, Config{Rules: all[i : i+1]})
		plain := strings.TrimSuffix(strings.NewReplacer("/*/", "/acme/", "x*", "x").Replace(all[i].Patterns[0]), "/*")
		for _, path := range []string{plain, plain + "/", strings.ToUpper(plain), "/x/.." + plain, "/" + plain, strings.Replace(plain, "a", "%61", 1), plain + ".rsc", plain + "/b"} {
			one, many := alone.Match(path, "", ""), table.Match(path, "", "")
			if decided := one.Rule == 0; one.Type != many.Type || decided != (many.Rule == i) {
				t.Errorf("rule %d %v, %s: %+v alone, %+v among all", i, all[i], path, one, many)
			}
		}
	}
}

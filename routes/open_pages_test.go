package routes

import (
	"fmt"
	"strings"
	"testing"
)

// What Next.js takes off once, and in its own letter case, may be a page of the app a second
// time, or in another case.
func TestAttackOnOpenPagesByForms(t *testing.T) {
	config := Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/", "/blog"}}}, Default: Auth, HomePath: "/blog", BasePath: "/base", Locales: []string{"en"}}
	table := compile(t, config)
	wantTypes(t, table, map[string]Type{
		"/base/blog": Hybrid, "/base/en/blog": Hybrid, "/base/_next/data/B/en/blog.json": Hybrid,
		"/base/base/blog": Auth, "/base/en/en/blog": Auth, "/base/_NEXT/data/B/blog.json": Auth, "/BASE/blog": Auth, "/base/_next/data": Auth, "/base/_next/data/": Auth,
		"/base" + strings.Repeat("/en", 9) + "/blog": Auth, "/base/blog" + strings.Repeat(".rsc", 9): Auth, // more than are taken off
	})
	config.Build = buildOf(t, `{"basePath":"/base"}`) // its id is x
	known := compile(t, config)
	wantTypes(t, known, map[string]Type{"/base/_next/data/x/blog.json": Hybrid, "/base/_next/data/x": Auth, "/base/_next/data/x.json": Auth, "/base/_NEXT/data/x/blog.json": Auth, "/base/_NEXT/data/blog.json": Auth, "/base/_next/data/xx/secret.json": Auth})
}

// An open rule counts in its own letter case only, in any script.
func TestAttackOnOpenPagesByLetterCase(t *testing.T) {
	table := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/blog", "/кафе"}}}, Default: Auth})
	wantTypes(t, table, map[string]Type{"/blog": Hybrid, "/Blog": Auth, "/%D0%BA%D0%B0%D1%84%D0%B5": Hybrid, "/%D0%9A%D0%B0%D1%84%D0%B5": Auth})
}

// Letters, digits and some signs mean the same in escapes to some servers, and not to others.
func TestAttackOnOpenPagesByEscapes(t *testing.T) {
	const page = "aAmMzZ059-._~"
	table := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/" + page}}}, Default: Auth})
	wantTypes(t, table, map[string]Type{"/" + page: Hybrid})
	for i := range page {
		wantTypes(t, table, map[string]Type{fmt.Sprintf("/%s%%%02x%s", page[:i], page[i], page[i+1:]): Auth})
	}
}

func TestPublicOnlyIfAllReadingsSaySo(t *testing.T) {
	table := compile(t, guarded)
	for path, want := range map[string]Type{
		"/login": Public, "/login/": Public, "/en/login": Public, "/PT-br/login": Public, "/_next/data/B/en/login.json": Public,
		"/login.rsc": Public, "/%6cogin": Hybrid, "/x/../login": Hybrid, "/Login": Hybrid, "//login": Hybrid,
	} {
		m := table.Match(path, "", "")
		if m.Type != want {
			t.Errorf("%s is %s, want %s", path, m.Type, want)
		}
		if m.Ambiguous != (want == Hybrid) || m.Ambiguous && m.Reading == "" {
			t.Errorf("%s: ambiguous %v by %q", path, m.Ambiguous, m.Reading)
		}
	}
}

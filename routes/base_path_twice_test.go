package routes

import (
	"net/url"
	"testing"
)

// A page with parameters that takes only what it was built with has Next.js look for another
// one, from the beginning, with a path that has lost its base path: seen on 16.4 with
// dynamicParams and with fallback false.
func TestAttackByBasePathTwice(t *testing.T) {
	build, _ := buildFiles(t, "x", `"basePath":"/b","staticRoutes":[{"page":"/dash"},{"page":"/b/own"}],"dynamicRoutes":[{"page":"/[...s]"}],
		"rewrites":[{"source":"/b/rw/:p*","destination":"/b/dash/:p*","regex":"^/b/rw`+catchAll+`"}]`, "", "")
	rules := []Rule{{Type: Auth, Patterns: []string{"/dash/*", "/own"}}, {Type: Public, Patterns: []string{"/login"}}}
	for name, table := range map[string]*Table{
		"without a build": compile(t, Config{Rules: rules, Locales: []string{"ar"}, BasePath: "/b"}),
		"with a build":    compile(t, Config{Rules: rules, Locales: []string{"ar"}, Build: build}),
	} {
		for _, path := range []string{"/b/b/dash", "/b/b/dash/x", "/b/ar/b/dash", "/b/b/ar/dash", "/b/ar/b/ar/dash", "/B/b/dash", "/b/%62/dash", "/b/b/dash.rsc",
			"/b/_next/data/x/b/dash.json", "/b/b/_next/data/x/dash.json", "/b/_next/data/x/ar/b/dash.json", "/b/b/b/dash"} {
			if m := table.Match(path, "", ""); m.Type != Auth {
				t.Errorf("%s: %s passes: %+v", name, path, m)
			}
			if m := table.Match("/b/_next/image", "url="+url.QueryEscape(path), ""); m.Type != Auth {
				t.Errorf("%s: the image %s passes: %+v", name, path, m)
			}
		}
		wantTypes(t, table, map[string]Type{"/b/b": Hybrid, "/b/b/x": Hybrid, "/b/bash/dash": Hybrid, "/b/login": Public, "/b/b/login": Hybrid})
	}
	withBuild := compile(t, Config{Rules: rules, Build: build})
	wantTypes(t, withBuild, map[string]Type{"/b/b/rw": Auth, "/b/b/own": Hybrid, "/b/own": Auth}) // a page of the app itself
}

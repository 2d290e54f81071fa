package routes

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// The optimizer fetches the path in url from the app itself.
func TestAttackByImageOptimizer(t *testing.T) {
	table := compile(t, guarded)
	based := guarded
	based.BasePath = "/base"
	withBase := compile(t, based)
	for _, query := range []string{
		"url=%2Fdashboard%2Fa.png&w=64&q=75", "url=/dashboard/a.png", "w=64&ur%6C=/dashboard/a.png",
		"url=/%2564ashboard/a.png", "url=/x/%252e%252e/dashboard/a.png", "url=/das%09hboard/a.png", "url=%2Fdashboard%2Fa.png%23x",
		"url=/logo.png&url=/dashboard/a.png", "url=/dashboard/a.png;x", "url=/dashboard/a.png%", "url=/en/dashboard/a.png",
		"url=/_next/image%3Furl%3D%2Fdashboard%2Fa.png", "url=/x/../_next/image%3Furl%3D%252Fdashboard%252Fa.png",
		"url=%20/dashboard/a.png", "url=/x%5c..%5cdashboard/a.png", "url=/base/dashboard/a.png",
	} {
		tables := map[string]*Table{"/base/_next/image": withBase}
		if !strings.Contains(query, "/base/") {
			for _, path := range []string{"/_next/image", "/_next/image/", "/_next/x/../image", "/en/_next/image", "/_next/%69mage"} {
				tables[path] = table
			}
		}
		for path, table := range tables {
			if m := table.Match(path, query, ""); m.Type != Auth {
				t.Errorf("%s?%s passes: %+v", path, query, m)
			}
		}
	}
	for _, query := range []string{"url=%2Flogo.png&w=64&q=75", "url=https%3A%2F%2Fcdn.example%2Fdashboard%2Fa.png", "x=/dashboard", ""} {
		if m := table.Match("/_next/image", query, ""); m.Type != Hybrid || m.Ambiguous {
			t.Errorf("%s does not pass: %+v", query, m)
		}
	}
	if m := table.Match("/x", "url=/dashboard", ""); m.Type != Hybrid {
		t.Errorf("the query of another path chose a rule: %+v", m)
	}
}

// Next.js's router knows the optimizer by its exact path, but what goes on to a page is
// answered by it if it begins so: seen on 16.4 where a page has two parameters in front. A
// rewrite of its own leads to it from behind an assetPrefix.
func TestAttackByPathsThatBeginAsTheOptimizer(t *testing.T) {
	table := compile(t, guarded)
	for _, path := range []string{
		"/_next/imagex", "/_next/image/x", "/_next/image.png", "/_next/images/a/b", "/en/_next/imagex", "/_next/%69magex", "/_next/image;x",
		"/assets/_next/image", "/assets/v1/_NEXT/Image",
	} {
		if m := table.Match(path, "url=/dashboard/a.png&w=640&q=75", ""); m.Type != Auth {
			t.Errorf("%s passes: %+v", path, m)
		}
		if m := table.Match(path, "url=/logo.png&w=640&q=75", ""); m.Type != Hybrid || m.Ambiguous {
			t.Errorf("%s does not pass with an open image: %+v", path, m)
		}
	}
	for _, path := range []string{"/some/long/path/of/a/page", "/some_long/path"} { // whose url is its own business
		if m := table.Match(path, "url=/dashboard/a.png", ""); m.Type != Hybrid {
			t.Errorf("%s: %+v", path, m)
		}
	}
	closed := compile(t, Config{Rules: []Rule{{Type: Hybrid, Patterns: []string{"/logo.png"}}}, Default: Auth})
	for path, want := range map[string]Type{"/_next/image": Hybrid, "/_next/image/": Hybrid, "/_next/imagex": Auth, "/_next/Image": Auth} {
		if m := closed.Match(path, "url=/logo.png", ""); m.Type != want {
			t.Errorf("%s is %s, want %s", path, m.Type, want)
		}
	}
	wantTypes(t, closed, map[string]Type{"/_next/image": Auth}) // of no image
	config := guarded
	config.Rules = append([]Rule{{Type: Auth, Patterns: []string{"/_next/images/*"}}}, guarded.Rules...)
	if m := compile(t, config).Match("/_next/images/a", "url=/logo.png", ""); m.Type != Auth {
		t.Errorf("the path itself has no rule any more: %+v", m)
	}
	wantTypes(t, table, map[string]Type{
		"/assets/_next/data/B/dashboard.json": Auth, "/assets/_next/data/B/about.json": Hybrid, "/assets/_next/static/a.js": Hybrid,
		"/assets/_next/data/B/dashboard/_next/data/q.json": Auth, "/assets/_next/data/B/dashboard/_next/image.json": Auth,
	})
}

// Another app may stand below a path that is open, with an optimizer and data of its own.
func TestOptimizerOfAnotherApp(t *testing.T) {
	for name, config := range map[string]Config{
		"default auth":      {Rules: []Rule{{Type: Hybrid, Patterns: []string{"/docs/*"}}}, Default: Auth},
		"auth for the rest": {Rules: []Rule{{Type: Hybrid, Patterns: []string{"/docs/*"}}, {Type: Auth, Patterns: []string{"/*"}}}},
	} {
		table := compile(t, config)
		for query, want := range map[string]Type{"": Hybrid, "url=https%3A%2F%2Fcdn.example%2Fa.png": Hybrid, "url=/docs/a.png": Hybrid, "url=/private/a.png": Auth} {
			if m := table.Match("/docs/_next/image", query, ""); m.Type != want {
				t.Errorf("%s: %q is %s, want %s", name, query, m.Type, want)
			}
		}
		if m := table.Match("/docs/_next/data/B/intro.json", "", ""); m.Type != Hybrid {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// A query that names images of images of images must not cost more than any
// other request.
func TestAttackByNestedImages(t *testing.T) {
	table := compile(t, guarded)
	query := "url=%2Fx"
	for range 12 {
		one := "url=" + url.QueryEscape("/a/%2e%2e//_next/%69mage?"+query)
		if query = one + "&" + one + "&" + one; len(query) > 1<<20 {
			break
		}
	}
	start := time.Now()
	if m := table.Match("/_next/image", query, ""); m.Type != Auth {
		t.Errorf("passes: %+v", m)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

package routes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// manyRules are n rules of all shapes, as a large site has them.
func manyRules(n int) []Rule {
	shapes := []string{"/section%d/*", "/page%d", "/prefix%dx*", "/orgs/*/area%d", "/a%d/*/settings"}
	types := []Type{Auth, Public, Hybrid}
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = Rule{Type: types[i%len(types)], Patterns: []string{fmt.Sprintf(shapes[i%len(shapes)], i)}}
	}
	return rules
}

// benchmarkPaths are paths that match early, late and not at all.
func benchmarkPaths(n int) []string {
	last := n - n%5
	return []string{
		"/blog/a-post-about-nothing", "/section0/x/y", fmt.Sprintf("/section%d/x", last-5),
		fmt.Sprintf("/orgs/acme/area%d", last-2), fmt.Sprintf("/a%d/b/settings", last-1), "/ar/products/12/reviews",
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		table := compile(b, Config{Rules: manyRules(n), Locales: []string{"en", "ar"}})
		paths := benchmarkPaths(n)
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.Match(paths[i%len(paths)], "", "")
			}
		})
	}
}

func BenchmarkMatchPath(b *testing.B) {
	table := compile(b, guarded)
	for _, path := range []string{
		"/", "/dashboard/settings", "/en/dashboard", "/blog/My-Post.html", "/logo.png", "/_next/static/chunks/a.js",
		"/_next/data/B/en/dashboard.json", "/docs/%40scope%2Fname", "/x/../%64ashboard//a;b",
	} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Match(path, "", "")
			}
		})
	}
}

func BenchmarkKind(b *testing.B) {
	table := compile(b, guarded)
	r := httptest.NewRequest(http.MethodGet, "/dashboard", nil)
	r.Header.Set("Accept", "application/xhtml+xml,text/html;q=0.9")
	b.ReportAllocs()
	for b.Loop() {
		kindOf(table, r)
	}
}

// The tree keeps ten thousand rules at most one and a half times as slow as
// ten. The fastest of many rounds is compared, so that a busy machine does not
// decide.
func TestManyRulesCostLittleMore(t *testing.T) {
	few, many := compile(t, Config{Rules: manyRules(10)}), compile(t, Config{Rules: manyRules(10000)})
	fewPaths, manyPaths := benchmarkPaths(10), benchmarkPaths(10000)
	round := func(table *Table, paths []string) time.Duration {
		start := time.Now()
		for i := range 6000 {
			table.Match(paths[i%len(paths)], "", "")
		}
		return time.Since(start)
	}
	fastestFew, fastestMany := round(few, fewPaths), round(many, manyPaths)
	for range 40 {
		fastestFew = min(fastestFew, round(few, fewPaths))
		fastestMany = min(fastestMany, round(many, manyPaths))
	}
	if ratio := float64(fastestMany) / float64(fastestFew); ratio > 1.5 {
		t.Errorf("ten thousand rules cost %.2f times as much as ten", ratio)
	} else {
		t.Logf("ratio %.2f", ratio)
	}
}

// Nor do they cost more where a query may have the value of a parameter, and nothing is allocated.
func TestManyRulesCostNoMoreWithAQuery(t *testing.T) {
	var apis []string
	for i := range 10000 {
		apis = append(apis, fmt.Sprintf("/api/v%d/items", i), fmt.Sprintf("/x%d", i))
	}
	table := compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: apis}}})
	for _, path := range []string{"/api/posts", "/api/posts/index", "/api/posts/a-post-that-has-a-name-of-more-than-thirty-two-bytes"} {
		if n := testing.AllocsPerRun(100, func() {
			j := judgement{table: table, query: "page=2"} // what is remembered would cost nothing
			j.fillFromQuery(path)
		}); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

func BenchmarkMatchWithBuild(b *testing.B) {
	config := nextjsConfig("main")
	config.Build = loadBuild(b, "16.4")
	table := compile(b, config)
	for _, path := range []string{"/", "/dashboard/settings", "/blog/a-post", "/app/settings"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Match(path, "", "")
			}
		})
	}
}

// A normal path costs no allocation.
func TestNormalPathsDoNotAllocate(t *testing.T) {
	table := compile(t, guarded)
	r := httptest.NewRequest(http.MethodGet, "/dashboard", nil)
	r.Header.Set("Accept", "text/html")
	for _, path := range slices.Concat(benchmarkPaths(10), []string{
		"/", "/login", "/dashboard/", "/en/dashboard/settings", "/blog/My-Post", "/robots.txt", "/_next/static/chunks/a.js",
		"/_next/data/B/en/dashboard.json",
	}) {
		r.URL.Path = path
		if n := testing.AllocsPerRun(100, func() {
			kindOf(table, r)
			table.Match(path, "", "")
		}); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

// Nor does it with a build, where no rewrite leads from it elsewhere.
func TestNormalPathsDoNotAllocateWithBuild(t *testing.T) {
	config := nextjsConfig("main")
	config.Build = loadBuild(t, "16.4")
	table := compile(t, config)
	for _, path := range []string{"/", "/login", "/dashboard/settings", "/blog/a-post", "/robots.txt", "/_next/static/chunks/a.js"} {
		if n := testing.AllocsPerRun(100, func() { table.Match(path, "", "") }); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

package routes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
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
		table.Kind(r)
	}
}

// A normal path costs no allocation; what is fast is measured in bench/.
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
			table.Kind(r)
			table.Match(path, "", "")
		}); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

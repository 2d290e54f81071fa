package routes

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// What is remembered of a path is what a first look says of it, whatever query it came with
// before.
func TestMemory(t *testing.T) {
	withBase := guarded
	withBase.BasePath = "/base"
	paths := []string{
		"/", "/dashboard", "/Dashboard/x", "/en/api/public", "/orgs/1/settings", "/login/", "/team.rsc", "/_next/static/a.js", "/_next/data/B/en/dashboard.json",
		"/_next/image", "/blog/[...id]", "/_next/imagex", "/assets/_next/image", "/base/_next/image/", "/base/dashboard", "//x/dashboard", "/%64ashboard", "/a%zz", "/" + strings.Repeat("x", mostRemembered),
	}
	for i := range memoryPlaces { // so many that some take the places of others
		paths = append(paths, fmt.Sprintf("/team%d/x", i))
	}
	for _, config := range []Config{guarded, withBase} {
		table := compile(t, config)
		for round := range 5 {
			for i, path := range paths {
				query := []string{"", "url=%2Fadmin&w=64", "url=%2Fx&w=64", "nxtPid=dashboard", "id=..&id=dashboard"}[(i+round)%5]
				u := &url.URL{Path: path, RawQuery: query}
				if decoded, err := url.PathUnescape(path); err == nil {
					u.Path, u.RawPath = decoded, path
				}
				for range 3 {
					if got, want := table.MatchURL(u, ""), table.Match(u.EscapedPath(), query, ""); !reflect.DeepEqual(got, want) {
						t.Fatalf("%s?%s: %+v, a first look says %+v", path, query, got, want)
					}
				}
			}
		}
		known := 0
		for i := range table.memory.places {
			if table.memory.places[i].known.Load() != nil {
				known++
			}
		}
		if known < memoryPlaces/2 {
			t.Errorf("only %d are remembered", known)
		}
	}
}

// A flood of paths that come once each costs no memory.
func TestMemoryOfOneOffs(t *testing.T) {
	table := compile(t, guarded)
	urls := make([]*url.URL, 1001)
	for i := range urls {
		urls[i] = &url.URL{Path: fmt.Sprintf("/blog/%d", i)}
	}
	i := 0
	if n := testing.AllocsPerRun(len(urls)-1, func() {
		table.MatchURL(urls[i], "")
		i++
	}); n != 0 {
		t.Errorf("%v allocations each", n)
	}
}

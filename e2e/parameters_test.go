package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoWayAroundParameters asks an app for what its pages with parameters take: paths that
// look like Next.js's own, like another form of an open page, or like an interception route.
func TestNoWayAroundParameters(t *testing.T) {
	s := startBypass(t, "16.4", "parameters")
	closed := getAll("/anything", "/xx/dashboard/u/7", "/login.rsc", "/login.segments/dashboard/u/7.segment.RSC", "/blog.Segments/dashboard/u/7.Segment.RSC",
		"/feed/(..)gallery/a/b", "/feed/(..)gallery/a/(.x", "/feed/(..)gallery/a/(.)x/(.)x", "/__nextjs_font/dashboard",
		"/guide/[...page]?page=..&page=dashboard", "/guide/start/[...page]?page=..&page=..&page=dashboard",
		"/blog/[page]/members", "/api/store?path=private", "/api/store?x=1&path=private&path=7", "/api/store?%70ath=%70rivate")
	byBuild := getAll("/_next/static/zz", "/_next/static/chunks/zz.js", "/_next/hmr", "/_next/webpack-hmr", "/__nextjs_x")
	sendAll(t, s.unguarded, slices.Concat(closed, byBuild), func(r reply) {
		if !r.secret() {
			t.Errorf("%s: without a guard this is no secret (%d), so it tests nothing", r.probe.Target, r.status)
		}
	})
	wantNoSecret := func(r reply) {
		if r.secret() {
			t.Errorf("%q: a secret came through (%d)", r.probe.Target, r.status)
		}
	}
	sendAll(t, s.guarded, slices.Concat(closed, byBuild), wantNoSecret)
	sendAll(t, s.rules, closed, wantNoSecret)

	sendAll(t, s.guarded, getAll("/api/store", "/api/store?path=open", "/api/store?other=private"), func(r reply) {
		if !strings.Contains(string(r.body), "PUBLIC-MARK-store") {
			t.Errorf("%s is %d", r.probe.Target, r.status)
		}
	})

	var files []string
	sendAll(t, s.guarded, getAll("/login"), func(r reply) {
		if !strings.Contains(string(r.body), "PUBLIC-MARK-login") {
			t.Errorf("the login page is %d", r.status)
		}
		files = regexp.MustCompile(`/_next/static/[^"\\]+`).FindAllString(string(r.body), -1)
	})
	if len(files) == 0 {
		t.Fatal("the login page has no scripts")
	}
	sendAll(t, s.guarded, getAll(files...), func(r reply) {
		if r.status != http.StatusOK {
			t.Errorf("the login page's file %s is %d", r.probe.Target, r.status)
		}
	})
}

// getAll are plain requests for paths.
func getAll(targets ...string) (probes []probe) {
	for _, target := range targets {
		probes = append(probes, probe{Method: http.MethodGet, Target: target})
	}
	return probes
}

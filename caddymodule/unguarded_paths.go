package caddymodule

import (
	"cmp"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"

	"github.com/session-guard/caddy-session-guard/routes"
)

// shown is a page of an app, or a file, that a path leads to.
type shown struct {
	asked   string // the path
	guard   *Guard // on the way; nil: none
	asksFor []string
	of      []string // the app or the folder
	path    string   // that it gets
	meant   bool     // for many paths, as /index.html is
}

// checkPaths warns of a page that a guard closes by one path and leaves open by another, since
// rewrite, uri or handle_path change the path on the way: beside handle_path /old/* and auth
// /dashboard/*, everybody sees /dashboard at /old/dashboard. It sends requests there.
func (s *survey) checkPaths() {
	type way struct {
		place
		toward any
	}
	looked := map[way]bool{}
	for _, found := range s.found[everySite] {
		way := way{place: place{server: found.at.server, site: found.at.site, host: found.at.host}}
		if found.at.bySent {
			way.toward = found.what
		}
		if changesPath(found.what) && !looked[way] {
			looked[way] = true
			s.checkPathsOf(way.place, way.toward)
		}
	}
}

// checkPathsOf looks at one site, by requests that have what leads toward a handler.
func (s *survey) checkPathsOf(here place, toward any) {
	var seen []shown
	for _, asked := range s.pathsToAsk(here.site) {
		page := s.show(here, toGet(asked), walk{toward: toward})
		if page.guard == nil || page.of == nil || page.meant {
			continue
		}
		isAny := strings.Contains(page.path, aPage) // else it may be one page for many paths, such as /index.html
		if page.path != asked {
			own := s.show(here, toGet(page.path), walk{})
			if (own.of == nil || firstShared(own.of, page.of) != "") && s.compare(here, own, page) {
				return
			}
			if isAny && own.guard != nil && own.path == page.path && firstShared(own.of, page.of) != "" && s.compare(here, page, own) {
				return
			}
		}
		for _, other := range seen {
			if isAny && firstShared(other.of, page.of) != "" && other.path == page.path && (s.compare(here, other, page) || s.compare(here, page, other)) {
				return
			}
		}
		seen = append(seen, page)
	}
}

// compare warns if a guard asks for something before it shows a page by one path, but not by the
// other.
func (s *survey) compare(here place, closed, open shown) bool {
	for _, asked := range closed.asksFor {
		if !slices.Contains(open.asksFor, asked) {
			s.warn("%s: session_guard (%s) asks for %s at %s, but not at %s, which shows the same, since the path is changed on the way (rewrite, uri, handle_path); "+
				"write rules for both paths", here.site, open.guard.Source, asked, strings.ReplaceAll(closed.asked, aPage, "*"), strings.ReplaceAll(open.asked, aPage, "*"))
			return true
		}
	}
	return false
}

// changesPath reports whether a handler, or the one that asks the app, may change the path.
func changesPath(handler any) bool {
	proxy, ok := handler.(*reverseproxy.Handler)
	if ok {
		return proxy.Rewrite != nil && !asksBefore(proxy)
	}
	_, ok = handler.(*rewrite.Rewrite)
	return ok
}

// pathsToAsk are those that rules of a site name, with and without the beginnings that matchers
// of the site name or that are stripped, of which each path has one only, and endings that are.
func (s *survey) pathsToAsk(site string) []string {
	prefixes, stripped, patterns, endings := []string{""}, []string{}, []string{"/*"}, []string{""}
	for _, found := range s.found[site] {
		switch what := found.what.(type) {
		case caddyhttp.Route:
			for _, set := range what.MatcherSets {
				prefixes = append(prefixes, pathsOf(set)...)
			}
		case *rewrite.Rewrite:
			stripped = append(stripped, what.StripPathPrefix)
			endings = append(endings, what.StripPathSuffix)
		case *Guard:
			prefixes = append(prefixes, what.BasePath)
			for _, rule := range what.Rules {
				patterns = append(patterns, rule.Patterns...)
			}
		}
	}
	prefixes = append(prefixes, stripped...)
	pages := []string{""}
	for i := range prefixes {
		prefixes[i] = strings.TrimRight(prefixes[i], "/*")
	}
	prefixes = once(prefixes)
	for _, prefix := range prefixes {
		for _, pattern := range patterns {
			if page, ok := strings.CutPrefix(pattern, prefix); ok {
				pages = append(pages, strings.TrimSuffix(page, "*"), strings.TrimSuffix(page, "/*"), strings.ReplaceAll(page, "*", aPage))
			}
		}
	}
	var paths []string
	for _, page := range once(pages) {
		isBelowOne := slices.ContainsFunc(stripped, func(prefix string) bool { return prefix != "" && strings.HasPrefix(page, prefix) })
		for _, prefix := range prefixes {
			if asked := prefix + page; strings.HasPrefix(asked, "/") && !strings.Contains(asked, "*") && (prefix == "" || !isBelowOne) {
				for _, ending := range once(endings) {
					paths = append(paths, asked+ending)
				}
			}
		}
	}
	paths = once(paths)
	slices.SortStableFunc(paths, func(a, b string) int { return cmp.Compare(len(a), len(b)) }) // what is short is plain
	return paths[:min(len(paths), mostPaths)]
}

func once(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

// mostPaths bounds those of a site.
const mostPaths = 5000

// routesOf are the routes that may take requests for a site.
func (s *survey) routesOf(here place) caddyhttp.RouteList {
	if s.routesAsked == nil || s.asked.server != here.server || s.asked.host != here.host {
		s.asked, s.routesAsked = here, routesFor(here.host, here.server.Routes)
	}
	return s.routesAsked
}

// show finds out what a path shows to whom the guard lets pass.
func (s *survey) show(here place, asked explainRequest, w walk) shown {
	page := shown{asked: asked.URL}
	r := s.request(here, asked)
	if r == nil {
		return page
	}
	w.server, w.request, w.groups = here.server, r, map[string]bool{}
	w.pass = func(guard *Guard) { page.guard, page.asksFor = guard, append(page.asksFor, guard.asksFor(r)...) }
	answerer, err := w.answerer(s.routesOf(here))
	if err != nil {
		return page
	}
	replacer := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	tried, _ := replacer.GetString("http.matchers.file.relative")
	switch answerer := answerer.(type) {
	case *reverseproxy.Handler:
		if answerer.Rewrite != nil {
			answerer.Rewrite.Rewrite(r, replacer)
		}
		page.of, page.meant = upstreams(answerer, rootOfRequest(r)), r.URL.Path == tried && !strings.Contains(tried, aPage)
	case *fileserver.FileServer:
		page.of, page.meant = []string{"files " + rootOf(answerer.Root, rootOfRequest(r))}, !strings.Contains(r.URL.Path, aPage)
	}
	page.path = r.URL.Path
	return page
}

// asksFor says what a guard asks of whom it lets pass.
func (g *Guard) asksFor(r *http.Request) (conditions []string) {
	v := &visit{request: r, table: g.table.Load()}
	if v.route(); v.match.Type == routes.Auth {
		conditions = append(conditions, "a session")
	}
	for _, rule := range v.match.Matched {
		for _, requirement := range g.Rules[rule].Require {
			conditions = append(conditions, strings.TrimPrefix(requirement.String(), "require "))
		}
	}
	return conditions
}

// rootOf is the root that a handler names, in one spelling, or else the one before it.
func rootOf(named any, before string) string {
	if root, ok := named.(string); ok && root != "" && root != "{http.vars.root}" {
		return path.Clean(root)
	}
	return before
}

func rootOfRequest(r *http.Request) string { return rootOf(caddyhttp.GetVar(r.Context(), "root"), "") }

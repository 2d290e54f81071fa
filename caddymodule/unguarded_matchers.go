package caddymodule

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/session-guard/caddy-session-guard/routes"
)

// checkMatchers warns of a matcher session behind what answers every request, as respond is
// behind handle, and of one that asks for another realm than all guards, also of other sites:
// nobody is ever signed in for it, so whom it was to turn away passes.
func (s *survey) checkMatchers() {
	for _, found := range s.found[everySite] {
		route, ok := found.what.(caddyhttp.Route)
		if !ok {
			continue
		}
		at, guards := found.at, ofSite[*Guard](s, found.at.site)
		for _, matcher := range sessionMatchers(route.MatcherSets) {
			hasRealm := func(guards []*Guard) bool {
				return slices.ContainsFunc(guards, func(guard *Guard) bool { return guard.realm == matcher.realm })
			}
			if at.answerer != "" {
				s.warn("%s: the matcher session (%s) is never tried, since %s answers first; move its directive before %[3]s (into a handle of its own, or a route block)", at.site, matcher.Source, at.answerer)
			} else if len(guards) > 0 && !hasRealm(guards) && !hasRealm(ofSite[*Guard](s, everySite)) {
				s.warn("the matcher session (%s) asks for sessions of the realm %s, but session_guard (%s) has those of the realm %s, so it never matches; write realm %[4]s into the matcher's block",
					matcher.Source, matcher.realm.name, guards[0].Source, guards[0].realm.name)
			}
		}
	}
}

// checkClosings warns of a path that a route refuses unless the matcher session matches, and no
// rule does: Caddy's path reads a path in one way, and the app is asked for its pages in others, too.
func (s *survey) checkClosings() {
	for route, at := range all[caddyhttp.Route](s) {
		guards := ofSite[*Guard](s, at.site)
		if len(guards) == 0 || !slices.ContainsFunc(route.Handlers, refuses) {
			continue
		}
		for _, set := range route.MatcherSets {
			for _, not := range matchersOf[*caddyhttp.MatchNot](set) {
				for _, matcher := range sessionMatchers(not.MatcherSets) {
					for _, pattern := range pathsOf(set) {
						page := strings.TrimRight(pattern, "/*")
						if strings.HasPrefix(page, "/") && !strings.Contains(page, "*") && s.showsInData(at.place, page, pattern, &route.Handlers[0]) &&
							!slices.ContainsFunc(guards, func(guard *Guard) bool { return guard.closes(page, matcher.Require) }) {
							s.warn("%s: the matcher session (%s) closes %s in one spelling only, so /_next/data/x%s.json passes, and others; write an auth rule for %[3]s into session_guard, with what the matcher asks for as require",
								at.site, matcher.Source, pattern, page)
						}
					}
				}
			}
		}
	}
}

// showsInData reports whether data routes of Next.js come to what a page shows: else it is a
// folder of files, or another app, and so do no other spellings of its path.
func (s *survey) showsInData(here place, page, pattern string, closing *caddyhttp.MiddlewareHandler) bool {
	closed := s.show(here, toGet(strings.ReplaceAll(pattern, "*", aPage)), walk{without: closing})
	data := s.show(here, toGet("/_next/data/x"+page+".json"), walk{})
	return len(closed.of) == 0 || firstShared(closed.of, data.of) != ""
}

// closes reports whether a path needs a session, and one that meets the requirements.
func (g *Guard) closes(path string, require []Requirement) bool {
	m := g.table.Load().Match(path, "", "")
	return m.Type == routes.Auth && !slices.ContainsFunc(require, func(asked Requirement) bool {
		return !slices.ContainsFunc(m.Matched, func(rule int) bool { return slices.ContainsFunc(g.Rules[rule].Require, asked.equal) })
	})
}

// refuses reports whether a handler turns away whoever comes to it. A redirect may be no
// refusal.
func refuses(handler caddyhttp.MiddlewareHandler) bool {
	refusal := func(status caddyhttp.WeakString) bool {
		code, _ := strconv.Atoi(string(status))
		return slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, code)
	}
	switch handler := handler.(type) {
	case *caddyhttp.StaticResponse:
		return refusal(handler.StatusCode)
	case *caddyhttp.StaticError:
		return refusal(handler.StatusCode)
	case *caddyhttp.Subroute: // of handle
		return slices.ContainsFunc(handler.Routes, func(route caddyhttp.Route) bool {
			return len(route.MatcherSets) == 0 && slices.ContainsFunc(route.Handlers, refuses)
		})
	}
	return false
}

// sessionMatchers are the matchers session of a route, those behind `not` too. What an
// expression asks cannot be seen.
func sessionMatchers(sets caddyhttp.MatcherSets) (found []*MatchSession) {
	for _, set := range sets {
		found = append(found, matchersOf[*MatchSession](set)...)
		for _, not := range matchersOf[*caddyhttp.MatchNot](set) {
			found = append(found, sessionMatchers(not.MatcherSets)...)
		}
	}
	return found
}

package caddymodule

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/session-guard/caddy-session-guard/routes"
)

// closing is a route that refuses requests for a path unless the matcher session matches.
type closing struct {
	site, pattern string
	matcher       *MatchSession
}

// matchersOf looks at the matchers session of a route. One behind a handler that answers every
// request, as respond is behind handle, closes nothing.
func (s *survey) matchersOf(route caddyhttp.Route, at position) {
	for _, matcher := range sessionMatchers(route.MatcherSets) {
		s.matchers[s.site] = append(s.matchers[s.site], matcher)
		if at.answerer != "" {
			s.warn("%s: the matcher session (%s) is never tried, since %s answers first; move its directive before %[3]s (into a handle of its own, or a route block)", s.site, matcher.Source, at.answerer)
		}
	}
	if at.answerer != "" || !slices.ContainsFunc(route.Handlers, refuses) {
		return
	}
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			not, ok := matcher.(*caddyhttp.MatchNot)
			if !ok {
				continue
			}
			for _, matcher := range sessionMatchers(not.MatcherSets) {
				for _, pattern := range pathsOf(set) {
					s.closings = append(s.closings, closing{s.site, pattern, matcher})
				}
			}
		}
	}
}

// compareClosings warns of a path that is closed by a matcher alone. Caddy's path reads a path
// in one way, and the app is asked for its pages in others, too.
func (s *survey) compareClosings() {
	for _, closing := range s.closings {
		page := strings.TrimRight(closing.pattern, "/*")
		if !strings.HasPrefix(page, "/") || strings.Contains(page, "*") || len(s.guards[closing.site]) == 0 {
			continue
		}
		if !slices.ContainsFunc(s.guards[closing.site], func(guard *Guard) bool { return guard.closesInstead(page, closing.matcher) }) {
			s.warn("%s: the matcher session (%s) closes %s in one spelling only, so /_next/data/x%s.json passes, and others; write an auth rule for %[3]s into session_guard, with what the matcher asks for as require",
				closing.site, closing.matcher.Source, closing.pattern, page)
		}
	}
}

// closesInstead reports whether the rules of a guard close a page as a matcher does: with some
// requirement where that has one.
func (g *Guard) closesInstead(page string, matcher *MatchSession) bool {
	m := g.table.Load().Match(page, "", "")
	return m.Type == routes.Auth && (len(matcher.Require) == 0 || slices.ContainsFunc(m.Matched, func(rule int) bool { return len(g.Rules[rule].Require) > 0 }))
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

// pathsOf are the paths that a set of matchers asks for.
func pathsOf(set caddyhttp.MatcherSet) []string {
	for _, matcher := range set {
		switch matcher := matcher.(type) {
		case caddyhttp.MatchPath:
			return matcher
		case *caddyhttp.MatchPath:
			return *matcher
		}
	}
	return nil
}

// sessionMatchers are the matchers session of a route, those behind `not` too. What an
// expression asks cannot be seen.
func sessionMatchers(sets caddyhttp.MatcherSets) []*MatchSession {
	var found []*MatchSession
	for _, set := range sets {
		for _, matcher := range set {
			switch matcher := matcher.(type) {
			case *MatchSession:
				found = append(found, matcher)
			case *caddyhttp.MatchNot:
				found = append(found, sessionMatchers(matcher.MatcherSets)...)
			}
		}
	}
	return found
}

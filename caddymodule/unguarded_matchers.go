package caddymodule

import "github.com/caddyserver/caddy/v2/modules/caddyhttp"

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

package caddymodule

import (
	"bytes"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// guardedApp is an app behind a guard.
type guardedApp struct {
	guard     *Guard
	site      string
	host      string // of the site; empty for any
	byPath    bool   // requests for some paths only
	upstreams []string
}

// compareGuards warns of an app of a site that has one guard for some paths and another for
// the rest. Caddy's path matchers read a path in one way, and a guard all others: a request
// for /_next/data/x/admin.json, or for /admin where the matcher is /admin/*, meets the other
// guard, whose rules know nothing of /admin.
func (s *survey) compareGuards() {
	for i, app := range s.behind {
		for _, earlier := range s.behind[:i] {
			if app.site != earlier.site || !app.byPath && !earlier.byPath || decidesAs(app.guard, earlier.guard) {
				continue
			}
			if shared := firstShared(earlier.upstreams, app.upstreams); shared != "" {
				s.warn("%s: %s is behind session_guard (%s) for some paths and behind session_guard (%s) for others, and a path may be written so that it meets the wrong one (/_next/data/x/admin.json for /admin); "+
					"put one session_guard with all rules before both", app.site, shared, earlier.guard.Source, app.guard.Source)
			}
		}
	}
}

// decidesAs reports whether two guards have the same rules and the same hook, wherever they
// are written, as those of a snippet have.
func decidesAs(a, b *Guard) bool {
	return a == b || a.realm == b.realm && a.Default == b.Default && bytes.Equal(a.Authorize, b.Authorize) &&
		slices.EqualFunc(a.Rules, b.Rules, func(a, b Rule) bool {
			return a.Type == b.Type && slices.Equal(a.Patterns, b.Patterns) && slices.EqualFunc(a.Require, b.Require, Requirement.equal)
		})
}

func firstShared(some, others []string) string {
	if i := slices.IndexFunc(some, func(name string) bool { return slices.Contains(others, name) }); i >= 0 {
		return some[i]
	}
	return ""
}

func asksForSomePaths(set caddyhttp.MatcherSet) bool {
	if paths := pathsOf(set); paths != nil && !slices.Contains(paths, "*") {
		return true
	}
	return slices.ContainsFunc(set, func(matcher any) bool {
		switch matcher.(type) {
		case caddyhttp.MatchPathRE, *caddyhttp.MatchPathRE:
			return true
		}
		return false
	})
}

package caddymodule

import (
	"bytes"
	"slices"
)

// checkOrder warns of guards that are never reached, and of two in a row.
func (s *survey) checkOrder() {
	for _, found := range s.found[everySite] {
		guard, ok := found.what.(*Guard)
		if !ok {
			continue
		}
		switch at := found.at; {
		case at.answerer != "":
			s.warn("session_guard (%s) is never reached, since %s answers first; move it before %[2]s (in a route block, or with the global option order)", guard.Source, at.answerer)
		case at.guard != nil:
			s.warn("requests pass two session_guards (the second at %s); merge their rules into one", guard.Source)
		case at.perhaps:
			s.warn("some requests pass two session_guards (the second at %s); merge their rules into one, or put each into a handle of its own", guard.Source)
		}
	}
}

// checkGuardsOfApps warns of an app of a site that has one guard for some paths and another for
// the rest. Caddy's path matchers read a path in one way, and a guard all others: a request
// for /_next/data/x/admin.json, or for /admin where the matcher is /admin/*, meets the other
// guard, whose rules know nothing of /admin.
func (s *survey) checkGuardsOfApps() {
	for i, app := range s.apps {
		for _, earlier := range s.apps[:i] {
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

package caddymodule

import (
	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// explainSignOut tells of what an app cannot see: that nobody has asked to be signed out.
func (a *answer) explainSignOut(handoff session.Handoff) {
	if handoff.Delete && handoff.Set == nil && a.visit.kind == routes.Prefetch {
		a.guard.logger.Warn("a prefetch has signed the visitor out: browsers and next/link ask for links before anybody follows them, so sign out by POST", a.visit.logPath())
	}
}

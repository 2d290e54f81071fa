package caddymodule

import (
	"net/http"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// explainSignOut tells of what an app cannot see: that nobody has asked to be signed out,
// or that who did is not.
func (a *answer) explainSignOut(handoff session.Handoff, header http.Header) {
	switch {
	case handoff.Set != nil:
	case handoff.Delete && a.visit.kind == routes.Prefetch:
		a.guard.logger.Warn("a prefetch has signed the visitor out: browsers and next/link ask for links before anybody follows them, so sign out by POST", a.visit.logPath())
	case !handoff.Delete && len(header["Set-Cookie"]) > 0:
		deleted, name := a.visit.visitor.DeletedTwin(header["Set-Cookie"])
		if deleted == "" || len(a.visit.request.CookiesNamed(deleted)) > 0 { // one of the app's own
			return
		}
		a.guard.logger.Warn("the app deletes the cookie "+deleted+", but the session cookie is "+name+" here, so the visitor stays signed in; "+
			"to sign out, answer with the header X-Session-Delete: 1", a.visit.logPath())
	}
}

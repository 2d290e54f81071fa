package caddymodule

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// decision is what becomes of a request; a closed set.
type decision string

const (
	decisionPass      decision = "pass"
	decisionLogin     decision = "login"     // anonymous where a session is needed
	decisionHome      decision = "home"      // signed in where only anonymous visitors go
	decisionForbidden decision = "forbidden" // signed in, but a require fails
	decisionOrigin    decision = "origin"    // a WebSocket from another site
	decisionAuthorize decision = "authorize" // the authorize hook answers
	decisionBad       decision = "bad"       // a path or a method that no app should receive
	decisionError     decision = "error"     // broken machinery: nobody can tell
)

// decideRequest decides a request: by its path, and by what Next.js would do with
// it whatever its path.
func (g *Guard) decideRequest(v *visit) decision {
	if v.match.Bad || v.kind == routes.WebSocket && v.ofDenial() { // a copy of the request may still ask for what was refused
		return decisionBad
	}
	v.owner = nil
	if v.runsAction() {
		if decided := g.decideAction(v); decided != decisionPass {
			return decided
		}
	}
	if v.kind == routes.WebSocket && v.session != nil && v.foreignOrigin() {
		return decisionOrigin // cross-site WebSocket hijacking
	}
	if decided := g.decide(v.match, v.session); decided != decisionPass {
		return decided
	}
	return g.decideNextURL(v)
}

// decideNextURL decides the page that a navigation comes from. By it Next.js chooses an
// interception route, which lies in that page's folder and has its layout: `Next-Url:
// /admin` would open one of /admin at an open path. Its client repeats a refused
// navigation as a document, without the header. Were only the header taken away, it
// would ask again and again, since the app redirects a request without it.
func (g *Guard) decideNextURL(v *visit) decision {
	v.from = nil
	from := v.request.Header["Next-Url"]
	if len(from) == 0 {
		return decisionPass
	}
	page, shown := routes.Match{Bad: true}, true
	if len(from) == 1 {
		page, shown = v.table.ComesFrom(urlWithHost(v.request), from[0], strings.Join(v.request.Header["Next-Router-State-Tree"], ", "))
	}
	if !shown {
		return decisionPass
	}
	switch g.decide(page, v.session) {
	case decisionHome: // a login page, from which somebody has just signed in
		return decisionPass
	case decisionPass:
		if g.NextBuild != "" && g.asksAlso(v, page) {
			v.from = &page
		}
		return decisionPass
	}
	return v.refuseNextURL()
}

// refuseNextURL is what becomes of a request that comes from a page where the visitor may
// not go.
func (v *visit) refuseNextURL() decision {
	switch {
	case v.kind != routes.RSC && v.kind != routes.Prefetch:
		delete(v.request.Header, "Next-Url")
		return decisionPass
	case v.session == nil:
		return decisionLogin
	}
	return decisionForbidden
}

// decideAction decides a Server Action. Next.js runs any action of the app at any
// path, so what holds for the pages that own it holds everywhere: a session needs
// one of them that it may visit. An action that no build knows is decided by its
// path alone, as soon as there is a session.
func (g *Guard) decideAction(v *visit) decision {
	if g.NextBuild != "" && !readableAction(v.request) {
		return decisionBad
	}
	id := actionID(v.request)
	if v.session == nil {
		return v.decideAnonymousAction(id)
	}
	owners := v.table.ActionOwners(id)
	if owners == nil {
		return decisionPass
	}
	home := false
	for i := range owners {
		switch owner := &owners[i]; g.decide(*owner, v.session) {
		case decisionPass:
			if !g.asksAlso(v, *owner) {
				v.owner = nil
				return decisionPass
			}
			v.owner = cmp.Or(v.owner, owner)
		case decisionHome:
			home = true
		}
	}
	switch {
	case v.owner != nil:
		return decisionPass
	case home:
		return decisionHome
	}
	return decisionForbidden
}

// decideAnonymousAction is decideAction while nobody is signed in.
func (v *visit) decideAnonymousAction(id string) decision {
	if v.table.ActionAllowed(v.request.URL.EscapedPath(), id) {
		return decisionPass
	}
	return decisionLogin
}

// asksAlso reports whether the hook has a say about a page beside that of the request,
// about whose rule it is asked anyway.
func (g *Guard) asksAlso(v *visit, page routes.Match) bool {
	return g.authorizes(page) && (!g.authorizes(v.match) || page.Rule != v.match.Rule)
}

// runsAction reports whether Next.js takes the request for a Server Action.
func (v *visit) runsAction() bool {
	// Only a WebSocket's kind comes before an action's.
	return (v.kind == routes.Action || v.kind == routes.WebSocket) && len(v.request.Header["Next-Action"]) > 0
}

// actionID is the id of the Server Action that a request names.
func actionID(r *http.Request) string { return strings.Join(r.Header["Next-Action"], ", ") }

// decide decides a path for a session, which may be nil.
func (g *Guard) decide(m routes.Match, s *session.Session) decision {
	switch {
	case m.Bad:
		return decisionBad
	case m.Open:
		return decisionPass
	case m.Type == routes.Auth && s == nil:
		return decisionLogin
	case m.Type == routes.Public && s != nil:
		return decisionHome
	case s != nil && !g.meetsRequirements(m, s):
		return decisionForbidden
	}
	return decisionPass
}

// foreignOrigin reports whether a browser says that another site asks. Programs
// send no Origin, and have no cookies of a victim either. Where the request came
// over TLS, a page over plain HTTP is another site: anyone on the network may have
// written it. The other way round TLS ends at a proxy that Caddy does not trust.
func (v *visit) foreignOrigin() bool {
	r := v.request
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err == nil && u.Scheme != "https" && v.manager.Settings().IsSecure(r) {
			return true
		}
		if err != nil || u.Host == "" || !strings.EqualFold(trimDefaultPort(u.Host, u.Scheme), trimDefaultPort(r.Host, u.Scheme)) {
			return true
		}
	}
	return false
}

func trimDefaultPort(host, scheme string) string {
	if scheme == "https" || scheme == "wss" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// meetsRequirements reports whether every requirement of every rule that matched
// in any reading holds.
func (g *Guard) meetsRequirements(m routes.Match, s *session.Session) bool {
	for _, i := range m.Matched {
		if required := g.Rules[i].Require; len(required) > 0 && !allHold(required, s, g.realm.now()) {
			return false
		}
	}
	return true
}

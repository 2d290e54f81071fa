package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// visit is what the guard knows of one request.
type visit struct {
	request  *http.Request
	manager  *session.Manager // of the realm, once it is ready
	table    *routes.Table
	match    routes.Match
	owner    *routes.Match // the page whose Server Action is run, if the authorize hook is to be asked about it too
	from     *routes.Match // the same for the page whose interception route may be shown
	kind     routes.Kind
	visitor  *session.Visitor
	session  *session.Session // that was decided about
	cookies  []string         // as the client sent them, once the request may pass
	decision decision
	refusal  *Refusal // of the authorize hook, if it has one
	byProxy  bool     // it has a Forwarded header, which is not kept

	answers     *failure                      // of which this is the error route, if it is one
	placeholder func(name string) (any, bool) // of the guard that answers this one's error

	connection   connection
	actionBody   *actionBody // if it is read on its way to the app
	answer       answer      // here and not behind a pointer, to cost no memory of its own
	identity     [3]string   // the values of the headers that identify sets, for the same reason
	cacheHeaders [2]string   // those of protectFromCaches, for the same reason
}

// ofError reports whether an error route asks.
func (v *visit) ofError() bool { return v.answers != nil }

// ofDenial reports whether it asks for the page of what a guard has refused.
func (v *visit) ofDenial() bool { return v.ofError() && v.answers.decision != decisionPass }

// refusesMethod reports whether no app should get the method: TRACE would show the
// client what the app is told, and CONNECT asks for a tunnel, unless it opens a
// WebSocket.
func (v *visit) refusesMethod() bool {
	method := v.request.Method
	return method == http.MethodTrace || method == http.MethodConnect && v.kind != routes.WebSocket
}

// route finds the rule and the kind of the request, which is clean then. A method that
// no app should get is refused as such a path is, whatever the rule.
func (v *visit) route() {
	v.match = v.table.MatchURL(urlWithHost(v.request), originalPath(v.request))
	v.byProxy = len(v.request.Header["Forwarded"]) > 0
	v.kind = cleanRequest(v.request, v.table, v.match.Data)
	if v.refusesMethod() {
		v.match = routes.Match{Bad: true, Type: routes.Auth, Rule: -1, Path: v.match.Path}
	}
}

// look finds out what is asked for and who asks, and decides. The visit is never
// nil, and its request is clean whatever the error.
func (g *Guard) look(r *http.Request) (*visit, error) {
	v := &visit{request: r, table: g.table.Load(), answers: failureOf(r)}
	if v.ofError() && v.answers.contentType != nil {
		r.Header["Content-Type"] = v.answers.contentType
	}
	v.route()
	var err error
	if v.manager, err = g.realm.manager(r.Context()); err != nil {
		return v, err
	}
	if v.ofError() {
		if before := g.realm.visitOf(r); before != nil {
			before.visitor.ReturnCookies(r.Header) // which the guard before the error route has taken
		}
	}
	v.visitor, err = v.manager.Read(r)
	if err == nil && (!v.match.Open || v.runsAction()) { // static files are for everybody
		err = v.visitor.Validate(v.hookContext())
	}
	if err != nil && !isOutage(err) {
		return v, err
	}
	v.session = v.visitor.Session()
	if v.decision = g.decideRequest(v); err != nil && v.decision != decisionPass {
		return v, err // where an anonymous visitor may not go, nobody goes in an outage
	}
	return v, nil
}

// hookContext is that in which hooks are asked. A page that signs out by fetch and goes
// elsewhere at once hangs up while they are; the app is still to be asked, see outlastBrowser.
func (v *visit) hookContext() context.Context {
	if v.changes() {
		return context.WithoutCancel(v.request.Context())
	}
	return v.request.Context()
}

// isOutage reports whether an error means only that nobody can tell of a session
// whether it is still good, or what it is: its key may be one that cannot be read now,
// and anybody can send a cookie that names such a key. Where no session is needed the
// visitor is anonymous then.
func isOutage(err error) bool { return errors.Is(err, session.ErrUnavailable) }

// use is what happens to a session that is used where the rules let it pass: the
// hook is asked, and it slides. Either may end in another decision.
func (g *Guard) use(v *visit) error {
	if err := g.authorize(v); err != nil || v.decision != decisionPass {
		return err
	}
	if !g.isActivity(v) {
		if v.match.Open || v.kind == routes.Prefetch {
			v.visitor.Forgo() // what a parallel request slid is not theirs to send
		}
		return nil
	}
	err := v.visitor.Slide(v.request.Context())
	if err != nil && session.IsAnonymity(err) {
		g.decideAgain(v)
		return nil
	}
	if g.isTooLarge(err, v) {
		return nil // or it was sealed under other settings; it is good as it is until it expires
	}
	if newest := v.visitor.Session(); newest != v.session {
		v.session = newest
		v.decision = g.decideRequest(v)
		if v.decision == decisionPass && g.realm.refresher != nil { // it may have taken from the user what the hook has seen
			return g.authorize(v)
		}
	}
	return err
}

// isTooLarge reports whether a refresh has failed since the session does not fit, and logs
// it if on_refresh is to blame.
func (g *Guard) isTooLarge(err error, v *visit) bool {
	_, tooLarge := errors.AsType[*session.TooLargeError](err)
	if tooLarge && g.realm.refresher != nil {
		g.logger.Error("what on_refresh returned is too large for a session, so the session stays unchanged", zap.Error(err), v.logPath())
	}
	return tooLarge
}

// decideAgain decides about a visitor whose session has ended since it was read.
func (g *Guard) decideAgain(v *visit) {
	v.session = nil
	v.decision = g.decideRequest(v)
}

// isActivity reports whether the request keeps its session alive.
func (g *Guard) isActivity(v *visit) bool {
	noActivity := g.noActivity.Load()
	return !v.match.Open && v.kind != routes.Prefetch &&
		(noActivity == nil || !noActivity.Match(v.request.URL))
}

// urlWithHost is the URL of a request with its host, which stands beside it in most.
func urlWithHost(r *http.Request) *url.URL {
	u := *r.URL
	u.Host = r.Host
	return &u
}

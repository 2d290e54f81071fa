package caddymodule

import (
	"maps"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// leaveToErrorRoute tells an error route what was decided. It may ask the app for its
// page, but as nobody, and not to do what was refused.
func (g *Guard) leaveToErrorRoute(v *visit, r *http.Request) {
	v.shareFailure()
	if v.decision != decisionPass {
		withholdAction(r)
	}
	if v.visitor == nil {
		return
	}
	g.realm.shareVisit(v)
	v.visitor.WithholdCookies(r.Header)
	delete(r.Header, "X-Session-User")
	delete(r.Header, "X-Session-Data")
	r.Header["X-Session-Realm"] = []string{g.realm.name}
}

// withheldVariable is the variable of a request that has the header fields which
// withholdAction took.
const withheldVariable = "session_guard.withheld"

// withheld are header fields. As a variable of the request they show nothing to whoever
// prints them.
type withheld struct{ header http.Header }

// String shows nothing of the request.
func (withheld) String() string { return "" }

// withholdAction takes from a request what it would have the app do. Next.js runs a Server
// Action at any path, an error page's included, and finds those of forms by the type of
// the body. A WebSocket would be opened there.
func withholdAction(r *http.Request) {
	taken := http.Header{}
	for _, name := range []string{"Next-Action", "Content-Type"} {
		if values, ok := r.Header[name]; ok {
			taken[name] = values
			delete(r.Header, name)
		}
	}
	delete(r.Header, "Upgrade")
	delete(r.Header, ":protocol") // of extended CONNECT (RFC 8441)
	if len(taken) > 0 {
		caddyhttp.SetVar(r.Context(), withheldVariable, withheld{taken})
	}
}

// returnAction gives an error route that has a guard of its own what withholdAction took:
// that guard decides about it, as on any other route.
func returnAction(r *http.Request) {
	if taken, ok := caddyhttp.GetVar(r.Context(), withheldVariable).(withheld); ok {
		maps.Copy(r.Header, taken.header)
	}
}

// failedVariable is the variable of a request that has what a guard found that ended it
// with an error. Guards of all realms share it, since a denial must be kept from caches
// whoever guards the error route.
const failedVariable = "session_guard.failed"

// failure is what a guard found that ended a request with an error. As a variable of the
// request it shows nothing of the session.
type failure struct {
	decision decision
	visit    *visit
}

// String says what was decided.
func (f failure) String() string { return string(f.decision) }

// shareFailure tells error routes of the failure. The decision of a guard behind this one
// stays if it was a denial.
func (v *visit) shareFailure() {
	ctx := v.request.Context()
	failed := failure{v.decision, v}
	if behind, ok := caddyhttp.GetVar(ctx, failedVariable).(failure); ok && v.decision == decisionPass {
		failed.decision = behind.decision
	}
	caddyhttp.SetVar(ctx, failedVariable, failed)
}

// failureOf is the failure that an error route answers, if it does.
func failureOf(r *http.Request) (failure, bool) {
	failed, ok := caddyhttp.GetVar(r.Context(), failedVariable).(failure)
	return failed, ok && r.Context().Value(caddyhttp.ErrorCtxKey) != nil
}

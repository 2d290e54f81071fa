package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// leaveToErrorRoute tells an error route what was decided. It may ask the app for its
// page, but as nobody, and not to do what was refused.
func (g *Guard) leaveToErrorRoute(v *visit, r *http.Request) {
	v.shareFailure(r)
	if v.visitor == nil {
		return
	}
	g.realm.shareVisit(v)
	v.visitor.WithholdCookies(r.Header)
	delete(r.Header, "X-Session-User")
	delete(r.Header, "X-Session-Data")
	r.Header["X-Session-Realm"] = []string{g.realm.name}
}

// failedVariable is the variable of a request that has the failure that ended it. Guards
// of all realms share it, since a denial must be kept from caches whoever guards the error
// route.
const failedVariable = "session_guard.failed"

// failure is what a guard found that ended a request with an error. As a variable of the
// request it shows nothing of the session.
type failure struct {
	decision decision
	visit    *visit
	withheld http.Header // what withholdAction took
}

// String says what was decided.
func (f failure) String() string { return string(f.decision) }

// shareFailure tells error routes of the failure, and leaves them nothing to do that was
// refused. The decision of a guard behind this one stays if it was a denial.
func (v *visit) shareFailure(r *http.Request) {
	ctx := v.request.Context()
	failed := failure{decision: v.decision, visit: v}
	if v.decision != decisionPass {
		failed.withheld = withholdAction(r)
	} else if behind, ok := caddyhttp.GetVar(ctx, failedVariable).(failure); ok {
		failed.decision, failed.withheld = behind.decision, behind.withheld
	}
	caddyhttp.SetVar(ctx, failedVariable, failed)
}

// failureOf is the failure that an error route answers; without a visit if it is none.
func failureOf(r *http.Request) failure {
	failed, ok := caddyhttp.GetVar(r.Context(), failedVariable).(failure)
	if !ok || r.Context().Value(caddyhttp.ErrorCtxKey) == nil {
		return failure{}
	}
	return failed
}

// withholdAction takes from a request what it would have the app do, and returns the
// fields that a guard in the error route decides about anew. Next.js runs a Server Action
// at any path, an error page's included, and finds those of forms by the type of the body.
// A WebSocket would be opened there.
func withholdAction(r *http.Request) (withheld http.Header) {
	withheld = http.Header{}
	for _, name := range []string{"Next-Action", "Content-Type"} {
		if values, ok := r.Header[name]; ok {
			withheld[name] = values
			delete(r.Header, name)
		}
	}
	delete(r.Header, "Upgrade")
	delete(r.Header, ":protocol") // of extended CONNECT (RFC 8441)
	return withheld
}

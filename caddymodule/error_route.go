package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// leaveToErrorRoute tells an error route what was decided. It may ask the app for its
// page, but as nobody.
func (g *Guard) leaveToErrorRoute(v *visit, r *http.Request) {
	v.shareFailure()
	if v.visitor == nil {
		return
	}
	g.realm.shareVisit(v)
	v.visitor.WithholdCookies(r.Header)
	delete(r.Header, "X-Session-User")
	delete(r.Header, "X-Session-Data")
	r.Header["X-Session-Realm"] = []string{g.realm.name}
}

// failedVariable is the variable of a request that has the decision of a guard that
// ended it with an error. Guards of all realms share it, since a denial must be kept
// from caches whoever guards the error route.
const failedVariable = "session_guard.failed"

// shareFailure tells error routes of the decision. That of a guard behind this one
// stays if it was a denial.
func (v *visit) shareFailure() {
	ctx := v.request.Context()
	if v.decision != decisionPass || caddyhttp.GetVar(ctx, failedVariable) == nil {
		caddyhttp.SetVar(ctx, failedVariable, v.decision)
	}
}

// failedDecision is the decision whose error an error route answers, if it does.
func failedDecision(r *http.Request) (decision, bool) {
	failed, ok := caddyhttp.GetVar(r.Context(), failedVariable).(decision)
	return failed, ok && r.Context().Value(caddyhttp.ErrorCtxKey) != nil
}

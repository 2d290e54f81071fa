package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// leaveToErrorRoute tells an error route what was decided. It may ask the app for its
// page, but as nobody, and with nothing of what was refused.
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

// withholdAction takes from a request what it would have the app do. Next.js runs a Server
// Action at any path, an error page's included, and finds those of forms by the type of
// the body.
func withholdAction(r *http.Request) {
	delete(r.Header, "Next-Action")
	delete(r.Header, "Content-Type")
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
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

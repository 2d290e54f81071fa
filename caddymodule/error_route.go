package caddymodule

import (
	"net/http"
	"strings"

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
	decision    decision
	visit       *visit
	contentType []string // that withholdAction took
}

// String says what was decided.
func (f *failure) String() string { return string(f.decision) }

// shareFailure tells error routes of the failure, and leaves them nothing to do that was
// refused. The decision of a guard behind this one stays if it was a denial.
func (v *visit) shareFailure(r *http.Request) {
	ctx := v.request.Context()
	failed := &failure{decision: v.decision, visit: v}
	if v.decision != decisionPass {
		failed.contentType = withholdAction(r)
	} else if behind, ok := caddyhttp.GetVar(ctx, failedVariable).(*failure); ok {
		failed.decision, failed.contentType = behind.decision, behind.contentType
	}
	caddyhttp.SetVar(ctx, failedVariable, failed)
}

// failureOf is the failure that an error route answers; nil if it is none.
func failureOf(r *http.Request) *failure {
	failed, ok := caddyhttp.GetVar(r.Context(), failedVariable).(*failure)
	if !ok || r.Context().Value(caddyhttp.ErrorCtxKey) == nil {
		return nil
	}
	return failed
}

// withholdAction takes from a request what it would have the app do. Next.js runs a Server
// Action at any path, an error page's included, and finds those of forms by the type of the
// body, which is returned: a guard in the error route decides anew about a form, but it may
// not know what the action asks for, and who may run it. A WebSocket would be opened there;
// HTTP/3 has its protocol in the request (RFC 9220).
func withholdAction(r *http.Request) (contentType []string) {
	contentType = r.Header["Content-Type"]
	for name := range r.Header {
		switch {
		case name == "Next-Action", name == "Content-Type", name == "Upgrade", name == ":protocol", // of RFC 8441
			strings.HasPrefix(name, "Sec-Websocket-"):
			delete(r.Header, name)
		}
	}
	if r.ProtoMajor == 3 {
		r.Proto = "HTTP/3.0"
	}
	return contentType
}

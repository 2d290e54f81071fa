package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// sharedVisit lets matchers, the session API and error routes behind the guard see
// what the guard has found, since the app's request no longer has the cookie. As a
// variable of the request it shows nothing to whoever prints it.
type sharedVisit struct{ visit *visit }

// String shows nothing of the session.
func (sharedVisit) String() string { return "" }

func (r *realm) shareVisit(v *visit) {
	caddyhttp.SetVar(v.request.Context(), r.visitVariable, sharedVisit{v})
}

// visitOf is what the guard has found, or nil before it.
func (r *realm) visitOf(req *http.Request) *visit {
	shared, _ := caddyhttp.GetVar(req.Context(), r.visitVariable).(sharedVisit)
	return shared.visit
}

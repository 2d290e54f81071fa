package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// String shows nothing of the session to whoever prints the variable of a request that has
// the visit.
func (*visit) String() string { return "" }

// shareVisit lets matchers, the session API and error routes behind the guard see what the
// guard has found, since the app's request no longer has the cookie.
func (r *realm) shareVisit(v *visit) { caddyhttp.SetVar(v.request.Context(), r.visitVariable, v) }

// visitOf is what the guard has found, or nil before it.
func (r *realm) visitOf(req *http.Request) *visit {
	v, _ := caddyhttp.GetVar(req.Context(), r.visitVariable).(*visit)
	return v
}

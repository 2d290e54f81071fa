package caddymodule

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// A list of trailers may have an element without a name, which net/http announces
// as it is. Nothing may take a name for granted.
func TestNamesMayBeEmpty(t *testing.T) {
	r := newBench(t).request("/", "=x; ;=")
	r.Header[""] = []string{"x"}
	r.Header["Connection"] = []string{",", ""}
	r.Trailer = http.Header{"": nil, "A": nil, "X-Session-User": nil}
	cleanRequest(r, routes.Document, false)
	assert.Equal(t, http.Header{"A": nil}, r.Trailer)
	assert.False(t, isInternal("") || isForwarded("") || isProtected("") || session.IsSessionHeader(""))
}

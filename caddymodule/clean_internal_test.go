package caddymodule

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/session-guard/caddy-session-guard/session"
)

// A list of trailers may have an element without a name, which net/http announces
// as it is. Nothing may take a name for granted.
func TestNamesMayBeEmpty(t *testing.T) {
	bench := newBench(t)
	r := bench.request("/", "=x; ;=")
	r.Header[""] = []string{"x"}
	r.Header["Connection"] = []string{",", ""}
	r.Trailer = http.Header{"": nil, "A": nil, "X-Session-User": nil}
	cleanRequest(r, bench.guard.table.Load(), false)
	assert.Equal(t, http.Header{"A": nil}, r.Trailer)
	assert.False(t, isInternal(nil) || isProtected("") || session.IsSessionHeader(""))
}

// Most names are passed over by their first letter. None of those that must go is,
// however it is spelled.
func TestEveryNameThatMustGoGoes(t *testing.T) {
	names := slices.Concat(slices.Collect(maps.Keys(internalHeaders)), slices.Collect(maps.Keys(forwardedHeaders)), []string{"upgrade", "x-session-user"})
	for _, prefix := range internalPrefixes {
		names = append(names, prefix+"anything")
	}
	for _, name := range names {
		for _, spelled := range []string{name, strings.ToUpper(name), http.CanonicalHeaderKey(name), strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", ".")} {
			bench := newBench(t)
			r := bench.request("/", "")
			if name == "upgrade" {
				spelled = "Upgrade" // as net/http spells it; another spelling is no upgrade
			}
			r.Header[spelled] = []string{"x"}
			cleanRequest(r, bench.guard.table.Load(), false)
			assert.NotContains(t, r.Header, spelled)
		}
	}
}

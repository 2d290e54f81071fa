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
// however it is spelled. They are written here once more, so that none is lost.
func TestEveryNameThatMustGoGoes(t *testing.T) {
	names := []string{
		"upgrade", "x-session-user", "x-middleware-subrequest", "x-middleware-rewrite", "x-nextjs-data", "x-nextjs-rewrite", "x-invoke-path",
		"x-matched-path", "x-now-route-matches", "next-resume", "x-next-resume-state-length", "x-action-forwarded", "x-action-redirect",
		"x-action-revalidated", "x-prerender-revalidate", "x-prerender-revalidate-if-generated", "x-rewrite-url", "x-original-url", "x-original-uri",
		"x-http-method-override", "x-http-method", "x-method-override", "location", "x-sendfile-type", "x-accel-redirect", "x-accel-mapping",
		"forwarded", "x-forwarded-uri", "x-forwarded-method", "x-forwarded-prefix", "x-forwarded-port", "x-forwarded-server", "x-forwarded-path", "x-forwarded-scheme",
	}
	names = slices.Concat(names, slices.Collect(maps.Keys(internalHeaders)), slices.Collect(maps.Keys(forwardedHeaders)))
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

// The proxy takes what Connection names off the request. All that decides there must not be
// named, in whatever spelling; what is the client's own may be.
func TestConnectionNamesNothingThatDecides(t *testing.T) {
	for _, name := range []string{
		"cookie", "authorization", "host", "forwarded", "rsc", "origin", "x-forwarded-for", "x-forwarded-proto", "sec-fetch-site", "sec-fetch-mode",
		"next-action", "next-url", "next-router-prefetch", "x-session-user", "x-session-realm", "x-middleware-subrequest", "x-nextjs-data", "x-matched-path",
	} {
		for _, spelled := range []string{name, strings.ToUpper(name), http.CanonicalHeaderKey(name), strings.ReplaceAll(name, "-", "_")} {
			header := http.Header{"Connection": {"close , " + spelled, spelled}}
			cleanConnection(header)
			assert.Equal(t, http.Header{"Connection": {"close"}}, header, spelled)
			header = http.Header{"Connection": {"keep-alive", spelled + ",X-Own"}}
			cleanConnection(header)
			assert.Equal(t, http.Header{"Connection": {"keep-alive, X-Own"}}, header, spelled)
			header = http.Header{"Connection": {spelled}}
			cleanConnection(header)
			assert.Empty(t, header, spelled)
		}
	}
	for _, lines := range [][]string{{"close"}, {"keep-alive, Upgrade"}, {"x-own"}, {"Cookies, X-Hosts"}} {
		header := http.Header{"Connection": lines}
		cleanConnection(header)
		assert.Equal(t, lines, header["Connection"])
	}
}

func TestTrailersThatMustGoGo(t *testing.T) {
	for _, name := range []string{"Cookie", "Forwarded", "X-Forwarded-For", "X-Session-User", "X-Middleware-Subrequest", "X-Matched-Path", ""} {
		for _, spelled := range []string{name, strings.ToLower(name), strings.ReplaceAll(name, "-", "_")} {
			trailer := http.Header{spelled: {"x"}, "X-Fine": {"x"}}
			cleanTrailer(trailer)
			assert.Equal(t, http.Header{"X-Fine": {"x"}}, trailer, spelled)
		}
	}
}

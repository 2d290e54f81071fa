package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// What generated targets are made of: the places of the bypass app, and what has
// led around guards (paths that servers read differently, data and rsc forms,
// locales, the image optimizer).
var (
	places = []string{
		"dashboard", "dashboard/settings", "dashboard/u/1", "dashboard/report.txt", "dashboard/secret.png", "dashboard/chart.png",
		"legacy", "legacy/5", "legacy/static", "legacy/plain", "legacy/isr/1", "files/a/b", "api/secret", "api/items/7",
		"api/legacy-secret", "admin", "photo/3", "blogs", "en/dashboard", "ar/dashboard/settings",
	}
	openPlaces = []string{"login", "docs/a/b", "blog/x", "assets/a.txt", "legacypub", "api/public", "feed", "en/login", "prefetchpage"}
	aliases    = []string{"alias", "ALIAS", "app/settings", "APP/u/1", "xx/dashboard", "xx/dashboard/settings", "feed/(..)photo/3", "feed/(..)dashboard", "feed/(..)photo/(.x", "feed/(..)photo/(.)3"}
	climbs     = []string{"..", "%2e%2e", ".%2E", "..%2f..", "..%2F..%2F..", ".", "%2e", "..;", "..%5c..", "%252e%252e", "...", "x/..", ""}
	noises     = []string{"/", "%2f", "%2F", "//", "\\", "%5c", ";x=1", "%20", "%00", "\x00", "%0a", "\"", "<", "|", "^", "`", "{", "é", "\xe9", "%C3%A9", "%c0%af", "#", "#/login", "?x=/login", "%3f", "%23", "~", "+", "%%", "%zz"}
	endings    = []string{"", "", "", "", "", "", "", "", "", "", "/", ".rsc", ".txt", ".html", ".json", ".segments/_full.segment.rsc", ".segments/!x.segment.rsc", "/.", "/..", "%2f", "?_rsc=abcde", "?x=1", "?url=/login", "/index", "/page"}
	wraps      = []string{
		"/%s", "/%s", "/%s", "/%s", "/%s", "/%s", "/%s", "/%s", "/%s", "/%s", "/en/%s", "/AR/%s", "/%%65n/%s", "/_next/data/BUILDID/%s.json", "/_next/data/x/../BUILDID/%s.json", "/en/_next/data/BUILDID/%s.json",
		"/_next/static/../../%s", "/_next/image?w=64&q=75&url=/%s", "/_next/image?url=%%2F%s&w=64&q=75", "http://evil.test/%s", "http:/%s", "x:/%s", "//%s", "///%s", "/./%s", "/index/%s", "/login.segments/%s.segment.RSC",
	}
	methods   = []string{"GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "QUERY", "TRACE"}
	headers   = []string{"RSC", "Next-Router-Prefetch", "Next-Router-Segment-Prefetch", "Next-Url", "X-Nextjs-Data", "X-Matched-Path", "X-Middleware-Subrequest", "X-Rewrite-Url", "X-Original-Url", "X-Forwarded-Uri", "X-Http-Method-Override", "X-Session-User", "Next-Resume", "X-Invoke-Path"}
	saysWhere = map[string]bool{"Next-Url": true, "X-Matched-Path": true, "X-Rewrite-Url": true, "X-Original-Url": true, "X-Forwarded-Uri": true, "X-Invoke-Path": true}
)

// generator makes hostile requests; the same seed makes the same ones.
type generator struct {
	*rand.Rand
	places []string
}

// newGenerator makes a generator. Aliases are ways that only the app's build
// knows.
func newGenerator(seed uint64, withAliases bool) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), places: places}
	if withAliases {
		g.places = append(append([]string{}, places...), aliases...)
	}
	return g
}

func (g *generator) pick(from []string) string { return from[g.IntN(len(from))] }

func (g *generator) probe() probe {
	path := g.pick(g.places)
	if g.IntN(3) == 0 { // in through an open place, and out again
		path = g.pick(openPlaces) + "/" + strings.Repeat(g.pick(climbs)+"/", 1+g.IntN(3)) + path
	}
	if g.IntN(5) == 0 { // a protected place that another reading leaves
		path += "/" + strings.Repeat(g.pick(climbs)+g.pick([]string{"/", "%2f", "%2F"}), 1+g.IntN(3)) + g.pick(openPlaces)
	}
	for range max(0, g.IntN(5)-2) {
		path = g.mutate(path)
	}
	path += g.pick(endings)
	p := probe{Method: g.pick(methods), Headers: map[string]string{}}
	for _, b := range []byte(fmt.Sprintf(g.pick(wraps), path)) { // one code point for one byte
		if b == ' ' || b == '\r' || b == '\n' {
			continue // these end a request line
		}
		p.Target += string(rune(b))
	}
	for range g.IntN(3) {
		name := g.pick(headers)
		p.Headers[name] = "1"
		if saysWhere[name] {
			p.Headers[name] = "/" + g.pick([]string{"login", "dashboard", "feed"})
		}
	}
	return p
}

// mutate changes one thing of a path.
func (g *generator) mutate(path string) string {
	i := g.IntN(len(path) + 1)
	if i == len(path) {
		return path + g.pick(noises)
	}
	switch g.IntN(5) {
	case 0:
		return path[:i] + fmt.Sprintf("%%%02x", path[i]) + path[i+1:]
	case 1:
		return path[:i] + fmt.Sprintf("%%25%02X", path[i]) + path[i+1:]
	case 2:
		return path[:i] + strings.ToUpper(path[i:i+1]) + path[i+1:]
	case 3:
		return strings.Replace(path, "/", g.pick([]string{"%2f", "%2F", "//", "/./", "\\", "/x/../"}), 1)
	}
	return path[:i] + g.pick(noises) + path[i:]
}

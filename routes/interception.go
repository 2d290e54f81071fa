package routes

import (
	"net/url"
	"slices"
	"strings"
)

// interceptions says which pages have interception routes in their folder, by the
// expression that Next.js compares with Next-Url.
func (m manifestRewrites) interceptions() (from []source) {
	for _, written := range m {
		for _, condition := range written.Has {
			if written.intercepts() && condition.isNextURL() {
				from = append(from, newSourceOrAll(anyCase, "^"+condition.Value+"$"))
			}
		}
	}
	return from
}

// ComesFrom decides the page that a client says by Next-Url that it comes from. Next.js
// may show an interception route of that page in place of the one at the path of the
// request, with the page's folder and layout, which nobody should see who may not see the
// page. It is false if the build has no such route. At which paths it would be shown does
// not count, since what rewrites and proxy.ts make of a path comes before it.
func (t *Table) ComesFrom(requestURL *url.URL, nextURL string) (Match, bool) {
	if strings.ContainsFunc(nextURL, func(r rune) bool { return r >= 0x80 }) {
		return t.bad(nextURL), true // Next.js's client sends escapes, and Node.js reads other bytes as Latin-1
	}
	if t.build != nil && !slices.ContainsFunc(t.build.interceptions, func(from source) bool {
		_, ok := from.sent.find(nextURL)
		_, alsoOK := from.canonical.find(canonical(nextURL))
		return ok || alsoOK
	}) {
		return Match{}, false
	}
	j := judgement{table: t, host: t.hostOf(requestURL)}
	return t.belowUnknownBase(requestURL, nextURL, j.verdict(nextURL, "")), true
}

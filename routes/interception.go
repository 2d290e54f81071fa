package routes

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
)

// interception is an interception route of the build: at the paths of its source Next.js
// shows it in place of their page, to a client that says by Next-Url that it comes from
// the page in whose folder it lies.
type interception struct{ source, from *regexp.Regexp } // nil: any

// interceptions are those among the rewrites of the manifest.
func (m manifestRewrites) interceptions() (list []interception) {
	compile := func(expression string) *regexp.Regexp {
		compiled, err := regexp.Compile("(?i)" + canonicalExpression(withoutLookaround(expression)))
		if err != nil {
			return nil
		}
		return compiled
	}
	for _, written := range m.all {
		for _, condition := range written.Has {
			if written.intercepts() && condition.isNextURL() {
				list = append(list, interception{compile(written.Regex), compile("^(?:" + condition.Value + ")$")})
			}
		}
	}
	return list
}

// ComesFrom decides the page that a client says by Next-Url that it comes from, for a
// request that it makes there. An interception route of that page has its folder and its
// layout, which nobody should see who may not see the page. It is false if the build has
// no such route for the request.
func (t *Table) ComesFrom(requestURL *url.URL, nextURL string) (Match, bool) {
	if t.build != nil && !t.intercepts(requestURL.EscapedPath(), nextURL) {
		return Match{}, false
	}
	j := judgement{table: t, host: t.hostOf(requestURL)}
	return t.belowUnknownBase(requestURL, nextURL, j.verdict(nextURL, "")), true
}

func (t *Table) intercepts(path, nextURL string) bool {
	matches := func(expression *regexp.Regexp, s string) bool { return expression == nil || expression.MatchString(s) }
	return slices.ContainsFunc(t.build.interceptions, func(i interception) bool {
		if !matches(i.from, nextURL) {
			return false
		}
		return slices.ContainsFunc(readings(path), func(r reading) bool {
			f := t.strip(r.path, r.how)
			return slices.ContainsFunc(t.spellings(f.path, cmp.Or(f.locale, t.build.defaultLocale)), func(spelling string) bool {
				return matches(i.source, spelling)
			})
		})
	})
}

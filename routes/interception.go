package routes

import (
	"net/url"
	"strings"
)

// interception is a route that Next.js shows in place of another to who comes from some pages.
type interception struct {
	from source
	// empty are the segments of its page whose values Next.js 14 takes from the state of the
	// client's router, by the name of the parameter, which is empty if it is not known.
	empty map[int]string
}

// interceptions says which pages have interception routes in their folder, by the
// expression that Next.js compares with Next-Url.
func (m manifestRewrites) interceptions(basePath string, pages []string) (list []interception) {
	for _, written := range m {
		for _, condition := range written.Has {
			if written.intercepts() && condition.isNextURL() {
				destination := strings.TrimPrefix(written.Destination, basePath)
				list = append(list, interception{newSourceOrAll(anyCase, "^"+condition.Value+"$"), emptySegments(destination, pages)})
			}
		}
	}
	return list
}

// emptySegments finds the names of the parameters that have no value in a destination.
func emptySegments(destination string, pages []string) map[int]string {
	segments := strings.Split(destination, "/")
	empty := make(map[int]string)
	for i, segment := range segments {
		if segment == emptyParameter {
			empty[i] = ""
		}
	}
	for _, page := range pages {
		names := strings.Split(page, "/")
		if len(empty) == 0 || len(names) != len(segments) {
			continue
		}
		same := func(i int) bool {
			if segments[i] == emptyParameter || strings.IndexByte(segments[i], ':') >= 0 {
				return strings.IndexByte(names[i], '[') >= 0
			}
			return names[i] == segments[i]
		}
		i := 0
		for i < len(segments) && same(i) {
			i++
		}
		for at := range empty {
			if i == len(segments) {
				empty[at] = strings.Trim(names[at], "[.]")
			}
		}
	}
	return empty
}

// ComesFrom decides the page that a client says by Next-Url that it comes from. Next.js
// may show an interception route of that page in place of the one at the path of the
// request, with the page's folder and layout, which nobody should see who may not see the
// page. It is false if the build has no such route. At which paths it would be shown does
// not count, since what rewrites and proxy.ts make of a path comes before it.
//
// tree is Next-Router-State-Tree, from which Next.js 14 takes the values of parameters in the
// page's folder.
func (t *Table) ComesFrom(requestURL *url.URL, nextURL, tree string) (Match, bool) {
	if strings.ContainsFunc(nextURL, func(r rune) bool { return r >= 0x80 }) {
		return t.bad(nextURL), true // Next.js's client sends escapes, and Node.js reads other bytes as Latin-1
	}
	var found []interception
	if t.build != nil {
		for _, route := range t.build.interceptions {
			_, ok := route.from.sent.find(nextURL)
			_, alsoOK := route.from.canonical.find(canonical(nextURL))
			if ok || alsoOK {
				found = append(found, route)
			}
		}
		if len(found) == 0 {
			return Match{}, false
		}
	}
	j := judgement{table: t, host: t.hostOf(requestURL)}
	m := t.belowUnknownBase(requestURL, nextURL, j.verdict(nextURL, ""))
	if tree == "" || m.Bad {
		return m, true
	}
	paths, ok := t.pathsOfTree(nextURL, tree, found)
	if !ok {
		return t.bad(nextURL), true
	}
	for _, path := range paths {
		j := judgement{table: t, host: t.hostOf(requestURL)}
		if t.build == nil { // which would say where the page has parameters
			j.protect(func() { j.readNamed(path, howTree) })
		} else if !j.judge(path, "") {
			return t.bad(nextURL), true
		}
		if j.decided {
			m = stricter(m, j.match())
		}
	}
	return m, true
}

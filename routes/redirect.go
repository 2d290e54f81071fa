package routes

import (
	"cmp"
	"regexp"
	"slices"
)

// manifestRedirect is a redirect of next.config. Those that Next.js adds itself lead to
// the same page.
type manifestRedirect struct {
	Regex    string `json:"regex"`
	Internal bool   `json:"internal"`
}

// redirects are the paths that next.config redirects. An expression that Go does not
// know matches every path.
func redirects(written []manifestRedirect) (expressions []*regexp.Regexp) {
	for _, r := range written {
		if r.Internal {
			continue
		}
		expression, err := regexp.Compile("(?i)" + canonicalExpression(withoutLookaround(r.Regex)))
		if err != nil {
			expression = regexp.MustCompile("")
		}
		expressions = append(expressions, expression)
	}
	return expressions
}

// leadsOn reports whether the app's build may answer a path by a redirect: one of its
// configuration, or of a route handler, which may send a visitor anywhere. Next.js follows
// it when it renders the target of a Server Action, so the page is not that of the path.
func (t *Table) leadsOn(path string) bool {
	if t.build == nil {
		return false
	}
	decoded, _ := decode(resolve(path))
	for _, reading := range []string{canonical(resolve(path)), decoded} {
		f := t.strip(reading, howRaw)
		for _, spelling := range t.spellings(f.path, cmp.Or(f.locale, t.build.defaultLocale)) {
			if slices.ContainsFunc(t.build.redirects, func(r *regexp.Regexp) bool { return r.MatchString(spelling) }) ||
				t.build.handlerTree.find(spelling, false).folded != none {
				return true
			}
		}
	}
	return false
}

package routes

import (
	"regexp"
	"slices"
	"strings"
)

// parameterName is the name of a parameter in place of its value, as /docs/[...slug] has. It is
// that of a folder, so it has no slash.
var parameterName = regexp.MustCompile(`\[\[\.\.\.([^][/]+)\]\]|\[(?:\.\.\.)?([^][/]+)\]`)

// replaceNames replaces each name of a parameter in a path, which stands there as named.
func replaceNames(path string, value func(name, named string) string) string {
	return parameterName.ReplaceAllStringFunc(path, func(named string) string { return value(strings.Trim(named, "[.]"), named) })
}

// emptyParameter is what Next.js 14 writes into a path for a parameter whose value it takes
// from Next-Router-State-Tree, where anybody may write what they like.
const emptyParameter = "__NEXT_EMPTY_PARAM__"

// emptyValue is a segment of which Next.js 15.5 takes .rsc off in API routes of the Pages Router, so
// that nothing is left, and the query may say the value. No client asks so.
const emptyValue = "/.rsc/"

// maxDecodedNames is how often Next.js decodes what may be the name of a parameter.
const maxDecodedNames = 3

// namesParameter reports whether a path has the name of a parameter, and the query its value.
// Next.js 15.5 and 16.4 give what ?slug=… says to Route Handlers and to pages of the Pages
// Router. And if a page takes no other values than those that it was built with, 16.4 looks for
// another under the path with the value, so that ?slug=..&slug=dashboard leads from an open page
// to any other. It is refused, and not decided by that path, since Next.js leaves out what is in
// a long query. Clients ask without such a query for a file that has a name in its own.
//
// A parameter that is optional and not in the query is left out: without is the path then.
func (t *Table) namesParameter(path, rawQuery string) (without string, inQuery bool) {
	if t.hasInternalParameter(rawQuery) {
		return path, true
	}
	without, inQuery = t.withoutOptional(path, rawQuery)
	for range maxDecodedNames { // 15.5 takes /api/%5Bid%5D?id=1 for a name in API routes
		decoded, _ := decode(path)
		if inQuery || decoded == path {
			break
		}
		path = decoded
		_, inQuery = t.withoutOptional(path, rawQuery)
	}
	return without, inQuery
}

// withoutOptional is namesParameter for the names that are not escaped.
func (t *Table) withoutOptional(path, rawQuery string) (without string, inQuery bool) {
	if strings.Contains(path, emptyParameter) || rawQuery != "" && strings.Contains(path+"/", emptyValue) {
		return path, true
	}
	if strings.IndexByte(path, '[') < 0 {
		return path, false
	}
	without = replaceNames(path, func(name, named string) string {
		switch {
		case name == "" || !t.mayHaveParameter(name):
			return named
		case len(queryValues(rawQuery, name)) > 0:
			inQuery = true
		case strings.HasPrefix(named, "[["):
			return ""
		}
		return named
	})
	return without, inQuery
}

// hasInternalParameter reports whether a query says the value of a parameter as Next.js does
// itself, with nxtP or nxtI before its name. To what runs in the edge runtime this value goes
// before that of the path.
func (t *Table) hasInternalParameter(rawQuery string) bool {
	if !strings.Contains(rawQuery, "nxt") && strings.IndexByte(rawQuery, '%') < 0 {
		return false
	}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		key, _, _ := strings.Cut(pair, "=")
		key = queryDecode(key)
		for _, prefix := range []string{"nxtP", "nxtI"} {
			if name, ok := strings.CutPrefix(key, prefix); ok && name != "" && t.mayHaveParameter(name) {
				return true
			}
		}
	}
	return false
}

// mayHaveParameter reports whether a page may have a parameter of this name.
func (t *Table) mayHaveParameter(name string) bool {
	if t.build == nil {
		return true
	}
	named := func(page string) bool {
		return strings.Contains(page, "["+name+"]") || strings.Contains(page, "[..."+name+"]")
	}
	return slices.ContainsFunc(t.build.pages, named) || slices.ContainsFunc(t.build.endpoints, func(e endpoint) bool { return named(e.page) })
}

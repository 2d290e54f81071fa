package routes

import (
	"regexp"
	"slices"
	"strings"
)

// localeParameters are the names that apps give to the folder of their locale.
var localeParameters = []string{"[locale]", "[lang]", "[lng]", "[language]"}

// pageAt is the page of the build that has a path, or empty.
func (b *Build) pageAt(path string) string {
	if page := b.pageTree.find(path, allPatterns).exact; page != none {
		return b.pages[page]
	}
	return ""
}

// isBuiltPage reports whether the build has a page without parameters at a path.
func (t *Table) isBuiltPage(path string) bool {
	if t.build == nil {
		return false
	}
	page := t.build.pageAt(path)
	return page != "" && !strings.Contains(page, "[")
}

// isPageInstead reports whether a path below /_next/static/ is no file of the build, so that
// Next.js answers it by a page that has parameters enough, such as [[...slug]]. A build
// without any files says nothing: they may be served from elsewhere.
func (t *Table) isPageInstead(path string) bool {
	b := t.build
	return b != nil && len(b.files) > 0 && !b.hasFile(path) && b.pageAt(path) != "" && !b.hasNewFile(path)
}

// isPageInsteadOfData is isPageInstead for a data route: Next.js certainly knows those of its
// own build and of pages of the Pages Router.
func (t *Table) isPageInsteadOfData(path string) bool {
	b := t.build
	if b == nil || b.pageAt(path) == "" {
		return false
	}
	page, isOwn := strings.CutPrefix(path, dataPrefix+b.id)
	page, isJSON := strings.CutSuffix(page, ".json")
	if !isOwn || !isJSON {
		return true
	}
	if rest, _, ok := t.cutLocale(page); ok {
		page = rest
	}
	return !b.dataPages[b.pageAt(pageOfIndex(page))]
}

// parameterName is the name of a parameter in place of its value, as /docs/[...slug] has.
var parameterName = regexp.MustCompile(`\[\[\.\.\.([^][]+)\]\]|\[(?:\.\.\.)?([^][]+)\]`)

// namesParameter reports whether a path has the name of a parameter, and the query its value.
// Next.js 15.5 and 16.4 give what ?slug=… says to Route Handlers and to pages of the Pages
// Router. And if a page takes no other values than those that it was built with, 16.4 looks for
// another under the path with the value, so that ?slug=..&slug=dashboard leads from an open page
// to any other. It is refused, and not decided by that path, since Next.js leaves out what is in
// a long query. Clients ask without such a query for a file that has a name in its own.
//
// A parameter that is optional and not in the query is left out: without is the path then.
func (t *Table) namesParameter(path, rawQuery string) (without string, inQuery bool) {
	if strings.Contains(path, emptyParameter) || t.hasInternalParameter(rawQuery) {
		return path, true
	}
	if strings.IndexByte(path, '[') < 0 {
		return path, false
	}
	without = parameterName.ReplaceAllStringFunc(path, func(named string) string {
		name := strings.Trim(named, "[.]")
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

// maxDecodedNames is how often Next.js decodes what may be the name of a parameter.
const maxDecodedNames = 3

// namesEscapedParameter is namesParameter for a name that has escapes: 15.5 takes
// /api/%5Bid%5D?id=1 for a name in API routes.
func (t *Table) namesEscapedParameter(path, rawQuery string) bool {
	for range maxDecodedNames {
		decoded, _ := decode(path)
		if decoded == path {
			return false
		}
		path = decoded
		if _, inQuery := t.namesParameter(path, rawQuery); inQuery {
			return true
		}
	}
	return false
}

// emptyParameter is what Next.js 14 writes into a path for a parameter whose value it takes
// from Next-Router-State-Tree, where anybody may write what they like.
const emptyParameter = "__NEXT_EMPTY_PARAM__"

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
		if name, ok := strings.CutPrefix(key, "nxtP"); ok && name != "" && t.mayHaveParameter(name) {
			return true
		}
		if name, ok := strings.CutPrefix(key, "nxtI"); ok && name != "" && t.mayHaveParameter(name) {
			return true
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

// isTool reports whether a path is a tool of next dev. Where a build has a page or
// a rewrite for its name, it may be a page, such as that of a [locale] folder.
func (t *Table) isTool(f *form, host string) bool {
	if !isDevelopment(f.path) || t.build == nil {
		return isDevelopment(f.path)
	}
	if t.build.pageAt(f.path) != "" {
		return false
	}
	return !t.isRewritten(f, host)
}

// isLocalePage reports whether a page lies in a folder like [locale], which
// takes any first segment for a locale. With locales that are not those of the
// Pages Router, any parameter in their place is one.
func (t *Table) isLocalePage(page string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(page, "/"), "/")
	if !isParameter(first) || strings.HasPrefix(first, "[...") || strings.HasPrefix(first, "[[") {
		return false
	}
	return slices.Contains(localeParameters, strings.ToLower(first)) ||
		len(t.locales) > 0 && len(t.build.locales) == 0
}

// afterFirst is the path without its first segment.
func afterFirst(path string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return "/" + rest
}

// pageMatch decides a page as a visitor would reach it.
func (t *Table) pageMatch(page string) Match {
	segments := strings.Split(page, "/")
	for i, segment := range segments {
		switch {
		case i == 1 && t.isLocalePage(page) && t.anyLocale != "":
			segments[i] = t.anyLocale
		case isParameter(segment):
			segments[i] = placeholder
		}
	}
	return t.pathMatch(t.basePath + strings.Join(segments, "/"))
}

// loginPage is the page that Next.js certainly has at the login path, or empty. What is in a
// [locale] folder is below a locale, not in place of one.
func (t *Table) loginPage() string {
	path := t.loginPath
	page := t.build.pageAt(path)
	if t.isLocalePage(page) {
		if t.anyLocale == "" {
			return ""
		}
		path = "/" + t.anyLocale + path
		page = t.build.pageAt(path)
	}
	if t.isRewritten(&form{path: path, full: t.basePath + path}, "") {
		return "" // perhaps another page
	}
	return page
}

// placeholder stands for a segment of which nothing is known.
const placeholder = "-"

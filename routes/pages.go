package routes

import (
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

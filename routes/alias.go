package routes

import (
	"cmp"
	"slices"
	"strings"
)

// localeParameters are the names that apps give to the folder of their locale.
var localeParameters = []string{"[locale]", "[lang]", "[lng]", "[language]"}

// rewriteProgress says how far a path has come: Next.js goes through its
// rewrites once, in their order. After the first, only those count that may lead to an
// auth rule, unless it is the target of an action; maxDepth and maxReads bound them.
type rewriteProgress struct {
	next    int
	applied []*rewrite
}

// aliases lets the pages count that a build serves under this path. It reports
// whether the path is nothing but another name, so that it has no rule of its
// own unless one names it.
func (j *judgement) aliases(f *form, depth int) (renamed bool) {
	t := j.table
	b := t.build
	page := b.pageTree.find(f.path, false).exact
	if page != none && t.isLocalePage(b.pages[page]) && !t.openPages[trimEnd(f.path)] {
		j.guess(afterFirst(f.path), howLocale, depth)
	}
	locale := cmp.Or(f.locale, b.defaultLocale)
	before := j.rewrites
	defer func() { j.rewrites = before }()
	spellings := t.spellings(f.path, locale)
	if j.target && !j.guessed && b.redirects(spellings) {
		j.redirected = true
	}
	for i := before.next; i < len(b.rewrites); i++ {
		r := &b.rewrites[i]
		// A site may have many that match every path, one for each locale, brand or tenant,
		// and all ways through them would cost exponential time.
		if slices.ContainsFunc(before.applied, r.excludes) || len(before.applied) > 0 && !t.protects[i] && !j.target ||
			j.proof && len(r.hosts) > 0 && slices.ContainsFunc(before.applied, func(r *rewrite) bool { return len(r.hosts) > 0 }) {
			continue
		}
		for _, path := range spellings {
			destination, chosen, ok := r.apply(path, j.host)
			if !ok || destination == path && !chosen { // it only adds to the query
				continue
			}
			j.rewrites = rewriteProgress{next: i + 1, applied: append(before.applied, r)}
			if chosen && t.mayBeAuth(destination) {
				j.count(Auth, -1, destination, howRewrite)
			} else {
				j.read(destination, howRewrite, depth+1)
			}
			renamed = renamed || r.certain && page == none
			break
		}
	}
	return renamed
}

// RewritesByHost reports whether the build has rewrites that are for some hosts only. The
// app must then see the host that MatchURL gets.
func (t *Table) RewritesByHost() bool {
	return t.build != nil && slices.ContainsFunc(t.build.rewrites, func(r rewrite) bool { return len(r.hosts) > 0 })
}

// isTool reports whether a path is a tool of next dev. Where a build has a page or
// a rewrite for its name, it may be a page, such as that of a [locale] folder.
func (t *Table) isTool(path string) bool {
	if !isDevelopment(path) || t.build == nil || strings.HasPrefix(path, "/_next/") {
		return isDevelopment(path)
	}
	if t.build.pageTree.find(path, false).exact != none {
		return false
	}
	spellings := t.spellings(path, t.build.defaultLocale)
	for i := range t.build.rewrites {
		if slices.ContainsFunc(spellings, t.build.rewrites[i].matches) {
			return false
		}
	}
	return true
}

// spellings are the ways in which a rewrite may name a path: with and without
// base path and locale.
func (t *Table) spellings(path, locale string) []string {
	list := []string{path}
	if locale != "" {
		list = append(list, "/"+locale+path)
	}
	if t.basePath != "" {
		for _, spelling := range slices.Clone(list) {
			list = append(list, t.basePath+spelling)
		}
	}
	return list
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

// mayBeAuth reports whether a path that begins so, and goes on as the client
// chooses, may lead to an auth rule.
func (t *Table) mayBeAuth(begin string) bool {
	if t.defaultType == Auth {
		return true
	}
	stripped := t.strip(begin, howRewrite)
	for _, begin := range []string{strings.ToLower(begin), strings.ToLower(stripped.path)} { // a rule may name a locale
		for _, p := range t.authPatterns {
			fixed := strings.ToLower(literalPrefix(p.path()))
			if strings.HasPrefix(fixed, begin) || strings.HasPrefix(begin, fixed) {
				return true
			}
		}
	}
	return false
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
	return t.Match(t.basePath+strings.Join(segments, "/"), "", "")
}

// compileActions decides the pages that own each Server Action.
func (t *Table) compileActions() {
	t.actionOwners = make(map[string][]Match)
	for _, action := range t.build.actions {
		owners := make([]Match, 0, len(action.owners))
		for _, page := range action.owners {
			owners = append(owners, t.pageMatch(page))
		}
		t.actionOwners[action.id] = owners
	}
}

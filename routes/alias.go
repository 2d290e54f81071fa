package routes

import (
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
	page := b.pageAt(f.path)
	if page != "" && t.isLocalePage(page) && !t.openPages[trimEnd(f.path)] {
		j.guess(afterFirst(f.path), howLocale, depth)
	}
	if j.target && !j.guessed && b.redirects(f.path, t.spellings(nil, f, j.host)) {
		j.redirected = true
	}
	last := fallback
	if b.servesPages && page == f.path && f.isPlain(t.basePath) {
		last = beforeFiles // Next.js finds the page before it tries the others
	}
	return j.rewrites(f, page, depth, last)
}

// rewrites lets the pages count to which rewrites of the build lead, those that Next.js
// tries until the last phase. page is what the build has at the path, or empty. It reports
// whether the path is nothing but another name.
func (j *judgement) rewrites(f *form, page string, depth int, last phase) (renamed bool) {
	t := j.table
	b := t.build
	if j.progress.next >= len(b.rewrites) {
		return false
	}
	before, query, anyImage := j.progress, j.query, j.anyImage
	defer func() { j.progress, j.query, j.anyImage = before, query, anyImage }()
	var buffer [fewSpellings]spelling
	spellings := t.spellings(buffer[:0], f, j.host)
	for i := before.next; i < len(b.rewrites) && b.rewrites[i].phase <= last; i++ {
		r := &b.rewrites[i]
		if r.isForHosts() && j.otherHosts || len(before.applied) > 0 && j.endsBefore(r, t.protects[i], before.applied) {
			continue
		}
		parts, forHost := r.ofHost(j.host) // before the path, which may be long
		if !forHost {
			continue
		}
		if j.gaveUp {
			return false
		}
		if j.searched += len(spellings) * len(f.full); j.searched > maxSearched {
			j.giveUp(f.path, howRewrite)
			return false
		}
		for to := range r.destinations(spellings, parts) {
			j.progress = rewriteProgress{next: i + 1, applied: append(before.applied, r)}
			j.query, j.anyImage = joinQueries(to.query, query), anyImage || to.anyImage
			if to.chosen && t.mayReachAuth(to.path, i+1) {
				j.count(Auth, -1, to.path, howRewrite)
			} else {
				j.sent = to.sent
				j.read(to.path, howRewrite, depth+1)
			}
			renamed = renamed || r.unconditional && t.isOtherName(r, page, to)
		}
	}
	return renamed
}

// endsBefore reports whether a rewrite does not count after others. A site may have many
// that match every path, one for each locale, brand or tenant, and all ways through them
// would cost exponential time.
func (j *judgement) endsBefore(r *rewrite, protects bool, applied []*rewrite) bool {
	switch {
	case slices.ContainsFunc(applied, r.excludes):
		return true // no request is for both
	case !protects && !j.target:
		return true // it leads to no auth rule
	}
	return j.proof && r.isForHosts() && slices.ContainsFunc(applied, (*rewrite).isForHosts)
}

// isOtherName reports whether a path that a rewrite without a condition matches is never
// what the app has under that path itself.
func (t *Table) isOtherName(r *rewrite, page string, to destination) bool {
	if len(r.keys) > 0 { // of those, only what Next.js adds for an assetPrefix
		return r.phase == beforeFiles && isStatic(t.strip(to.path, howRewrite).path)
	}
	return page == "" || r.phase == beforeFiles || r.phase == afterFiles && strings.Contains(page, "[")
}

// isForHosts reports whether the rewrite is for some hosts only.
func (r *rewrite) isForHosts() bool { return len(r.hosts) > 0 }

// pageAt is the page of the build that has a path, or empty.
func (b *Build) pageAt(path string) string {
	if page := b.pageTree.find(path, allPatterns).exact; page != none {
		return b.pages[page]
	}
	return ""
}

// RewritesByHost reports whether the build has rewrites that are for some hosts only, or
// locales by host. The app must then see the host that MatchURL gets.
func (t *Table) RewritesByHost() bool {
	return t.build != nil && (len(t.build.domains) > 0 || slices.ContainsFunc(t.build.rewrites, func(r rewrite) bool { return r.isForHosts() }))
}

// RewritesElsewhere are the paths, as next.config has them, that the build passes on to
// another host with all their headers, and whose answers it takes for its own.
func (t *Table) RewritesElsewhere() []string {
	if t.build == nil {
		return nil
	}
	return t.build.elsewhere
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

// isRewritten reports whether a rewrite of the build, for this host, leads from a path
// elsewhere.
func (t *Table) isRewritten(f *form, host string) bool {
	spellings := t.spellings(nil, f, host)
	return slices.ContainsFunc(t.build.rewrites, func(r rewrite) bool {
		parts, forHost := r.ofHost(host)
		if !forHost {
			return false
		}
		for range r.destinations(spellings, parts) {
			return true
		}
		return false
	})
}

// spelling is a way to write a path: as a reading has it, or in the escapes that the
// client sent.
type spelling struct {
	path string
	sent bool
}

// fewSpellings are as many as most paths have, so that those cost no allocation.
const fewSpellings = 4

// spellings appends the ways in which a rewrite may name a path: with and without base path,
// locale, and what Next.js takes off.
func (t *Table) spellings(list []spelling, f *form, host string) []spelling {
	locales := t.build.localesOf(host)
	if f.locale != "" {
		locales = []string{f.locale}
	}
	add := func(path, unstripped string, sent bool) {
		begin := len(list)
		list = append(list, spelling{path, sent})
		for _, locale := range locales {
			list = append(list, spelling{"/" + locale + path, sent})
		}
		if t.basePath != "" {
			for _, s := range list[begin:] {
				list = append(list, spelling{t.basePath + s.path, sent})
			}
		}
		if s := (spelling{unstripped, sent}); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	if f.sent != "" {
		add(t.strip(f.sent, f.how).path, f.sent, true)
	}
	add(f.path, f.full, false)
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
	if lower := strings.ToLower(begin); len(t.authPatterns) > 0 && (strings.HasPrefix(imagePath, lower) || strings.HasPrefix(lower, imagePath)) {
		return true // as any image
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
	return t.pathMatch(t.basePath + strings.Join(segments, "/"))
}

// compileActions decides the pages that own each Server Action.
func (t *Table) compileActions() {
	t.actionOwners = make(map[string][]Match)
	t.loginActions = make(map[string]bool)
	loginPage := t.loginPage()
	for _, action := range t.build.actions {
		owners := make([]Match, 0, len(action.owners))
		for _, page := range action.owners {
			owners = append(owners, t.pageMatch(page))
		}
		t.actionOwners[action.id] = owners
		t.loginActions[action.id] = loginPage != "" && slices.Contains(action.owners, loginPage)
	}
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

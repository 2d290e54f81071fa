package routes

import (
	"slices"
	"strings"
)

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
func (j *judgement) aliases(f *form) (renamed bool) {
	t := j.table
	b := t.build
	page := b.pageAt(f.path)
	if t.isLocalePage(page) && !t.openPages[trimEnd(f.path)] {
		j.guess(afterFirst(f.path), howLocale)
	}
	if j.target && !j.guessed && b.redirects(t.spellings(nil, f, j.host)) {
		j.redirected = true
	}
	last := fallback
	if b.servesPages && page == f.path && f.isPlain(t.basePath) {
		last = beforeFiles // Next.js finds the page before it tries the others
	}
	return j.rewrites(f, page, last)
}

// rewrites lets the pages count to which rewrites of the build lead, those that Next.js
// tries until the last phase. page is what the build has at the path, or empty. It reports
// whether the path is nothing but another name.
func (j *judgement) rewrites(f *form, page string, last phase) (renamed bool) {
	t := j.table
	b := t.build
	if j.progress.next >= len(b.rewrites) {
		return false
	}
	before, query, anyQuery := j.progress, j.query, j.anyQuery
	defer func() { j.progress, j.query, j.anyQuery = before, query, anyQuery }()
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
			j.query, j.anyQuery = joinQueries(to.query, query), anyQuery || to.anyQuery
			if _, inQuery := t.namesParameter(to.sent, j.query); inQuery || j.anyQuery && strings.IndexByte(to.sent, '[') >= 0 {
				j.giveUp(to.path, howRewrite)
				return false
			}
			j.fillNames(to.sent)
			if to.chosen && t.mayReachAuth(to.path, i+1) {
				j.count(Auth, -1, to.path, howRewrite)
			} else {
				j.sent = to.sent
				j.readBehind(to.path, howRewrite)
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

package routes

import (
	"slices"
	"strings"
)

// judgement collects what the readings of one path say.
type judgement struct {
	table *Table
	query string
	host  string // of the request; empty if nothing is known of it

	proof        bool // of the configuration, not about a request, whose host would decide
	otherHosts   bool // only about hosts for which no rewrite of the build is
	target       bool // it is that of a Server Action's redirect
	redirected   bool // and the app may answer it by a redirect
	depth        int  // how often a path has led to this one
	reads        int
	searched     int // bytes of paths that were compared with rewrites
	filled       int // paths made of one with the name of a parameter
	progress     rewriteProgress
	anyQuery     bool   // the client chooses a part of the query by a rewrite
	sent         string // the path that is read next, as it was sent; empty if that is not known
	inUnstripped bool   // this reading is of a path with a form that Next.js may not know, by unstripped
	cut          bool   // this reading was cut from another, by guessOnce
	guessed      bool   // this reading is only possible, so it may protect, but opens nothing

	gaveUp    bool // there were too many readings
	decided   bool // a reading counted
	open      bool // a reading is never decided
	static    bool
	shown     bool // path, locale and data are known
	typ       Type
	rule      int
	matched   []int
	path      string
	locale    string
	data      bool
	ambiguous bool
	decisive  string // the path that decided
	how       string
}

// maxDepth bounds how often a path may lead to another (an image of an image, a
// rewrite of a rewrite), and maxReads how many readings there are in all, so
// that a hostile path or query costs little. What goes beyond is auth.
const (
	maxDepth = 8
	maxReads = 1000
	// maxSearched bounds how many bytes of paths are compared with the build's rewrites.
	maxSearched = 8 << 20
)

// read lets one reading of the path count.
func (j *judgement) read(path, how string) {
	sent := j.sent
	j.sent = ""
	if j.gaveUp {
		return
	}
	j.reads++
	if j.depth > maxDepth || j.reads > maxReads {
		j.giveUp(path, how)
		return
	}
	f := j.table.strip(path, how)
	if sent != path {
		f.sent = sent
	}
	if !j.shown {
		j.path, j.locale, j.data, j.shown = f.path, f.locale, f.data, true
	}
	ours := j.framework(&f)
	if !ours {
		j.leaf(&f)
	}
	for _, also := range f.also[:f.doubts] {
		j.decide(also, howUnstripped)
	}
	for _, path := range f.unknown[:f.unknowns] {
		j.protect(func() { j.unstripped(f, path) })
	}
	if f.data {
		j.named(f.whole, howData)
		j.idWithSlashes(&f)
		if page, ok := strings.CutPrefix(f.page, "/index/"); ok { // which Next.js takes off where the app has a middleware
			j.guess("/"+page, howData)
		}
	}
	if f.steps == 0 || trimEnd(f.path) == j.table.loginPath {
		return
	}
	for _, before := range f.before[:f.steps] {
		if _, _, ok := cutPrefix(before, j.table.basePath); before == "" || ours && ok {
			continue // a rule for all below the base path names no file of Next.js
		}
		j.named(before, howUnstripped)
		if hasMarks(before) {
			j.namedFile(before, false)
		}
	}
}

// readBehind reads a path to which the one that is read leads.
func (j *judgement) readBehind(path, how string) {
	j.depth++
	j.read(path, how)
	j.depth--
}

// unstripped decides a path as a server would that knows no form of it.
func (j *judgement) unstripped(f form, path string) {
	if j.inUnstripped {
		j.decide(path, howUnstripped)
		return
	}
	j.inUnstripped = true
	f.path, f.how = path, howUnstripped
	j.leaf(&f)
	j.inUnstripped = false
}

// mostIDSlashes bounds the slashes of a build id that is not known.
const mostIDSlashes = 3

// idWithSlashes lets the page of a data route protect whose build id may have slashes, such
// as that of a branch.
func (j *judgement) idWithSlashes(f *form) {
	if b := j.table.build; b != nil && strings.HasPrefix(f.whole, b.id+"/") {
		return // it is known
	}
	page := f.path
	for range mostIDSlashes {
		i := strings.IndexByte(page[1:], '/')
		if i < 0 {
			return
		}
		page = page[1+i:]
		j.guessNamed(page, howData)
	}
}

// framework reports whether what is left is one of Next.js's own files or tools, which
// are never decided unless a rule names them. What another server may read as a path
// elsewhere is decided like any.
func (j *judgement) framework(f *form) bool {
	if f.locale != "" || f.data {
		return false
	}
	static := isStatic(f.path)
	if !static && !j.table.isTool(f, j.host) || canTrim(f.path) || static && j.table.isPageInstead(f.path) {
		return false
	}
	if !j.named(f.path, f.how) {
		j.open, j.static = true, static
	}
	if build := j.table.build; build != nil {
		last := fallback
		if build.hasFile(f.path) {
			last = beforeFiles
		}
		j.rewrites(f, "", last)
	}
	return true
}

// leaf decides the path that is left after all forms were taken off.
func (j *judgement) leaf(f *form) {
	path := f.path
	// Next.js's router knows the optimizer by its exact path, but whatever reaches a page and
	// begins so is answered by it, too: /_next/imagex where a page has two parameters.
	if len(path) >= len(imagePath) && strings.EqualFold(path[:len(imagePath)], imagePath) && j.image() && trimEnd(path) == imagePath {
		j.named(path, howUnstripped)
		if j.table.build != nil {
			j.rewrites(f, "", beforeFiles)
		}
		return
	}
	j.fillFromQuery(path)
	if j.table.build != nil && j.aliases(f) {
		j.named(path, f.how)
	} else {
		j.decide(path, f.how)
	}
	j.behindAssetPrefix(path)
	if !hasMarks(path) {
		return
	}
	j.namedFile(path, true)
	for short, times := path, 0; times < maxForms && strings.Contains(short, ".rsc/"); times++ {
		// Next.js takes it off each value of a parameter in its edge runtime, of some twice.
		short = strings.ReplaceAll(short, ".rsc/", "/")
		j.guessOnce(short, howRSC)
	}
	j.intercepts(path)
	if short, ok := trimSegments(path); ok {
		resolved, merged := merge(resolve(short)), resolve(merge(short))
		j.named(resolved, howTrimmed)
		j.guessOnce(resolved, howTrimmed)
		if merged != resolved {
			j.guessOnce(merged, howTrimmed)
		}
	}
}

// maxMarks bounds how many marks of interception routes are looked at in one path, from its
// beginning. Next.js takes one, and before it only a parameter can look so.
const maxMarks = 3

// intercepts lets the pages protect that interception routes stand in for.
func (j *judgement) intercepts(path string) {
	var pages []string
	for page := range interceptions(path) {
		if len(pages) == maxMarks {
			j.giveUp(path, howInterception)
			return
		}
		pages = append(pages, page)
	}
	for _, page := range pages {
		j.named(page, howInterception)
		j.guessOnce(page, howInterception)
	}
}

// behindAssetPrefix lets the image optimizer and data routes protect behind what may be an
// assetPrefix, for which Next.js has a rewrite of its own, in any case. It may as well be
// the base path of another app, so a page counts only where a rule has its name. Of a build
// with locales it is known that Next.js shows all pages there.
func (j *judgement) behindAssetPrefix(path string) {
	if b := j.table.build; b != nil {
		if page, _, ok := cutPrefix(path, b.assetPrefix); ok && !strings.HasPrefix(page, "/_next/") { // which is left to the rewrite
			j.guess(page, howAssetPrefix)
		}
	}
	if j.cut || strings.IndexByte(path, '_') < 0 {
		return // as most paths
	}
	lower := strings.ToLower(path)
	if strings.LastIndex(lower, imagePath) > 0 {
		j.protect(func() { j.image() })
	}
	if prefix, rest, ok := strings.Cut(lower, dataPrefix+"/"); ok && prefix != "" && j.table.build == nil { // whose rewrites would say so
		page := j.table.strip(dataPrefix+"/"+rest, howAssetPrefix).path
		j.guessNamed(page, howAssetPrefix)
		j.mentioned(page, howAssetPrefix)
	}
}

// namedFile lets a file that has the content of a page count as that page. What may have
// a locale or the like in front counts only where a rule names it.
func (j *judgement) namedFile(path string, stripped bool) {
	named := func(page, how string) {
		j.named(page, how)
		if stripped {
			j.mentioned(page, how)
		}
	}
	if page, ok := cutIndex(path); ok {
		named(page, howExport)
	}
	if page, ok := cutRSC(cutCompressed(trimEnd(path))); ok { // compressed, or a prefix was stripped first
		named(page, howRSC)
	}
	if page, ok := cutExport(path); ok {
		named(page, howExport)
		if page, ok := cutIndex(page); ok {
			named(page, howExport)
		}
	}
}

// protect decides something in such a way that it protects, and opens nothing.
func (j *judgement) protect(decide func()) {
	guessed := j.guessed
	j.guessed = true
	decide()
	j.guessed = guessed
}

// guess reads a further path that only some servers would serve.
func (j *judgement) guess(path, how string) {
	j.protect(func() { j.readBehind(path, how) })
}

// guessNamed is guess for a path that counts only where a rule names it.
func (j *judgement) guessNamed(path, how string) {
	j.protect(func() { j.named(j.table.strip(path, how).path, how) })
}

// guessOnce is guess for what was cut from a path. What is cut from the rest is
// not guessed again, so that a path full of marks costs little.
func (j *judgement) guessOnce(path, how string) {
	if j.cut {
		return
	}
	j.cut = true
	j.guess(path, how)
	j.cut = false
}

// decide lets a path count by the rule that matches it, or by the default.
func (j *judgement) decide(path, how string) {
	t := j.table
	found := t.tree.find(path, allPatterns)
	if found.folded != found.exact {
		// Next.js tells pages apart by case, so an open rule counts only in
		// its own case, while auth counts in any.
		j.countRule(found.exact, path, how)
		how = howCase
	}
	j.countRule(found.folded, path, how)
}

func (j *judgement) countRule(rule int, path, how string) {
	t := j.table
	typ, index := t.defaultType, -1
	if rule != none {
		typ, index = t.rules[rule].Type, rule
	}
	if t.loginPath != "" && (typ == Auth || index < 0) && trimEnd(path) == t.loginPath {
		typ, index = Hybrid, -1
	}
	j.count(typ, index, path, how)
}

// named lets a path count only where a rule names it, and reports whether.
func (j *judgement) named(path, how string) bool {
	return j.countFound(j.table.tree.find(path, naming), path, how)
}

// mentioned is named for a path of which nothing but its form is known to be taken off. A
// rule that has any text of its own protects it, and opens nothing.
func (j *judgement) mentioned(path, how string) {
	j.protect(func() { j.countFound(j.table.tree.find(path, mentioning), path, how) })
}

func (j *judgement) countFound(found hit, path, how string) bool {
	for _, rule := range []int{found.folded, found.exact} {
		if rule != none {
			j.count(j.table.rules[rule].Type, rule, path, how)
		}
	}
	return found.folded != none
}

// readNamed is named for all readings of a further path.
func (j *judgement) readNamed(path, how string) {
	if path == "" || path[0] != '/' {
		return
	}
	for _, r := range readings(path) {
		f := j.table.strip(r.path, how)
		j.named(f.path, how)
		j.mentioned(f.path, how)
		j.named(r.path, how)
	}
}

// giveUp is for a path that has too many readings: it is auth, and all that any rule
// requires must hold. No other reading changes that, so none costs anything more.
func (j *judgement) giveUp(path, how string) {
	j.count(Auth, -1, path, how)
	if j.gaveUp {
		return
	}
	j.gaveUp = true
	matched := slices.Clone(j.matched)
	for i, rule := range j.table.rules {
		if rule.Requires && !slices.Contains(j.matched, i) {
			matched = append(matched, i)
		}
	}
	j.matched = matched
}

// count merges one verdict into the judgement: the strictest wins.
func (j *judgement) count(typ Type, rule int, path, how string) {
	if j.guessed && typ != Auth && (rule < 0 || !j.table.rules[rule].Requires) {
		return // a guess protects, it opens nothing
	}
	if !j.decided {
		j.decided = true
		j.typ, j.rule, j.decisive, j.how = typ, rule, path, how
		if rule >= 0 {
			j.matched = j.table.single(rule)
		}
		return
	}
	if typ != j.typ {
		j.ambiguous = true
	}
	if typ.strictness() > j.typ.strictness() {
		j.typ, j.rule, j.decisive, j.how = typ, rule, path, how
	} else if typ == j.typ && j.rule < 0 && rule >= 0 {
		j.rule, j.decisive, j.how = rule, path, how
	}
	if rule >= 0 && !slices.Contains(j.matched, rule) {
		if j.table.rules[rule].Requires {
			j.ambiguous = true
		}
		j.matched = append(slices.Clip(j.matched), rule)
	}
}

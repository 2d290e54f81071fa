package routes

import (
	"net/url"
	"slices"
	"strings"
)

// Match is what a Table says of a path.
type Match struct {
	// Bad says that no app should receive the path; the answer is 400.
	Bad bool
	// Open says that the path is never decided: Next.js's static files, and
	// its tools in development, unless a rule begins with /_next and names it.
	Open bool
	// Static says that the path is one of Next.js's static files, whose
	// caching headers are left alone.
	Static bool
	// Type is the strictest type over all readings of the path.
	Type Type
	// Rule is the index in Config.Rules of the rule that decided, or -1 where
	// the default did, or because the path is the login path.
	Rule int
	// Matched has the index of every rule that matched in any reading. What
	// they require must all hold. It must not be changed.
	Matched []int
	// Path is the reading that a log should show: without base path, locale
	// and the forms of Next.js.
	Path string
	// Locale is the path's locale as it was configured, or empty.
	Locale string
	// Data says that the path is a data route (/_next/data/).
	Data bool
	// Ambiguous says that two readings differ in type or in what they require.
	Ambiguous bool
	// Reading names the reading that decided, when the path is ambiguous.
	Reading string
}

// MatchURL is Match for the URL of a request as net/http parsed it. Unlike
// Match it also sees the path as it was received: one that net/http would
// write in other bytes, and that has escapes besides, is Bad, because encoding
// it anew turns %2F into a slash. And a Host, as the request has it, says which
// rewrites of the build are for it.
func (t *Table) MatchURL(u *url.URL, original string) Match {
	path := u.EscapedPath()
	if u.Opaque != "" || u.RawPath != path && strings.IndexByte(u.RawPath, '%') >= 0 {
		return t.bad(path)
	}
	j := judgement{table: t, query: u.RawQuery, host: t.hostOf(u)}
	return j.verdict(path, original)
}

// hostOf is the host as Next.js compares it, or empty where it makes no difference.
func (t *Table) hostOf(u *url.URL) string {
	if t.build == nil || u.Host == "" {
		return ""
	}
	return hostname(u.Host)
}

// hostname is a host without its port, in lower case.
func hostname(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return strings.ToLower(name)
}

// Match decides a path. path is the escaped path as Caddy will forward it
// (net/url.URL.EscapedPath). rawQuery matters for Next.js's image optimizer
// only. original is the escaped path that the client sent, when a rewrite
// changed it, or empty; it counts only where a rule names it.
func (t *Table) Match(path, rawQuery, original string) Match {
	j := judgement{table: t, query: rawQuery}
	return j.verdict(path, original)
}

func (j *judgement) verdict(path, original string) Match {
	if !j.judge(path, original) {
		return j.table.bad(path)
	}
	return j.match()
}

// DecisivePath is the path as it was read where the rule of MatchURL matched it, or
// where none did: decoded, cleaned, or another path altogether, such as that of an
// image. It decides anew, because only explanations need it.
func (t *Table) DecisivePath(u *url.URL, original string) string {
	j := judgement{table: t, query: u.RawQuery, host: t.hostOf(u)}
	return j.decisivePath(u.EscapedPath(), original)
}

func (j *judgement) decisivePath(path, original string) string {
	if !j.judge(path, original) {
		return path
	}
	if !j.decided {
		return j.path
	}
	return j.decisive
}

// judge reads a path in every way. It is false for what no app should receive.
func (j *judgement) judge(path, original string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	if isExport(path, original) {
		j.read(original, howRaw, 0)
		j.named(path, howExport)
		return true
	}
	if plain(path) {
		j.read(path, howRaw, 0)
	} else {
		if !valid(path) {
			return false
		}
		for _, r := range readings(path) {
			j.sent = r.sent
			j.read(r.path, r.how, 0)
		}
		if rest, ok := cutHost(path); ok {
			for _, r := range readings(rest) {
				j.sent = r.sent
				j.guess(r.path, howNetwork, 0)
			}
		}
	}
	if original != "" && original != path {
		j.readNamed(original, howOriginal)
	}
	return true
}

// bad is the zero decision with the strictest type, for callers that look no
// further than at Type.
func (t *Table) bad(path string) Match {
	return Match{Bad: true, Type: Auth, Rule: -1, Path: path}
}

// valid refuses what no app should receive: NUL and broken escapes.
func valid(path string) bool {
	decoded, ok := decode(path)
	return ok && strings.IndexByte(decoded, 0) < 0
}

// judgement collects what the readings of one path say.
type judgement struct {
	table *Table
	query string
	host  string // of the request; empty if nothing is known of it

	proof      bool // of the configuration, not about a request, whose host would decide
	otherHosts bool // only about hosts for which no rewrite of the build is
	target     bool // it is that of a Server Action's redirect
	redirected bool // and the app may answer it by a redirect
	reads      int
	searched   int // bytes of paths that were compared with rewrites
	progress   rewriteProgress
	anyImage   bool   // the client chooses a part of an image's address by a rewrite
	sent       string // the path that is read next, as it was sent; empty if that is not known
	cut        bool   // this reading was cut from another, by guessOnce
	guessed    bool   // this reading is only possible, so it may protect, but opens nothing

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
func (j *judgement) read(path, how string, depth int) {
	sent := j.sent
	j.sent = ""
	j.reads++
	if depth > maxDepth || j.reads > maxReads {
		j.count(Auth, -1, path, how)
		return
	}
	f := j.table.strip(path, how)
	if sent != path {
		f.sent = sent
	}
	if !j.shown {
		j.path, j.locale, j.data, j.shown = f.path, f.locale, f.data, true
	}
	ours := j.framework(&f, depth)
	if !ours {
		j.leaf(&f, depth)
	}
	for _, also := range f.also[:f.doubts] {
		j.decide(also, howUnstripped)
	}
	if f.data {
		j.named(f.whole, howData)
		if page, ok := strings.CutPrefix(f.page, "/index/"); ok { // which Next.js takes off where the app has a middleware
			j.guess("/"+page, howData, depth)
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

// framework reports whether what is left is one of Next.js's own files or tools, which
// are never decided unless a rule names them. What another server may read as a path
// elsewhere is decided like any.
func (j *judgement) framework(f *form, depth int) bool {
	if f.locale != "" || f.data {
		return false
	}
	static := isStatic(f.path)
	if !static && !j.table.isTool(f, j.host) || canTrim(f.path) {
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
		j.rewrites(f, "", depth, last)
	}
	return true
}

// leaf decides the path that is left after all forms were taken off.
func (j *judgement) leaf(f *form, depth int) {
	path := f.path
	// Next.js's router knows the optimizer by its exact path, but whatever reaches a page and
	// begins so is answered by it, too: /_next/imagex where a page has two parameters.
	if len(path) >= len(imagePath) && strings.EqualFold(path[:len(imagePath)], imagePath) && j.image(depth) && trimEnd(path) == imagePath {
		j.named(path, howUnstripped)
		if j.table.build != nil {
			j.rewrites(f, "", depth, beforeFiles)
		}
		return
	}
	if j.table.build != nil && j.aliases(f, depth) {
		j.named(path, f.how)
	} else {
		j.decide(path, f.how)
	}
	j.behindAssetPrefix(path, depth)
	if !hasMarks(path) {
		return
	}
	j.namedFile(path, true)
	if page, ok := cutInterception(path); ok {
		j.named(page, howInterception)
		j.guessOnce(page, howInterception, depth)
	}
	if short, ok := trimSegments(path); ok {
		resolved, merged := merge(resolve(short)), resolve(merge(short))
		j.named(resolved, howTrimmed)
		j.guessOnce(resolved, howTrimmed, depth)
		if merged != resolved {
			j.guessOnce(merged, howTrimmed, depth)
		}
	}
}

// behindAssetPrefix lets the image optimizer and data routes protect behind what may be an
// assetPrefix, for which Next.js has a rewrite of its own, in any case. It may as well be
// the base path of another app, so a page counts only where a rule has its name.
func (j *judgement) behindAssetPrefix(path string, depth int) {
	if j.cut || strings.IndexByte(path, '_') < 0 {
		return // as most paths
	}
	lower := strings.ToLower(path)
	if strings.LastIndex(lower, imagePath) > 0 {
		j.protect(func() { j.image(depth) })
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
func (j *judgement) guess(path, how string, depth int) {
	j.protect(func() { j.read(path, how, depth+1) })
}

// guessNamed is guess for a path that counts only where a rule names it.
func (j *judgement) guessNamed(path, how string) {
	j.protect(func() { j.named(j.table.strip(path, how).path, how) })
}

// guessOnce is guess for what was cut from a path. What is cut from the rest is
// not guessed again, so that a path full of marks costs little.
func (j *judgement) guessOnce(path, how string, depth int) {
	if j.cut {
		return
	}
	j.cut = true
	j.guess(path, how, depth)
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

func (j *judgement) match() Match {
	m := Match{
		Type: j.typ, Rule: j.rule, Matched: j.matched,
		Path: j.path, Locale: j.locale, Data: j.data,
	}
	if !j.decided {
		m.Open, m.Static = true, j.static
		m.Type, m.Rule = Hybrid, -1
		return m
	}
	if j.open {
		// One reading is open to everybody, so no visitor is sent away home.
		j.count(Hybrid, -1, j.path, howRaw)
		m.Type, m.Rule = j.typ, j.rule
	}
	if j.ambiguous {
		m.Ambiguous, m.Reading = true, j.how
	}
	return m
}

package routes

import (
	"iter"
	"strings"
)

// The names of Next.js's forms of a path, as logs show them.
const (
	howLocale       = "locale"
	howBasePath     = "base path"
	howData         = "data route"
	howRSC          = "rsc"
	howImage        = "image url"
	howUnstripped   = "unstripped"
	howCase         = "letter case"
	howTrimmed      = "trimmed"
	howExport       = "static export"
	howInterception = "interception route"
	howOriginal     = "original path"
	howRewrite      = "rewrite"
	howAssetPrefix  = "asset prefix"
	howParameter    = "name of a parameter"
	howTree         = "router state"
)

// maxForms bounds how many forms are taken off one path. Next.js itself takes
// a base path, a locale, the data form and a locale again.
const maxForms = 6

// form is a path after the prefixes and suffixes of Next.js were taken off.
type form struct {
	path   string
	how    string
	locale string // as configured
	data   bool
	base   bool   // the base path was taken off
	full   string // before anything was taken off
	sent   string // full, as it was sent, if that is in other escapes

	// before holds the path before each form was taken off. It counts only
	// where a rule names it.
	before [maxForms]string
	steps  int
	// page is that of a data route, and whole the one whose build id was left out.
	page, whole string
	// unknown has the paths before forms were taken off that Next.js may not know, such as
	// ".rsc", which is for adapters: to a page with parameters it is a part of one, and what
	// is cut may be a whole path.
	unknown  [maxForms]string
	unknowns int
	// also are further readings that count like any other, because the form
	// is not certain: Next.js compares "/_next/data" in exact case.
	also   [maxForms]string
	doubts int
}

// strip takes Next.js's forms off a path, in any order. A reading that is not the
// path as it is keeps its name.
func (t *Table) strip(path, how string) form {
	f := form{path: path, how: how, full: path}
	located, suffixed := false, false
	for f.steps < maxForms {
		var next, taken string
		certain := true
		if rest, exact, ok := cutPrefix(f.path, t.basePath); ok && (!f.base || !t.isBuiltPage(f.path)) {
			// Next.js looks again for what a page with parameters does not take, and takes the base
			// path off once more.
			next, certain, f.base, taken = rest, exact && !f.base, true, howBasePath
		} else if rest, locale, ok := t.cutLocale(f.path); ok {
			// A second locale is a path segment to most apps.
			next, certain, taken = rest, !located, howLocale
			if !located {
				f.locale, located = locale, true
			}
		} else if rest, whole, exact, ok := t.cutData(f.path); ok {
			next, certain, taken = rest, exact, howData
			if t.isPageInsteadOfData(f.path) {
				f.keepUnknown()
			}
			f.page, f.whole, f.data, located = next, whole, true, false
		} else if rest, ok := cutRSC(f.path); ok && !isStatic(f.path) {
			next, taken = rest, howRSC
			if !suffixed { // several are one to who knows none
				f.keepUnknown()
			}
			suffixed = true
		} else {
			break
		}
		if certain {
			f.before[f.steps] = f.path
		} else {
			f.also[f.doubts] = f.path
			f.doubts++
		}
		f.steps++
		if f.path = next; how == howRaw {
			f.how = taken
		}
	}
	return f
}

// keepUnknown keeps the path before the next form is taken off, which Next.js may not know.
func (f *form) keepUnknown() {
	f.unknown[f.unknowns] = f.path
	f.unknowns++
}

// isPlain reports whether nothing but the base path was taken off, as it is written, and
// the path was sent as it is.
func (f *form) isPlain(basePath string) bool {
	if basePath == "" {
		return f.steps == 0 && f.sent == ""
	}
	return f.steps == 1 && f.base && f.doubts == 0 && f.sent == ""
}

// cutPrefix takes a path prefix of whole segments off in any case.
func cutPrefix(path, prefix string) (rest string, exact, ok bool) {
	if prefix == "" || len(path) < len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) {
		return "", false, false
	}
	exact = path[:len(prefix)] == prefix
	switch rest = path[len(prefix):]; {
	case rest == "":
		return "/", exact, true
	case rest[0] == '/':
		return rest, exact, true
	default:
		return "", false, false
	}
}

// cutLocale takes a locale off. Next.js compares locales in any case.
func (t *Table) cutLocale(path string) (rest, locale string, ok bool) {
	if len(t.locales) == 0 || path == "" || path[0] != '/' {
		return "", "", false
	}
	first, rest := path[1:], "/"
	if i := strings.IndexByte(first, '/'); i >= 0 {
		first, rest = first[:i], first[i:]
	}
	if len(first) > t.longestLocale {
		return "", "", false
	}
	var stack [64]byte
	folded, _ := fold(stack[:0], first)
	locale, ok = t.locales[string(folded)]
	return rest, locale, ok
}

// dataPrefix begins the data routes of the Pages Router:
// /_next/data/<build id>/<page>.json.
const dataPrefix = "/_next/data"

// cutData makes a page path of a data route. A deployment may leave the build
// id out: whole is the page in that case. exact is false when the prefix is
// not in the case that Next.js knows. The id may have slashes, such as that of a branch.
func (t *Table) cutData(path string) (page, whole string, exact, ok bool) {
	rest, exact, ok := cutPrefix(path, dataPrefix)
	if !ok || rest == "/" {
		return "", "", false, false
	}
	whole = cutSuffix(trimEnd(rest), ".json")
	if t.build != nil {
		if page, ok := strings.CutPrefix(whole, t.build.id); ok && page != "" && page[0] == '/' {
			return pageOfIndex(page), whole, exact, true
		}
	}
	id := strings.IndexByte(whole[1:], '/') + 1 // its end, and 0 if it was left out
	return pageOfIndex(whole[id:]), whole, exact, true
}

// cutRSC takes off the suffixes under which adapters and CDNs ask for the
// React payload of a page: /page.rsc, /page.prefetch.rsc and
// /page.segments/<segment>.segment.rsc.
func cutRSC(path string) (page string, ok bool) {
	trimmed := trimEnd(path)
	page = cutSuffix(trimmed, ".rsc")
	if len(page) == len(trimmed) {
		return "", false
	}
	if segment := cutSuffix(page, ".segment"); len(segment) < len(page) {
		if i := lastIndexFold(segment, ".segments/"); i > 0 {
			return pageOfIndex(segment[:i]), true
		}
	}
	return pageOfIndex(cutSuffix(page, ".prefetch")), true
}

// cutCompressed takes off the suffix of a file that lies compressed beside the one
// that has its content, as Caddy's file_server knows them. Next.js does not know these
// suffixes, so the path without one may protect, but never replaces the path.
func cutCompressed(path string) string {
	end := len(path)
	switch {
	case end > 3 && path[end-3] == '.':
		return cutSuffix(cutSuffix(path, ".gz"), ".br")
	case end > 4 && path[end-4] == '.':
		return cutSuffix(path, ".zst")
	}
	return path
}

// pageOfIndex is the page path of a file path: the front page is "/index".
func pageOfIndex(path string) string {
	if path == "/index" || path == "" {
		return "/"
	}
	return path
}

func trimEnd(path string) string {
	if len(path) > 1 && path[len(path)-1] == '/' {
		return path[:len(path)-1]
	}
	return path
}

// cutSuffix removes a suffix in any case.
func cutSuffix(s, suffix string) string {
	if i := len(s) - len(suffix); i > 0 && strings.EqualFold(s[i:], suffix) {
		return s[:i]
	}
	return s
}

func lastIndexFold(s, substr string) int {
	for i := len(s) - len(substr); i >= 0; i-- {
		if strings.EqualFold(s[i:i+len(substr)], substr) {
			return i
		}
	}
	return -1
}

// staticPrefix is where Next.js serves its build output to everybody.
const staticPrefix = "/_next/static/"

// isStatic and isDevelopment compare in exact case: in another case the path
// is a page of the app.
func isStatic(path string) bool { return strings.HasPrefix(path, staticPrefix) }

// isDevelopment knows the tools of next dev: hot reload, /__nextjs_<tool> and the
// fonts of its overlay. What lies deeper may be a page in a [locale] folder.
func isDevelopment(path string) bool {
	if path == "/_next/hmr" || path == "/_next/webpack-hmr" {
		return true
	}
	tool, ok := strings.CutPrefix(path, "/__nextjs_")
	if strings.HasSuffix(tool, ".woff2") {
		tool = strings.TrimPrefix(tool, "font/")
	}
	return ok && tool != "" && strings.IndexByte(tool, '/') < 0
}

// imagePath is Next.js's image optimizer, which fetches the path in the query
// parameter url from the app itself.
const imagePath = "/_next/image"

// cutIndex makes a page path of the index file of a folder, without its suffix,
// which servers may add themselves: /page/index.
func cutIndex(path string) (page string, ok bool) {
	trimmed := trimEnd(path)
	i := len(trimmed) - len("/index")
	if i < 0 || !strings.EqualFold(trimmed[i:], "/index") {
		return "", false
	}
	return pageOfIndex(trimmed[:i]), true
}

// hasMarks reports whether the path has a byte without which cutExport, cutIndex,
// cutInterception and trimSegments find nothing. Most paths have none, and one
// look at each byte is cheaper than the search for each form.
func hasMarks(path string) bool {
	if end := len(trimEnd(path)); end > 0 && (path[end-1] == 'x' || path[end-1] == 'X') {
		return true // as in index
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || marks[c] {
			return true
		}
	}
	return false
}

var marks = [256]bool{'.': true, ';': true, '?': true, '#': true}

// cutExport makes a page path of a file of a static export or an adapter:
// /page.html, /page.txt, /page.json and /page/__next.<segment>.txt. What is left of
// /page/index.html is for cutIndex.
func cutExport(path string) (page string, ok bool) {
	trimmed := cutCompressed(trimEnd(path))
	dot := strings.LastIndexByte(trimmed, '.')
	if dot <= strings.LastIndexByte(trimmed, '/') {
		return "", false
	}
	switch strings.ToLower(trimmed[dot:]) {
	case ".html", ".txt", ".json":
	default:
		return "", false
	}
	page = trimmed[:dot]
	if i := strings.LastIndex(page, "/__next."); i >= 0 {
		page = page[:i]
	}
	return pageOfIndex(page), true
}

// isExport reports whether a rewrite before the guard has made the file of a page of the
// path that the client sent, as try_files does for a static export.
func isExport(path, original string) bool {
	return original != "" && plain(original) &&
		(path == original+".html" || path == strings.TrimSuffix(original, "/")+"/index.html")
}

// interceptions are the pages that an interception route may stand in for:
// /feed/(..)photo/1 shows /photo/1. What looks like a second mark may be a parameter.
func interceptions(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for from := 0; ; {
			next := strings.Index(path[from:], "/(.")
			if next < 0 {
				return
			}
			if page, ok := cutInterception(path, from+next); ok && !yield(page) {
				return
			}
			from += next + 1
		}
	}
}

// cutInterception is the page for the mark at an index.
func cutInterception(path string, at int) (page string, ok bool) {
	parent, marked := path[:at], path[at+1:]
	for {
		switch {
		case strings.HasPrefix(marked, "(...)"):
			parent, marked = "", marked[len("(...)"):]
		case strings.HasPrefix(marked, "(..)"):
			parent, marked = parent[:max(0, strings.LastIndexByte(parent, '/'))], marked[len("(..)"):]
		case strings.HasPrefix(marked, "(.)"):
			marked = marked[len("(.)"):]
		case !ok:
			return "", false
		default:
			return parent + "/" + marked, true
		}
		ok = true
	}
}

// trimSegments cuts from each segment what other servers ignore: parameters
// after ";", an encoded query or fragment, and dots and spaces at the end. What
// becomes a dot segment stays one: Tomcat climbs at "..;".
func trimSegments(path string) (trimmed string, ok bool) {
	if !canTrim(path) {
		return path, false
	}
	before, _, _ := strings.Cut(path, "?")
	before, _, _ = strings.Cut(before, "#")
	segments := strings.Split(before, "/")
	for i, segment := range segments {
		segment, _, _ = strings.Cut(segment, ";")
		segment = strings.TrimRight(segment, blanks)
		if !isDot(segment) && !isDotDot(segment) {
			segment = strings.TrimRight(segment, filler)
		}
		segments[i] = segment
	}
	trimmed = strings.Join(segments, "/")
	return trimmed, trimmed != path // dot segments alone are other readings' business
}

// blanks and filler are what file systems and servers cut from the end of a
// name.
const (
	blanks = " \t\r\n\v\f"
	filler = "." + blanks
)

// canTrim reports whether trimSegments cuts anything.
func canTrim(path string) bool { return strings.ContainsAny(path, ";?#") || endsInFiller(path) }

// endsInFiller reports whether a segment ends in filler.
func endsInFiller(path string) bool {
	for i := 1; i <= len(path); i++ {
		if (i == len(path) || path[i] == '/') && strings.IndexByte(filler, path[i-1]) >= 0 {
			return true
		}
	}
	return false
}

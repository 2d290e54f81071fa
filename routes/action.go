package routes

import (
	"net/url"
	"slices"
	"strings"
)

// ActionAllowed reports whether an anonymous visitor may POST the Server
// Action with this id to this escaped path. Next.js runs any action of the app
// at any path, so every reading of the path must be one of Config.Actions.
// With a build, the path does not matter: an action may run where one of the
// pages that own it is open, and an action that the build does not know may
// not. A page with parameters is decided as a whole, and may be the login page all the same,
// such as /[[...slug]]: its actions may then run at the login path. Ask it on every path, also
// on those that are Open.
func (t *Table) ActionAllowed(path, actionID string) bool {
	if t.build == nil {
		m := t.actions.Match(path, "", "")
		return !m.Open && m.Type != Auth
	}
	if slices.ContainsFunc(t.actionOwners[actionID], func(m Match) bool { return m.Type != Auth }) {
		return true
	}
	f := t.strip(path, howRaw)
	return t.loginActions[actionID] && trimEnd(f.path) == t.loginPath
}

// KnowsAction reports whether the build has the Server Action with this id.
// Without a build nothing is known of any, and it is true.
func (t *Table) KnowsAction(actionID string) bool {
	_, known := t.actionOwners[actionID]
	return t.build == nil || known
}

// ActionOwners returns what the rules say of each page that owns the Server
// Action with this id. Wherever the action is posted, a session should be one that
// may visit one of these pages. It is nil for an action that the build does not
// know, and without a build; it is empty if the build names no page that is
// known. It must not be changed.
func (t *Table) ActionOwners(actionID string) []Match { return t.actionOwners[actionID] }

// ActionTarget decides the path to which the answer of a Server Action
// redirects, by its header x-action-redirect. Next.js renders that path into
// the answer by a request to itself, around the guard. A target that names a
// host is decided by its path, whatever the host, because the app may know
// itself under another name. It is false for what cannot be resolved, and for what the
// build says is answered by a redirect: the caller must take it as forbidden.
func (t *Table) ActionTarget(requestURL *url.URL, xActionRedirect string) (Match, bool) {
	// The client takes what is before the first ";", while the server renders
	// everything before the ";push" or ";replace" that it added itself.
	client, _, _ := strings.Cut(xActionRedirect, ";")
	server := strings.TrimSuffix(strings.TrimSuffix(xActionRedirect, ";push"), ";replace")
	m, ok := t.resolveTarget(requestURL, client)
	if server != client {
		other, resolved := t.resolveTarget(requestURL, server)
		m, ok = stricter(m, other), ok && resolved
	}
	return m, ok
}

func (t *Table) resolveTarget(requestURL *url.URL, target string) (Match, bool) {
	bare := isBare(target)
	target = strings.TrimSpace(target)
	switch {
	case target == "" || strings.ContainsFunc(target, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return Match{}, false
	case target[0] == '.':
		// Next.js 16 resolves it against the page that has run the action, to which it may have
		// forwarded the request, and 15.5 against the root.
		return Match{}, false
	case bare:
		return t.relativeTarget(requestURL, target)
	case target[0] == '/':
		if strings.HasPrefix(strings.ReplaceAll(target, `\`, "/"), "//") {
			return Match{}, false
		}
		m, ok := t.target(requestURL, target)
		return t.belowUnknownBase(requestURL, target, m), ok
	}
	parsed, err := url.Parse(target)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return Match{}, false
	}
	_, rest, _ := strings.Cut(target, "//")
	if i := strings.IndexAny(rest, `/\?#`); i >= 0 {
		rest = rest[i:]
	} else {
		rest = ""
	}
	if rest == "" || rest[0] != '/' {
		rest = "/" + rest
	}
	return t.target(requestURL, rest)
}

// target matches a path with query and fragment that a URL parser has yet to
// escape.
func (t *Table) target(requestURL *url.URL, path string) (Match, bool) {
	path, _, _ = strings.Cut(path, "#")
	path, query, _ := strings.Cut(path, "?")
	path = escape(strings.ReplaceAll(path, `\`, "/"))
	j := judgement{table: t, query: query, host: t.hostOf(requestURL), target: true}
	m := j.verdict(path, "")
	return m, !m.Bad && !j.redirected
}

// mostBaseSegments bounds the base paths that are tried.
const mostBaseSegments = 3

// belowUnknownBase decides a target also below the first segments of the request's path:
// an app names its targets without its base path, which the configuration need not know
// where the rules are written with it.
func (t *Table) belowUnknownBase(requestURL *url.URL, target string, m Match) Match {
	if t.basePath != "" || t.build != nil {
		return m
	}
	path := "/" + trimSlashes(requestURL.EscapedPath())
	for end, segments := 0, 0; end < len(path) && segments < mostBaseSegments; segments++ {
		length := strings.IndexByte(path[end+1:], '/')
		if length < 0 {
			length = len(path) - end - 1
		}
		end += 1 + length
		below, _ := t.target(requestURL, path[:end]+target)
		if below.Type == Auth && below.Rule >= 0 && t.rules[below.Rule].isBelow(path[:end]) {
			m = stricter(m, below)
		}
	}
	return m
}

// isBare reports whether a target is a path without a slash or a dot in front, or
// a query, which everybody reads alike: nothing in it is dropped or turned by a
// URL parser, and it cannot be taken for a scheme or a host.
func isBare(target string) bool {
	if target == "" || strings.IndexByte("/.#", target[0]) >= 0 {
		return false
	}
	if strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return false
	}
	first := target
	if i := strings.IndexAny(target, "/?#"); i >= 0 {
		first = target[:i]
	}
	return strings.IndexByte(first, ':') < 0
}

// relativeTarget resolves a bare target below the request path, beside it as a browser does,
// and at the root as Next.js 14 does for who says that the app's host is n. The strictest
// counts. A query alone leaves the path as it is.
func (t *Table) relativeTarget(requestURL *url.URL, target string) (Match, bool) {
	path := requestURL.EscapedPath()
	if path == "" || path[0] != '/' {
		return Match{}, false
	}
	if target[0] == '?' {
		return t.target(requestURL, path+target)
	}
	m, ok := t.target(requestURL, "/"+target)
	for _, base := range []string{trimEnd(path) + "/", path[:strings.LastIndexByte(path, '/')+1]} {
		other, resolved := t.target(requestURL, base+target)
		m, ok = stricter(m, other), ok && resolved
	}
	return m, ok
}

// isBelow reports whether the rule is written with a base path.
func (r Rule) isBelow(base string) bool {
	return slices.ContainsFunc(r.Patterns, func(pattern string) bool {
		_, _, ok := cutPrefix(pattern, base)
		return ok
	})
}

func stricter(a, b Match) Match {
	if b.Type.strictness() > a.Type.strictness() {
		a, b = b, a
	}
	for _, rule := range b.Matched {
		if !slices.Contains(a.Matched, rule) {
			a.Matched = append(slices.Clip(a.Matched), rule)
		}
	}
	return a
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

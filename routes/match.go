package routes

import (
	"net/url"
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
	if t.memory != nil && original == "" && len(path)+len(u.RawQuery) <= mostRemembered {
		return t.memory.match(t, path, u.RawQuery)
	}
	j := judgement{table: t, query: u.RawQuery, host: t.hostOf(u)}
	return j.verdict(path, original)
}

// hostOf is the host as Next.js compares it, or empty where it makes no difference.
func (t *Table) hostOf(u *url.URL) string {
	if t.build == nil {
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
// (net/url.URL.EscapedPath). rawQuery matters for Next.js's image optimizer, and
// where it may say the value of a parameter. original is the escaped path that the
// client sent, when a rewrite changed it, or empty; it counts only where a rule names it.
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
	without, inQuery := j.table.namesParameter(path, j.query)
	if inQuery {
		return false
	}
	if isExport(path, original) {
		j.read(original, howRaw)
		j.named(path, howExport)
		return true
	}
	if plain(path) {
		j.read(path, howRaw)
	} else {
		if !valid(path) {
			return false
		}
		for _, r := range readings(path) {
			j.sent = r.sent
			j.read(r.path, r.how)
		}
		if again, ok := decode(path); ok && strings.IndexByte(again, '%') >= 0 {
			for _, r := range readings(again) {
				j.guess(r.path, howDecodedAgain)
			}
		}
		if rest, ok := cutHost(path); ok {
			for _, r := range readings(rest) {
				j.sent = r.sent
				j.guess(r.path, howNetwork)
			}
		}
	}
	if without != path {
		for _, r := range readings(without) {
			j.sent = r.sent
			j.guess(r.path, howParameter)
		}
	}
	j.fillNames(path)
	if original != path {
		j.readNamed(original, howOriginal)
	}
	return true
}

// bad is the zero decision with the strictest type, for callers that look no
// further than at Type.
func (t *Table) bad(path string) Match {
	return Match{Bad: true, Type: Auth, Rule: -1, Path: path}
}

// valid reports whether an app may receive the path: it has no NUL and no broken escape.
func valid(path string) bool {
	decoded, ok := decode(path)
	return ok && strings.IndexByte(decoded, 0) < 0
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

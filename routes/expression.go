package routes

import (
	"iter"
	"regexp"
	"slices"
	"strings"
)

// expression is a regular expression of a manifest, which is one of JavaScript. It matches
// at least what Next.js matches by it. The zero value matches everything.
type expression struct {
	prefix  string         // what every match begins with, to save the rest
	pattern *regexp.Regexp // without lookaround, which Go does not have
	ahead   []lookahead
	// exact says that nothing was left out of the pattern, so that the groups capture
	// what they do in JavaScript.
	exact bool
}

// lookahead is a (?!…) or (?=…), with what stands before it.
type lookahead struct {
	pattern *regexp.Regexp
	wanted  bool
}

// anyCase begins an expression that Next.js compiles without regard to letter case.
const anyCase = "(?i)"

func compileExpression(flags, text string) (e expression, err error) {
	e.exact = true
	for at := lookaround.FindStringIndex(text); at != nil; at = lookaround.FindStringIndex(text) {
		start, end := at[0], closing(text, at[0])
		ahead, ok := compileLookahead(flags, text, start, end)
		if ok {
			e.ahead = append(e.ahead, ahead)
		} else {
			e.exact = false
		}
		text = text[:start] + text[end:]
	}
	e.pattern, err = regexp.Compile(flags + text)
	return e, err
}

// lookaround is what begins (?!…), (?=…), (?<!…) and (?<=…).
var lookaround = regexp.MustCompile(`\(\?<?[!=]`)

// fixed is the beginning of an expression that stands for one text only: groups that are
// open, and characters without a meaning of their own.
var (
	fixed = regexp.MustCompile(`^\^(?:\(\?:|\(\?<\w+>|\(|[\w/%~!@&=:;,'" -]|\\[^\w\s])*$`)
	opens = regexp.MustCompile(`(\\.)|\((?:\?:|\?<\w+>)?`)
)

// compileLookahead compiles the lookaround between two indices, if it is a lookahead that
// Next.js asks once, at one place: what is before it is fixed, and no alternative or
// repetition begins before and ends behind it.
func compileLookahead(flags, text string, start, end int) (l lookahead, ok bool) {
	before, operator := text[:start], text[start:start+3]
	if operator == "(?<" || !fixed.MatchString(before) || !closesOnce(text[end:]) {
		return l, false
	}
	literal := opens.ReplaceAllString(before, "$1")
	pattern, err := regexp.Compile(flags + literal + "(?:" + text[start+3:end])
	return lookahead{pattern, operator == "(?="}, err == nil
}

// closesOnce reports whether what goes on in groups that are open has no alternative in
// them, and repeats none of them.
func closesOnce(rest string) bool {
	inner := 0
	for i, c := range operators(rest, 0) {
		switch {
		case c == '(':
			inner++
		case c == ')' && inner > 0:
			inner--
		case c == ')' && i+1 < len(rest) && strings.IndexByte("?*+{", rest[i+1]) >= 0, c == '|' && inner == 0:
			return false
		}
	}
	return true
}

// find returns what the groups have captured, or nil if nobody can tell.
func (e *expression) find(s string) (groups []string, ok bool) {
	if len(s) < len(e.prefix) || !strings.EqualFold(s[:len(e.prefix)], e.prefix) {
		return nil, false
	}
	if e.pattern == nil {
		return nil, true
	}
	if slices.ContainsFunc(e.ahead, func(l lookahead) bool { return l.pattern.MatchString(s) != l.wanted }) {
		return nil, false
	}
	if groups = e.pattern.FindStringSubmatch(s); groups == nil || e.exact {
		return groups, groups != nil
	}
	return nil, true // what was left out may have chosen other groups
}

// source is what a rewrite or redirect of a manifest is for: an expression for paths as
// readings have them, and one for paths in the escapes that the client sent. Next.js
// compares what was sent, so `[^@/]+` matches "%40", which a reading has as "@".
type source struct {
	canonical, sent expression
	differ          bool
}

// newSource compiles the expression of a manifest. prefix is what every match begins
// with.
func newSource(flags, text, prefix string) (s source, err error) {
	readable := canonicalExpression(text)
	if s.canonical, err = compileExpression(flags, readable); err != nil {
		return s, err
	}
	if s.sent, err = compileExpression(flags, text); err != nil {
		return s, err
	}
	s.canonical.prefix, s.sent.prefix, s.differ = canonical(prefix), prefix, readable != text
	return s, nil
}

// newSourceOrAll is newSource where an expression that is not known is to match
// everything.
func newSourceOrAll(flags, text string) source {
	s, err := newSource(flags, text, "")
	if err != nil {
		return source{}
	}
	return s
}

// find returns what the groups have captured in a spelling of a path.
func (s *source) find(path spelling) (groups []string, ok bool) {
	if path.sent {
		return s.sent.find(path.path)
	}
	if groups, ok = s.canonical.find(path.path); !ok && s.differ {
		return s.sent.find(path.path) // it may have been sent so
	}
	return groups, ok
}

var escapes = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)

// canonicalExpression writes escapes as canonical does in a path. What is no UTF-8
// has the replacement character in an expression.
func canonicalExpression(expression string) string {
	return escapes.ReplaceAllStringFunc(expression, func(escaped string) string {
		return regexp.QuoteMeta(string([]rune(canonical(escaped))))
	})
}

// closing is the index after the parenthesis that closes the one at start.
func closing(s string, start int) int {
	depth := 0
	for i, c := range operators(s, start) {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// operators are the bytes of an expression, from an index on, that are neither escaped nor
// in a class.
func operators(s string, start int) iter.Seq2[int, byte] {
	return func(yield func(int, byte) bool) {
		class := false
		for i := start; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\\':
				i++
			case c == '[':
				class = true
			case c == ']':
				class = false
			case !class && !yield(i, c):
				return
			}
		}
	}
}

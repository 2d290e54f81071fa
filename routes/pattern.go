package routes

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// tail says how a pattern ends.
type tail int

const (
	tailExact   tail = iota // "/login"
	tailSubtree             // "/dashboard/*": the path itself and everything below
	tailPrefix              // "/blog*": everything that begins so
)

// wildcard is the segment that stands for exactly one segment of a path.
const wildcard = "*"

// pattern is one parsed pattern. Literal segments are in canonical form (see
// canonical) and keep their case.
type pattern struct {
	text     string   // as it was written
	segments []string // with tailPrefix, the last one is the prefix
	tail     tail
}

// bareWords are the named patterns.
var bareWords = []string{"api", "dashboard", "admin", "settings", "profile"}

// parsePattern refuses whatever could never match a path, because a rule that
// is never reached protects nothing.
func parsePattern(text string) (pattern, error) {
	p := pattern{text: text}
	written := text
	switch {
	case slices.Contains(bareWords, text):
		written = "/" + text + "/*"
	case text == wildcard:
		written = "/*"
	case text == "":
		return p, errors.New(`an empty pattern matches nothing; write "/" for the front page`)
	case strings.ContainsAny(text[:1], "^~("):
		return p, fmt.Errorf("pattern %q looks like a regular expression, which is not supported; write a path such as /dashboard/*", text)
	case text[0] != '/' && elsewhere(text) != "":
		return p, fmt.Errorf("pattern %q %s", text, elsewhere(text))
	case text[0] != '/':
		return p, fmt.Errorf("pattern %q does not begin with a slash; write %q, or one of the words %s",
			text, "/"+text, strings.Join(bareWords, ", "))
	}
	if err := checkPath("pattern", written); err != nil {
		return p, err
	}
	if err := checkFolders(written); err != nil {
		return p, err
	}
	literal := trimSlashes(canonical(written))
	if literal == "" {
		return p, nil
	}
	p.segments = strings.Split(literal, "/")
	last := len(p.segments) - 1
	switch end := p.segments[last]; {
	case end == wildcard:
		p.tail, p.segments = tailSubtree, p.segments[:last]
	case strings.HasSuffix(end, wildcard):
		p.tail, p.segments[last] = tailPrefix, strings.TrimSuffix(end, wildcard)
	}
	for i, segment := range p.segments {
		whole := segment == wildcard && i < last
		if !whole && strings.Contains(segment, wildcard) {
			return p, fmt.Errorf("pattern %q has a * inside a segment, which is not supported; "+
				"* stands for a whole segment (/orgs/*/settings) or ends the pattern (/blog*, /blog/*)", text)
		}
	}
	return p, nil
}

// hostPattern knows what can only be a host in front of a path: one with a port, a domain, or
// an address. Folders have dots and colons, too: .well-known, v1.0, [...slug] and :id.
var hostPattern = regexp.MustCompile(`(?i)^(([\w-]+\.)*[\w-]+:\d+|([\w-]+\.)+[a-z][\w-]*|(\d+\.){3}\d+)$`)

// elsewhere says what a pattern is that no slash in front would make a path of; empty if one
// would. With the slash it would be accepted, and protect nothing.
func elsewhere(text string) string {
	_, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		rest = text
	}
	host, path, _ := strings.Cut(rest, "/")
	switch {
	case isURL || path != "" && hostPattern.MatchString(host):
		return fmt.Sprintf("names a host, but a rule is for paths of its own site; write %q", "/"+path)
	case text[0] == '!':
		return "begins with !, but no pattern excludes paths; write a rule for these paths before this one"
	case text[0] == '@':
		return "is a matcher, which rules do not take; write the paths that it matches"
	case text[0] == '\'':
		return "has single quotes, which are part of the text in a Caddyfile; write it without them"
	}
	return ""
}

// checkPath refuses what no request path looks like after it was read.
func checkPath(what, path string) error {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		return fmt.Errorf("%s %q can never match: a path ends before %q; remove %q",
			what, path, path[i:i+1], path[i:])
	}
	if strings.Contains(path, "//") {
		return fmt.Errorf("%s %q can never match: it has an empty segment; write single slashes", what, path)
	}
	if strings.Contains(path, `\`) {
		return fmt.Errorf("%s %q can never match: it has a backslash; write /", what, path)
	}
	if !utf8.ValidString(path) {
		return fmt.Errorf("%s %q is not valid UTF-8", what, path)
	}
	decoded, ok := decode(path)
	if !ok {
		return fmt.Errorf("%s %q has a %% that is not followed by two hexadecimal digits; write %%25", what, path)
	}
	if strings.ContainsFunc(decoded, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return fmt.Errorf("%s %q can never match: it has a control character", what, path)
	}
	for segment := range strings.SplitSeq(path, "/") {
		if isDot(segment) || isDotDot(segment) {
			return fmt.Errorf("%s %q can never match: dot segments are resolved first; write the path without %q",
				what, path, segment)
		}
	}
	return nil
}

// checkFolders refuses segments that name a folder of Next.js's app directory,
// a parameter of other routers, an expression or a list, rather than what a URL has in
// their place. Taken as they are written they would protect nothing.
func checkFolders(path string) error {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if segment == "" {
			continue
		}
		last := segment[len(segment)-1]
		switch {
		case strings.HasPrefix(segment, "[...") || strings.HasPrefix(segment, "[[..."):
			return fmt.Errorf("pattern %q has the catch-all folder %s; write %q for that path and all below", path, segment, strings.Join(segments[:i], "/")+"/*")
		case segment[0] == '[' && last == ']' || segment[0] == ':' && len(segment) > 1:
			segments[i] = wildcard // at the end of a pattern it stands for everything below, too
			return fmt.Errorf("pattern %q has the parameter %s; write %q", path, segment, strings.Join(segments, "/"))
		case strings.HasPrefix(segment, ".*") || strings.HasPrefix(segment, ".+") || segment[0] == '(' && strings.ContainsAny(segment, "*+|"):
			segments[i] = wildcard
			return fmt.Errorf("pattern %q has the regular expression %s, which is not supported; write %q", path, segment, strings.Join(segments, "/"))
		case last == ',' && i < len(segments)-1:
			return fmt.Errorf("pattern %q looks like several in one; write each by itself, with a space between them", path)
		case last == '$' || last == ',':
			return fmt.Errorf("pattern %q ends in %q, which no path does; write %q", path, last, strings.TrimRight(path, "$,"))
		case strings.HasSuffix(segment, " ") && i < len(segments)-1:
			return fmt.Errorf("pattern %q looks like several in one; write each by itself, without quotes around them", path)
		case segment[0] == '(' && last == ')':
			return fmt.Errorf("pattern %q has the route group %s, which is not part of a URL; leave it out", path, segment)
		}
	}
	return nil
}

// decodedTwin is the pattern as it looks in a decoded reading, for patterns
// that name an encoded slash. It exists for auth rules only: an open rule for
// "/a%2Fb" must not open "/a/b".
func (p pattern) decodedTwin() (pattern, bool) {
	joined := strings.Join(p.segments, "/")
	decoded, ok := decode(joined)
	if !ok || decoded == joined {
		return p, false
	}
	twin := p
	twin.segments = strings.Split(trimSlashes(merge(decoded)), "/")
	return twin, true
}

// below is the pattern as it looks after a prefix was stripped from the path, if it
// begins with that prefix.
func (p pattern) below(prefix string) (pattern, bool) {
	if _, _, ok := cutPrefix(p.path(), prefix); !ok {
		return p, false
	}
	p.segments = p.segments[strings.Count(prefix, "/"):]
	if len(p.segments) == 0 && p.tail == tailPrefix {
		p.tail = tailSubtree // what goes on in the same segment is not below
	}
	p.text = p.written()
	return p, true
}

// written is the pattern as it may be written, without bare words.
func (p pattern) written() string {
	switch {
	case p.tail == tailSubtree && len(p.segments) == 0:
		return "/*"
	case p.tail == tailSubtree:
		return p.path() + "/*"
	case p.tail == tailPrefix:
		return p.path() + "*"
	}
	return p.path()
}

// sameCase reports whether the path, without its outer slashes, matches the
// pattern in the case in which the pattern was written. It is asked only when
// the path is known to match in folded case.
func (p pattern) sameCase(path string) bool {
	for i, segment := range p.segments {
		here, rest, _ := strings.Cut(path, "/")
		path = rest
		switch {
		case segment == wildcard:
		case p.tail == tailPrefix && i == len(p.segments)-1:
			if !strings.HasPrefix(here, segment) {
				return false
			}
		case here != segment:
			return false
		}
	}
	return true
}

// path is a path that the pattern matches, for questions about the pattern.
func (p pattern) path() string { return "/" + strings.Join(p.segments, "/") }

package routes

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rewrite is a rewrite of next.config: another path for the page at its
// destination. Interception routes are rewrites in the manifest too, but they
// are read from the path instead (see cutInterception) and from the header that
// chooses them (see ComesFrom).
type rewrite struct {
	prefix      string         // what every match begins with, to save the expression
	expression  *regexp.Regexp // in any case, as Next.js compiles it
	keys        []string       // the parameters, by capture group
	destination string
	// certain says that the path is nothing but another name: the rewrite has
	// no condition and no parameter.
	certain bool
	// unknown are parameters that a condition takes from a query, header or
	// cookie, so that the client may choose them.
	unknown []string
	hosts   []*regexp.Regexp // all of which the host meets
	// only has the one value that a cookie or header must have, by its kind and name.
	only map[string]string
}

// manifestRewrites has two forms: a list, and lists by phase.
type manifestRewrites struct{ all []manifestRewrite }

type manifestRewrite struct {
	Source      string              `json:"source"`
	Destination string              `json:"destination"`
	Regex       string              `json:"regex"`
	Has         []manifestCondition `json:"has"`
	Missing     []manifestCondition `json:"missing"`
}

type manifestCondition struct {
	Type  string `json:"type"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (m *manifestRewrites) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &m.all) == nil {
		return nil
	}
	var phases struct {
		BeforeFiles []manifestRewrite `json:"beforeFiles"`
		AfterFiles  []manifestRewrite `json:"afterFiles"`
		Fallback    []manifestRewrite `json:"fallback"`
	}
	if err := json.Unmarshal(data, &phases); err != nil {
		return err
	}
	m.all = slices.Concat(phases.BeforeFiles, phases.AfterFiles, phases.Fallback)
	return nil
}

func (m manifestRewrites) compile() ([]rewrite, error) {
	var list []rewrite
	for _, written := range m.all {
		// A destination on another host has no page of this app behind it.
		if !strings.HasPrefix(written.Destination, "/") || written.intercepts() {
			continue
		}
		if !strings.HasPrefix(written.Source, "/") {
			return nil, fmt.Errorf("reading the build of Next.js: the rewrite %q does not begin with a slash", written.Source)
		}
		expression, err := compileExpression(written.Regex)
		if err != nil {
			return nil, fmt.Errorf("reading the build of Next.js: rewrite %q: %w; write its source without it", written.Source, err)
		}
		r := rewrite{
			prefix:      canonical(literalPrefix(written.Source)),
			expression:  expression,
			keys:        sourceKeys(written.Source),
			destination: pathOf(written.Destination),
		}
		r.certain = len(r.keys) == 0 && len(written.Has) == 0 && len(written.Missing) == 0
		for _, condition := range written.Has {
			value := withoutLookaround(condition.Value)
			hosts, err := regexp.Compile("(?i)^(?:" + value + ")$")
			if condition.Type == "host" && err == nil {
				r.hosts = append(r.hosts, hosts)
			}
			if condition.Type != "host" || err != nil || value != condition.Value { // without it a group may capture something else
				r.unknown = append(r.unknown, condition.captures()...)
			}
		}
		r.only = onlyValues(written.Has)
		list = append(list, r)
	}
	return list, nil
}

func (m manifestRewrite) intercepts() bool {
	return slices.ContainsFunc(m.Has, manifestCondition.isNextURL) && strings.Contains(m.Destination, "/(.")
}

func (c manifestCondition) isNextURL() bool {
	return c.Type == "header" && strings.EqualFold(c.Key, "next-url")
}

var namedGroup = regexp.MustCompile(`\(\?<([A-Za-z_$][A-Za-z0-9_$]*)>`)

// noLetters are what Next.js leaves out of a key to make a parameter of it.
var noLetters = regexp.MustCompile(`[^A-Za-z]+`)

// captures are the parameters that a condition adds: the named groups of its
// value, or its own key.
func (c manifestCondition) captures() []string {
	var names []string
	for _, group := range namedGroup.FindAllStringSubmatch(c.Value, -1) {
		names = append(names, group[1])
	}
	switch {
	case c.Type == "host" && len(names) == 0:
		names = append(names, "host")
	case c.Value == "" && c.Key != "":
		names = append(names, c.Key, noLetters.ReplaceAllString(c.Key, ""))
	}
	return names
}

// onlyValues are those of the conditions that one value meets: of cookies and headers,
// since a rewrite may change the query that the next one sees.
func onlyValues(has []manifestCondition) map[string]string {
	only := make(map[string]string)
	for _, condition := range has {
		if condition.Value == "" || regexp.QuoteMeta(condition.Value) != condition.Value {
			continue
		}
		switch condition.Type {
		case "header":
			only["header "+strings.ToLower(condition.Key)] = condition.Value
		case "cookie":
			only["cookie "+condition.Key] = condition.Value
		}
	}
	return only
}

// excludes reports whether no request is for both rewrites, because one needs a value
// that is not the other's.
func (r *rewrite) excludes(other *rewrite) bool {
	for name, value := range r.only {
		if wanted, ok := other.only[name]; ok && wanted != value {
			return true
		}
	}
	return false
}

// fromHost is what stands in the destination for parts of a host, by name. It is false
// for a host that the rewrite is not for. Nothing is known of an empty one.
func (r *rewrite) fromHost(host string) (parts map[string]string, ok bool) {
	if host == "" || len(r.hosts) == 0 {
		return nil, true
	}
	parts = make(map[string]string)
	for _, hosts := range r.hosts {
		found := hosts.FindStringSubmatch(host)
		if found == nil {
			return nil, false
		}
		named := false
		for i, name := range hosts.SubexpNames() {
			if name != "" {
				parts[name], named = found[i], true
			}
		}
		if !named {
			parts["host"] = found[0]
		}
	}
	return parts, true
}

// findProtecting finds out which rewrites of the build may lead to an auth rule, perhaps
// by way of others.
func (t *Table) findProtecting() {
	rewrites := t.build.rewrites
	t.protects = make([]bool, len(rewrites))
	hasLocalePages := slices.ContainsFunc(t.build.pages, t.isLocalePage)
	for i := len(rewrites) - 1; i >= 0; i-- { // Next.js goes through them in their order
		begin := strings.ToLower(merge(canonical(literalPrefix(rewrites[i].destination))))
		t.protects[i] = t.mayBeAuth(begin) || hasLocalePages && t.mayBeAuth(afterFirst(begin))
		for next := i + 1; next < len(rewrites) && !t.protects[i]; next++ {
			prefix := strings.ToLower(rewrites[next].prefix)
			t.protects[i] = t.protects[next] && (strings.HasPrefix(prefix, begin) || strings.HasPrefix(begin, prefix))
		}
	}
}

// compileExpression compiles an expression of a manifest for canonical paths, in any
// case. It matches at least what Next.js matches by it.
func compileExpression(expression string) (*regexp.Regexp, error) {
	return regexp.Compile("(?i)" + canonicalExpression(withoutLookaround(expression)))
}

// atLeast is compileExpression where an expression that Go does not know is to match
// everything.
func atLeast(expression string) *regexp.Regexp {
	compiled, err := compileExpression(expression)
	if err != nil {
		return regexp.MustCompile("")
	}
	return compiled
}

var escapes = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)

// canonicalExpression writes escapes as canonical does in a path. What is no UTF-8
// has the replacement character in an expression.
func canonicalExpression(expression string) string {
	return escapes.ReplaceAllStringFunc(expression, func(escaped string) string {
		return regexp.QuoteMeta(string([]rune(canonical(escaped))))
	})
}

// withoutLookaround removes (?!…), (?=…), (?<!…) and (?<=…), which Go does not
// have. What is left matches at least as much, so no alias is missed.
func withoutLookaround(expression string) string {
	for _, open := range []string{"(?!", "(?=", "(?<!", "(?<="} {
		for {
			start := strings.Index(expression, open)
			if start < 0 {
				break
			}
			end := closing(expression, start)
			expression = expression[:start] + expression[end:]
		}
	}
	return expression
}

// closing is the index after the parenthesis that closes the one at start.
func closing(s string, start int) int {
	depth, class := 0, false
	for i := start; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case class:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// literalPrefix is what comes before the first parameter of a source.
func literalPrefix(source string) string {
	i := strings.IndexAny(source, `:({*?+\`)
	if i < 0 {
		return source
	}
	return source[:strings.LastIndexByte(source[:i], '/')]
}

// sourceKeys lists the parameters of a path-to-regexp source in the order of
// their groups. A group without a name is called by its number.
func sourceKeys(source string) []string {
	var keys []string
	unnamed := 0
	for i := 0; i < len(source); i++ {
		switch source[i] {
		case '\\':
			i++
		case ':':
			end := i + 1
			for end < len(source) && isWord(source[end]) {
				end++
			}
			keys = append(keys, source[i+1:end])
			if end < len(source) && source[end] == '(' {
				end = closing(source, end)
			}
			i = end - 1
		case '(':
			keys = append(keys, strconv.Itoa(unnamed))
			unnamed++
			i = closing(source, i) - 1
		}
	}
	return keys
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// apply returns the path behind an alias, for the host of a request, of which
// nothing may be known. chosen says that the client chooses a part of it, from where
// on the path ends.
func (r *rewrite) apply(path, host string) (destination string, chosen, ok bool) {
	if len(path) < len(r.prefix) || !strings.EqualFold(path[:len(r.prefix)], r.prefix) {
		return "", false, false
	}
	groups := r.expression.FindStringSubmatch(path)
	parts, forHost := r.fromHost(host)
	if groups == nil || !forHost {
		return "", false, false
	}
	var b strings.Builder
	for rest := r.destination; rest != ""; {
		i := strings.IndexByte(rest, ':')
		if i < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		end := i + 1
		for end < len(rest) && isWord(rest[end]) {
			end++
		}
		name := rest[i+1 : end]
		if end < len(rest) && rest[end] == '(' {
			end = closing(rest, end)
		}
		if end < len(rest) && strings.IndexByte("*+?", rest[end]) >= 0 {
			end++
		}
		rest = rest[end:]
		if slices.Contains(r.unknown, name) {
			return canonical(b.String()), true, true
		}
		if part, ok := parts[name]; ok { // which Next.js puts over those of the path
			b.WriteString(part)
		} else if at := slices.Index(r.keys, name); at >= 0 && at+1 < len(groups) {
			b.WriteString(groups[at+1])
		} else {
			b.WriteString(placeholder)
		}
	}
	return merge(canonical(b.String())), false, true
}

func (r *rewrite) matches(path string) bool {
	_, _, ok := r.apply(path, "")
	return ok
}

// placeholder stands for a segment of which nothing is known.
const placeholder = "-"

package routes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// manifestRewrites has two forms: a list, and lists by phase.
type manifestRewrites []manifestRewrite

type manifestRewrite struct {
	Source      string              `json:"source"`
	Destination string              `json:"destination"`
	Regex       string              `json:"regex"`
	Has         []manifestCondition `json:"has"`
	Missing     []manifestCondition `json:"missing"`

	phase phase
}

type manifestCondition struct {
	Type  string `json:"type"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (m *manifestRewrites) UnmarshalJSON(data []byte) error {
	var phases struct {
		BeforeFiles []manifestRewrite `json:"beforeFiles"`
		AfterFiles  []manifestRewrite `json:"afterFiles"`
		Fallback    []manifestRewrite `json:"fallback"`
	}
	if json.Unmarshal(data, &phases.AfterFiles) != nil {
		if err := json.Unmarshal(data, &phases); err != nil {
			return err
		}
	}
	for i, list := range [][]manifestRewrite{phases.BeforeFiles, phases.AfterFiles, phases.Fallback} {
		for _, written := range list {
			written.phase = phase(i)
			*m = append(*m, written)
		}
	}
	return nil
}

// elsewhere are the sources of rewrites to other hosts, to which Next.js passes the request on.
func (m manifestRewrites) elsewhere() (sources []string) {
	for _, written := range m {
		if !strings.HasPrefix(written.Destination, "/") {
			sources = append(sources, written.Source)
		}
	}
	return sources
}

func (m manifestRewrites) compile(cased bool) ([]rewrite, error) {
	var list []rewrite
	for _, written := range m {
		// A destination on another host has no page of this app behind it.
		if !strings.HasPrefix(written.Destination, "/") || written.intercepts() {
			continue
		}
		flags := anyCase
		if cased && written.phase != beforeFiles { // experimental.caseSensitiveRoutes
			flags = ""
		}
		r, err := written.compile(flags)
		if err != nil {
			return nil, fmt.Errorf("reading the build of Next.js: %w", err)
		}
		list = append(list, r)
	}
	return list, nil
}

func (m manifestRewrite) compile(flags string) (r rewrite, err error) {
	if !strings.HasPrefix(m.Source, "/") {
		return r, fmt.Errorf("the rewrite %q does not begin with a slash", m.Source)
	}
	if r.source, err = newSource(flags, m.Regex, literalPrefix(m.Source)); err != nil {
		return r, fmt.Errorf("rewrite %q: %w; write its source without it", m.Source, err)
	}
	destination, _, _ := strings.Cut(m.Destination, "#")
	r.path, r.query, _ = strings.Cut(destination, "?")
	r.keys, r.unknown = sourceKeys(m.Source)
	r.phase, r.only = m.phase, onlyValues(m.Has)
	r.unconditional = len(m.Has) == 0 && len(m.Missing) == 0
	for _, condition := range m.Has {
		captured := &r.unknown
		if condition.Type == "host" {
			if host, err := compileExpression(anyCase, "^"+condition.Value+"$"); err == nil {
				r.hosts = append(r.hosts, host)
				if host.exact {
					captured = &r.fromHost
				}
			}
		}
		*captured = append(*captured, condition.captures()...)
	}
	r.addParameters()
	r.fillPath()
	return r, nil
}

// addParameters adds to the query what Next.js does: all parameters, if the path uses none.
func (r *rewrite) addParameters() {
	used, _ := sourceKeys(r.path)
	names := slices.Concat(r.keys, r.unknown, r.fromHost)
	if slices.ContainsFunc(names, func(name string) bool { return slices.Contains(used, name) }) {
		return
	}
	for _, name := range names {
		if isName.MatchString(name) && len(queryValues(r.query, name)) == 0 {
			r.query += "&" + name + "=:" + name
		}
	}
}

// fillPath writes the values that the query has into a path such as /docs/[slug]?slug=:name, as
// Next.js does in Route Handlers and in the Pages Router.
func (r *rewrite) fillPath() {
	r.path = replaceNames(r.path, func(name, named string) string {
		return cmp.Or(strings.Join(queryValues(r.query, name), "/"), named)
	})
}

// isName excludes groups without a name, which have a number.
var isName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

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

// literalPrefix is what comes before the first parameter of a source.
func literalPrefix(source string) string {
	i := strings.IndexAny(source, `:({*?+\`)
	if i < 0 {
		return source
	}
	return source[:strings.LastIndexByte(source[:i], '/')]
}

// sourceKeys lists the parameters of a path-to-regexp source in the order of
// their groups. A group without a name is called by its number. Lists are those that
// repeat what does not begin with a slash, and so have other separators.
func sourceKeys(source string) (keys, lists []string) {
	unnamed := 0
	for i := 0; i < len(source); i++ {
		begin := i
		switch source[i] {
		case '\\':
			i++
			continue
		case ':':
			name, end := parameter(source, i)
			keys = append(keys, name)
			i = end - 1
		case '(':
			keys = append(keys, strconv.Itoa(unnamed))
			unnamed++
			i = closing(source, i) - 1
		default:
			continue
		}
		if repeats(source[i+1:]) && source[begin-1] != '/' {
			lists = append(lists, keys[len(keys)-1])
		}
	}
	return keys, lists
}

// parameter reads the one at the colon of an index, with its expression if it has one.
func parameter(s string, colon int) (name string, end int) {
	end = colon + 1
	for end < len(s) && isWord(s[end]) {
		end++
	}
	name = s[colon+1 : end]
	if end < len(s) && s[end] == '(' {
		end = closing(s, end)
	}
	return name, end
}

// repeats reports whether a parameter goes on as a list.
func repeats(rest string) bool { return rest != "" && strings.IndexByte("*+}", rest[0]) >= 0 }

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

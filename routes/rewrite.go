package routes

import (
	"encoding/json"
	"fmt"
	"iter"
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
	source source
	keys   []string // the parameters, by capture group
	phase  phase
	path   string // of the destination
	query  string
	// unconditional says that it has no condition, so that a path which matches is
	// nothing but another name.
	unconditional bool
	// unknown are parameters that a condition takes from a query, header or
	// cookie, so that the client may choose them, and lists that Next.js joins
	// otherwise than they were.
	unknown  []string
	hosts    []expression // all of which the host meets
	fromHost []string     // the parameters that they capture
	// only has the one value that a cookie or header must have, by its kind and name.
	only map[string]string
}

// phase is when Next.js tries a rewrite.
type phase int

const (
	beforeFiles phase = iota // before anything that the app has
	afterFiles               // after files and pages without parameters
	fallback                 // after all pages
)

// manifestRewrites has two forms: a list, and lists by phase.
type manifestRewrites struct{ all []manifestRewrite }

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
			m.all = append(m.all, written)
		}
	}
	return nil
}

// elsewhere are the sources of rewrites to other hosts, to which Next.js passes the request on.
func (m manifestRewrites) elsewhere() (sources []string) {
	for _, written := range m.all {
		if !strings.HasPrefix(written.Destination, "/") {
			sources = append(sources, written.Source)
		}
	}
	return sources
}

func (m manifestRewrites) compile(cased bool) ([]rewrite, error) {
	var list []rewrite
	for _, written := range m.all {
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
		hosts, err := compileExpression(anyCase, "^"+condition.Value+"$")
		if condition.Type == "host" && err == nil {
			r.hosts = append(r.hosts, hosts)
		}
		if condition.Type == "host" && err == nil && hosts.exact {
			r.fromHost = append(r.fromHost, condition.captures()...)
		} else {
			r.unknown = append(r.unknown, condition.captures()...)
		}
	}
	return r, nil
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

// ofHost is what the conditions capture of a host, by name. It is false for a host that
// the rewrite is not for. Nothing is known of an empty one.
func (r *rewrite) ofHost(host string) (parts map[string]string, ok bool) {
	if host == "" || len(r.hosts) == 0 {
		return nil, true
	}
	parts = make(map[string]string)
	for i := range r.hosts {
		found, ok := r.hosts[i].find(host)
		if !ok {
			return nil, false
		}
		named := false
		for i, name := range r.hosts[i].pattern.SubexpNames() {
			if name != "" && found != nil {
				parts[name], named = found[i], true
			}
		}
		if !named && found != nil {
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
		begin := merge(canonical(literalPrefix(rewrites[i].path)))
		t.protects[i] = t.mayReachAuth(begin, i+1) || hasLocalePages && t.mayBeAuth(afterFirst(begin))
	}
}

// mayReachAuth reports whether a path that begins so, and goes on as the client chooses,
// may lead to an auth rule, perhaps by way of rewrites from an index on.
func (t *Table) mayReachAuth(begin string, next int) bool {
	if t.mayBeAuth(begin) {
		return true
	}
	begin = strings.ToLower(begin)
	for ; next < len(t.build.rewrites); next++ {
		prefix := strings.ToLower(t.build.rewrites[next].source.canonical.prefix)
		if t.protects[next] && (strings.HasPrefix(prefix, begin) || strings.HasPrefix(begin, prefix)) {
			return true
		}
	}
	return false
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

// destinations are where the rewrite leads from a path, by each of its spellings: mostly
// one. parts are what [rewrite.ofHost] says of the host.
func (r *rewrite) destinations(spellings []spelling, parts map[string]string) iter.Seq[destination] {
	return func(yield func(destination) bool) {
		var found []destination
		for _, path := range spellings {
			to, ok := r.apply(path, parts)
			if !ok || to.isSame(path) || slices.ContainsFunc(found, to.leadsWhere) {
				continue
			}
			if found = append(found, to); !yield(to) {
				return
			}
		}
	}
}

// leadsWhere reports whether another destination is the same one, however it is spelled.
func (to *destination) leadsWhere(other destination) bool {
	return to.path == other.path && to.query == other.query
}

// destination is where a rewrite leads.
type destination struct {
	path, sent string // as in a reading
	query      string // what it adds that may matter to the image optimizer
	anyImage   bool   // of which the client chooses a part
	chosen     bool   // the client chooses how the path goes on
}

// isSame reports whether the path stays as it was, so that only the query changes.
func (to *destination) isSame(path spelling) bool {
	reached := to.path
	if path.sent {
		reached = to.sent
	}
	return reached == path.path && !to.chosen && to.query == "" && !to.anyImage
}

// apply is where the rewrite leads from a path, with what it captures of the host; nil if
// nothing is known of that.
func (r *rewrite) apply(path spelling, parts map[string]string) (to destination, ok bool) {
	groups, matches := r.source.find(path)
	if !matches {
		return to, false
	}
	value := func(name string) (string, bool) {
		part, known := parts[name]
		at := slices.Index(r.keys, name) + 1
		switch {
		case slices.Contains(r.unknown, name):
			return "", false
		case known: // which Next.js puts over those of the path
			return part, true
		case slices.Contains(r.fromHost, name):
			return placeholder, parts == nil
		case at > 0 && at < len(groups):
			return groups[at], true
		}
		return placeholder, at == 0
	}
	filled, whole := fill(r.path, value)
	filled = merge(filled)
	to.path, to.sent, to.chosen = canonical(filled), filled, !whole
	to.query, to.anyImage = r.imageQuery(value)
	return to, true
}

// fill writes the values of parameters into a part of a destination. It is not whole if
// it ends at one that the client chooses.
func fill(template string, value func(name string) (string, bool)) (filled string, whole bool) {
	var b strings.Builder
	for rest := template; rest != ""; {
		i := strings.IndexAny(rest, ":{")
		if i < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		if rest[i] == '{' { // of a group that has separators of its own
			return b.String(), false
		}
		name, end := parameter(rest, i)
		list := repeats(rest[end:]) && i > 0 && rest[i-1] != '/' // which would have other separators
		if end < len(rest) && strings.IndexByte("*+?", rest[end]) >= 0 {
			end++
		}
		rest = rest[end:]
		part, known := value(name)
		if !known || list && strings.IndexByte(part, '/') >= 0 {
			return b.String(), false
		}
		b.WriteString(part)
	}
	return b.String(), true
}

// inQuery escapes in a part of a path what would end a value in a query.
var inQuery = strings.NewReplacer("&", "%26", "#", "%23", "+", "%2B")

// imageQuery is what the rewrite says in the query about an image: as the destination has
// it, or by a parameter that it does not use, which Next.js adds.
func (r *rewrite) imageQuery(value func(name string) (string, bool)) (query string, chosen bool) {
	if !strings.Contains(r.query, "url") && !slices.Contains(r.keys, "url") {
		return "", slices.Contains(r.unknown, "url") || slices.Contains(r.fromHost, "url")
	}
	query, whole := fill(r.query+"&url=:url", func(name string) (string, bool) {
		part, known := value(name)
		return inQuery.Replace(part), known
	})
	return query, !whole
}

// placeholder stands for a segment of which nothing is known.
const placeholder = "-"

package routes

import (
	"iter"
	"slices"
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
	query  string // with the parameters that Next.js adds to it
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
	return to.path == other.path && (to.query == other.query || !to.decides)
}

// destination is where a rewrite leads.
type destination struct {
	path, sent string // as in a reading
	query      string // what it adds
	decides    bool   // the query may say what is shown: an image, or the value of a parameter
	anyQuery   bool   // and the client chooses a part of it
	chosen     bool   // the client chooses how the path goes on
}

// isSame reports whether the path stays as it was, so that only the query changes.
func (to *destination) isSame(path spelling) bool {
	reached := to.path
	if path.sent {
		reached = to.sent
	}
	return reached == path.path && !to.chosen && !to.decides
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
	query, chosen := r.addedQuery(value)
	to.query, to.decides = query, strings.Contains(r.query, "url") || strings.IndexByte(filled, '[') >= 0
	to.anyQuery = chosen && to.decides
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

// addedQuery is what the rewrite adds to the query, without what the client chooses.
func (r *rewrite) addedQuery(value func(name string) (string, bool)) (query string, chosen bool) {
	query, whole := fill(r.query, func(name string) (string, bool) {
		part, known := value(name)
		chosen = chosen || !known
		return inQuery.Replace(part), true
	})
	return query, chosen || !whole
}

// isForHosts reports whether the rewrite is for some hosts only.
func (r *rewrite) isForHosts() bool { return len(r.hosts) > 0 }

// isRewritten reports whether a rewrite of the build, for this host, leads from a path
// elsewhere.
func (t *Table) isRewritten(f *form, host string) bool {
	spellings := t.spellings(nil, f, host)
	return slices.ContainsFunc(t.build.rewrites, func(r rewrite) bool {
		parts, forHost := r.ofHost(host)
		if !forHost {
			return false
		}
		for range r.destinations(spellings, parts) {
			return true
		}
		return false
	})
}

// mayBeAuth reports whether a path that begins so, and goes on as the client
// chooses, may lead to an auth rule.
func (t *Table) mayBeAuth(begin string) bool {
	if t.defaultType == Auth {
		return true
	}
	if lower := strings.ToLower(begin); len(t.authTexts) > 0 && (strings.HasPrefix(imagePath, lower) || strings.HasPrefix(lower, imagePath)) {
		return true // as any image
	}
	stripped := t.strip(begin, howRewrite)
	for _, begin := range []string{strings.ToLower(begin), strings.ToLower(stripped.path)} { // a rule may name a locale
		for _, text := range t.authTexts {
			if strings.HasPrefix(text, begin) || strings.HasPrefix(begin, text) {
				return true
			}
		}
	}
	return false
}

// RewritesByHost reports whether the build has rewrites that are for some hosts only, or
// locales by host. The app must then see the host that MatchURL gets.
func (t *Table) RewritesByHost() bool {
	return t.build != nil && (len(t.build.domains) > 0 || slices.ContainsFunc(t.build.rewrites, func(r rewrite) bool { return r.isForHosts() }))
}

// RewritesElsewhere are the paths, as next.config has them, that the build passes on to
// another host with all their headers, and whose answers it takes for its own.
func (t *Table) RewritesElsewhere() []string {
	if t.build == nil {
		return nil
	}
	return t.build.elsewhere
}

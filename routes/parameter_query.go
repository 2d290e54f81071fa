package routes

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// fillFromQuery lets the path protect that a page has by the values that the query says for its
// parameters, where Next.js takes them from there: for an optional one that the path does not
// have, in API routes and in the edge runtime (14.2 to 16.4), so that /api/files?path=private is
// /api/files/private. And behind a rewrite to an API route for any, on 15.5 with a base path.
func (j *judgement) fillFromQuery(path string) {
	if j.query == "" {
		return
	}
	path = strings.TrimSuffix(path, "/")
	j.fillOptional(path)
	if above, ok := strings.CutSuffix(strings.TrimSuffix(path, ".rsc"), "/index"); ok { // which Next.js takes for none
		j.fillOptional(above)
	}
	if t := j.table; t.build != nil && t.basePath != "" && len(j.progress.applied) > 0 {
		j.fillPage(t.build.pageAt(path))
	}
}

// fillOptional is fillFromQuery for an optional parameter at the end of a path.
func (j *judgement) fillOptional(path string) {
	b := j.table.build
	if b == nil {
		j.fillUnknown(path)
		return
	}
	begin, optional, ok := strings.Cut(b.pageAt(path), "/[[...")
	if !ok || strings.Count(path, "/") != strings.Count(begin, "/") {
		return
	}
	if values := queryValues(j.query, strings.TrimRight(optional, "]")); len(values) > 0 {
		j.guessFilled(path + "/" + strings.Join(values, "/"))
	}
}

// fillPage is fillFromQuery for a page of which all values may be in the query.
func (j *judgement) fillPage(page string) {
	if !strings.HasPrefix(page, "/api/") || strings.IndexByte(page, '[') < 0 {
		return
	}
	isWhole, isKnown := true, true
	filled := replaceNames(page, func(name, named string) string {
		values := queryValues(j.query, name)
		isWhole = isWhole && (len(values) > 0 || strings.HasPrefix(named, "[["))
		isKnown = isKnown && (len(values) < 2 || strings.Contains(named, "...")) && !slices.Contains(values, "") // which the client may choose
		return strings.Join(values, "/")
	})
	switch {
	case !isWhole:
	case !isKnown:
		j.giveUp(page, howParameter)
	default:
		j.guessFilled(filled)
	}
}

// maxUnknown bounds the bytes of a query of which each name may be that of a parameter.
const maxUnknown = 8 << 10

// fillUnknown is fillOptional without a build, where any name in the query may be that of a
// parameter. Only API routes are looked at, and only rules for what is below the path.
func (j *judgement) fillUnknown(path string) {
	rules, folded := j.table.apiRules, strings.ToLower(path)
	if !rules[folded].below {
		return
	}
	if len(j.query) > maxUnknown {
		j.giveUp(path, howParameter)
		return
	}
	values := map[string]string{}
	for pair := range strings.SplitSeq(j.query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		values[queryDecode(name)] += "/" + queryDecode(value)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		filled := path + values[name]
		if rules.nameBelow(folded, strings.ToLower(merge(resolve(filled)))) {
			j.guessFilled(filled)
		}
	}
}

// apiRules says what auth rules for API routes there are at each path, in lower case.
type apiRules map[string]struct {
	begins bool // the text of a rule ends here
	goesOn bool // and is followed by more than any path, as in /api/*/settings
	below  bool // rules name something below the path
}

// add adds a rule by the text with which it begins.
func (a apiRules) add(text string, goesOn bool) {
	if !strings.HasPrefix(text+"/", "/api/") {
		return
	}
	at := a[text]
	at.begins, at.goesOn, at.below = true, at.goesOn || goesOn, at.below || goesOn
	a[text] = at
	for above := path.Dir(text); above != "/"; above = path.Dir(above) {
		at := a[above]
		at.below = true
		a[above] = at
	}
}

// nameBelow reports whether a rule names a path that was made by adding to another one.
func (a apiRules) nameBelow(path, filled string) bool {
	if !strings.HasPrefix(filled+"/", path+"/") {
		return false
	}
	for i := len(path) + 1; i <= len(filled); i++ {
		if (i == len(filled) || filled[i] == '/') && a[filled[:i]].begins {
			return true
		}
	}
	return a[path].goesOn
}

// guessFilled reads a path that has its values. Nothing is filled in again.
func (j *judgement) guessFilled(path string) {
	query, progress := j.query, j.progress
	j.query, j.progress.applied = "", nil
	for _, r := range readings(path) {
		j.guess(r.path, howParameter)
	}
	j.query, j.progress = query, progress
}

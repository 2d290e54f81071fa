package routes

import (
	"slices"
	"strings"
)

// fillFromQuery lets the path protect that a page has by the values that the query says for its
// parameters, where Next.js takes them from there: for an optional one that the path does not
// have, in API routes and in the edge runtime (14.2 to 16.4), so that /api/files?path=private is
// /api/files/private. And behind a rewrite to an API route for any, on 15.5 with a base path.
func (j *judgement) fillFromQuery(path string) {
	b := j.table.build
	if j.query == "" {
		return
	}
	if b == nil {
		j.fillUnknown(path)
		return
	}
	for _, path := range withoutIndex(path) {
		page := b.pageAt(path)
		begin, optional, ok := strings.Cut(page, "/[[...")
		if !ok || strings.Count(path, "/") != strings.Count(begin, "/") {
			continue
		}
		if values := queryValues(j.query, strings.TrimRight(optional, "]")); len(values) > 0 {
			j.guessFilled(path + "/" + strings.Join(values, "/"))
		}
	}
	if page := b.pageAt(path); len(j.progress.applied) > 0 && j.table.basePath != "" && strings.HasPrefix(page, "/api/") {
		j.fillPage(page)
	}
}

// fillPage is fillFromQuery for a page of which all values may be in the query.
func (j *judgement) fillPage(page string) {
	if strings.IndexByte(page, '[') < 0 {
		return
	}
	isWhole, isKnown := true, true
	filled := parameterName.ReplaceAllStringFunc(page, func(named string) string {
		values := queryValues(j.query, strings.Trim(named, "[.]"))
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

// fillUnknown is fillFromQuery without a build, where any name in the query may be that of a
// parameter. Only API routes are looked at, and only rules for what is below the path.
func (j *judgement) fillUnknown(path string) {
	if !strings.HasPrefix(path+"/", "/api/") {
		return
	}
	for _, path := range withoutIndex(path) {
		begin := strings.ToLower(path) + "/"
		below := func(p pattern) bool {
			return strings.HasPrefix(strings.ToLower(literalPrefix(p.path()))+"/", begin) && len(p.path()) > len(begin)
		}
		if !slices.ContainsFunc(j.table.authPatterns, below) {
			continue
		}
		if len(j.query) > maxUnknown {
			j.giveUp(path, howParameter)
			return
		}
		values := map[string]string{}
		for pair := range strings.SplitSeq(j.query, "&") {
			key, value, _ := strings.Cut(pair, "=")
			values[queryDecode(key)] += "/" + queryDecode(value)
		}
		for _, value := range values {
			filled := path + value
			if slices.ContainsFunc(j.table.authPatterns, func(p pattern) bool {
				return below(p) && strings.HasPrefix(strings.ToLower(merge(resolve(filled)))+"/", strings.ToLower(literalPrefix(p.path()))+"/")
			}) {
				j.guessFilled(filled)
			}
		}
	}
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

// withoutIndex is a path as it has an optional parameter, or has none: at its end, Next.js takes
// index for none.
func withoutIndex(path string) []string {
	path = strings.TrimSuffix(path, "/")
	if above, ok := strings.CutSuffix(strings.TrimSuffix(path, ".rsc"), "/index"); ok {
		return []string{path, above}
	}
	return []string{path}
}

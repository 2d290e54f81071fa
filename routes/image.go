package routes

import "strings"

// image decides Next.js's image optimizer by the paths in url, which Next.js
// fetches from itself, around the guard. It reports whether there were any.
// A full URL is another site's, which Next.js checks against its own list.
func (j *judgement) image(depth int) (found bool) {
	for value := range queryValues(j.query, "url") {
		path, query, ok := imageSource(value)
		if !ok {
			continue
		}
		found = true
		outer, tried := j.query, j.rewrites
		j.query, j.rewrites = query, rewriteProgress{} // Next.js makes a request of its own
		for _, r := range readings(path) {
			j.read(r.path, howImage, depth+1)
		}
		j.query, j.rewrites = outer, tried
	}
	return found
}

// imageSource reads a url value as the WHATWG URL parser would: it drops tabs,
// newlines and outer spaces, and what follows "#".
func imageSource(value string) (path, query string, ok bool) {
	value = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(value)
	value = strings.TrimFunc(value, func(r rune) bool { return r <= ' ' })
	value, _, _ = strings.Cut(value, "#")
	value, query, _ = strings.Cut(value, "?")
	value = strings.ReplaceAll(value, `\`, "/")
	if value == "" || value[0] != '/' || strings.HasPrefix(value, "//") {
		return "", "", false
	}
	return value, query, true
}

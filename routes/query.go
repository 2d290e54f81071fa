package routes

import (
	"slices"
	"strings"
)

// queryValues returns the decoded values of a query parameter as a browser and
// Node.js read them. net/url drops parameters with a semicolon or a broken
// escape, which would hide them from the guard.
func queryValues(rawQuery, name string) (values []string) {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if key, value, _ := strings.Cut(pair, "="); queryDecode(key) == name {
			values = append(values, queryDecode(value))
		}
	}
	return values
}

// withoutParameters removes query parameters and leaves the others as they are.
func withoutParameters(rawQuery string, names ...string) string {
	var kept []string
	for pair := range strings.SplitSeq(rawQuery, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if pair != "" && !slices.Contains(names, queryDecode(key)) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

func queryDecode(s string) string {
	decoded, _ := decode(strings.ReplaceAll(s, "+", " "))
	return decoded
}

func joinQueries(one, other string) string {
	if one == "" {
		return other
	}
	return one + "&" + other
}

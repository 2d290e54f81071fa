package caddyfile

import (
	"fmt"
	"strings"
)

// nearest finds the word that was probably meant: one spelled in another style
// (cookieName), one that is part of the other (sessionExpiry), or one that is
// at most two typing errors away.
func nearest(unknown string, words []word) (string, bool) {
	const (
		mostErrors   = 2
		leastPart    = 4 // a shorter word is part of too many others
		longestInput = 64
	)
	fold := strings.NewReplacer("_", "", "-", "").Replace
	unknown = fold(strings.ToLower(unknown))
	if len(unknown) > longestInput {
		return "", false
	}
	best, found := mostErrors+1, ""
	for _, w := range words {
		name := fold(w.name())
		distance := editDistance(unknown, name)
		part := len(unknown) >= leastPart && strings.Contains(name, unknown) || strings.Contains(unknown, name)
		if part && distance > mostErrors {
			distance = mostErrors
		}
		if distance < best {
			best, found = distance, w.name()
		}
	}
	return found, found != ""
}

// editDistance counts the bytes to insert, remove or replace to make b of a
// (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// isSiteDirective reports whether a word is a directive that usually stands beside
// ours. Caddy does not tell which ones there are.
func isSiteDirective(word string) bool {
	switch word {
	case "session_api", "session_guard", "abort", "basic_auth", "bind", "encode", "error", "file_server", "forward_auth", "handle", "handle_errors",
		"handle_path", "header", "intercept", "log", "map", "method", "php_fastcgi", "redir", "request_body", "request_header", "respond",
		"reverse_proxy", "rewrite", "root", "route", "templates", "tls", "tracing", "try_files", "uri", "vars":
		return true
	}
	return false
}

// unknownWord says where a word belongs, or which one may have been meant.
func unknownWord(directive, unknown string, words []word) string {
	if isSiteDirective(unknown) {
		return fmt.Sprintf("%q is not known in %s; it is a directive of the site: is a } missing above?", unknown, directive)
	}
	message := fmt.Sprintf("%q is not known in %s; write ", unknown, directive)
	if place, ok := wordPlaces()[unknown]; ok {
		message = fmt.Sprintf("%q is not known in %s; it belongs in %s; here write ", unknown, directive, place)
	} else if near, ok := nearest(unknown, words); ok {
		message += near + ", or "
	}
	if len(words) == 1 {
		return strings.TrimSuffix(message, words[0].name()+", or ") + words[0].name()
	}
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = w.name()
	}
	return message + "one of: " + strings.Join(names, ", ")
}

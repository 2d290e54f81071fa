package caddyfile

import "strings"

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
		part := len(unknown) >= leastPart && strings.Contains(name, unknown) ||
			len(name) >= leastPart && strings.Contains(unknown, name)
		if part && distance > mostErrors {
			distance = mostErrors
		}
		if distance < best && distance < len(name) {
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

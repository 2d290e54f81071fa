package caddymodule

import (
	"net/http"
	"slices"
	"strings"

	"github.com/session-guard/caddy-session-guard/routes"
)

// isForSharedCaches knows the headers that would have a CDN keep an answer whatever
// Cache-Control says: by the convention of RFC 9213 section 3.1 all that end so, and older
// ones of CDNs, of Akamai and of nginx.
func isForSharedCaches(name string) bool {
	switch name {
	case "Surrogate-Control", "Edge-Control", "X-Accel-Expires":
		return true
	}
	return strings.HasSuffix(name, "-Cache-Control")
}

func forgetSharedCaches(header http.Header) {
	for name := range header {
		if isForSharedCaches(name) {
			delete(header, name)
		}
	}
}

// keepFromCaches is for answers that no cache may keep, such as those that the guard
// makes itself. Here and below each gets slices of its own: a `header` directive that
// replaces text writes into them, and would change what all other answers say.
func keepFromCaches(header http.Header) {
	forgetSharedCaches(header)
	header["Cache-Control"] = []string{"private, no-store"}
	mergeVary(header)
}

// protectFromCaches keeps answers that depend on the session out of shared
// caches, and answers that set or clear the cookie, or deny, out of every cache: a
// cached Set-Cookie hands one visitor's session to the next.
func protectFromCaches(header http.Header, found findings, v *visit, noStore bool) {
	if noStore {
		keepFromCaches(header)
		return
	}
	room := &v.cacheHeaders
	switch {
	case v.match.Open:
	case len(header["Vary"]) == 0:
		room[0] = "Cookie"
		header["Vary"] = room[0:1:1]
	default:
		mergeVary(header)
	}
	if v.session == nil && (v.match.Open || v.match.Type != routes.Auth) {
		return
	}
	if found.sharedCaches {
		forgetSharedCaches(header)
	}
	room[1] = privateCacheControl(header["Cache-Control"])
	header["Cache-Control"] = room[1:2:2]
}

// isPersonalStatus reports whether a status mostly says what one visitor may do. A redirect
// to the login that stays in a cache keeps everybody out.
func isPersonalStatus(status int) bool {
	switch status {
	case http.StatusNoContent, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

func privateCacheControl(lines []string) string {
	if len(lines) == 0 {
		return "private"
	}
	kept := []string{"private"}
	for _, line := range lines {
		for _, directive := range directives(line) {
			directive = strings.TrimSpace(directive)
			name, _, _ := strings.Cut(strings.ToLower(directive), "=")
			if name != "" && name != "public" && name != "s-maxage" && name != "private" && name != "proxy-revalidate" {
				kept = append(kept, directive)
			}
		}
	}
	return strings.Join(kept, ", ")
}

// directives are those of a Cache-Control line, of which some have a quoted list: private="X-One, X-Other".
// Where the quotes are not closed, nobody can say what is in them.
func directives(line string) []string {
	quoted, escaped := false, false
	list := strings.FieldsFunc(line, func(r rune) bool {
		switch {
		case escaped:
			escaped = false
		case r == '"':
			quoted = !quoted
		default:
			escaped = quoted && r == '\\'
		}
		return r == ',' && !quoted
	})
	if quoted {
		return strings.Split(line, ",")
	}
	return list
}

func mergeVary(header http.Header) {
	lines := header["Vary"]
	if len(lines) == 0 {
		header["Vary"] = []string{"Cookie"}
		return
	}
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Cookie") {
				return
			}
		}
	}
	header["Vary"] = append(slices.Clone(lines), "Cookie")
}

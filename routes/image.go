package routes

import (
	"net/netip"
	"slices"
	"strings"
)

// image decides Next.js's image optimizer by the paths in url, which Next.js
// fetches from itself, around the guard. It reports whether there were any. A full URL
// is another site's, which Next.js checks against its own list, unless it may lead to the
// app all the same.
func (j *judgement) image() (found bool) {
	if j.anyQuery && j.table.mayBeAuth("/") {
		j.count(Auth, -1, imagePath, howImage)
		found = true
	}
	for _, value := range queryValues(j.query, "url") {
		source, ok := parseImageSource(value)
		if !ok {
			continue
		}
		if _, inQuery := j.table.namesParameter(source.path, source.query); inQuery && j.table.mayBeAuth("/") {
			j.giveUp(source.path, howImage)
			return true
		}
		outer, tried := j.query, j.progress
		j.query, j.progress = source.query, rewriteProgress{} // Next.js makes a request of its own
		for _, r := range readings(source.path) {
			j.sent = r.sent
			switch {
			case source.host == "":
				j.readBehind(r.path, howImage)
				found = true
			case isLocal(source.host) || source.host == j.host:
				j.guess(r.path, howImage)
			case source.hasPort: // a name that leads to the machine itself, where the app has its port
				j.guessNamed(r.path, howImage)
			}
		}
		if source.host == "" {
			j.fillNames(source.path)
		}
		j.query, j.progress = outer, tried
	}
	return found
}

// imageSource is what a url value names.
type imageSource struct {
	host        string // in lower case; empty: the app itself
	hasPort     bool
	path, query string
}

// withoutBreaks drops what the WHATWG URL parser drops anywhere.
var withoutBreaks = strings.NewReplacer("\t", "", "\n", "", "\r", "")

// parseImageSource reads a url value as the WHATWG URL parser would: it drops tabs,
// newlines and outer spaces, and what follows "#", and takes any number of slashes
// after a scheme.
func parseImageSource(value string) (source imageSource, ok bool) {
	value = withoutBreaks.Replace(value)
	value = strings.TrimFunc(value, func(r rune) bool { return r <= ' ' })
	value, _, _ = strings.Cut(value, "#")
	value, source.query, _ = strings.Cut(value, "?")
	value = strings.ReplaceAll(value, `\`, "/")
	if scheme, rest, isURL := strings.Cut(value, ":"); isURL && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		authority, path, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		source.host, source.hasPort = parseAuthority(authority)
		source.path = "/" + path
		return source, source.host != ""
	}
	source.path = value
	return source, strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//")
}

// parseAuthority is the host of a URL without what stands around it.
func parseAuthority(authority string) (host string, hasPort bool) {
	authority, _ = decode(authority[strings.LastIndexByte(authority, '@')+1:])
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		authority, hasPort = authority[:i], true
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(authority, "[]")), "."), hasPort
}

// isLocal reports whether a host may be the machine or a neighbour of it, where the app
// answers without Caddy: by a private address in any form, or by a name that no other
// network knows.
func isLocal(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		address = address.Unmap()
		return address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast() || address.IsUnspecified()
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == host || last == "" || last[0] >= '0' && last[0] <= '9' || // an address, written otherwise
		slices.Contains([]string{"localhost", "local", "internal", "lan", "home"}, last) ||
		strings.ContainsFunc(host, func(r rune) bool { return r >= 0x80 })
}

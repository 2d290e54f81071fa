package routes

import (
	"net/url"
	"strings"
)

// LoginLocation is where an anonymous visitor is sent who wanted originalPath
// (escaped, as the client sent it) with originalRawQuery. It is a path with
// the base path and the locale of the match. The wanted path is added as the
// return_to parameter, unless it is not safe or longer than 2 KiB; what it carried
// itself as return_to is left out, so that nothing grows. The login page itself keeps
// what it carries.
func (t *Table) LoginLocation(m Match, originalPath, originalRawQuery string) string {
	location := t.withPrefixes(m, t.login)
	if t.returnTo == "" || m.Data || m.Bad {
		return location
	}
	wanted, ok := t.carried(originalRawQuery)
	if trimEnd(m.Path) != t.loginPath {
		wanted = originalPath
		// _rsc is Next.js's own cache key, which a page address does not have.
		if query := withoutParameters(originalRawQuery, t.returnTo, "_rsc"); query != "" {
			wanted += "?" + query
		}
		wanted, ok = ReturnTo(wanted)
	}
	if !ok {
		return location
	}
	carried := url.QueryEscape(wanted)
	if len(carried) > maxReturnTo {
		return location
	}
	return location + "?" + t.returnTo + "=" + carried
}

// IsLoginPage reports whether a client that wants originalPath (escaped, as the client
// sent it) would be sent by LoginLocation to where it already is, because the redirect
// would never end. A handler before the guard may have made another path of it.
func (t *Table) IsLoginPage(m Match, originalPath string) bool {
	return originalPath == t.withPrefixes(m, t.login)
}

// HomeLocation is where a signed-in visitor of a public path is sent: to the
// return_to of rawQuery, if it is given once, safe, and neither public nor the
// login page, else to the home path with the base path and locale of the match.
func (t *Table) HomeLocation(m Match, rawQuery string) string {
	home := t.withPrefixes(m, t.home)
	if t.returnTo == "" {
		return home
	}
	wanted, ok := t.carried(rawQuery)
	if !ok {
		return home
	}
	path, query, _ := strings.Cut(wanted, "?")
	path, _, _ = strings.Cut(path, "#")
	target := t.Match(path, query, "")
	if target.Bad || target.Type == Public || trimEnd(target.Path) == t.loginPath {
		return home
	}
	return wanted
}

// carried is the return_to of a query, if it is given once and safe.
func (t *Table) carried(rawQuery string) (wanted string, ok bool) {
	values := queryValues(rawQuery, t.returnTo)
	if len(values) != 1 {
		return "", false
	}
	return ReturnTo(values[0])
}

// ActionLocation is a location as the answer to a Server Action says it: Next.js's
// client puts the base path in front itself. One that is not below the base path stays.
func (t *Table) ActionLocation(location string) string {
	rest, ok := strings.CutPrefix(location, escape(t.basePath))
	switch {
	case !ok || t.basePath == "" || strings.HasPrefix(rest, "//"):
		return location
	case rest == "" || rest[0] == '?' || rest[0] == '#':
		return "/" + rest
	case rest[0] != '/':
		return location // another path that begins alike
	}
	return rest
}

// ForbiddenLocation is where a visitor is sent whose session does not meet the
// requirements of a path: a path of the site, with base path and locale. It is
// false without a ForbiddenPath, and if that is where the visitor already is, by the
// match or by originalPath (escaped, as the client sent it), because the redirect would
// never end.
func (t *Table) ForbiddenLocation(m Match, originalPath string) (string, bool) {
	if t.forbidden == "" {
		return "", false
	}
	location := t.withPrefixes(m, t.forbidden)
	same := samePage(m.Path, t.forbidden) || samePage(originalPath, location)
	return location, !same
}

// samePage compares the paths of two URLs as a client does that goes to them.
func samePage(a, b string) bool {
	page := func(s string) string {
		decoded, _ := decode(resolve(pathOf(s)))
		return trimEnd(decoded)
	}
	return page(a) == page(b)
}

// withPrefixes puts base path and locale in front of a configured path.
func (t *Table) withPrefixes(m Match, path string) string {
	prefix := escape(t.basePath)
	if m.Locale != "" {
		prefix += "/" + m.Locale
	}
	if path == "/" && prefix != "" {
		return prefix
	}
	return prefix + path
}

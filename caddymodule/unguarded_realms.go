package caddymodule

import (
	"maps"
	"slices"
	"strings"
)

// compareRealms warns of a session API that serves no guard of its site, where a guard
// has none that does: nobody is signed out by it.
func (s *survey) compareRealms() {
	for _, site := range slices.Sorted(maps.Keys(s.guards)) {
		guards, apis := s.guards[site], s.apis[site]
		for _, guard := range guards {
			if slices.ContainsFunc(apis, func(api *API) bool { return api.realm == guard.realm }) {
				continue
			}
			for _, api := range apis {
				if !slices.ContainsFunc(guards, func(guard *Guard) bool { return guard.realm == api.realm }) {
					s.warn("session_api (%s) serves the realm %s, but session_guard (%s) the realm %s, so signing out by the API has no effect there; write realm %[4]s in session_api",
						api.Source, api.realm.name, guard.Source, guard.realm.name)
				}
			}
		}
	}
}

// compareCookies warns of two realms of a site that have one cookie: neither can read
// what the other seals, so who signs in to one is signed out of the other.
func (s *survey) compareCookies() {
	for _, site := range slices.Sorted(maps.Keys(s.guards)) {
		guards := s.guards[site]
		for i, guard := range guards {
			for _, earlier := range guards[:i] {
				if sharesCookie(earlier.realm, guard.realm) {
					s.warn("session_guard (%s) and session_guard (%s) keep the sessions of the realms %s and %s in one cookie, %s, so who signs in to one of them is signed out of the other; leave cookie_name out, or write two different ones",
						earlier.Source, guard.Source, earlier.realm.name, guard.realm.name, cookieOf(guard.realm))
				}
			}
		}
	}
}

// sharesCookie reports whether browsers send the cookies of two realms under one name
// to some path.
func sharesCookie(a, b *realm) bool {
	return a != b && cookieOf(a) == cookieOf(b) &&
		(isBelow(a.settings.CookiePath, b.settings.CookiePath) || isBelow(b.settings.CookiePath, a.settings.CookiePath))
}

// cookieOf is the name of the cookie, with its prefix. Over plain HTTP more of them may be the
// same, but who develops there signs in to one realm at a time.
func cookieOf(r *realm) string { return r.core().NameOfCookie(r.settings.SecureCookie != "never") }

// isBelow reports whether the cookies of an upper path are sent to a path (RFC 6265bis
// section 5.1.4).
func isBelow(path, upper string) bool {
	return strings.HasPrefix(path+"/", strings.TrimSuffix(upper, "/")+"/")
}

package caddymodule

import (
	"slices"
	"strings"
)

// checkRealms warns of a session API that serves no guard of its site, where a guard
// has none that does: nobody is signed out by it.
func (s *survey) checkRealms() {
	for guard, at := range all[*Guard](s) {
		guards, apis := ofSite[*Guard](s, at.site), ofSite[*API](s, at.site)
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

// checkAppsOfRealms warns of two apps, each on a host of its own, that share the realm default
// since no guard of theirs names one: who signs in to one of them can send that cookie to the
// other, and settings of one guard, such as client_update, hold for both. Hosts that are
// to share sessions have a cookie_domain, or else browsers keep them apart.
func (s *survey) checkAppsOfRealms() {
	for i, app := range s.apps {
		if byHost := slices.IndexFunc(app.upstreams, namesHost); byHost >= 0 && app.guard.Realm == "" && app.guard.realm.settings.CookieDomain == "" {
			s.warn("%s: session_guard (%s) guards an app for each host, %s, with sessions of one realm, so who signs in to one app can take that session to the others; "+
				"write a site for each app with a guard and a realm of its own, or realm default in the guard if each app looks whose sessions it gets", app.site, app.guard.Source, app.upstreams[byHost])
		}
		for _, earlier := range s.apps[:i] {
			realm := app.guard.realm
			if realm != earlier.guard.realm || app.guard.Realm != "" || earlier.guard.Realm != "" || realm.settings.CookieDomain != "" ||
				app.host == "" || earlier.host == "" || app.host == earlier.host ||
				haveAppInCommon(s.apps, app, earlier) {
				continue
			}
			s.warn("session_guard (%s) of %s and session_guard (%s) of %s guard two apps with sessions of one realm, so who signs in to one app can take that session to the other, and settings of each hold for both; "+
				"give each app a guard and a realm of its own (global option session <name>), or write realm default in its guard if that is meant", earlier.guard.Source, earlier.host, app.guard.Source, app.host)
			break
		}
	}
}

// namesHost reports whether an upstream is another one for each host that browsers ask for.
func namesHost(upstream string) bool { return strings.Contains(upstream, "{http.request.host") }

// haveAppInCommon compares all that is behind two guards, or what one guard has for two hosts.
func haveAppInCommon(apps []app, a, b app) bool {
	of := func(one app) (upstreams []string) {
		for _, app := range apps {
			if app.guard == one.guard && (a.guard != b.guard || app.host == one.host) {
				upstreams = append(upstreams, app.upstreams...)
			}
		}
		return upstreams
	}
	upstreams := of(a)
	return len(upstreams) == 0 || len(of(b)) == 0 || firstShared(upstreams, of(b)) != ""
}

// checkCookies warns of two realms of a site that have one cookie: neither can read
// what the other seals, so who signs in to one is signed out of the other.
func (s *survey) checkCookies() {
	for guard, at := range all[*Guard](s) {
		for _, earlier := range ofSite[*Guard](s, at.site) {
			if earlier == guard {
				break
			}
			if sharesCookie(earlier.realm, guard.realm) {
				s.warn("session_guard (%s) and session_guard (%s) keep the sessions of the realms %s and %s in one cookie, %s, so who signs in to one of them is signed out of the other; leave cookie_name out, or write two different ones",
					earlier.Source, guard.Source, earlier.realm.name, guard.realm.name, cookieOf(guard.realm))
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

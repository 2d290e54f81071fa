package caddymodule

import (
	"cmp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// apiPlace is a path at which every request to a site meets a session API.
type apiPlace struct {
	server     *caddyhttp.Server
	site, path string
}

// checkAPIs warns of session APIs that are not asked, or not told who is signed in.
func (s *survey) checkAPIs() {
	answered := map[apiPlace]bool{}
	for api, at := range all[*API](s) {
		if at.guard != nil {
			s.warn("session_api (%s) comes after session_guard, so the guard's rules decide who may call it; move it before session_guard, and out of handle", api.Source)
		}
		if upper := api.realm.settings.CookiePath; !isBelow(api.Path, upper) {
			s.warn("session_api (%s) answers %s, but browsers send the session cookie to cookie_path %s only, so it never sees who is signed in; write a path below that, such as path %s/api/session",
				api.Source, api.Path, upper, strings.TrimSuffix(upper, "/"))
		}
		here := apiPlace{at.server, at.site, api.Path}
		if answered[here] {
			s.warn("session_api (%s) never answers, since an earlier one answers %s; give it another path", api.Source, api.Path)
		}
		answered[here] = answered[here] || !at.sometimes
	}
}

// isBelow reports whether the cookies of an upper path are sent to a path (RFC 6265bis
// section 5.1.4).
func isBelow(path, upper string) bool {
	return strings.HasPrefix(path+"/", strings.TrimSuffix(upper, "/")+"/")
}

// checkUpdates warns of a condition on what browsers may change by themselves: whoever
// signs in can meet it.
func (s *survey) checkUpdates() {
	served := func(r *realm) bool {
		return slices.ContainsFunc(ofSite[*API](s, everySite), func(api *API) bool { return api.realm == r })
	}
	look := func(what string, r *realm, requirements []Requirement) {
		for _, requirement := range requirements {
			if i := slices.IndexFunc(r.settings.ClientUpdate, requirement.asksOf); i >= 0 && served(r) {
				s.warn("%s asks for %s, but by client_update %s each visitor may change that alone, in the session API; take %[3]s out of client_update, unless visitors are to grant themselves what is behind it",
					what, requirement.Field, r.settings.ClientUpdate[i])
			}
		}
	}
	for guard := range all[*Guard](s) {
		for _, rule := range guard.Rules {
			place := cmp.Or(rule.Source, guard.name())
			look("auth "+strings.Join(rule.Patterns, " ")+" ("+place+")", guard.realm, rule.Require)
		}
	}
	for route := range all[caddyhttp.Route](s) {
		for _, matcher := range sessionMatchers(route.MatcherSets) {
			look(strings.TrimSuffix("the matcher session ("+matcher.Source+")", " ()"), matcher.realm, matcher.Require)
		}
	}
}

// asksOf reports whether the condition is on a member of the user, or on something in it.
func (q Requirement) asksOf(member string) bool {
	path, ok := strings.CutPrefix(q.Field, "user.")
	return ok && strings.HasPrefix(path+".", member+".")
}

package caddymodule

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// namedHook is a hook over HTTP.
type namedHook struct {
	name string
	url  *url.URL
}

// checkHooks warns of hooks that browsers can call: the app answers them about whatever
// session the caller has made up. A query may have a key that only Caddy knows.
func (s *survey) checkHooks() {
	for _, hook := range s.hooks() {
		port := cmp.Or(hook.url.Port(), map[string]string{"http": "80", "https": "443"}[hook.url.Scheme])
		upstream := upstreamName(net.JoinHostPort(hook.url.Hostname(), port))
		for _, app := range s.apps {
			ofSite := app.host != "" && strings.EqualFold(hook.url.Hostname(), app.host) && (port == "80" || port == "443")
			if app.byPath || !ofSite && !slices.Contains(app.upstreams, upstream) || hook.url.RawQuery != "" {
				continue
			}
			path := cmp.Or(hook.url.EscapedPath(), "/")
			byAnybody := s.show(app.place, explainRequest{Method: http.MethodPost, URL: path, From: "203.0.113.7"}, walk{})
			switch {
			case !app.guard.closes(path, nil) && firstShared(byAnybody.of, app.upstreams) != "":
				s.warn("%s: the hook %s is a path of the app, %s, that session_guard (%s) leaves open, so anybody may call it as Caddy does, about any session; "+
					"write the address of the app itself for it, such as http://localhost:3000%[3]s, and close it by the first rule: auth %[3]s, with require user.is_caddy true in its block", app.site, hook.name, path, app.guard.Source)
			case ofSite: // through the guard
				s.warn("%s: the hook %s is called by the address of the site, where session_guard (%s) refuses it with 401, which is a no to every session; "+
					"write the address of the app itself, such as http://localhost:3000%s", app.site, hook.name, app.guard.Source, path)
			}
		}
	}
}

// hooks are those of all guards and of their realms.
func (s *survey) hooks() []namedHook {
	var found []namedHook
	add := func(name string, hook any) {
		if hook, ok := hook.(*HTTPHook); ok {
			if u, err := url.Parse(hook.URL); err == nil {
				found = append(found, namedHook{name, u})
			}
		}
	}
	for guard := range all[*Guard](s) {
		if meter, ok := guard.realm.validator.(validateMeter); ok {
			add("validate", meter.hook)
		}
		if meter, ok := guard.realm.refresher.(refreshMeter); ok {
			add("on_refresh", meter.hook)
		}
		if meter, ok := guard.authorizer.(authorizeMeter); ok {
			add("authorize", meter.hook)
		}
	}
	return found
}

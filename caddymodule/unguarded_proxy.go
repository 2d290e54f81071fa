package caddymodule

import (
	"cmp"
	"encoding/json"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy/fastcgi"
)

// app is what a proxy behind a guard asks.
type app struct {
	position
	proxy     *reverseproxy.Handler
	upstreams []string
}

// findApps looks for those behind guards. What is asked before the app, as by forward_auth, is none.
func (s *survey) findApps() {
	for proxy, at := range all[*reverseproxy.Handler](s) {
		if asksBefore(proxy) || at.guard == nil && !at.perhaps {
			continue
		}
		names := upstreams(proxy, at.root)
		s.guarded = append(s.guarded, names...)
		if at.guard != nil {
			s.apps = append(s.apps, app{at, proxy, names})
		}
	}
}

// checkOpen warns of proxies without a guard to an app that has one elsewhere, and of those
// on a site whose guard or API has no other.
func (s *survey) checkOpen() {
	for proxy, at := range all[*reverseproxy.Handler](s) {
		if at.guard != nil {
			continue
		}
		for _, upstream := range upstreams(proxy, at.root) {
			if s.isGuarded(upstream) || s.guardsNothing(at.site) {
				s.warnOfOpen(at.site, at.paths, upstream)
			}
		}
	}
}

// warnOfOpen warns of a proxy without a guard; without paths it may be asked for all.
func (s *survey) warnOfOpen(site, paths, upstream string) {
	asks, may := "", "reach every page and can claim to be any user"
	if paths != "" {
		asks, may = " for "+paths, "can claim to be any user, and with Next.js run any Server Action"
	}
	s.warn("%s: reverse_proxy sends requests%s to %s without a session_guard, so they %s; "+
		"put session_guard before each reverse_proxy to the app, not in a handle and without a matcher, and use its rules to say what is open", site, asks, upstream, may)
}

// isGuarded reports whether an upstream is an app behind some guard, or a FastCGI server with a
// root above that of one, whose scripts it runs too.
func (s *survey) isGuarded(upstream string) bool {
	below := strings.TrimSuffix(strings.TrimSuffix(upstream, ")"), "/") + "/"
	return slices.ContainsFunc(s.guarded, func(app string) bool { return app == upstream || strings.HasPrefix(app, below) })
}

// guardsNothing reports whether a site has a guard or a session API, but no app behind a guard.
func (s *survey) guardsNothing(site string) bool {
	return len(ofSite[*Guard](s, site))+len(ofSite[*API](s, site)) > 0 &&
		!slices.ContainsFunc(s.apps, func(app app) bool { return app.site == site })
}

// checkApps warns of proxies behind a guard that give apps another request than the guard has
// seen, or a session to others.
func (s *survey) checkApps() {
	for _, app := range s.apps {
		guard, proxy := app.guard, app.proxy
		if len(proxy.HandleResponse) > 0 {
			guard.handlesResponses.Store(true)
		}
		if setsHost(proxy) && guard.table.Load().RewritesByHost() {
			s.warn("%s: reverse_proxy sends the app another Host than session_guard (%s) saw, but rewrites of the app's build depend on the host; write header_up Host {host}", app.site, guard.Source)
		}
		if other := otherSite(app.upstreams, app.host); other != "" && (app.byPath || app.ofAnswer) && asksOverTLS(proxy) {
			s.checkOtherSite(app, other)
		}
	}
}

// checkOtherSite warns of another site that gets sessions, or may hand some over.
func (s *survey) checkOtherSite(app app, other string) {
	var may, instead []string
	guard, settings := app.guard, app.guard.realm.settings
	if cmp.Or(settings.IdentityHeaders, "on") == "on" && !removesSession(app.proxy) {
		may, instead = append(may, "gets the session of each visitor with its tokens"), append(instead, "header_up -X-Session-* in its block")
	}
	if settings.ForwardCookie.or(false) {
		may, instead = append(may, "gets the cookie of each session"), append(instead, "forward_cookie off")
	}
	if len(guard.Handoff) == 0 {
		may, instead = append(may, "may sign visitors in as anybody by X-Session-Set"), append(instead, "in the guard handoff with all paths that sign in or out, such as "+cmp.Or(guard.LoginPath, "/login"))
	}
	if len(may) > 0 {
		s.warn("%s: reverse_proxy behind session_guard (%s) sends requests to %s, another site, which %s; write a handle for it, and the guard in another handle beside that, or %s",
			app.site, guard.Source, other, strings.Join(may, " and "), strings.Join(instead, ", and "))
	}
}

// upstreams name what a proxy asks, one app by one name however it is written. A FastCGI server
// runs the scripts of the root that Caddy names, so sites with roots of their own may share one.
func upstreams(proxy *reverseproxy.Handler, root string) []string {
	var names []string
	for _, upstream := range proxy.Upstreams {
		names = append(names, upstreamName(upstream.Dial))
	}
	if source, ok := proxy.DynamicUpstreams.(caddy.Module); ok {
		// A source made of others does not show them any more.
		if settings, err := json.Marshal(source); err == nil && string(settings) != "{}" {
			names = append(names, "dynamic "+source.CaddyModule().ID.Name()+" "+string(settings))
		}
	}
	if php, ok := proxy.Transport.(*fastcgi.Transport); ok {
		if root = rootOf(php.Root, root); root != "" {
			for i := range names {
				names[i] += " (root " + root + ")"
			}
		}
	}
	return names
}

func upstreamName(name string) string {
	if strings.HasPrefix(name, "{env.") {
		name = cmp.Or(caddy.NewReplacer().ReplaceKnown(name, ""), name)
	}
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return name
	}
	host = strings.ToLower(host)
	if slices.Contains([]string{"", "127.0.0.1", "::1", "0.0.0.0", "::"}, host) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// setsHost reports whether the app sees another host than the browser's. Caddy sends
// that of the upstream over TLS, unless it is told not to.
func setsHost(proxy *reverseproxy.Handler) bool {
	if proxy.Headers != nil && proxy.Headers.Request != nil {
		request := proxy.Headers.Request
		if host := request.Set["Host"]; len(host) > 0 {
			return host[0] != "{http.request.host}" && host[0] != "{http.request.hostport}"
		}
		if len(request.Add["Host"]) > 0 || len(request.Replace["Host"]) > 0 || slices.Contains(request.Delete, "Host") {
			return true
		}
	}
	return asksOverTLS(proxy)
}

func asksOverTLS(proxy *reverseproxy.Handler) bool {
	transport, ok := proxy.Transport.(*reverseproxy.HTTPTransport)
	return ok && transport.TLS != nil
}

// removesSession reports whether a proxy keeps the session from whom it asks.
func removesSession(proxy *reverseproxy.Handler) bool {
	return proxy.Headers != nil && proxy.Headers.Request != nil && slices.ContainsFunc(proxy.Headers.Request.Delete, func(name string) bool {
		matches, err := path.Match(strings.ToLower(name), "x-session-data")
		return matches && err == nil
	})
}

// otherSite is the first upstream whose name belongs to others than the site does, as far as
// its last two labels tell. Where a site has no name of its own, nobody can say.
func otherSite(upstreams []string, site string) string {
	for _, upstream := range upstreams {
		host, _, err := net.SplitHostPort(upstream)
		labels := strings.Split(host, ".")
		if err != nil || len(labels) < 2 || net.ParseIP(host) != nil || !strings.Contains(site, ".") ||
			slices.Contains(labels, "internal") || slices.Contains([]string{"local", "localhost", "lan", "arpa", "consul"}, labels[len(labels)-1]) {
			continue
		}
		if domain := strings.Join(labels[len(labels)-2:], "."); domain != "ts.net" && !strings.HasSuffix("."+site, "."+domain) {
			return host
		}
	}
	return ""
}

// asksBefore reports whether a proxy asks something else before the app, as
// forward_auth does.
func asksBefore(proxy *reverseproxy.Handler) bool {
	return proxy.Rewrite != nil && len(proxy.HandleResponse) > 0 && proxy.Rewrite.Method == http.MethodGet
}

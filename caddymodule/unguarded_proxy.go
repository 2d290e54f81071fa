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
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

func (s *survey) proxied(proxy *reverseproxy.Handler, at position) {
	guarded := at.guard != nil
	names := upstreams(proxy, at.root)
	s.failing = append(s.failing, failing{s.server, s.site, s.host, at.guard, at.root, false})
	if guarded && !asksBefore(proxy) {
		s.behind = append(s.behind, guardedApp{at.guard, s.site, s.host, at.byPath, names})
	}
	if guarded && !asksBefore(proxy) {
		s.useless[s.site] = false
		if len(proxy.HandleResponse) > 0 {
			at.guard.handlesResponses.Store(true)
		}
	}
	if site := otherSite(names, s.host); guarded && (at.byPath || at.ofAnswer) && !asksBefore(proxy) && site != "" && asksOverTLS(proxy) &&
		(len(at.guard.Handoff) == 0 || at.guard.realm.settings.ForwardCookie.or(false) || cmp.Or(at.guard.realm.settings.IdentityHeaders, "on") == "on" && !removesSession(proxy)) {
		s.warn("%s: reverse_proxy behind session_guard (%s) sends requests to %s, another site, which gets the session of each visitor with its tokens and may sign visitors in as anybody by X-Session-Set; "+
			"write a handle for it, and the guard in another handle beside that, or name the pages that sign in, for example: handoff %s, and write identity_headers user",
			s.site, at.guard.Source, site, cmp.Or(at.guard.LoginPath, "/login"))
	}
	if guarded && (at.moved && at.answerer == "" || changesPathItself(proxy, at.guard)) {
		s.warn("%s: the path is changed between session_guard (%s) and reverse_proxy, so the app gets a path that the guard has not checked; "+
			"put rewrite, uri or handle_path before session_guard (in a route block), or around it", s.site, at.guard.Source)
	}
	if guarded && !asksBefore(proxy) && setsHost(proxy) && at.guard.table.Load().RewritesByHost() {
		s.warn("%s: reverse_proxy sends the app another Host than session_guard (%s) saw, but rewrites of the app's build depend on the host; write header_up Host {host}", s.site, at.guard.Source)
	}
	for _, upstream := range names {
		if (guarded || at.perhaps) && !asksBefore(proxy) {
			s.guarded[upstream] = true
		}
		if !guarded && !slices.Contains(s.open[upstream], s.site) {
			s.open[upstream] = append(s.open[upstream], s.site)
		}
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
			slices.Contains([]string{"internal", "local", "localhost", "lan", "arpa", "consul"}, labels[len(labels)-1]) {
			continue
		}
		if domain := strings.Join(labels[len(labels)-2:], "."); !strings.HasSuffix("."+site, "."+domain) {
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

func changesPathItself(proxy *reverseproxy.Handler, guard *Guard) bool {
	return proxy.Rewrite != nil && !asksBefore(proxy) && changesPath(proxy.Rewrite, guard)
}

// changesPath reports whether the app gets another path than the guard has decided
// about. What the guard takes off itself makes no difference. A file that is there for
// the path (try_files, php_fastcgi) is meant, and so is what an answer names (X-Sendfile).
func changesPath(r *rewrite.Rewrite, guard *Guard) bool {
	path, _, _ := strings.Cut(r.URI, "?")
	for _, meant := range []string{"{http.matchers.file.", "{http.reverse_proxy.header.", "{http.intercept.header."} {
		if strings.Contains(path, meant) {
			path = ""
		}
	}
	if path == "{http.request.uri.path}" {
		path = ""
	}
	ownPrefix := guard.BasePath != "" && strings.TrimSuffix(r.StripPathPrefix, "/") == strings.TrimSuffix(guard.BasePath, "/")
	return path != "" || r.StripPathPrefix != "" && !ownPrefix ||
		r.StripPathSuffix != "" || len(r.URISubstring) > 0 || len(r.PathRegexp) > 0
}

package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"

	"github.com/session-guard/caddy-session-guard/routes"
)

// survey looks through the routes of a whole configuration for ways around its
// guards. Rules can only be proved for requests that meet a guard.
type survey struct {
	ctx      caddy.Context
	warnings []string
	guarded  map[string]bool     // upstreams that are proxied behind a guard
	open     map[string][]string // upstreams that are proxied without one, and where
	server   *caddyhttp.Server
	port     string // of the server, as it stands behind the hosts of its sites
	site     string
	host     string                     // of the site, without the port; empty for any
	useless  map[string]bool            // sites with a guard, unless something is proxied behind it
	guards   map[string][]*Guard        // of a site
	apis     map[string][]*API          // of a site
	matchers map[string][]*MatchSession // of a site
	closings []closing
	answered map[apiPlace]bool
	invoked  map[invocation]bool

	overridden map[string]bool // sites with a warning of header directives

	behind []guardedApp // what is proxied behind guards

	files map[string][]fileRoot // of a site, behind its guards

	failing     []failing
	errorRoutes []errorRoutes
}

// apiPlace is a path at which every request to a site meets a session API.
type apiPlace struct {
	server     *caddyhttp.Server
	site, path string
}

// position is what a request has met when it comes to a handler.
type position struct {
	guard     *Guard // nil: none, or not by every request
	perhaps   bool   // some requests have met a guard, and came on
	moved     bool   // its path may have been changed behind the guard
	answerer  string // the handler that has answered every request; empty: none
	sometimes bool   // only some requests of the site come here
	overrides string // fields that a header directive before it sets as the answer goes out
	root      string // where a file server finds its files, as far as that is known
	cut       bool   // a part of the path was taken off or replaced behind the guard
	byPath    bool   // only requests for some paths come here
	ofAnswer  bool   // in place of an answer
	stripped  string // a prefix that was taken off the path of requests that have it
}

// invocation is a named route that is being followed. It may invoke itself, after a
// rewrite.
type invocation struct {
	route *caddyhttp.Route
	at    position
}

// waysAround says, a sentence each, where requests reach an app without its guard.
func waysAround(ctx caddy.Context) ([]string, error) {
	module, err := ctx.AppIfConfigured("http")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, nil // no HTTP app, no way
	}
	if err != nil {
		return nil, err
	}
	app := module.(*caddyhttp.App)
	s := &survey{
		ctx:     ctx,
		guarded: map[string]bool{}, open: map[string][]string{}, useless: map[string]bool{},
		guards: map[string][]*Guard{}, apis: map[string][]*API{}, matchers: map[string][]*MatchSession{}, answered: map[apiPlace]bool{}, invoked: map[invocation]bool{},
		overridden: map[string]bool{}, files: map[string][]fileRoot{},
	}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		s.server = app.Servers[name]
		s.port = unusualPort(app, s.server)
		s.site = strings.Join(s.server.Listen, " ")
		s.routes(s.server.Routes, position{})
		if s.server.Errors != nil {
			s.errorRoutes = append(s.errorRoutes, errorRoutes{s.server, "", s.server.Errors.Routes})
		}
	}
	s.compareUpstreams()
	s.compareErrors()
	s.compareNamesOfFiles()
	s.compareGuards()
	s.compareApps()
	s.compareRealms()
	s.compareMatchers()
	s.compareUpdates()
	s.compareClosings()
	s.compareHooks()
	s.compareCookies()
	return s.warnings, nil
}

// unusualPort is the port by which the sites of a server differ from others of their
// hosts, such as :8443. HTTP and HTTPS are one site.
func unusualPort(app *caddyhttp.App, server *caddyhttp.Server) string {
	for _, listen := range server.Listen {
		address, err := caddy.ParseNetworkAddress(listen)
		port := int(address.StartPort) // 0: of a Unix socket
		if err == nil && port != 0 && port != cmp.Or(app.HTTPPort, caddyhttp.DefaultHTTPPort) && port != cmp.Or(app.HTTPSPort, caddyhttp.DefaultHTTPSPort) {
			return ":" + strconv.Itoa(port)
		}
	}
	return ""
}

// group is what was met in a group of routes, of which a request takes one.
type group struct {
	perhaps, moved bool // before it
	comesOn        bool // through one of its routes
}

// routes follows a list of routes. It returns where every request that comes to its
// end is.
func (s *survey) routes(list caddyhttp.RouteList, at position) position {
	groups := map[string]*group{}
	for _, route := range list {
		of := groups[route.Group]
		if of == nil {
			of = &group{perhaps: at.perhaps, moved: at.moved}
			if route.Group != "" {
				groups[route.Group] = of
			}
		}
		from := at
		from.perhaps, from.moved = of.perhaps, of.moved
		met := s.route(route, from)
		of.comesOn = of.comesOn || met.answerer == ""
		matchesAll := len(route.MatcherSets) == 0
		if matchesAll && !of.comesOn {
			at.answerer = met.answerer
		}
		if matchesAll {
			at.root = met.root
		}
		comesOn := met.answerer == "" && !route.Terminal
		if matchesAll && route.Group == "" {
			at.guard, at.perhaps, at.moved = met.guard, met.perhaps, met.moved && comesOn
			at.overrides, at.cut, at.stripped = met.overrides, met.cut, met.stripped
		} else if comesOn {
			if route.Group == "" {
				at.stripped = met.stripped
			}
			if route.Group == "" && !slices.ContainsFunc(route.MatcherSets, asksForSomePaths) {
				at.overrides = met.overrides
			}
			at.perhaps = at.perhaps || met.perhaps || met.guard != at.guard
			at.moved = at.moved || met.moved && met.guard == at.guard
		}
	}
	return at
}

func (s *survey) route(route caddyhttp.Route, at position) position {
	site, siteHost := s.site, s.host
	if host := firstHost(route); host != "" {
		s.site, s.host = host+s.port, host
	}
	at.byPath = at.byPath || slices.ContainsFunc(route.MatcherSets, asksForSomePaths)
	at.sometimes = at.sometimes || route.Group != "" && len(route.MatcherSets) == 0 || slices.ContainsFunc(route.MatcherSets, asksForMoreThanHost)
	s.matchersOf(route, at)
	met := s.handlers(route.Handlers, at)
	s.site, s.host = site, siteHost
	return met
}

func asksForMoreThanHost(set caddyhttp.MatcherSet) bool {
	return slices.ContainsFunc(set, func(matcher any) bool {
		_, host := matcher.(*caddyhttp.MatchHost)
		return !host
	})
}

func (s *survey) handlers(handlers []caddyhttp.MiddlewareHandler, at position) position {
	for _, handler := range handlers {
		switch handler := handler.(type) {
		case *Guard:
			if at.answerer != "" {
				s.warn("session_guard (%s) is never reached, since %s answers first; move it before %[2]s (in a route block, or with the global option order)", handler.Source, at.answerer)
				continue
			}
			if at.guard != nil {
				s.warn("requests pass two session_guards (the second at %s); merge their rules into one", handler.Source)
			} else if at.perhaps {
				s.warn("some requests pass two session_guards (the second at %s); merge their rules into one, or put each into a handle of its own", handler.Source)
			}
			s.checkOverrides("session_guard", handler.Source, at)
			s.checkStripped(handler, at)
			at.guard, at.moved, at.cut = handler, false, false
			s.guards[s.site] = append(s.guards[s.site], handler)
			if _, known := s.useless[s.site]; !known {
				s.useless[s.site] = true
			}
		case *API:
			s.answers(handler, at)
		case *headers.Handler:
			at.overrides = cmp.Or(at.overrides, overrides(handler))
		case *rewrite.Rewrite:
			at.moved = at.moved || at.guard != nil && changesPath(handler, at.guard)
			at.stripped = cmp.Or(at.stripped, handler.StripPathPrefix)
			at.cut = at.cut || at.guard != nil && handler.URI == "" && changesPath(handler, at.guard)
		case caddyhttp.VarsMiddleware:
			at.root = rootOf(handler["root"], at.root)
		case *caddyhttp.VarsMiddleware:
			at.root = rootOf((*handler)["root"], at.root)
		case *fileserver.FileServer:
			s.served(handler, at)
		case *caddyhttp.Subroute:
			if handler.Errors != nil && at.guard == nil { // a denial is an error, so those of a guard inside come to its error routes
				s.errorRoutes = append(s.errorRoutes, errorRoutes{s.server, s.site, handler.Errors.Routes})
			}
			at = s.routes(handler.Routes, at)
		case *caddyhttp.Invoke:
			if route := s.server.NamedRoutes[handler.Name]; route != nil {
				at = s.named(route, at)
			}
		case *reverseproxy.Handler:
			s.proxied(handler, at)
			s.responses(handler.HandleResponse, at)
		case *intercept.Intercept:
			s.responses(handler.HandleResponse, at)
		}
		if ends(handler) {
			at.answerer = cmp.Or(at.answerer, caddy.GetModuleName(handler))
		}
	}
	return at
}

// checkStripped warns of rules that name a prefix which the path has lost before the guard.
// They hold for who asks with it, since the original path counts too, and whoever asks
// without gets the same pages.
func (s *survey) checkStripped(guard *Guard, at position) {
	if at.stripped == "" || at.byPath {
		return
	}
	for _, rule := range guard.Rules {
		for _, pattern := range rule.Patterns {
			page, ok := strings.CutPrefix(pattern, at.stripped)
			page = cmp.Or(page, "/")
			if ok && rule.Type == "auth" && page[0] == '/' && !guard.closes(strings.ReplaceAll(page, "*", "x"), rule.Require) {
				s.warn("%s: uri strip_prefix %s comes before session_guard (%s), so the rule for %s does not hold for its path without %[2]s, %[5]s; "+
					"write the rules of the guard without %[2]s, or put both into handle_path %[2]s/*", s.site, at.stripped, guard.Source, pattern, page)
				return
			}
		}
	}
}

// closes reports whether a path needs a session, and one that meets the requirements.
func (g *Guard) closes(path string, require []Requirement) bool {
	m := g.table.Load().Match(path, "", "")
	return m.Type == routes.Auth && (len(require) == 0 || slices.ContainsFunc(m.Matched, func(rule int) bool {
		return slices.EqualFunc(g.Rules[rule].Require, require, Requirement.equal)
	}))
}

// responses follows what comes of answers to requests that came to a handler.
func (s *survey) responses(handlers []caddyhttp.ResponseHandler, at position) {
	at.sometimes, at.ofAnswer = true, true
	for _, handler := range handlers {
		s.routes(handler.Routes, at)
	}
}

// ends reports whether a handler never passes a request on. Only those are known that
// commonly stand beside an app.
func ends(handler caddyhttp.MiddlewareHandler) bool {
	switch handler := handler.(type) {
	case *reverseproxy.Handler:
		return !slices.ContainsFunc(handler.HandleResponse, passesOn)
	case *fileserver.FileServer:
		return !handler.PassThru
	case *caddyhttp.StaticResponse:
		return string(handler.StatusCode) != strconv.Itoa(http.StatusEarlyHints)
	}
	return slices.Contains([]string{"error", "metrics", "copy_response"}, caddy.GetModuleName(handler))
}

// passesOn reports whether a proxy that gets a good answer has the handlers behind it
// asked, as forward_auth does. One that only replaces error pages does not.
func passesOn(response caddyhttp.ResponseHandler) bool {
	if response.Match != nil && len(response.Match.StatusCode) > 0 &&
		!slices.ContainsFunc(response.Match.StatusCode, func(code int) bool { return code == 2 || code/100 == 2 }) {
		return false
	}
	return !slices.ContainsFunc(response.Routes, func(route caddyhttp.Route) bool {
		return slices.ContainsFunc(route.Handlers, ends)
	})
}

// answers notes a session API. Of two that every request meets at one path, the second
// never answers.
func (s *survey) answers(api *API, at position) {
	s.apis[s.site] = append(s.apis[s.site], api)
	if at.guard != nil {
		s.warn("session_api (%s) comes after session_guard, so the guard's rules decide who may call it; move it before session_guard, and out of handle", api.Source)
	}
	if upper := api.realm.settings.CookiePath; !isBelow(api.Path, upper) {
		s.warn("session_api (%s) answers %s, but browsers send the session cookie to cookie_path %s only, so it never sees who is signed in; write a path below that, such as path %s/api/session",
			api.Source, api.Path, upper, strings.TrimSuffix(upper, "/"))
	}
	s.checkOverrides("session_api", api.Source, at)
	place := apiPlace{s.server, s.site, api.Path}
	if s.answered[place] {
		s.warn("session_api (%s) never answers, since an earlier one answers %s; give it another path", api.Source, api.Path)
	}
	s.answered[place] = s.answered[place] || !at.sometimes
}

func (s *survey) named(route *caddyhttp.Route, at position) position {
	now := invocation{route, at}
	if s.invoked[now] {
		at.answerer = cmp.Or(at.answerer, "invoke") // what answers there is looked at already
		return at
	}
	s.invoked[now] = true
	defer delete(s.invoked, now)
	return s.handlers(route.Handlers, at)
}

func (s *survey) compareUpstreams() {
	for _, upstream := range slices.Sorted(maps.Keys(s.open)) {
		for _, site := range s.open[upstream] {
			if s.isGuarded(upstream) || s.useless[site] || len(s.apis[site]) > 0 && len(s.guards[site]) == 0 {
				s.warnOfOpen(site, upstream)
			}
		}
	}
}

func (s *survey) warnOfOpen(site, upstream string) {
	s.warn("%s: reverse_proxy sends requests to %s without a session_guard, so they reach every page and can claim to be any user; "+
		"put session_guard before each reverse_proxy to the app, not in a handle and without a matcher, and use its rules to say what is open", site, upstream)
}

// isGuarded reports whether an upstream is an app behind some guard, or a FastCGI server with a
// root above that of one, whose scripts it runs too.
func (s *survey) isGuarded(upstream string) bool {
	below := strings.TrimSuffix(strings.TrimSuffix(upstream, ")"), "/") + "/"
	for app := range s.guarded {
		if app == upstream || strings.HasPrefix(app, below) {
			return true
		}
	}
	return false
}

// ofAllSites is what was found on all sites, in the order of their names.
func ofAllSites[T any](found map[string][]T) (all []T) {
	for _, site := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[site]...)
	}
	return all
}

func (s *survey) warn(format string, arguments ...any) {
	if warning := fmt.Sprintf(format, arguments...); !slices.Contains(s.warnings, warning) {
		s.warnings = append(s.warnings, warning)
	}
}

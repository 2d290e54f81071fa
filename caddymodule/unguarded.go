package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
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
)

// survey looks through the routes of a whole configuration for ways around its
// guards. Rules can only be proved for requests that meet a guard.
type survey struct {
	ctx         caddy.Context
	asking      context.Context // of the requests that are made up
	following   map[invocation]bool
	found       map[string][]finding // of a site, and of all
	errorRoutes []errorRoutes
	apps        []app    // behind guards
	guarded     []string // upstreams that some requests come to through a guard
	warnings    []string
	asked       place // of the last request
	routesAsked caddyhttp.RouteList
}

// finding is a handler or a route, and where requests are that come to it.
type finding struct {
	what any
	at   position
}

// position is where a request is.
type position struct {
	place
	progress
}

// place is where in the configuration that is.
type place struct {
	server    *caddyhttp.Server
	port      string // of the server, as it stands behind the hosts of its sites
	site      string // as warnings name it
	host      string // of the site, without the port; empty for any
	sometimes bool   // only some requests of the site come here
	byPath    bool   // those for some paths
	paths     string // those, as patterns of the outermost matcher; empty: all, or unknown
	ofAnswer  bool   // in place of an answer
	bySent    bool   // only requests with some header, query or method come here
}

// progress is what the request has met on its way.
type progress struct {
	guard     *Guard // nil: none, or not by every request
	perhaps   bool   // some requests have met a guard, and came on
	answerer  string // the handler that has answered every request; empty: none
	overrides string // fields that a header directive before it sets as the answer goes out
	root      string // where a file server finds its files, as far as that is known
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
	s := &survey{ctx: ctx, following: map[invocation]bool{}, found: map[string][]finding{}}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		server := app.Servers[name]
		s.routes(server.Routes, position{place: place{server: server, port: unusualPort(app, server), site: strings.Join(server.Listen, " ")}})
		if server.Errors != nil {
			s.errorRoutes = append(s.errorRoutes, errorRoutes{server, "", server.Errors.Routes})
		}
	}
	ctx.FileSystems().Register(everyFileThere, everyFile{})
	defer ctx.FileSystems().Unregister(everyFileThere)
	asking, cancel := context.WithTimeout(ctx, longestSearch)
	defer cancel()
	s.asking = asking
	s.findApps()
	for _, check := range []func(*survey){
		(*survey).checkOrder, (*survey).checkOpen, (*survey).checkApps, (*survey).checkErrors, (*survey).checkPaths, (*survey).checkHeaders,
		(*survey).checkGuardsOfApps, (*survey).checkAppsOfRealms, (*survey).checkRealms, (*survey).checkCookies, (*survey).checkAPIs,
		(*survey).checkMatchers, (*survey).checkClosings, (*survey).checkUpdates, (*survey).checkHooks,
	} {
		check(s)
	}
	return s.warnings, nil
}

func (s *survey) warn(format string, arguments ...any) {
	if warning := fmt.Sprintf(format, arguments...); !slices.Contains(s.warnings, warning) {
		s.warnings = append(s.warnings, warning)
	}
}

// all are the handlers of a type, or routes, that requests come to.
func all[T any](s *survey) iter.Seq2[T, position] {
	return func(yield func(T, position) bool) {
		for _, found := range s.found[everySite] {
			if what, ok := found.what.(T); ok && found.at.answerer == "" && !yield(what, found.at) {
				return
			}
		}
	}
}

func (s *survey) find(what any, at position) {
	for _, site := range []string{at.site, everySite} {
		s.found[site] = append(s.found[site], finding{what, at})
	}
}

const everySite = ""

// ofSite are those of one site.
func ofSite[T any](s *survey, site string) (found []T) {
	for _, one := range s.found[site] {
		if what, ok := one.what.(T); ok && one.at.answerer == "" {
			found = append(found, what)
		}
	}
	return found
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
	perhaps bool // before it
	comesOn bool // through one of its routes
}

// routes follows a list of routes. It returns where every request that comes to its
// end is.
func (s *survey) routes(list caddyhttp.RouteList, at position) position {
	groups := map[string]*group{}
	for _, route := range list {
		matchesAll := len(route.MatcherSets) == 0
		if route.Group == "" && matchesAll {
			at.progress = s.route(route, at)
			continue
		}
		of := groups[route.Group]
		if of == nil {
			of = &group{perhaps: at.perhaps}
			if route.Group != "" {
				groups[route.Group] = of
			}
		}
		from := at
		from.perhaps = of.perhaps
		met := s.route(route, from)
		of.comesOn = of.comesOn || met.answerer == ""
		if matchesAll {
			at.root = met.root
			if !of.comesOn {
				at.answerer = met.answerer
			}
		}
		if met.answerer != "" || route.Terminal {
			continue
		}
		if route.Group == "" && !slices.ContainsFunc(route.MatcherSets, asksForSomePaths) {
			at.overrides = met.overrides
		}
		at.perhaps = at.perhaps || met.perhaps || met.guard != at.guard
	}
	return at
}

func (s *survey) route(route caddyhttp.Route, at position) progress {
	if host := firstHost(route); host != "" {
		at.site, at.host = host+at.port, host
	}
	at.byPath = at.byPath || slices.ContainsFunc(route.MatcherSets, asksForSomePaths)
	at.bySent = at.bySent || slices.ContainsFunc(route.MatcherSets, func(set caddyhttp.MatcherSet) bool { return slices.ContainsFunc(set, isSent) })
	at.paths = cmp.Or(at.paths, pathsOfAll(route.MatcherSets))
	at.sometimes = at.sometimes || route.Group != "" && len(route.MatcherSets) == 0 || slices.ContainsFunc(route.MatcherSets, asksForMoreThanHost)
	s.find(route, at)
	return s.handlers(route.Handlers, at)
}

func (s *survey) handlers(handlers []caddyhttp.MiddlewareHandler, at position) progress {
	for _, handler := range handlers {
		s.find(handler, at)
		switch handler := handler.(type) {
		case *Guard:
			if at.answerer == "" {
				at.guard = handler
			}
		case *headers.Handler:
			at.overrides = cmp.Or(at.overrides, overrides(handler))
		case *caddyhttp.VarsMiddleware:
			at.root = rootOf((*handler)["root"], at.root)
		case *caddyhttp.Subroute:
			if handler.Errors != nil && at.guard == nil { // a denial is an error, so those of a guard inside come to its error routes
				s.errorRoutes = append(s.errorRoutes, errorRoutes{at.server, at.site, handler.Errors.Routes})
			}
			at = s.routes(handler.Routes, at)
		case *caddyhttp.Invoke:
			if route := at.server.NamedRoutes[handler.Name]; route != nil {
				at.progress = s.named(route, at)
			}
		case *reverseproxy.Handler:
			s.responses(handler.HandleResponse, at)
		case *intercept.Intercept:
			s.responses(handler.HandleResponse, at)
		}
		if ends(handler) {
			at.answerer = cmp.Or(at.answerer, directiveOf(handler))
		}
	}
	return at.progress
}

func (s *survey) named(route *caddyhttp.Route, at position) progress {
	now := invocation{route, at}
	if s.following[now] {
		at.answerer = cmp.Or(at.answerer, "invoke") // what answers there is looked at already
		return at.progress
	}
	s.following[now] = true
	defer delete(s.following, now)
	return s.handlers(route.Handlers, at)
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

// directiveOf is what a handler is written as in a Caddyfile.
func directiveOf(handler caddyhttp.MiddlewareHandler) string {
	name := caddy.GetModuleName(handler)
	if name == "static_response" {
		return "respond or redir"
	}
	return name
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

func asksForMoreThanHost(set caddyhttp.MatcherSet) bool {
	return len(set) > len(matchersOf[*caddyhttp.MatchHost](set))
}

func asksForSomePaths(set caddyhttp.MatcherSet) bool {
	paths := pathsOf(set)
	return len(matchersOf[*caddyhttp.MatchPathRE](set)) > 0 || len(paths) > 0 && !slices.Contains(paths, "*")
}

// pathsOf are the paths that a set of matchers asks for.
func pathsOf(set caddyhttp.MatcherSet) (paths []string) {
	for _, matcher := range matchersOf[*caddyhttp.MatchPath](set) {
		paths = append(paths, *matcher...)
	}
	return paths
}

// pathsOfAll are the paths below which all requests are that come to a route; empty if some are anywhere.
func pathsOfAll(sets caddyhttp.MatcherSets) string {
	var all []string
	for _, set := range sets {
		paths := pathsOf(set)
		if len(paths) == 0 || slices.ContainsFunc(paths, func(path string) bool { return !strings.HasPrefix(path, "/") }) {
			return ""
		}
		all = append(all, paths...)
	}
	return strings.Join(all, " ")
}

// matchersOf are the matchers of a type in a set.
func matchersOf[T any](set caddyhttp.MatcherSet) (found []T) {
	for _, matcher := range set {
		if matcher, ok := matcher.(T); ok {
			found = append(found, matcher)
		}
	}
	return found
}

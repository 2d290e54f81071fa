package caddymodule

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	maphandler "github.com/caddyserver/caddy/v2/modules/caddyhttp/map"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// walk follows a request through the routes of a server.
type walk struct {
	server  *caddyhttp.Server
	request *http.Request
	groups  map[string]bool              // of which a route was taken; Caddy keeps them for the whole request
	ended   bool                         // a terminal route was taken, behind which nothing is asked
	invoked int                          // named routes
	perhaps caddyhttp.MiddlewareHandler  // the first that answers unless a guard behind it does
	toward  any                          // a handler, whose routes are taken whatever header, query and method they ask for
	without *caddyhttp.MiddlewareHandler // the first of a route that is passed over
	pass    func(*Guard)                 // is called of guards, which let the request pass; nil: the walk ends at one
}

// mostInvoked bounds how often named routes may be invoked, since one may invoke
// itself.
const mostInvoked = 100

// answerer is the first guard that the request meets, or what answers it before one
// does. A matcher of another plugin may panic, which net/http recovers from in a request.
func (w *walk) answerer(list caddyhttp.RouteList) (reached caddyhttp.MiddlewareHandler, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			reached, err = nil, fmt.Errorf("a matcher or a handler of the configuration failed: %v", reason)
		}
	}()
	return w.follow(list)
}

// routesFor leaves out those for other hosts, by name, of which there may be thousands.
func routesFor(host string, list caddyhttp.RouteList) (found caddyhttp.RouteList) {
	mayBe := func(name string) bool { return strings.EqualFold(name, host) || strings.ContainsAny(name, "*{") }
	for i := range list {
		if len(list[i].MatcherSets) == 0 || slices.ContainsFunc(list[i].MatcherSets, func(set caddyhttp.MatcherSet) bool {
			return !slices.ContainsFunc(matchersOf[*caddyhttp.MatchHost](set), func(hosts *caddyhttp.MatchHost) bool { return !slices.ContainsFunc(*hosts, mayBe) })
		}) {
			found = append(found, list[i])
		}
	}
	return found
}

// follow does that with a list of routes. Rewrites and variables on the way count, other handlers are not run.
func (w *walk) follow(list caddyhttp.RouteList) (caddyhttp.MiddlewareHandler, error) {
	for _, route := range list {
		if w.groups[route.Group] || len(route.Handlers) > 0 && w.without == &route.Handlers[0] {
			continue
		}
		matched, err := w.matchers(route).AnyMatchWithError(w.request)
		if err != nil {
			return nil, err
		}
		if !matched {
			continue
		}
		if route.Group != "" {
			w.groups[route.Group] = true
		}
		for _, handler := range route.Handlers {
			if reached, err := w.meet(handler); reached != nil || err != nil || w.ended {
				return reached, err
			}
		}
		if w.ended = route.Terminal; w.ended {
			return nil, nil
		}
	}
	return nil, nil
}

// matchers are those of a route, but for what each client may send to come to a handler.
func (w *walk) matchers(route caddyhttp.Route) caddyhttp.MatcherSets {
	if w.toward == nil || !leadsTo(route.Handlers, w.toward) {
		return route.MatcherSets
	}
	var sets caddyhttp.MatcherSets
	for _, set := range route.MatcherSets {
		sets = append(sets, slices.DeleteFunc(slices.Clone(set), isSent))
	}
	return sets
}

func leadsTo(handlers []caddyhttp.MiddlewareHandler, what any) bool {
	return slices.ContainsFunc(handlers, func(handler caddyhttp.MiddlewareHandler) bool {
		subroute, ok := handler.(*caddyhttp.Subroute)
		return any(handler) == what || ok && slices.ContainsFunc(subroute.Routes, func(route caddyhttp.Route) bool { return leadsTo(route.Handlers, what) })
	})
}

// isSent reports whether a matcher asks for what each client may send or not, beside the path.
func isSent(matcher any) bool {
	switch matcher.(type) {
	case *caddyhttp.MatchHeader, *caddyhttp.MatchHeaderRE, *caddyhttp.MatchQuery, *caddyhttp.MatchMethod:
		return true
	}
	return false
}

func (w *walk) meet(handler caddyhttp.MiddlewareHandler) (caddyhttp.MiddlewareHandler, error) {
	if ends(handler) {
		return handler, nil
	}
	switch handler := handler.(type) {
	case *rewrite.Rewrite:
		replacer, _ := w.request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		handler.Rewrite(w.request, replacer)
	case *caddyhttp.VarsMiddleware, *maphandler.Handler: // such as root, on which file matchers depend
		return nil, handler.ServeHTTP(nil, w.request, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil }))
	case *caddyhttp.Subroute:
		return w.follow(handler.Routes)
	case *caddyhttp.Invoke:
		return w.invoke(handler.Name)
	case *API:
		if handler.served.Serves(asBrowserSent(w.request)) {
			return handler, nil
		}
	case *Guard:
		if w.pass == nil {
			return handler, nil
		}
		w.pass(handler)
	case *reverseproxy.Handler, *fileserver.FileServer:
		w.perhaps = cmp.Or(w.perhaps, handler)
	}
	return nil, nil
}

func (w *walk) invoke(name string) (caddyhttp.MiddlewareHandler, error) {
	route := w.server.NamedRoutes[name]
	if route == nil {
		return nil, fmt.Errorf("there is no named route %q to invoke", name)
	}
	if w.invoked++; w.invoked > mostInvoked {
		return nil, fmt.Errorf("the named route %q invokes itself without end", name)
	}
	return w.follow(caddyhttp.RouteList{*route})
}

package caddymodule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// survey looks through the routes of a whole configuration for ways around its
// guards. Rules can only be proved for requests that meet a guard.
type survey struct {
	warnings []string
	guarded  map[string]bool     // upstreams that are proxied behind a guard
	open     map[string][]string // upstreams that are proxied without one, and where
	server   *caddyhttp.Server
	site     string
	useless  map[string]bool // sites with a guard, unless something is proxied behind it
	asking   map[string]bool // sites with a session API
	invoked  map[invocation]bool
}

// invocation is a named route that is being followed. It may invoke itself, after a
// rewrite.
type invocation struct {
	route   *caddyhttp.Route
	guarded bool
}

// waysAround says, a sentence each, where requests reach an app without its guard.
func waysAround(ctx caddy.Context) ([]string, error) {
	module, err := ctx.AppIfConfigured("http")
	if err != nil {
		return nil, nil // no HTTP app, no way
	}
	app, ok := module.(*caddyhttp.App)
	if !ok {
		return nil, fmt.Errorf("the app http is a %T", module)
	}
	s := &survey{guarded: map[string]bool{}, open: map[string][]string{}, useless: map[string]bool{}, asking: map[string]bool{}, invoked: map[invocation]bool{}}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		s.server = app.Servers[name]
		s.site = strings.Join(s.server.Listen, " ")
		s.routes(s.server.Routes, false)
		if s.server.Errors != nil {
			s.routes(s.server.Errors.Routes, false)
		}
	}
	s.conclude()
	return s.warnings, nil
}

// routes follows a list of routes. It returns whether every request that comes to
// its end has met a guard.
func (s *survey) routes(list caddyhttp.RouteList, guarded bool) bool {
	for _, route := range list {
		site := s.site
		if host := firstHost(route); host != "" {
			s.site = host
		}
		met := s.handlers(route.Handlers, guarded)
		s.site = site
		if len(route.MatcherSets) == 0 && route.Group == "" {
			guarded = met
		}
	}
	return guarded
}

func (s *survey) handlers(handlers []caddyhttp.MiddlewareHandler, guarded bool) bool {
	for _, handler := range handlers {
		switch handler := handler.(type) {
		case *Guard:
			if guarded {
				s.warn("a request meets two session_guards (the second at %s); keep one, with the rules of both", handler.Source)
			}
			guarded = true
			if _, known := s.useless[s.site]; !known {
				s.useless[s.site] = true
			}
		case *API:
			s.asking[s.site] = true
			if guarded {
				s.warn("session_api (%s) stands behind session_guard, whose rules then decide who may ask it; put it before, outside of handle", handler.Source)
			}
		case *caddyhttp.Subroute:
			guarded = s.routes(handler.Routes, guarded)
			if handler.Errors != nil { // a denial is an error, so the guard's own come here
				s.routes(handler.Errors.Routes, false)
			}
		case *caddyhttp.Invoke:
			if route := s.server.NamedRoutes[handler.Name]; route != nil {
				guarded = s.named(route, guarded)
			}
		case *reverseproxy.Handler:
			s.proxied(handler, guarded)
		}
	}
	return guarded
}

func (s *survey) named(route *caddyhttp.Route, guarded bool) bool {
	now := invocation{route, guarded}
	if s.invoked[now] {
		return guarded
	}
	s.invoked[now] = true
	defer delete(s.invoked, now)
	return s.handlers(route.Handlers, guarded)
}

func (s *survey) proxied(proxy *reverseproxy.Handler, guarded bool) {
	if guarded {
		s.useless[s.site] = false
	}
	for _, upstream := range proxy.Upstreams {
		if guarded {
			s.guarded[upstream.Dial] = true
		} else if !slices.Contains(s.open[upstream.Dial], s.site) {
			s.open[upstream.Dial] = append(s.open[upstream.Dial], s.site)
		}
	}
}

func (s *survey) conclude() {
	for _, upstream := range slices.Sorted(maps.Keys(s.open)) {
		for _, site := range s.open[upstream] {
			if s.guarded[upstream] || s.useless[site] || s.asking[site] {
				s.warn("%s: reverse_proxy passes requests to %s that no session_guard has seen, so they reach every page and may claim to be anybody; "+
					"put session_guard before each reverse_proxy to the app, outside of handle and of matchers, and say by its rules what is open", site, upstream)
			}
		}
	}
}

func (s *survey) warn(format string, arguments ...any) {
	if warning := fmt.Sprintf(format, arguments...); !slices.Contains(s.warnings, warning) {
		s.warnings = append(s.warnings, warning)
	}
}

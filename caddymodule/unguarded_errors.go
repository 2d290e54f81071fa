package caddymodule

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// errorRoutes answer the errors of a server, or of a subroute of one site.
type errorRoutes struct {
	server *caddyhttp.Server
	site   string // empty: all of the server
	list   caddyhttp.RouteList
}

// checkErrors sends requests that failed through the error routes. After a denial they have the
// path that was asked for, so without a rewrite a file server answers with the very file that
// was refused, and a proxy asks the app for any page. If they failed before they met a guard, as
// at a file server beside it, they may claim to be of any user.
func (s *survey) checkErrors() {
	for _, routes := range s.errorRoutes {
		for _, failing := range s.found[routes.site] {
			if failing.at.server != routes.server {
				continue
			}
			switch handler := failing.what.(type) {
			case *fileserver.FileServer:
				failing.at.root = rootOf(handler.Root, failing.at.root)
				s.checkError(routes.list, failing.at, true)
			case *reverseproxy.Handler, *caddyhttp.StaticError:
				s.checkError(routes.list, failing.at, false)
			}
		}
	}
}

func (s *survey) checkError(list caddyhttp.RouteList, at position, isFiles bool) {
	statuses := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable}
	if at.guard == nil {
		statuses = append(statuses, http.StatusNotFound, http.StatusBadGateway)
	}
	for _, status := range statuses {
		r := s.request(at.place, toGet("/"+aPage))
		caddyhttp.SetVar(r.Context(), "root", at.root)
		r = at.server.Errors.WithError(r, caddyhttp.Error(status, nil))
		w := walk{server: at.server, request: r, groups: map[string]bool{}}
		answerer, err := w.answerer(routesFor(at.host, list))
		if err != nil || at.guard != nil && !strings.Contains(r.URL.Path, aPage) {
			continue // one page for all
		}
		switch answerer := cmp.Or(answerer, w.perhaps).(type) {
		case *fileserver.FileServer:
			if isFiles && at.guard != nil && rootOf(answerer.Root, rootOfRequest(r)) == at.root {
				s.warn("%s: file_server in handle_errors answers with the file of the path that was asked for, so what session_guard (%s) refuses is sent with the error; "+
					"write rewrite * /error.html before it, for every error, or put a session_guard into handle_errors too", at.site, at.guard.Source)
			}
		case *reverseproxy.Handler:
			for _, upstream := range upstreams(answerer, rootOfRequest(r)) {
				if at.guard == nil && s.isGuarded(upstream) {
					s.warnOfOpen(at.site, "", upstream)
				} else if at.guard != nil && (s.isGuarded(upstream) || s.guardsNothing(at.site)) {
					s.warn("%s: reverse_proxy in handle_errors asks %s without a session_guard for the path of the request, so a denial is answered with the very page that was denied; "+
						"write rewrite * /error before it, for every error, or put a session_guard into handle_errors too", at.site, upstream)
				}
			}
		}
	}
}

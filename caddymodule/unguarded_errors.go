package caddymodule

import (
	"cmp"
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
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

// longestSearch is for how long matchers may be asked in all, also those of other plugins.
const longestSearch = 10 * time.Second

// aPage is a name that visitors may ask for, such that PHP would run its file.
const aPage = "any-page.php"

func toGet(path string) explainRequest {
	return explainRequest{Method: http.MethodGet, URL: (&url.URL{Path: path}).EscapedPath()}
}

// request makes up one to a site; nil if no client sends that, or matchers have taken their time
// already: Caddy is to start. File matchers find every file that it asks for, or that the operator names.
func (s *survey) request(here place, asked explainRequest) *http.Request {
	if s.asking.Err() != nil {
		s.warn("the search for ways around the guard by paths that change and by error pages ended after %s, since matchers of the configuration are slow", longestSearch)
		return nil
	}
	asked.Headers = http.Header{"Host": {here.host}, "Accept": {"*/*"}}
	r, err := asked.request(context.WithValue(s.asking, explaining{}, true))
	if err != nil {
		return nil
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), here.server)
	caddyhttp.SetVar(r.Context(), "fs", everyFileThere)
	return r
}

// everyFileThere names a file system with all files.
const everyFileThere = "session_guard.every_file"

type everyFile struct{}

// Open implements fs.FS.
func (everyFile) Open(name string) (fs.File, error) {
	if strings.Contains(name, aPage+"/") { // which is no folder
		return nil, fs.ErrNotExist
	}
	return os.Open(os.DevNull)
}

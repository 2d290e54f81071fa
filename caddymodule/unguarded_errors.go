package caddymodule

import (
	"cmp"
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

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

// checkErrors sends requests that failed through the error routes, and warns of those whose answer
// depends on the path. It is the one that was asked for, so without a rewrite a file server
// answers with the very file that a guard has refused, and a proxy asks the app for any page.
func (s *survey) checkErrors() {
	s.ctx.FileSystems().Register(everyFileThere, everyFile{})
	defer s.ctx.FileSystems().Unregister(everyFileThere)
	for _, routes := range s.errorRoutes {
		for _, failing := range s.found {
			if failing.at.server != routes.server || routes.site != "" && routes.site != failing.at.site {
				continue
			}
			switch handler := failing.what.(type) {
			case *fileserver.FileServer:
				failing.at.root = rootOf(handler.Root, failing.at.root)
				s.checkError(routes.list, failing.at, true)
			case *reverseproxy.Handler:
				s.checkError(routes.list, failing.at, false)
			}
		}
	}
}

func (s *survey) checkError(list caddyhttp.RouteList, failing position, isFiles bool) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable} {
		answerer, root := s.answerOfError(list, failing, status)
		switch answerer := answerer.(type) {
		case *fileserver.FileServer:
			if isFiles && failing.guard != nil && status != http.StatusNotFound && rootOf(answerer.Root, root) == failing.root {
				s.warn("%s: file_server in handle_errors answers with the file of the path that was asked for, so what session_guard (%s) refuses is sent with the error; "+
					"write rewrite * /error.html before it, for every error, or put a session_guard into handle_errors too", failing.site, failing.guard.Source)
			}
		case *reverseproxy.Handler:
			for _, upstream := range upstreams(answerer, root) {
				if s.isGuarded(upstream) {
					s.warnOfOpen(failing.site, upstream)
				}
			}
		}
	}
}

// aPath is a path that visitors may ask for, such that PHP would run its file.
const aPath = "/any-page.php"

// answerOfError is what error routes answer a request by, and its root; nil if the visitor has no
// choice.
func (s *survey) answerOfError(list caddyhttp.RouteList, failing position, status int) (answerer caddyhttp.MiddlewareHandler, root string) {
	asked := explainRequest{Method: http.MethodGet, URL: aPath, Headers: http.Header{"Host": {failing.host}, "Accept": {"*/*"}}}
	r, err := asked.request(context.WithValue(s.ctx, explaining{}, true))
	if err != nil {
		return nil, ""
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), failing.server)
	caddyhttp.SetVar(r.Context(), "root", failing.root)
	caddyhttp.SetVar(r.Context(), "fs", everyFileThere)
	r = failing.server.Errors.WithError(r, caddyhttp.Error(status, nil))
	w := walk{server: failing.server, request: r, groups: map[string]bool{}}
	answerer, err = w.follow(list)
	if err != nil || !strings.Contains(r.URL.Path, aPath) {
		return nil, ""
	}
	root, _ = caddyhttp.GetVar(r.Context(), "root").(string)
	return cmp.Or(answerer, w.perhaps), rootOf(root, "")
}

// everyFileThere names a file system with all files, so that matchers find those that visitors ask
// for and those that the operator names.
const everyFileThere = "session_guard.every_file"

type everyFile struct{}

// Open implements fs.FS.
func (everyFile) Open(name string) (fs.File, error) {
	if strings.Contains(name, aPath+"/") { // which is no folder
		return nil, fs.ErrNotExist
	}
	return os.Open(os.DevNull)
}

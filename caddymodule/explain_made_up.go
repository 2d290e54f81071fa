package caddymodule

import (
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
)

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

package sessionapi

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Path is the path of an API as a browser spells it.
type Path string

// PathOf is the path of an API that is configured so. Default: DefaultPath.
func PathOf(configured string) Path {
	configured = cmp.Or(configured, DefaultPath)
	if u, err := url.ParseRequestURI(configured); err == nil {
		return Path(u.EscapedPath())
	}
	return Path(configured)
}

// Serves reports whether the request is for the API. The path must be exact:
// with another case, a trailing slash or an encoded letter it belongs to the
// app.
func (p Path) Serves(r *http.Request) bool {
	_, below := p.below(r)
	return below || r.URL.EscapedPath() == string(p)
}

// below is the operation that a request asks for by a path below the API's.
func (p Path) below(r *http.Request) (asked operation, ok bool) {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), string(p))
	if !ok {
		return 0, false
	}
	asked, ok = operationsBelow[rest]
	return asked, ok
}

// DefaultPath is where the API answers unless Config.Path says otherwise.
const DefaultPath = "/api/session"

// CheckPath refuses what cannot be the path of an API. The error begins with the
// path and says what to write instead.
func CheckPath(configured string) error {
	u, err := url.ParseRequestURI(configured)
	if err != nil || !strings.HasPrefix(configured, "/") || configured == "/" ||
		strings.ContainsAny(configured, "?#*{}") || path.Clean(u.Path) != u.Path {
		return fmt.Errorf("%q is not one plain path; write for example: path %s", configured, DefaultPath)
	}
	return nil
}

package caddymodule

import (
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// originalRequest is the method and the URL that the client sent, whatever a
// handler before made of them.
func originalRequest(r *http.Request) (method string, sent *url.URL) {
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil {
		return r.Method, r.URL
	}
	return original.Method, original.URL
}

// rewrittenFrom is the URL that the client sent, or nil if no handler before
// changed its path.
func rewrittenFrom(r *http.Request) *url.URL {
	_, sent := originalRequest(r)
	if sent.Path == r.URL.Path && sent.RawPath == r.URL.RawPath {
		return nil
	}
	return sent
}

// originalPath is the escaped path that the client sent, if a handler before the
// guard changed it.
func originalPath(r *http.Request) string {
	if sent := rewrittenFrom(r); sent != nil {
		return sent.EscapedPath()
	}
	return ""
}

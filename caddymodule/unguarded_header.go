package caddymodule

import (
	"net/textproto"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
)

// checkHeaders warns of header directives that change what we answer after us.
func (s *survey) checkHeaders() {
	for _, found := range s.found {
		switch found.what.(type) {
		case *Guard, *API:
			if at := found.at; at.answerer == "" && at.overrides != "" {
				s.warn("%s: a header directive sets %s after the session's own headers, so caches may keep sessions, or the session's cookie is overwritten; "+
					"write these lines in a header block of their own, without -, > and defer", at.site, at.overrides)
			}
		}
	}
}

// overrides names the fields of what we answer that a header directive sets or deletes as
// the answer goes out, after us: caches are told that they may keep sessions, and the
// session's cookie gets lost. A single line that deletes a field (-Server) makes Caddy do
// so with all lines of the block.
func overrides(handler *headers.Handler) string {
	response := handler.Response
	if response == nil || response.HeaderOps == nil || !response.Deferred && response.Require == nil || isDefault(response) {
		return ""
	}
	names := slices.Clone(response.Delete)
	for name, values := range response.Set {
		if !slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, "no-store") }) {
			names = append(names, name)
		}
	}
	for name := range response.Replace {
		if !strings.EqualFold(name, "Set-Cookie") { // of which each line is edited, and stays
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return !isForSharedCaches(textproto.CanonicalMIMEHeaderKey(name)) &&
			!slices.ContainsFunc([]string{"cache-control", "vary", "set-cookie"}, func(ours string) bool {
				matched, _ := path.Match(strings.ToLower(name), ours) // -Set-* deletes all that begin so
				return matched
			})
	})
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// isDefault reports whether a field is set only where the answer has none (?Cache-Control),
// and ours have. Other conditions, such as a status, hold for answers with a session too.
func isDefault(response *headers.RespHeaderOps) bool {
	if response.Require == nil {
		return false
	}
	for _, values := range response.Require.Headers {
		if values == nil {
			return true
		}
	}
	return false
}

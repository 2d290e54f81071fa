package caddymodule

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
)

// checkHeaders warns of header directives that change what we answer after us.
func (s *survey) checkHeaders() {
	for _, found := range s.found[everySite] {
		switch found.what.(type) {
		case *Guard, *API:
			if at := found.at; at.answerer == "" && at.overrides != "" {
				s.warn("%s: a header directive sets %s after the session's own headers, so caches may keep sessions, or the session's cookie is overwritten; "+
					"write these lines in a header block of their own, without -, > and defer", at.site, at.overrides)
			}
		}
	}
}

// overrides names the fields of an answer of ours that a header directive sets or deletes as
// the answer goes out, after us: caches are told that they may keep sessions, and the
// session's cookie gets lost. A single line that deletes a field (-Server) makes Caddy do
// so with all lines of the block.
func overrides(handler *headers.Handler) string {
	response := handler.Response
	if response == nil || response.HeaderOps == nil || !response.Deferred && response.Require == nil || isDefault(response) {
		return ""
	}
	ours := map[string]string{"Cache-Control": "no-store", "Vary": "Cookie", "Set-Cookie": "session=x"}
	answer := http.Header{}
	for name, value := range ours {
		answer.Set(name, value)
	}
	response.ApplyTo(answer, caddy.NewReplacer())
	var lost []string
	for name, value := range ours {
		if values := strings.Join(answer[name], ","); !strings.Contains(values, value) && (name != "Cache-Control" || !isForVisitor(values)) {
			lost = append(lost, name)
		}
	}
	for name, values := range answer {
		if all := strings.Join(values, ","); isForSharedCaches(name) && !strings.Contains(all, "no-store") && !isForVisitor(all) {
			lost = append(lost, name)
		}
	}
	slices.Sort(lost)
	return strings.Join(lost, ", ")
}

// isForVisitor reports whether a Cache-Control keeps an answer from all caches but that of its visitor,
// who asks again each time: after a sign-in, a redirect to the login must not stay.
func isForVisitor(value string) bool {
	return strings.Contains(value, "private") && (!strings.Contains(value, "max-age") || strings.Contains(value, "no-cache"))
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

package routes

import (
	"net/http"
	"strings"
)

// Kind says how a browser or Next.js's client asks, and so in which protocol
// it understands an answer.
type Kind string

// The kinds of requests, in the order in which they are recognized.
const (
	WebSocket Kind = "websocket" // an upgrade, or an extended CONNECT (RFC 8441, RFC 9220)
	Action    Kind = "action"    // a Server Action
	Prefetch  Kind = "prefetch"  // by the browser or Next.js's router, in advance
	Data      Kind = "data"      // of the Pages Router
	RSC       Kind = "rsc"       // a navigation in the App Router
	Fetch     Kind = "fetch"     // by a script, or for a part of a page
	Document  Kind = "document"  // a navigation of the browser
)

// Kind returns the first kind that fits the request. Header names must be in
// their canonical form, as net/http servers deliver them.
func (t *Table) Kind(r *http.Request) Kind {
	h := r.Header
	switch {
	case isWebSocket(r):
		return WebSocket
	case len(h["Next-Action"]) > 0:
		return Action
	case isPrefetch(h):
		return Prefetch
	case len(h["X-Nextjs-Data"]) > 0 || t.isData(r.URL.Path):
		return Data
	case first(h["Rsc"]) == "1":
		return RSC
	case !isNavigation(h):
		return Fetch
	default:
		return Document
	}
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// isWebSocket knows an upgrade of HTTP/1.1, and an extended CONNECT, whose
// protocol net/http puts into the header for HTTP/2, and quic-go into Proto
// for HTTP/3.
func isWebSocket(r *http.Request) bool {
	if r.Method == http.MethodConnect {
		return r.Proto == "websocket" || first(r.Header[":protocol"]) == "websocket"
	}
	return hasToken(r.Header["Upgrade"], "websocket")
}

func isPrefetch(h http.Header) bool {
	return len(h["Next-Router-Prefetch"]) > 0 ||
		len(h["Next-Router-Segment-Prefetch"]) > 0 ||
		hasToken(h["Sec-Purpose"], "prefetch") ||
		hasToken(h["Purpose"], "prefetch")
}

// hasToken looks for a token in comma-separated lists with parameters.
func hasToken(values []string, token string) bool {
	for _, value := range values {
		for value != "" {
			var item string
			item, value, _ = strings.Cut(value, ",")
			item, _, _ = strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}

// isData reports whether a decoded path is a data route.
func (t *Table) isData(path string) bool {
	return strings.Contains(path, dataPrefix+"/") && t.strip(path, howRaw).data
}

// isNavigation reports whether a browser loads the answer as a page. A client
// that does not take HTML is none, whatever else it says.
func isNavigation(h http.Header) bool {
	if mode := first(h["Sec-Fetch-Mode"]); mode != "" && mode != "navigate" {
		return false
	}
	switch first(h["Sec-Fetch-Dest"]) {
	case "", "document", "iframe", "frame", "embed", "object", "fencedframe":
	default:
		return false
	}
	for _, value := range h["Accept"] {
		if containsFold(value, "text/html") {
			return true
		}
	}
	return false
}

// containsFold expects the letters in the case of substr, as browsers write them.
func containsFold(s, substr string) bool {
	return strings.Contains(s, substr) || lastIndexFold(s, substr) >= 0
}

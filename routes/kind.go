package routes

import (
	"net/http"
	"slices"
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

// Kind returns the first kind that fits the request. Every header of the request must
// have been given to [Signs.Add]: the caller looks at each of them anyway.
func (t *Table) Kind(r *http.Request, signs *Signs) Kind {
	switch {
	case signs.websocket && r.Method != http.MethodConnect || isExtendedConnect(r):
		return WebSocket
	case signs.action:
		return Action
	case signs.prefetch:
		return Prefetch
	case signs.data || t.isData(r.URL.Path):
		return Data
	case signs.rsc:
		return RSC
	case signs.script || signs.nothing && !signs.navigates || !signs.html:
		return Fetch
	default:
		return Document
	}
}

// Signs are what the headers of a request say of its kind. The zero value is a
// request without any.
type Signs struct {
	websocket, action, prefetch, data, rsc bool
	script                                 bool // the browser does not load the answer as a page
	navigates, nothing                     bool // a Service Worker passes a page on for nothing in particular
	html                                   bool // a client that does not take HTML loads no page, whatever else it says
}

// Add notes what one header says. Its name must be in canonical form, as net/http
// servers deliver it.
func (s *Signs) Add(name string, values []string) {
	if len(values) == 0 {
		return
	}
	switch name {
	case "Upgrade":
		s.websocket = hasToken(values, "websocket")
	case "Next-Action":
		s.action = true
	case "Next-Router-Prefetch", "Next-Router-Segment-Prefetch":
		s.prefetch = true
	case "Sec-Purpose", "Purpose":
		s.prefetch = s.prefetch || hasToken(values, "prefetch")
	case "X-Nextjs-Data":
		s.data = true
	case "Rsc":
		s.rsc = values[0] == "1"
	case "Sec-Fetch-Mode":
		s.navigates = values[0] == "navigate" // which no script can say
		s.script = s.script || values[0] != "" && !s.navigates
	case "Sec-Fetch-Dest":
		s.nothing = values[0] == "empty"
		s.script = s.script || !s.nothing && !isPage(values[0])
	case "Accept":
		s.html = slices.ContainsFunc(values, func(value string) bool { return containsFold(value, "text/html") })
	}
}

// isPage reports whether a browser loads something for this destination as a page.
func isPage(destination string) bool {
	switch destination {
	case "", "document", "iframe", "frame", "embed", "object", "fencedframe":
		return true
	}
	return false
}

// isExtendedConnect knows a WebSocket whose protocol net/http puts into the header
// for HTTP/2, and quic-go into Proto for HTTP/3.
func isExtendedConnect(r *http.Request) bool {
	if r.Method != http.MethodConnect {
		return false
	}
	protocol := r.Header[":protocol"]
	return r.Proto == "websocket" || len(protocol) > 0 && protocol[0] == "websocket"
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

// containsFold expects the letters in the case of substr, as browsers write them.
func containsFold(s, substr string) bool {
	return strings.Contains(s, substr) || lastIndexFold(s, substr) >= 0
}

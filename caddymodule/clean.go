package caddymodule

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// internalHeaders are names that only Next.js itself or a proxy may set. From a
// client they skipped middleware (CVE-2025-29927), chose the page
// (x-matched-path), the URL and method that a framework sees, or the file that it has a
// server send (x-accel-mapping, CVE-2025-61780).
var internalHeaders = map[string]bool{
	"x-matched-path": true, "x-now-route-matches": true, "next-resume": true, "x-next-resume-state-length": true,
	"x-action-forwarded": true, "x-action-redirect": true, "x-action-revalidated": true, "x-prerender-revalidate": true,
	"x-prerender-revalidate-if-generated": true, "x-rewrite-url": true, "x-original-url": true, "x-original-uri": true,
	"x-http-method-override": true, "x-http-method": true, "x-method-override": true, "location": true, "x-sendfile-type": true,
}

// internalPrefixes are families of such names.
var internalPrefixes = []string{"x-middleware-", "x-nextjs-", "x-invoke-", "x-accel-"}

// developmentHeaders name the browser and the request for which next dev sends its
// debugging information, and decide nothing; next start does not read them. The
// client of next dev waits for that information before it shows an answer.
var developmentHeaders = map[string]bool{"X-Nextjs-Request-Id": true, "X-Nextjs-Html-Request-Id": true}

// forwardedHeaders say what a proxy in front of Caddy saw. From anyone else they
// are lies; Caddy itself replaces X-Forwarded-For, -Host and -Proto.
var forwardedHeaders = map[string]bool{
	"forwarded": true, "x-forwarded-uri": true, "x-forwarded-method": true, "x-forwarded-prefix": true,
	"x-forwarded-port": true, "x-forwarded-server": true, "x-forwarded-path": true, "x-forwarded-scheme": true,
}

// cleanRequest removes what a client must not tell the app: identity, and what
// only Next.js or a proxy may say. It runs for every request, before anything of
// ours is set. As it looks at every header, it also finds out the kind.
func cleanRequest(r *http.Request, table *routes.Table, dataRoute bool) routes.Kind {
	var signs routes.Signs
	for name, values := range r.Header {
		signs.Add(name, values)
		switch firstLetter(name) {
		case 'f', 'l', 'n', 'x': // of all names that are looked for, and of few others
		default:
			continue
		}
		if dataRoute && name == "X-Nextjs-Data" {
			continue // Next.js's own client sends it there
		}
		var buffer [maxFolded]byte
		folded := appendFold(buffer[:0], name)
		if session.IsSessionHeader(name) || isInternal(folded) && !developmentHeaders[name] || forwardedHeaders[string(folded)] && !isTrusted(r) {
			delete(r.Header, name)
		}
	}
	kind := table.Kind(r, &signs)
	cleanUpgrade(r.Header, kind)
	cleanConnection(r.Header)
	if r.Trailer != nil {
		cleanTrailer(r.Trailer)
		r.Body = &trailerCleaner{ReadCloser: r.Body, request: r}
	}
	return kind
}

// isTrusted reports whether the request comes from one of Caddy's trusted proxies.
func isTrusted(r *http.Request) bool {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
}

// firstLetter is the lower-case letter that a name begins with. What is no letter
// does not become one of those that are looked for.
func firstLetter(name string) byte {
	if name == "" {
		return 0
	}
	return name[0] | 0x20
}

// isInternal reports whether a name is for Next.js or a proxy alone.
func isInternal(folded []byte) bool {
	if internalHeaders[string(folded)] {
		return true
	}
	for _, prefix := range internalPrefixes {
		if bytes.HasPrefix(folded, []byte(prefix)) {
			return true
		}
	}
	return false
}

// maxFolded is above the length of every name that is looked for, so that
// folding needs no memory of its own for them.
const maxFolded = 64

// appendFold appends the lower-case spelling with hyphens between the words, as CGI-like
// servers take other spellings for it.
func appendFold(b []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '_' || c == '.':
			c = '-'
		}
		b = append(b, c)
	}
	return b
}

// cleanConnection keeps a client from naming our headers, or Cookie, in its
// Connection header: the proxy would remove them from the request to the app as
// hop-by-hop (the class of CVE-2024-45410).
func cleanConnection(header http.Header) {
	if slices.ContainsFunc(header["Connection"], namesProtected) {
		keepElements(header, "Connection", func(token string) bool { return !isProtected(token) })
	}
}

// keepElements leaves those elements of a comma-separated header that pass.
func keepElements(header http.Header, name string, passes func(string) bool) {
	var kept []string
	for _, line := range header[name] {
		for element := range strings.SplitSeq(line, ",") {
			if element = strings.TrimSpace(element); element != "" && passes(element) {
				kept = append(kept, element)
			}
		}
	}
	if len(kept) == 0 {
		delete(header, name)
	} else {
		header[name] = []string{strings.Join(kept, ", ")}
	}
}

// cleanUpgrade leaves no protocol to change to but WebSocket. The proxy would take
// the first line and pass on what the connection then carries: HTTP/2 (h2c) would
// take any request to the app, with any identity and past every rule.
func cleanUpgrade(header http.Header, kind routes.Kind) {
	switch {
	case len(header["Upgrade"]) == 0:
	case kind == routes.WebSocket:
		header["Upgrade"] = []string{"websocket"}
	default:
		delete(header, "Upgrade")
	}
}

func namesProtected(line string) bool {
	for token := range strings.SplitSeq(line, ",") {
		switch token = strings.TrimSpace(token); token {
		case "", "keep-alive", "close", "Upgrade": // as browsers write it
		default:
			if isProtected(token) {
				return true
			}
		}
	}
	return false
}

var (
	protectedNames    = map[string]bool{"cookie": true, "authorization": true, "host": true, "forwarded": true, "rsc": true, "origin": true}
	protectedPrefixes = []string{"x-forwarded-", "sec-fetch-", "next-"}
)

// isProtected reports whether a token in Connection names what the app must get.
func isProtected(token string) bool {
	var buffer [maxFolded]byte
	folded := appendFold(buffer[:0], token)
	return session.IsSessionHeader(token) || isInternal(folded) || protectedNames[string(folded)] || slices.ContainsFunc(protectedPrefixes, func(prefix string) bool {
		return bytes.HasPrefix(folded, []byte(prefix))
	})
}

// cleanTrailer removes from trailers what headers may not have, which an app may merge
// into them, and more: no client has a reason to send cookies there, nor what Caddy
// itself sets. net/http announces an empty element of the Trailer list as a trailer without
// a name.
func cleanTrailer(trailer http.Header) {
	for name := range trailer {
		folded := appendFold(nil, name)
		if name == "" || session.IsSessionHeader(name) || isInternal(folded) ||
			string(folded) == "cookie" || string(folded) == "forwarded" || bytes.HasPrefix(folded, []byte("x-forwarded-")) {
			delete(trailer, name)
		}
	}
}

// trailerCleaner removes trailers of our names once they have arrived, which is
// with the end of the body.
type trailerCleaner struct {
	io.ReadCloser
	request *http.Request
}

// Read implements io.Reader.
func (c *trailerCleaner) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil {
		cleanTrailer(c.request.Trailer)
	}
	return n, err
}

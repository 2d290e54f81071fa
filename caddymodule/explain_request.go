package caddymodule

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// explainRequest is a request that is only asked about.
type explainRequest struct {
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers http.Header `json:"headers,omitempty"`
	From    string      `json:"from,omitempty"` // the address of the client, or of a proxy; default: 127.0.0.1
}

// path is the path of the URL as it is written, which may be none that Go reads.
func (q explainRequest) path() string {
	written, _, _ := strings.Cut(q.URL, "#")
	written, _, _ = strings.Cut(written, "?")
	if _, rest, ok := strings.Cut(written, "://"); ok && written[0] != '/' {
		written = rest
	}
	if slash := strings.IndexByte(written, '/'); slash >= 0 {
		return written[slash:]
	}
	return ""
}

func hasBrokenEscape(path string) bool {
	_, err := url.PathUnescape(path)
	return err != nil
}

func (q explainRequest) request(ctx context.Context) (*http.Request, error) {
	written, _, _ := strings.Cut(q.URL, "#")
	parse := url.Parse
	if strings.HasPrefix(written, "/") {
		parse = url.ParseRequestURI // as in a request, where //dashboard is a path
	}
	u, err := parse(written)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, q.Method, "/", nil)
	if err != nil {
		return nil, err
	}
	r.URL, r.Host = u, u.Host
	if u.Host != "" && u.Path == "" {
		u.Path = "/" // as every client takes it (RFC 9110 section 4.2.3)
	}
	if !strings.HasPrefix(r.URL.Path, "/") || r.URL.Host != "" && r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a site; write for example: https://app.example.com/dashboard, or /dashboard", q.URL)
	}
	from, err := netip.ParseAddr(cmp.Or(q.From, "127.0.0.1"))
	if err != nil {
		return nil, fmt.Errorf("from %q is no address; write one such as 203.0.113.7", q.From)
	}
	r.RemoteAddr = netip.AddrPortFrom(from, 1).String() // any port
	for name, values := range q.Headers {
		for _, value := range values {
			r.Header.Add(name, value)
		}
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	if r.Header["Accept"] == nil { // as a browser's navigation
		r.Header["Accept"] = []string{"text/html"}
	}
	r.RequestURI = r.URL.RequestURI()
	return r, nil
}

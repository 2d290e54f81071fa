package routes

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// kindOf adds every header of the request, as whoever cleans them does.
func kindOf(table *Table, r *http.Request) Kind {
	var signs Signs
	for name, values := range r.Header {
		signs.Add(name, values)
	}
	return table.Kind(r, &signs)
}

func TestKind(t *testing.T) {
	table := compile(t, Config{Locales: []string{"en"}, BasePath: "/base"})
	const html = "text/html,application/xhtml+xml"
	for _, tc := range []struct {
		name, method, path string
		header             map[string]string
		want               Kind
	}{
		{"navigation", "GET", "/x", map[string]string{"Accept": html, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, Document},
		{"navigation without metadata", "GET", "/x", map[string]string{"Accept": "TEXT/HTML;q=0.9"}, Document},
		{"frame", "GET", "/x", map[string]string{"Accept": html, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, Document},
		{"navigation through a service worker", "GET", "/x", map[string]string{"Accept": html, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "empty"}, Document},
		{"fetch", "GET", "/x", map[string]string{"Accept": html, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, Fetch},
		{"fetch without a mode", "GET", "/x", map[string]string{"Accept": html, "Sec-Fetch-Dest": "empty"}, Fetch},
		{"form", "POST", "/x", map[string]string{"Accept": html, "Sec-Fetch-Mode": "navigate"}, Document},
		{"curl", "GET", "/x", map[string]string{"Accept": "*/*"}, Fetch},
		{"no Accept", "GET", "/x", nil, Fetch},
		{"fetch that takes anything", "GET", "/x", map[string]string{"Accept": html, "Sec-Fetch-Mode": "cors"}, Fetch},
		{"image", "GET", "/x", map[string]string{"Accept": html, "Sec-Fetch-Dest": "image"}, Fetch},
		{"navigation that wants JSON", "GET", "/x", map[string]string{"Accept": "application/json", "Sec-Fetch-Mode": "navigate"}, Fetch},
		{"rsc", "GET", "/x", map[string]string{"Rsc": "1"}, RSC},
		{"rsc with another value is a page", "GET", "/x", map[string]string{"Rsc": "true", "Accept": html}, Document},
		{"data route", "GET", "/_next/data/B/x.json", map[string]string{"Accept": html}, Data},
		{"data route below all prefixes", "GET", "/base/en/_next/data/B/x.json", nil, Data},
		{"data route of nobody", "GET", "/x/_next/data/B/x.json", nil, Fetch},
		{"data header", "GET", "/x", map[string]string{"X-Nextjs-Data": "1", "Rsc": "1"}, Data},
		{"router prefetch", "GET", "/x", map[string]string{"Rsc": "1", "Next-Router-Prefetch": "1"}, Prefetch},
		{"segment prefetch", "GET", "/x", map[string]string{"Next-Router-Segment-Prefetch": "/_tree"}, Prefetch},
		{"speculation rules", "GET", "/x", map[string]string{"Sec-Purpose": "prefetch;prerender", "Accept": html}, Prefetch},
		{"old prefetch", "GET", "/x", map[string]string{"Purpose": "prefetch"}, Prefetch},
		{"another purpose", "GET", "/x", map[string]string{"Sec-Purpose": "prefetching", "Accept": html}, Document},
		{"data prefetch", "GET", "/_next/data/B/x.json", map[string]string{"Purpose": "prefetch"}, Prefetch},
		{"action", "POST", "/x", map[string]string{"Next-Action": "00ab", "Accept": "text/x-component", "Next-Router-Prefetch": "1"}, Action},
		{"action without id", "POST", "/x", map[string]string{"Next-Action": ""}, Action},
		{"websocket", "GET", "/x", map[string]string{"Upgrade": "WebSocket", "Next-Action": "1"}, WebSocket},
		{"websocket among others", "GET", "/x", map[string]string{"Upgrade": "h2c, websocket"}, WebSocket},
		{"another upgrade", "GET", "/x", map[string]string{"Upgrade": "h2c", "Accept": html}, Document},
		{"empty metadata", "GET", "/x", map[string]string{"Accept": html, "Sec-Fetch-Mode": "", "Sec-Fetch-Dest": ""}, Document},
		{"CONNECT", "CONNECT", "/x", nil, Fetch},
		{"CONNECT with an upgrade", "CONNECT", "/x", map[string]string{"Upgrade": "websocket"}, Fetch},
		{"extended CONNECT for another protocol", "CONNECT", "/x", map[string]string{":protocol": "connect-udp"}, Fetch},
		{"extended CONNECT in HTTP/2", "CONNECT", "/x", map[string]string{":protocol": "websocket"}, WebSocket},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, "http://app.example"+tc.path, nil)
			for name, value := range tc.header {
				r.Header[name] = []string{value}
			}
			if got := kindOf(table, r); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	r := httptest.NewRequest(http.MethodConnect, "http://app.example/x", nil)
	r.Proto = "websocket"
	if got := kindOf(table, r); got != WebSocket {
		t.Errorf("extended CONNECT in HTTP/3: got %s", got)
	}
}

// What a handler before has emptied says nothing.
func TestSignsOfAHeaderWithoutValues(t *testing.T) {
	var signs Signs
	for _, name := range []string{"Upgrade", "Next-Action", "Next-Router-Prefetch", "Sec-Purpose", "X-Nextjs-Data", "Rsc", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Accept"} {
		signs.Add(name, nil)
	}
	if signs != (Signs{}) {
		t.Errorf("got %+v", signs)
	}
}

// The headers of a request come in no order.
func TestSignsCountInAnyOrder(t *testing.T) {
	table := compile(t, Config{})
	for name, tc := range map[string]struct {
		headers [][2]string
		want    Kind
	}{
		"an image that is navigated to": {[][2]string{{"Sec-Fetch-Dest", "image"}, {"Sec-Fetch-Mode", "navigate"}, {"Accept", "text/html"}}, Fetch},
		"a fetch of a document":         {[][2]string{{"Sec-Fetch-Dest", "document"}, {"Sec-Fetch-Mode", "cors"}, {"Accept", "text/html"}}, Fetch},
		"a prefetch with a purpose":     {[][2]string{{"Next-Router-Prefetch", "1"}, {"Purpose", "navigation"}, {"Rsc", "1"}}, Prefetch},
		"one purpose of two":            {[][2]string{{"Sec-Purpose", "prefetch"}, {"Purpose", "navigation"}, {"Rsc", "1"}}, Prefetch},
	} {
		for range tc.headers {
			tc.headers = append(tc.headers[1:], tc.headers[0])
			for range 2 {
				tc.headers[0], tc.headers[1] = tc.headers[1], tc.headers[0]
				var signs Signs
				for _, header := range tc.headers {
					signs.Add(header[0], []string{header[1]})
				}
				if got := table.Kind(httptest.NewRequest(http.MethodGet, "http://app.example/x", nil), &signs); got != tc.want {
					t.Errorf("%s, as %q: got %s, want %s", name, tc.headers, got, tc.want)
				}
			}
		}
	}
}

package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A cookie in a trailer goes on if it is none of ours, though no browser takes it, and
// those of the header are not repeated there.
func TestCookiesInTrailers(t *testing.T) {
	s := serve(t, "header Set-Cookie before=1\n"+guarded, "servers {\n protocols h1 h2c\n }")
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Foo, set-cookie")
		w.Header().Add("Set-Cookie", "plain=1")
		_, _ = io.WriteString(w, "page")
		w.Header().Set("X-Foo", "foo")
		w.Header().Set("Set-Cookie", "session.set="+handoff(ada))
		w.Header().Add("Set-Cookie", "late=1")
		w.Header().Add("Set-Cookie", "session.delete=1")
	})
	for _, http2 := range []bool{false, true} {
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(!http2)
		transport.Protocols.SetUnencryptedHTTP2(http2)
		request, err := http.NewRequest("GET", "http://"+s.addr+"/", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(request)
		require.NoError(t, err)
		assert.Equal(t, "page", body(t, response))
		require.NoError(t, response.Body.Close())
		transport.CloseIdleConnections()
		assert.Equal(t, []string{"before=1", "plain=1"}, response.Header["Set-Cookie"])
		assert.Equal(t, "foo", response.Trailer.Get("X-Foo"))
		assert.Equal(t, []string{"late=1"}, response.Trailer["Set-Cookie"])
	}
}

// What a handler in front adds to a header as it goes out is no trailer, and no handoff
// that came too late.
func TestHeadersOfHandlersInFrontAreNoTrailers(t *testing.T) {
	s := serve(t, "header {\n -Server\n +Set-Cookie edge=1\n}\n"+guarded)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "hello")
	})
	response := s.request("GET", "/")
	assert.Equal(t, []string{"edge=1"}, response.Header["Set-Cookie"])
	assert.Empty(t, response.Trailer)

	s = serve(t, "session_guard {\n default hybrid\n}\nhandle {\n session_guard {\n realm adm\n default hybrid\n }\n reverse_proxy {{app}}\n}",
		"session adm {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n}")
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "session.set="+handoff(ada))
	})
	cookie := cookieHeader(s.request("GET", "/"))
	require.NotEmpty(t, cookie)
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("Set-Cookie", "session.delete=1") })
	assert.Empty(t, s.request("GET", "/", "Cookie", cookie).Trailer)
	text := s.logged()
	assert.NotContains(t, text, "something like a handoff was removed")
}

// Next.js renders the target of an action's redirect into the answer, around the
// guard.
func TestServerActionsRenderAhead(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for _, tc := range []struct {
		name, target, handoff, cookie string
		kept                          bool
	}{
		{"a guarded target for an anonymous visitor", "/dashboard;push", "", "", false},
		{"a guarded target in another spelling", "/x/../dashboard;push", "", "", false},
		{"a relative target", "dashboard;push", "", "", false},
		{"an open target", "/about;push", "", "", true},
		{"after a login", "/dashboard;push", handoff(ada), "", false},
		{"signed in, allowed", "/dashboard;push", "", cookie, true},
		{"signed in, forbidden", "/editors/new;push", "", cookie, false},
		{"what cannot be resolved", "http://[::1;push", "", "", false},
		{"two targets", "/about;push\n/about;push", "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.t = t
			s.answer(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["X-Action-Redirect"] = strings.Split(tc.target, "\n")
				w.Header().Set("Content-Type", "text/x-component")
				w.Header().Set("Etag", `"x"`)
				if tc.handoff != "" {
					w.Header().Set("X-Session-Set", tc.handoff)
				}
				w.WriteHeader(303)
				_, _ = io.WriteString(w, "SECRET")
			})
			path := "/login"
			if tc.cookie != "" {
				path = "/"
			}
			response := s.request("POST", path, "Next-Action", "00ab", "Cookie", tc.cookie)
			require.Equal(t, 303, response.StatusCode)
			assert.Equal(t, strings.Split(tc.target, "\n"), response.Header["X-Action-Redirect"])
			if tc.kept {
				assert.Equal(t, "SECRET", body(t, response))
				return
			}
			assert.Empty(t, body(t, response))
			assert.Equal(t, "text/plain", response.Header.Get("Content-Type"))
			assert.Empty(t, response.Header["Etag"])
			assert.Empty(t, response.Header["Content-Length"])
		})
	}
}

func TestStreamingEarlyHintsAndHead(t *testing.T) {
	s := serve(t, guarded)
	release := make(chan struct{})
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("X-Session-Set", handoff(ada))
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("X-Session-Set")
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-release
		_, _ = io.WriteString(w, " second")
	})
	var hints http.Header
	request, err := http.NewRequest("GET", "http://"+s.addr+"/", nil)
	require.NoError(t, err)
	request = request.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, header textproto.MIMEHeader) error { hints = http.Header(header); return nil },
	}))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	first := make([]byte, 5)
	_, err = io.ReadFull(response.Body, first)
	require.NoError(t, err)
	assert.Equal(t, "first", string(first), "the answer streams")
	close(release)
	rest, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, " second", string(rest))
	assert.Equal(t, "</a.css>; rel=preload", hints.Get("Link"))
	assert.Empty(t, hints["X-Session-Set"])
	assert.Empty(t, response.Cookies(), "early hints carry no handoff")

	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "7") })
	head := s.request("HEAD", "/")
	assert.Equal(t, int64(7), head.ContentLength)
}

func TestUpgradedConnectionsPassThrough(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = connection.Close() }()
		fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Session-Set: %s\r\n\r\nhello", handoff(ada))
	})
	response := raw(t, s.addr, "GET /dashboard HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: "+cookie+"\r\n\r\n")
	require.Equal(t, 101, response.StatusCode)
	assert.Empty(t, response.Header["X-Session-Set"])
}

// A cookie that does not open is anonymity, and is cleared on our own answers.
func TestInvalidCookiesAreClearedOnOurAnswersOnly(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for name, sent := range map[string]string{
		"garbage": "session=garbage", "tampered": cookie[:len(cookie)-3] + "AAA", "chunks": "session.0=a; session.1=b",
	} {
		response := s.request("GET", "/dashboard", "Cookie", sent)
		assert.Equal(t, 307, response.StatusCode, name)
		require.NotEmpty(t, response.Cookies(), name)
		for _, cleared := range response.Cookies() {
			assert.Equal(t, -1, cleared.MaxAge)
			assert.Equal(t, "/", cleared.Path)
		}
		assert.Empty(t, s.request("GET", "/", "Cookie", sent).Cookies(), name)
		assert.Empty(t, s.last().Header.Get("Cookie"), "a cookie of our name that did not open is not forwarded")
	}
}

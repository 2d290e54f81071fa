package caddymodule_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// open opens a raw connection with one request, and returns it when the answer
// has begun.
func (s *site) open(request string) (net.Conn, *bufio.Reader) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, request)
	require.NoError(s.t, err)
	require.NoError(s.t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	return conn, bufio.NewReader(conn)
}

// wantClosed waits until the other side closes. How soon it must is proved in the core,
// where no machine can be too slow for it.
func wantClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := io.Copy(io.Discard, conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection is still open")
}

// The answer itself may sign the visitor in.
func TestStreamThatSignsInEndsWithItsSession(t *testing.T) {
	for _, asked := range []string{"Accept: text/event-stream\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"} {
		s := serve(t, guarded)
		s.answer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Session-Set", handoff(ada))
			if r.Header.Get("Upgrade") != "" {
				w.Header().Set("Connection", "Upgrade")
				w.Header().Set("Upgrade", "websocket")
				w.WriteHeader(http.StatusSwitchingProtocols)
				connection, _, err := http.NewResponseController(w).Hijack()
				if err == nil {
					_, _ = io.Copy(io.Discard, connection)
				}
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		conn, reader := s.open("GET /events HTTP/1.1\r\nHost: " + s.addr + "\r\n" + asked + "\r\n")
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		s.answer(nil)
		require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", cookieHeader(response)).StatusCode)
		wantClosed(t, conn)
	}
}

func TestEventStreamEndsWithItsSession(t *testing.T) {
	const event = "data: hello\n\n"
	s := serve(t, guarded)
	mine, other := s.signIn(ada), s.signIn(ada)
	again, gone := make(chan struct{}), make(chan string, 2)
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for {
			_, _ = io.WriteString(w, event)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-again:
			case <-r.Context().Done():
				gone <- r.URL.Path
				return
			}
		}
	})
	open := func(path, cookie string) (net.Conn, *http.Response) {
		conn, reader := s.open("GET " + path + " HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nCookie: " + cookie + "\r\n\r\n")
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode)
		return conn, response
	}
	wantGone := func(path string) {
		t.Helper()
		select {
		case ended := <-gone:
			require.Equal(t, path, ended)
		case <-time.After(10 * time.Second):
			t.Fatal("the app still streams")
		}
	}
	conn, response := open("/dashboard/mine", mine)
	open("/dashboard/other", other)

	require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", other).StatusCode)
	wantGone("/dashboard/other")
	select {
	case again <- struct{}{}:
	case <-gone:
		t.Fatal("the stream ended with another session of the user")
	}
	_, err := io.ReadFull(response.Body, make([]byte, 2*len(event)))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", mine).StatusCode)
	wantClosed(t, conn)
	wantGone("/dashboard/mine")
}

// Caddy's FastCGI does not mind the context of a request, so its streams end when they next
// say something.
func TestEventStreamOverFastCGIEndsWithItsSession(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	signedOut := make(chan struct{})
	go func() {
		_ = fcgi.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 300 {
				_, _ = io.WriteString(w, "data: hello\n\n")
				w.(http.Flusher).Flush()
				<-signedOut
				time.Sleep(50 * time.Millisecond)
			}
		}))
	}()
	s := serve(t, guarded+"handle /dashboard/events {\n reverse_proxy "+listener.Addr().String()+" {\n transport fastcgi\n}\n}")
	cookie := s.signIn(ada)
	conn, reader := s.open("GET /dashboard/events HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nCookie: " + cookie + "\r\n\r\n")
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
	close(signedOut)
	wantClosed(t, conn)
}

// stream answers with an event stream that says nothing.
func stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// A client may call its request what it likes: a stolen session's stream ends too.
func TestAttackByStreamAsAnotherKindOfRequest(t *testing.T) {
	for _, headers := range []string{"Accept: text/html\r\n", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n", "RSC: 1\r\n", "Next-Action: 00aa\r\n"} {
		t.Run(headers, func(t *testing.T) {
			s := serve(t, guarded)
			cookie := s.signIn(ada)
			s.answer(stream)
			conn, reader := s.open("GET /dashboard/events HTTP/1.1\r\nHost: " + s.addr + "\r\n" + headers + "Cookie: " + cookie + "\r\n\r\n")
			response, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, response.StatusCode)
			require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
			wantClosed(t, conn)
		})
	}
}

// An action's answer that loses its body is all the browser needs as soon as its header
// is there: it goes on, and hangs up. The app's answer is no failure then, which Caddy's
// proxy would log with the session.
func TestActionThatTheBrowserLeavesIsReadToItsEnd(t *testing.T) {
	for redirect, wantBroken := range map[string]bool{"/login": false, "": true} {
		t.Run(redirect, func(t *testing.T) {
			s := serve(t, guarded)
			cookie := s.signIn(ada)
			left, broken := make(chan struct{}), make(chan bool)
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/x-component")
				if redirect != "" {
					w.Header().Set("X-Action-Redirect", redirect)
					w.Header().Set("X-Session-Delete", "1")
				}
				_ = http.NewResponseController(w).Flush()
				<-left
				select {
				case <-r.Context().Done():
					broken <- true
				case <-time.After(time.Second):
					broken <- false
				}
			})
			conn, reader := s.open("POST /dashboard HTTP/1.1\r\nHost: " + s.addr + "\r\nNext-Action: 00aa\r\nContent-Length: 0\r\nCookie: " + cookie + "\r\n\r\n")
			response, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			require.Equal(t, redirect, response.Header.Get("X-Action-Redirect"))
			require.NoError(t, conn.Close())
			close(left)
			require.Equal(t, wantBroken, <-broken, "the app's answer broke off")
		})
	}
}

// Nobody is signed in, so there is no session to end with.
func TestEventStreamOfAnAnonymousAction(t *testing.T) {
	s := serve(t, guarded)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
	})
	response := s.request("POST", "/login", "Next-Action", "00aa")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "data: hello\n\n", body(t, response))
}

// The answer that begins the stream may change or replace the session: the one that
// the visitor has then counts.
func TestEventStreamThatChangesItsSession(t *testing.T) {
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	for header, value := range map[string]string{"X-Session-Update": handoff(`{}`), "X-Session-Set": handoff(ada)} {
		t.Run(header, func(t *testing.T) {
			t.Setenv("SESSION_SECRET", secret)
			s := serve(t, "session_api\n session_guard {\n auth /dashboard/*\n expiry 1h\n auto_refresh off\n }")
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(header, value)
				stream(w, r)
			})
			cookie := idleCookie(t, secret, time.Hour-2*time.Second, time.Hour)
			conn, reader := s.open("GET /dashboard/events HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nCookie: " + cookie + "\r\n\r\n")
			response, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			fresh := cookieHeader(response)
			require.NotEmpty(t, fresh)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(3500*time.Millisecond)))
			_, err = response.Body.Read(make([]byte, 1))
			var timeout net.Error
			require.ErrorAs(t, err, &timeout, "the stream ended with the session as it was before")
			require.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", fresh).StatusCode)
			wantClosed(t, conn)
		})
	}
}

// The request that opens the stream slides the session, so the old end does not count.
func TestEventStreamThatSlidesItsSession(t *testing.T) {
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	t.Setenv("SESSION_SECRET", secret)
	s := serve(t, `
	session_guard {
		auth /dashboard/*
		expiry 30m
	}`)
	s.answer(stream)
	cookie := idleCookie(t, secret, 30*time.Minute-2*time.Second, 30*time.Minute)
	conn, reader := s.open("GET /dashboard/events HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nCookie: " + cookie + "\r\n\r\n")
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.NotEmpty(t, response.Header["Set-Cookie"], "the session was not slid")
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(3500*time.Millisecond)))
	_, err = response.Body.Read(make([]byte, 1))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout, "the stream ended with the session as it was before")
}

func TestWebSocketEndsWithItsSession(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.Copy(conn, buffered) // which may have a byte of the client's already
		_ = conn.Close()
	})
	conn, reader := s.open("GET /dashboard/live HTTP/1.1\r\nHost: " + s.addr + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: " + cookie + "\r\n\r\n")
	response, err := http.ReadResponse(reader, &http.Request{Method: "GET"})
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	_, err = io.WriteString(conn, "ping")
	require.NoError(t, err)
	echo := make([]byte, 4)
	_, err = io.ReadFull(reader, echo)
	require.NoError(t, err)
	require.Equal(t, "ping", string(echo))
	status, _ := admin(t, "POST", "/session/revoke", `{"user":"ada"}`)
	require.Equal(t, http.StatusOK, status)
	wantClosed(t, conn)
}

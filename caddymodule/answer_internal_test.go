package caddymodule

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// An answer without a body and without a status, as Caddy's header directive alone
// makes it, carries a handoff too: the login is not lost.
func TestHandoffOnAnEmptyAnswer(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	err := b.guard.ServeHTTP(w, b.request("/", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("X-Session-Set", base64.RawURLEncoding.EncodeToString([]byte(`{"user":{"id":"bob"}}`)))
		return nil
	}))
	require.NoError(t, err)
	assert.Empty(t, w.Header()["X-Session-Set"])
	assert.True(t, strings.HasPrefix(w.Header().Get("Set-Cookie"), "session=ey"), w.Header())
	assert.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))
}

// An answer that ends in an error before it was sent announces no trailer of ours to the
// error's answer, in which net/http would repeat the session's cookie.
func TestTrailersAnnouncedBeforeAnError(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/", "/_next/static/x.js"} {
		w := httptest.NewRecorder()
		require.Error(t, b.guard.ServeHTTP(w, b.request(path, ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Trailer", "X-Session-Set, X-Sum, Set-Cookie")
			return caddyhttp.Error(http.StatusBadGateway, errors.New("the app is gone"))
		})))
		assert.Equal(t, []string{"X-Sum"}, w.Header()["Trailer"], path)
	}
}

// Whoever sends a body behind a handoff that failed hears of it, however they send.
// What else they do wrong is not taken for that.
func TestNothingIsWrittenAfterAFailedHandoff(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	ask := func(app func(w http.ResponseWriter)) error {
		return b.guard.ServeHTTP(w, b.request("/", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Session-Set", "!!!")
			w.WriteHeader(http.StatusOK)
			app(w)
			return nil
		}))
	}
	var handoff *session.HandoffError
	require.ErrorAs(t, ask(func(w http.ResponseWriter) {
		_, err := w.Write([]byte("page"))
		require.ErrorAs(t, err, &handoff)
		_, err = w.(io.ReaderFrom).ReadFrom(strings.NewReader("page"))
		require.ErrorAs(t, err, &handoff)
		require.ErrorAs(t, http.NewResponseController(w).Flush(), &handoff)
		_, _, err = http.NewResponseController(w).Hijack()
		require.ErrorAs(t, err, &handoff)
		w.WriteHeader(http.StatusAccepted)
		panic(http.ErrAbortHandler)
	}), &handoff)
	assert.Empty(t, w.Body.String())
	assert.NotEqual(t, http.StatusAccepted, w.Code)
	assert.PanicsWithValue(t, "a fault", func() { _ = ask(func(http.ResponseWriter) { panic("a fault") }) })
}

// An app that never ends its answer keeps nobody waiting for longer than a while,
// whatever the handler looks at that sends it.
func TestEndlessAnswerAfterAFailedHandoff(t *testing.T) {
	for name, send := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"until the context ends": func(w http.ResponseWriter, r *http.Request) error {
			for sleep(r.Context(), 300*time.Millisecond) {
				if _, err := w.Write([]byte("more")); err != nil {
					return err
				}
			}
			return r.Context().Err()
		},
		"until a write fails": func(w http.ResponseWriter, _ *http.Request) error {
			for {
				if _, err := w.Write([]byte("more")); err != nil {
					return err
				}
				time.Sleep(time.Second)
			}
		},
		"by ReadFrom": func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, endless{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				start := time.Now()
				err := b.guard.ServeHTTP(httptest.NewRecorder(), b.request("/", b.cookie), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
					w.Header().Set("X-Session-Update", "!!!")
					return send(w, r)
				}))
				var handoff *session.HandoffError
				require.ErrorAs(t, err, &handoff)
				require.InDelta(t, failedDrainTimeout, time.Since(start), float64(time.Second))
			})
		})
	}
}

// endless is a body that goes on and on.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return len(p), nil
}

// What a handler has handed over before it failed is not on the error's answer.
func TestHandoffCookieBeforeAnErrorIsRemoved(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	w.Header().Set("Set-Cookie", "before=1")
	err := b.guard.ServeHTTP(w, b.request("/", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Add("Set-Cookie", "session.delete=1")
		w.Header().Add("Set-Cookie", "plain=1")
		return errors.New("no")
	}))
	require.Error(t, err)
	assert.Equal(t, []string{"before=1", "plain=1"}, w.Header()["Set-Cookie"])
}

// endedSoon ends every session just after it was made.
type endedSoon struct {
	session.Revocations
	asked int
}

func (e *endedSoon) Revoked(*session.Session) (bool, error) {
	e.asked++
	return e.asked > 1, nil
}

func (e *endedSoon) UpdatedAfter(string, time.Time) bool { return false }

// All of a user's sessions are ended while the app signs the user in: neither the app's
// answer nor the page of a Server Action says that somebody is signed in.
func TestHandoffThatIsEndedMeanwhileIsNotReportedAsDone(t *testing.T) {
	for _, redirect := range []string{"", "/dashboard;push"} {
		b := newBench(t)
		settings := b.guard.realm.core()
		settings.Revocations = &endedSoon{}
		manager, err := session.NewManager(settings, b.guard.realm.ready.Load().Keys())
		require.NoError(t, err)
		b.guard.realm.ready.Store(manager)
		w := httptest.NewRecorder()
		err = b.guard.ServeHTTP(w, b.request("/", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Session-Set", base64.RawURLEncoding.EncodeToString([]byte(`{"user":{"id":"bob"}}`)))
			if redirect != "" {
				w.Header().Set("X-Action-Redirect", redirect)
			}
			_, err := w.Write([]byte("welcome"))
			return err
		}))
		var failed caddyhttp.HandlerError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, http.StatusServiceUnavailable, failed.StatusCode)
		assert.Empty(t, w.Body.String())
		assert.Empty(t, w.Header()["Set-Cookie"])
		assert.Empty(t, w.Header()["X-Action-Redirect"])
	}
}

// A file that all visitors may share is kept from caches if its answer sets the session's
// cookie.
func TestStaticFileThatSignsInIsNotCached(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	require.NoError(t, b.guard.ServeHTTP(w, b.request("/_next/static/app.js", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Set-Cookie", "session.set=eyJ1c2VyIjp7ImlkIjoiYm9iIn19")
		_, err := w.Write([]byte("file"))
		return err
	})))
	require.True(t, strings.HasPrefix(w.Header().Get("Set-Cookie"), "session=ey"), w.Header())
	assert.Equal(t, []string{"private, no-store"}, w.Header()["Cache-Control"])
}

// A handoff counts also where the first thing that a handler does is to flush.
func TestHandoffOnAnAnswerThatBeginsWithAFlush(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	require.NoError(t, b.guard.ServeHTTP(w, b.request("/", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("X-Session-Set", "eyJ1c2VyIjp7ImlkIjoiYm9iIn19")
		return http.NewResponseController(w).Flush()
	})))
	header := w.Result().Header // as it was sent
	assert.NotContains(t, header, "X-Session-Set")
	assert.True(t, strings.HasPrefix(header.Get("Set-Cookie"), "session=ey"), header)
}

// The page that was rendered ahead is not sent, by whichever way a handler sends it.
func TestPageRenderedAheadIsNotSentByReadFrom(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	require.NoError(t, b.guard.ServeHTTP(w, b.request("/", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("X-Action-Redirect", "/dashboard;push")
		w.Header().Set("Content-Encoding", "gzip")
		n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("secret page"))
		assert.EqualValues(t, len("secret page"), n)
		return err
	})))
	assert.Empty(t, w.Body.String())
	assert.NotContains(t, w.Header(), "Content-Encoding", "a browser cannot decode an empty body")
}

// Of a signed-in visitor's answer that is not sent a while is read, also where it is flushed:
// Caddy's proxy would log it with the headers that name the session. A WebSocket is not opened
// by that.
func TestFlushAfterAFailedHandoff(t *testing.T) {
	b := newBench(t)
	var handoff *session.HandoffError
	ask := func(r *http.Request, app func(http.ResponseWriter)) {
		require.ErrorAs(t, b.guard.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Session-Update", "!!!")
			w.WriteHeader(http.StatusOK)
			app(w)
			return nil
		})), &handoff)
	}
	ask(b.request("/dashboard", b.cookie), func(w http.ResponseWriter) {
		_, err := w.Write([]byte("page"))
		require.NoError(t, err)
		require.NoError(t, http.NewResponseController(w).Flush())
	})
	socket := b.request("/dashboard", b.cookie)
	socket.Header["Connection"], socket.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	ask(socket, func(w http.ResponseWriter) {
		_, err := w.Write([]byte("message"))
		require.ErrorAs(t, err, &handoff)
		require.ErrorAs(t, http.NewResponseController(w).Flush(), &handoff)
	})
}

// Of an anonymous visitor's answer that is not sent nothing is read: no log would name anybody.
func TestAnonymousAnswerIsNotReadAfterAFailedHandoff(t *testing.T) {
	b := newBench(t)
	r := b.request("/", "")
	r.Header["Accept"], r.Header["Sec-Fetch-Mode"], r.Header["Sec-Fetch-Dest"] = []string{"application/json"}, []string{"cors"}, []string{"empty"}
	var handoff *session.HandoffError
	require.ErrorAs(t, b.guard.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		assert.NotNil(t, b.guard.realm.visitOf(r).connection.cancel, "it could be ended, so this tests something")
		w.Header().Set("X-Session-Set", "!!!")
		_, err := w.Write([]byte("page"))
		assert.ErrorAs(t, err, &handoff)
		return nil
	})), &handoff)
}

// An error for a file that all visitors share says nothing of a visitor.
func TestErrorOfAStaticFileIsLeftAlone(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	require.Error(t, b.guard.ServeHTTP(w, b.request("/_next/static/a.js", b.cookie), caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return caddyhttp.Error(http.StatusNotFound, errors.New("not found"))
	})))
	assert.Empty(t, w.Header())
}

package caddymodule_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHandoffByHeaderAndByCookie(t *testing.T) {
	for name, set := range map[string]func(http.Header, string, string){
		"header": func(h http.Header, kind, value string) { h.Set("X-Session-"+kind, value) },
		"cookie": func(h http.Header, kind, value string) {
			h.Add("Set-Cookie", "session."+strings.ToLower(kind)+"="+value+"; Path=/; HttpOnly")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, guarded)
			send := func(cookie string, parts ...string) *http.Response {
				s.answer(func(w http.ResponseWriter, _ *http.Request) {
					for i := 0; i < len(parts); i += 2 {
						set(w.Header(), parts[i], parts[i+1])
					}
					w.Header().Add("Set-Cookie", "theme=dark")
				})
				response := s.request("POST", "/", "Cookie", cookie)
				for name := range response.Header {
					assert.NotContains(t, name, "X-Session")
				}
				for _, line := range response.Header["Set-Cookie"] {
					assert.False(t, strings.HasPrefix(line, "session."+"set") || strings.HasPrefix(line, "session.update") || strings.HasPrefix(line, "session.delete"), line)
				}
				return response
			}
			response := send("", "Set", handoff(ada))
			require.Equal(t, 200, response.StatusCode)
			assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"))
			cookie := cookieHeader(response)
			assert.Contains(t, cookie, "session=ey")
			assert.Contains(t, cookie, "theme=dark")

			response = send(cookie, "Update", handoff(`{"user":{"name":"Lovelace","role":null},"accessToken":null}`))
			updated := cookieHeader(response)
			s.answer(nil)
			s.request("GET", "/dashboard", "Cookie", updated)
			session := sessionOf(t, s.last())
			assert.Equal(t, map[string]any{"id": "ada", "name": "Lovelace"}, session["user"])
			assert.NotContains(t, session, "accessToken")
			assert.Equal(t, "rt-secret", session["refreshToken"])

			response = send(updated, "Delete", "1")
			assert.NotContains(t, cookieHeader(response), "session=")
			s.answer(nil)
			assert.Equal(t, 307, s.request("GET", "/dashboard", "Cookie", updated).StatusCode, "a signed-out cookie is worth nothing")
		})
	}
}

func TestBadHandoffIs502AndNothingOfTheAnswerIsSent(t *testing.T) {
	s := serve(t, guarded)
	large := strings.Repeat("x", 13000)
	for name, header := range map[string]http.Header{
		"not base64url":        {"X-Session-Set": {"{}"}},
		"no user":              {"X-Session-Set": {handoff(`{}`)}},
		"no id":                {"X-Session-Set": {handoff(`{"user":{"name":"x"}}`)}},
		"duplicate members":    {"X-Session-Set": {handoff(`{"user":{"id":"a","id":"b"}}`)}},
		"two different":        {"X-Session-Set": {handoff(ada), handoff(`{"user":{"id":"bob"}}`)}},
		"update of nobody":     {"X-Session-Update": {handoff(`{}`)}},
		"delete without 1":     {"X-Session-Delete": {"true"}},
		"too large":            {"X-Session-Set": {handoff(`{"user":{"id":"a","x":"` + large + `"}}`)}},
		"foreign cookie value": {"Set-Cookie": {"session=abc; Path=/"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.answer(func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), header)
				w.Header().Set("X-App", "1")
				_, _ = io.WriteString(w, "page")
			})
			response := s.request("POST", "/")
			assert.Equal(t, 502, response.StatusCode)
			assert.Empty(t, body(t, response))
			assert.Empty(t, response.Header["Set-Cookie"])
			assert.Empty(t, response.Header["X-App"])
			assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"])
		})
	}
}

// Who was signed out has no cookie any more, whatever else is wrong with the answer.
func TestDeleteBesideABadUpdateSignsOut(t *testing.T) {
	s := serve(t, guarded)
	for name, update := range map[string]string{"one that cannot be read": "!!!", "one of nobody": handoff(`{"user":{"a":1}}`)} {
		cookie := s.signIn(ada)
		s.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Delete", "1")
			w.Header().Set("X-Session-Update", update)
		})
		response := s.request("POST", "/", "Cookie", cookie)
		assert.Equal(t, 502, response.StatusCode, name)
		require.NotEmpty(t, response.Cookies(), name)
		assert.Negative(t, response.Cookies()[0].MaxAge, name)
		s.answer(nil)
		assert.Equal(t, 307, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode, name)
	}
}

// The 502 does not wait for a body that never ends or breaks off, and has nothing of
// the trailers.
func TestBadHandoffOnAnyBodyIs502AndLogged(t *testing.T) {
	for name, rest := range map[string]http.HandlerFunc{
		"an endless stream": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, "data: x\n\n"); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		},
		"the app dies": func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"trailers": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "page")
			w.Header().Set("X-Foo", "leak")
			w.Header().Add("Set-Cookie", "x=y")
			w.Header().Set(http.TrailerPrefix+"X-Bar", "leak")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "header Set-Cookie before=1\n"+guarded)
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Session-Set", "!!!")
				w.Header().Set("Content-Type", "text/event-stream")
				w.Header().Set("Trailer", "X-Foo, Set-Cookie")
				rest(w, r)
			})
			response := s.request("POST", "/")
			assert.Equal(t, 502, response.StatusCode)
			assert.Empty(t, body(t, response))
			assert.Equal(t, []string{"before=1"}, response.Header["Set-Cookie"])
			assert.NotContains(t, response.Header, "X-Foo")
			assert.Empty(t, response.Trailer)
			logged := s.logged()
			assert.Equal(t, 1, strings.Count(logged, "the app's handoff failed, so its response is replaced by an error"))
		})
	}
}

// Caddy's proxy takes a body that nobody takes for a fault of its own, and logs the whole
// request: with the session, tokens included.
func TestFailedHandoffLeavesNoSessionInTheLog(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for _, rest := range []int{1, 10, 1 << 20} {
		s.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Update", "!")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, strings.Repeat("x", rest))
		})
		response := s.request("POST", "/dashboard", "Cookie", cookie)
		assert.Equal(t, 502, response.StatusCode)
		assert.Empty(t, body(t, response))
	}
	logged := s.logged()
	assert.Equal(t, 3, strings.Count(logged, "the app's handoff failed, so its response is replaced by an error"))
	assert.NotContains(t, logged, "aborting with incomplete response")
}

func TestHandoffPatterns(t *testing.T) {
	s := serve(t, "session_guard {\n default hybrid\n handoff /login /auth/*\n}")
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
	assert.NotEmpty(t, s.request("POST", "/login").Cookies())
	assert.NotEmpty(t, s.request("POST", "/auth/callback").Cookies())
	response := s.request("POST", "/comments")
	assert.Equal(t, 200, response.StatusCode)
	assert.Empty(t, response.Cookies())
	assert.Empty(t, response.Header["X-Session-Set"])
}

// With handoff off nothing that an app says signs anybody in, and a wrong one breaks no page
// nor the redirect of a Server Action.
func TestHandoffOff(t *testing.T) {
	s := serve(t, "session_guard {\n default hybrid\n handoff off\n actions /*\n }")
	for _, said := range []string{handoff(ada), "!!!"} {
		s.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Set", said)
			w.Header().Add("Set-Cookie", "session.set="+said)
			_, _ = io.WriteString(w, "page")
		})
		response := s.request("GET", "/")
		assert.Equal(t, http.StatusOK, response.StatusCode, said)
		assert.Equal(t, "page", body(t, response), said)
		assert.Empty(t, response.Cookies(), said)
		assert.NotContains(t, response.Header, "X-Session-Set", said)
	}
	assert.Contains(t, s.logged(), "because the setting handoff does not allow it on this path")
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Session-Set", handoff(ada))
		w.Header().Set("X-Action-Redirect", "/about;push")
		_, _ = io.WriteString(w, "rendered ahead")
	})
	assert.Equal(t, "rendered ahead", body(t, s.request("POST", "/", "Next-Action", "00aa")), "what was ignored is no reason to lose the page")
}

// An error page is an answer too: what a session has to do with stays out of shared
// caches, whoever writes it.
// Caddy copies nothing of an answer in whose place handle_response sends another: the handoff
// on it is lost, but not in silence.
func TestHandoffOnAnAnswerThatIsReplacedIsLogged(t *testing.T) {
	const lost = "of an answer that was not copied"
	for name, tc := range map[string]struct {
		respond string
		header  [2]string
		logged  string
	}{
		"a header":                 {"respond replaced", [2]string{"X-Session-Set", handoff(ada)}, "X-Session-Set " + lost},
		"a cookie":                 {"respond replaced", [2]string{"Set-Cookie", "session.set=" + handoff(ada) + "; Path=/"}, "session.set " + lost},
		"the app's own cookie":     {"respond replaced", [2]string{"Set-Cookie", "theme=dark"}, ""},
		"an error":                 {"error 502", [2]string{"X-Session-Delete", "1"}, "X-Session-Delete " + lost},
		"nothing":                  {"respond replaced", [2]string{"X-Other", "1"}, ""},
		"a header that is copied":  {"copy_response_headers\nrespond replaced", [2]string{"X-Session-Set", handoff(ada)}, ""},
		"an answer that is copied": {"copy_response", [2]string{"X-Session-Set", handoff(ada)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, guarded+"\nreverse_proxy {{app}} {\n@replaced header X-Replaced *\nhandle_response @replaced {\n"+tc.respond+"\n}\n}")
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(tc.header[0], tc.header[1])
				if r.URL.Path != "/as-it-is" {
					w.Header().Set("X-Replaced", "1")
				}
			})
			s.request("GET", "/as-it-is")
			before := s.logged()
			assert.NotContains(t, before, lost)
			s.request("GET", "/")
			text := s.logged()
			if tc.logged == "" {
				assert.NotContains(t, text, lost)
			} else {
				assert.Contains(t, text, tc.logged)
			}
		})
	}
}

// What an app hands over in a wrong place does not count, and the log says where
// it belongs.
func TestHandoffInAWrongPlaceIsLogged(t *testing.T) {
	hook := newHookServer(t)
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		removed []string // nil: nothing is logged
		created bool
	}{
		"early hints": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Set", handoff(ada))
			w.Header().Set("Set-Cookie", "session.update="+handoff(ada))
			w.WriteHeader(http.StatusEarlyHints)
			clear(w.Header())
		}, []string{"the cookie session.update of a 103 answer", "the header X-Session-Set of a 103 answer"}, false},
		"early hints and the answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Set", handoff(ada))
			w.WriteHeader(http.StatusEarlyHints)
		}, nil, true},
		"announced trailer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Session-Set")
			_, _ = io.WriteString(w, "ok")
			w.Header().Set("X-Session-Set", handoff(ada))
		}, []string{"the header X-Session-Set in the trailers"}, false},
		"trailers": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok")
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"X-Session-Set", handoff(ada))
			w.Header().Set(http.TrailerPrefix+"Set-Cookie", "session.delete=1")
		}, []string{"the cookie session.delete in the trailers", "the header X-Session-Set in the trailers"}, false},
		"cookie in an announced trailer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "Set-Cookie")
			_, _ = io.WriteString(w, "ok")
			w.Header().Set("Set-Cookie", "session.set="+handoff(ada))
		}, []string{"the cookie session.set in the trailers"}, false},
		"underscores": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["x_session_set"] = []string{handoff(ada)}
			w.Header()["X-Session-User"] = []string{"ada"}
		}, []string{"the header X_session_set"}, false},
		"authorize hook": {nil, []string{"the header X-Session-Set"}, false},
		"right":          {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) }, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			hook.answer(status(http.StatusNoContent))
			s := serve(t, withHooks("authorize "+hook.url))
			path, cookie := "/", ""
			if tc.handler == nil {
				path, cookie = "/dashboard", s.signIn(ada)
				hook.answer(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Session-Set", handoff(ada))
					w.WriteHeader(http.StatusTeapot)
				})
			}
			s.answer(tc.handler)
			response := s.request("POST", path, "Cookie", cookie)
			assert.Equal(t, tc.created, len(response.Cookies()) > 0)
			for name := range response.Trailer {
				assert.NotContains(t, []string{"X-Session-Set", "Set-Cookie"}, name)
			}
			var removed [][]string
			logged := s.logged()
			for line := range strings.Lines(logged) {
				var entry struct {
					Level, Path string
					Removed     []string
				}
				require.NoError(t, json.Unmarshal([]byte(line), &entry))
				if entry.Removed != nil {
					assert.Equal(t, "warn", entry.Level)
					assert.Equal(t, path, entry.Path)
					removed = append(removed, entry.Removed)
				}
			}
			if tc.removed == nil {
				assert.Empty(t, removed)
			} else {
				assert.Equal(t, [][]string{tc.removed}, removed)
			}
		})
	}
}

// The cookies of a named realm have its name. Who does not know that hears why nobody is signed
// in, and no token comes into the log.
func TestHandoffCookieOfAnotherRealmIsWarnedOf(t *testing.T) {
	s := serve(t, "session_guard {\n realm shop\n default hybrid\n}\nreverse_proxy {{app}}", "session shop {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n}")
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "session.set="+handoff(ada))
	})
	response := s.request("GET", "/")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Len(t, response.Cookies(), 1)
	logged := s.logged()
	assert.Contains(t, logged, `name it session_shop.set or session_shop.update","cookies":["session.set"]`)
	assert.NotContains(t, logged, handoff(ada))
}

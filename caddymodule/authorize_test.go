package caddymodule_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAuthorizeHookIsAskedPerRequest(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, "rewrite /old/* /dashboard/new?by=rewrite\n"+withHooks("authorize "+hook.url+"/authorize"))
	cookie := s.signIn(ada)
	for range 2 {
		response := s.request("POST", "/old/%0d%0aX-Evil:1?a=%22b", "Cookie", cookie, "Authorization", "Bearer client", "X-Session-User", "root")
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.NotNil(t, s.last())
	}
	calls := hook.calls()
	require.Len(t, calls, 2)
	asked := calls[0].body
	assert.Equal(t, "ada", asked["session"].(map[string]any)["user"].(map[string]any)["id"])
	delete(asked, "session")
	assert.Equal(t, map[string]any{"method": "POST", "uri": "/old/%0d%0aX-Evil:1?a=%22b", "rule": "auth /dashboard/*", "kind": "document"}, asked)
	for name := range calls[0].header {
		assert.Contains(t, []string{"Content-Length", "Content-Type", "User-Agent"}, name)
	}
}

// Where the rules ask for no session, or let nobody pass, there is nothing to ask.
func TestAuthorizeHookIsAskedOnAuthRoutesOnly(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url))
	cookie := s.signIn(ada)
	hook.answer(status(http.StatusForbidden))
	for _, path := range []string{"/", "/about", "/_next/static/a.js", "/editors/1", "/login"} {
		s.request("GET", path, "Cookie", cookie)
	}
	s.request("GET", "/dashboard")
	assert.Empty(t, hook.calls())
	s.last()
	assert.Equal(t, http.StatusForbidden, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
	assert.Nil(t, s.last())
	assert.Len(t, hook.calls(), 1)
}

func TestAuthorizeHookAnswersItself(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url))
	cookie := s.signIn(ada)
	hook.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusPaymentRequired)
		_, _ = io.WriteString(w, "<p>Please pay")
	})
	response := s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, http.StatusPaymentRequired, response.StatusCode)
	assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
	assert.Equal(t, "60", response.Header.Get("Retry-After"))
	assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"))
	assert.Equal(t, "Cookie", response.Header.Get("Vary"))
	assert.Equal(t, "<p>Please pay", body(t, response))
	assert.Nil(t, s.last())
	head := s.request("HEAD", "/dashboard", "Cookie", cookie)
	assert.Equal(t, http.StatusPaymentRequired, head.StatusCode)
	assert.Empty(t, body(t, head))

	hook.answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/upgrade", http.StatusSeeOther) })
	response = s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, http.StatusSeeOther, response.StatusCode)
	assert.Equal(t, "/upgrade", response.Header.Get("Location"))
}

// A service that decides must not be able to sign anybody in, nor to break the
// connection, nor to fill a cache, whatever it was made to say.
func TestAuthorizeHookCannotSetWhatIsOurs(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url))
	cookie := s.signIn(ada)
	hook.answer(func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		header.Set("X-Session-Set", handoff(`{"user":{"id":"root"}}`))
		header.Set("X_session.user", "root")
		header.Add("Set-Cookie", "session=stolen; Path=/")
		header.Add("Set-Cookie", "session.set="+handoff(`{"user":{"id":"root"}}`))
		header.Add("Set-Cookie", "seen=1; Path=/")
		header.Set("Connection", "X-Per-Hop")
		header.Set("X-Per-Hop", "1")
		header.Set("Keep-Alive", "timeout=1")
		header.Set("Proxy-Authenticate", "Basic")
		header.Set("Cache-Control", "public, max-age=600")
		header.Set("Cdn-Cache-Control", "max-age=600")
		header.Set("Surrogate-Control", "max-age=600")
		header.Set("Server", "hook")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "no")
	})
	response := s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, http.StatusTeapot, response.StatusCode)
	assert.Equal(t, []string{"seen=1; Path=/"}, response.Header["Set-Cookie"])
	assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"])
	assert.Equal(t, "Caddy", response.Header.Get("Server"))
	for name := range response.Header {
		folded := strings.ToLower(name)
		assert.NotContains(t, []string{"x-per-hop", "keep-alive", "proxy-authenticate", "cdn-cache-control", "surrogate-control", "x-session-set", "x_session.user"}, folded)
	}
	s.request("GET", "/", "Cookie", cookie)
	assert.Equal(t, "ada", s.last().Header.Get("X-Session-User"))
}

// An empty 403 is a failed require: each kind of request gets it in its protocol.
func TestAuthorizeHookForbids(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url, "forbidden_path /denied"))
	cookie := s.signIn(ada)
	hook.answer(status(http.StatusForbidden))
	response := s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, http.StatusTemporaryRedirect, response.StatusCode)
	assert.Equal(t, "/denied", response.Header.Get("Location"))
	response = s.request("GET", "/dashboard", "Cookie", cookie, "Rsc", "1")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.Equal(t, "text/plain", response.Header.Get("Content-Type"))
}

func TestAuthorizeHookOutageFailsClosed(t *testing.T) {
	target := newHookServer(t)
	for name, handler := range map[string]http.HandlerFunc{
		"500":       status(http.StatusInternalServerError),
		"304":       status(http.StatusNotModified),
		"slow":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"oversized": text(strings.Repeat("x", 64<<10+1)),
		"hangs up":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			hook := newHookServer(t)
			s := serve(t, withHooks("authorize "+hook.url+" {\n timeout 200ms\n }"))
			cookie := s.signIn(ada)
			hook.answer(handler)
			response := s.request("GET", "/dashboard", "Cookie", cookie)
			assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
			assert.Empty(t, body(t, response), "nothing of the hook's answer")
			assert.Nil(t, s.last())
			assert.Equal(t, http.StatusOK, s.request("GET", "/", "Cookie", cookie).StatusCode)
		})
	}
	assert.Empty(t, target.calls())
}

// What on_refresh takes from the user, the authorize hook must have seen gone before the
// app gets the request. The refresh token is used up, so the new session is sent.
func TestAuthorizeHookSeesTheRefreshedSession(t *testing.T) {
	for name, refuse := range map[string]http.HandlerFunc{
		"a 403": status(http.StatusForbidden),
		"an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "fired")
		},
		"an outage": status(http.StatusInternalServerError),
	} {
		t.Run(name, func(t *testing.T) {
			hook := newHookServer(t)
			hook.answer(func(w http.ResponseWriter, r *http.Request) {
				calls := hook.calls()
				call := calls[len(calls)-1]
				user, _ := call.body["user"].(map[string]any)
				if asked, ok := call.body["session"].(map[string]any); ok {
					user, _ = asked["user"].(map[string]any)
				}
				switch {
				case r.URL.Path == "/refresh":
					text(`{"user":{"id":"ada","role":"fired"}}`)(w, r)
				case user["role"] == "fired":
					refuse(w, r)
				}
			})
			s, cookie := due(t, "on_refresh "+hook.url+"/refresh", "authorize "+hook.url+"/authorize")
			response := s.request("GET", "/dashboard", "Cookie", cookie)
			assert.Contains(t, []int{http.StatusForbidden, http.StatusServiceUnavailable}, response.StatusCode)
			assert.Nil(t, s.last(), "the app was asked")
			require.NotEmpty(t, cookieHeader(response), "what on_refresh returned is lost")
		})
	}
}

// What is refused is refused also where the session is due: to refresh it is no reason to
// decide anew, and a request that may not pass keeps no session alive.
func TestAuthorizeHookRefusesASessionThatIsDue(t *testing.T) {
	for name, refuse := range map[string]http.HandlerFunc{
		"a 403":      status(http.StatusForbidden),
		"an answer":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "closed", http.StatusForbidden) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			hook := newHookServer(t)
			hook.answer(refuse)
			s, cookie := due(t, "authorize "+hook.url)
			response := s.request("GET", "/dashboard", "Cookie", cookie)
			assert.Contains(t, []int{http.StatusForbidden, http.StatusFound}, response.StatusCode)
			assert.Nil(t, s.last(), "the app was asked")
			assert.Empty(t, response.Cookies())
			assert.NotEmpty(t, s.request("GET", "/", "Cookie", cookie).Cookies(), "the session is not due, so this tests nothing")
		})
	}
}

// The hook is asked about the page whose interception route may be shown, too. What it
// answers is of that page, not of the one that is asked for, which is shown as a document.
func TestAuthorizeHookAboutAnInterceptionRoute(t *testing.T) {
	build, err := filepath.Abs("../routes/testdata/builds/16.4")
	require.NoError(t, err)
	hook := newHookServer(t)
	s := serve(t, withHooks("auth /feed/*", "next_build "+build, "authorize "+hook.url))
	cookie := s.signIn(ada)
	hook.calls()
	s.request("GET", "/photo/1", "Cookie", cookie, "Rsc", "1", "Next-Url", "/feed")
	r := s.last()
	require.NotNil(t, r)
	assert.Equal(t, "/feed", r.Header.Get("Next-Url"))
	calls := hook.calls()
	require.Len(t, calls, 1)
	assert.Equal(t, "auth /feed/*", calls[0].body["rule"])

	hook.answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	response := s.request("GET", "/photo/1", "Cookie", cookie, "Rsc", "1", "Next-Url", "/feed")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.Empty(t, response.Header.Get("Location"))
	assert.Nil(t, s.last())
	assert.Equal(t, http.StatusOK, s.request("GET", "/photo/1", "Cookie", cookie, "Next-Url", "/feed").StatusCode)
	r = s.last()
	require.NotNil(t, r)
	assert.Empty(t, r.Header["Next-Url"])

	// The login page and the default have no rule, and are not the same for that.
	s = serve(t, "session_guard {\n hybrid /sign-in\n default auth\n next_build "+build+"\n authorize "+hook.url+"\n }")
	response = s.request("GET", "/login", "Cookie", s.signIn(ada), "Rsc", "1", "Next-Url", "/feed")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
}

// The visitor signs out in another tab while the hook still says yes.
func TestSignOutWhileTheAuthorizeHookIsAsked(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url))
	cookie := s.signIn(ada)
	hook.answer(func(http.ResponseWriter, *http.Request) { s.request("DELETE", "/api/session", "Cookie", cookie) })
	response := s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, http.StatusTemporaryRedirect, response.StatusCode)
	assert.Contains(t, response.Header.Get("Location"), "/login")
	assert.Nil(t, s.last())
}

func TestAuthorizeHookEndsWithTheRequest(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url+" {\n timeout 30s\n }"))
	cookie := s.signIn(ada)
	asked, ended := make(chan struct{}), make(chan struct{})
	hook.answer(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(ended)
	})
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/dashboard", nil)
	require.NoError(t, err)
	request.Header.Set("Cookie", cookie)
	go func() {
		<-asked
		cancel()
	}()
	_, err = http.DefaultClient.Do(request)
	assert.ErrorIs(t, err, context.Canceled)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the call goes on without the client")
	}
}

// A redirect is the answer to the client: Caddy itself goes nowhere.
func TestAuthorizeHookRedirectIsNotFollowed(t *testing.T) {
	hook, target := newHookServer(t), newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url))
	cookie := s.signIn(ada)
	hook.answer(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target.url+"/", http.StatusTemporaryRedirect)
	})
	assert.Equal(t, http.StatusTemporaryRedirect, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
	assert.Empty(t, target.calls())
}

// A redirect would have the browser repeat a Server Action, and Next.js's client keep the
// target for a link: it is told in the client's own protocol.
func TestAuthorizeHookRedirectsInTheProtocolOfTheRequest(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url))
	cookie := s.signIn(ada)
	for _, target := range []string{"/pay;now", "https://pay.example/"} {
		hook.answer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "seen=1")
			http.Redirect(w, r, target, http.StatusTemporaryRedirect)
		})
		for _, tc := range []struct {
			method, header, value string
			status                int
			location, action      string
		}{
			{"POST", "Next-Action", "00ab", 200, "", strings.ReplaceAll(target, ";", "%3B")},
			{"GET", "Rsc", "1", 401, "", ""},
			{"GET", "Next-Router-Prefetch", "1", 204, "", ""},
			{"GET", "X-Nextjs-Data", "1", 401, "", ""},
			{"GET", "Accept", "text/html", 307, target, ""},
			{"POST", "Content-Type", "multipart/form-data; boundary=x", 303, target, ""},
		} {
			response := s.request(tc.method, "/dashboard", "Cookie", cookie, tc.header, tc.value)
			assert.Equal(t, tc.status, response.StatusCode, tc.header)
			assert.Equal(t, tc.location, response.Header.Get("Location"), tc.header)
			assert.Equal(t, tc.action, response.Header.Get("X-Action-Redirect"), tc.header)
			assert.Equal(t, "seen=1", response.Header.Get("Set-Cookie"), tc.header)
			assert.Equal(t, "private, no-store", response.Header.Get("Cache-Control"), tc.header)
			assert.Nil(t, s.last(), tc.header)
		}
	}
}

// Next.js renders the target of an action's redirect around the guard, and so
// around the hook.
func TestAuthorizeHookHoldsForPagesRenderedAhead(t *testing.T) {
	hook := newHookServer(t)
	for directive, want := range map[string]string{"": "rendered ahead", "authorize " + hook.url: ""} {
		s := serve(t, withHooks(directive))
		cookie := s.signIn(ada)
		s.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Action-Redirect", "/dashboard/secret;push")
			w.WriteHeader(http.StatusSeeOther)
			_, _ = io.WriteString(w, "rendered ahead")
		})
		assert.Equal(t, want, body(t, s.request("POST", "/", "Cookie", cookie, "Next-Action", "00ab")))
	}
}

// What a hook is asked and answers is in no log, nor is the query of its URL.
func TestHooksLogNoSecrets(t *testing.T) {
	hook := newHookServer(t)
	file := filepath.Join(t.TempDir(), "session.log")
	s := serve(t, withHooks("validate "+hook.url+"/?key=secret-key {\n cache off\n on_outage keep\n }", "authorize "+hook.url+"/?key=secret-key"),
		"log hooks {\n output file "+file+"\n level DEBUG\n exclude http.handlers.reverse_proxy http.reverse_proxy http.auto_https\n }")
	cookie := s.signIn(ada)
	for range 2 {
		hook.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		s.request("GET", "/dashboard", "Cookie", cookie)
		s.request("GET", "/dashboard", "Cookie", cookie)
		hook.answer(text("secret-answer"))
		s.request("GET", "/dashboard", "Cookie", cookie)
	}
	logged, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := regexp.MustCompile(`a session hook failed.*"hook":"authorize"`).FindAll(logged, -1)
	assert.Len(t, lines, 1, "what fails again at once has never worked again")
	assert.Contains(t, string(logged), `"hook":"validate"`)
	for _, secret := range []string{"secret-key", "secret-answer", "at-secret", "rt-secret", "Ada"} {
		assert.NotContains(t, string(logged), secret)
	}
}

// A session that ends while the hook is asked has ended, also for requests that keep none
// alive.
func TestSignOutWhileTheAuthorizeHookIsAskedAboutAPrefetch(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url, "no_activity /dashboard/poll"))
	for _, headers := range [][]string{{"Next-Router-Prefetch", "1", "Rsc", "1"}, nil} {
		cookie := s.signIn(ada)
		hook.answer(func(http.ResponseWriter, *http.Request) { s.request("DELETE", "/api/session", "Cookie", cookie) })
		s.request("GET", "/dashboard/poll", append(headers, "Cookie", cookie)...)
		assert.Nil(t, s.last(), "the app was asked for a session that had ended: %v", headers)
	}
}

// A 403 with a body is the hook's own answer, and a location counts with a redirect only.
func TestAuthorizeHookAnswersAreSentAsTheyAre(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url, "forbidden_path /denied"))
	cookie := s.signIn(ada)
	hook.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "fired")
	})
	response := s.request("GET", "/dashboard", "Cookie", cookie)
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.Equal(t, "fired", body(t, response))

	hook.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusConflict)
	})
	response = s.request("GET", "/dashboard", "Cookie", cookie, "Rsc", "1")
	assert.Equal(t, http.StatusConflict, response.StatusCode)

	for _, code := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		hook.answer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
		})
		assert.Equal(t, code, s.request("GET", "/dashboard", "Cookie", cookie).StatusCode)
		assert.Equal(t, http.StatusSeeOther, s.request("POST", "/dashboard", "Cookie", cookie).StatusCode, "a form must not be sent there")
	}
}

// The hook's own cookies come beside the session's, which on_refresh has replaced.
func TestAuthorizeHookSetsACookieBesideTheSessions(t *testing.T) {
	hook := newHookServer(t)
	hook.answer(func(w http.ResponseWriter, r *http.Request) {
		calls := hook.calls()
		asked, _ := calls[len(calls)-1].body["session"].(map[string]any)
		switch {
		case r.URL.Path == "/refresh":
			_, _ = io.WriteString(w, `{"user":{"id":"ada","role":"fired"},"refreshToken":"rt-2"}`)
		case asked["user"].(map[string]any)["role"] == "fired":
			w.Header().Set("Set-Cookie", "seen=1")
			w.WriteHeader(http.StatusTeapot)
		}
	})
	s, cookie := due(t, "on_refresh "+hook.url+"/refresh", "authorize "+hook.url+"/authorize")
	response := s.request("GET", "/dashboard", "Cookie", cookie)
	require.Equal(t, http.StatusTeapot, response.StatusCode)
	assert.Contains(t, cookieHeader(response), "session=")
	assert.Contains(t, cookieHeader(response), "seen=1")
}

// The hook is asked once about a request, also where the session slides, and without a build
// not about the page that the client says it comes from.
func TestAuthorizeHookIsAskedOnce(t *testing.T) {
	hook := newHookServer(t)
	s, cookie := due(t, "authorize "+hook.url)
	s.request("GET", "/dashboard", "Cookie", cookie, "Rsc", "1", "Next-Url", "/admin")
	require.NotNil(t, s.last())
	calls := hook.calls()
	require.Len(t, calls, 1)
	asked := calls[0].body["session"].(map[string]any)
	assert.Equal(t, "rt-secret", asked["refreshToken"], "the session is as X-Session-Data has it")
}

// The visitor signs out in another tab while the hook still says yes about the page whose
// interception route is to be shown: the app is not told who it was.
func TestSignOutWhileTheAuthorizeHookIsAskedAboutAnInterceptionRoute(t *testing.T) {
	build, err := filepath.Abs("../routes/testdata/builds/16.4")
	require.NoError(t, err)
	hook := newHookServer(t)
	s := serve(t, withHooks("auth /feed/*", "next_build "+build, "authorize "+hook.url))
	cookie := s.signIn(ada)
	hook.answer(func(http.ResponseWriter, *http.Request) {
		assert.Equal(t, http.StatusOK, s.request("DELETE", "/api/session", "Cookie", cookie).StatusCode)
	})
	s.request("GET", "/photo/1", "Cookie", cookie, "Rsc", "1", "Next-Url", "/feed")
	if r := s.last(); r != nil {
		assert.Empty(t, r.Header["X-Session-User"])
		assert.Empty(t, r.Header["Next-Url"])
	}
}

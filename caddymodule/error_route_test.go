package caddymodule_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An error page that the app draws must not be drawn for whom the client says that
// it is: the error routes get a request without any identity.
func TestAttackIdentityOnErrorPages(t *testing.T) {
	folder := t.TempDir()
	s := serve(t, guarded+"\n handle_errors {\n rewrite * /error-page\n reverse_proxy {{app}}\n }", "storage file_system "+folder,
		"session {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n revocation storage {\n poll_interval 20ms\n outage_grace 50ms\n }\n}")
	cookie := s.signIn(ada)
	forged := []string{
		"X-Session-User", "root", "x-session-data", "e30", "X-Session-Realm", "x", "X-Middleware-Subrequest", "1", "X-Matched-Path", "/dashboard",
		"Connection", "close, X-Session-Realm", "Sec-Fetch-Mode", "cors",
	}
	check := func(name string) {
		t.Helper()
		r := s.last()
		require.NotNil(t, r, name)
		assert.Equal(t, "/error-page", r.URL.Path, name)
		for _, gone := range []string{"X-Middleware-Subrequest", "X-Matched-Path", "X-Session-User", "X-Session-Data"} {
			assert.Empty(t, r.Header[gone], "%s: %s", name, gone)
		}
		assert.Equal(t, []string{"default"}, r.Header["X-Session-Realm"], name)
		assert.Equal(t, "theme=dark", r.Header.Get("Cookie"), name)
	}
	with := func(cookies string) []string {
		return append(forged, "Cookie", cookies+"; session.set="+handoff(ada)+"; theme=dark")
	}
	for name, request := range map[string][3]string{
		"401": {"GET", "/dashboard", "session=garbage"}, "400": {"GET", "/a%00b", "session=garbage"},
		"403": {"GET", "/editors/new", cookie}, "405": {"TRACE", "/", cookie},
	} {
		s.request(request[0], request[1], with(request[2])...)
		check(name)
	}

	sessions := filepath.Join(folder, "session")
	require.NoError(t, os.Rename(sessions, sessions+".away"))
	require.NoError(t, os.WriteFile(sessions, nil, 0o600)) // so that it cannot be made anew
	require.Eventually(t, func() bool {
		s.request("GET", "/dashboard/x", with(cookie)...)
		r := s.last()
		return r != nil && r.URL.Path == "/error-page"
	}, 5*time.Second, 20*time.Millisecond, "the outage is noticed")
	s.request("GET", "/dashboard/x", with(cookie)...)
	check("503")
}

// The same holds when the app itself fails, and whatever the app may see of the
// cookie. A guard of the error route's own finds out who is there.
func TestAttackIdentityOnErrorPagesOfTheApp(t *testing.T) {
	for _, forward := range []string{"off", "on"} {
		for _, guard := range []string{"", "session_guard {\n default hybrid\n }\n"} {
			s := serve(t, guarded+"\n handle_errors {\n rewrite * /error-page\n "+guard+"reverse_proxy {{app}}\n }",
				"session {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n forward_cookie "+forward+"\n}")
			cookie := s.signIn(ada)
			s.answer(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/dashboard/broken":
					panic(http.ErrAbortHandler)
				case "/dashboard/bad-handoff":
					w.Header().Set("X-Session-Set", "!!!")
				}
			})
			for _, path := range []string{"/dashboard/broken", "/dashboard/bad-handoff", "/editors/new"} {
				s.request("POST", path, "Cookie", cookie+"; theme=dark", "X-Session-User", "root")
				r := s.last()
				require.NotNil(t, r, path)
				require.Equal(t, "/error-page", r.URL.Path, path)
				assert.Equal(t, []string{"default"}, r.Header["X-Session-Realm"], path)
				if guard != "" {
					assert.Equal(t, []string{"ada"}, r.Header["X-Session-User"], path)
					continue
				}
				assert.NotContains(t, r.Header, "X-Session-User", path)
				assert.NotContains(t, r.Header, "X-Session-Data", path)
				assert.Equal(t, "theme=dark", r.Header.Get("Cookie"), path)
			}
		}
	}
}

// What was refused is not done by way of the error page: Next.js runs a Server Action at any
// path, and finds those of forms by the type of the body.
func TestAttackActionOnErrorPages(t *testing.T) {
	for _, mode := range []string{"auto", "status"} {
		for _, before := range []string{"", "tracing\n"} { // which has the guard see a copy of the request
			s := serve(t, before+"session_guard {\n auth /dashboard/*\n default hybrid\n unauthenticated "+mode+"\n }\n"+
				"handle_errors {\n rewrite * /error-page\n reverse_proxy {{app}}\n }")
			for _, path := range []string{"/a%00", "/dashboard"} {
				for _, kind := range [][]string{
					{"Next-Action", "40c0ffee", "Content-Type", "text/plain", "Accept", "text/x-component"},
					{"Next-Action", "40c0ffee", "Content-Type", "text/plain", "Connection", "Upgrade", "Upgrade", "websocket"},
					{"Content-Type", "multipart/form-data; boundary=x", "Accept", "application/json"},
				} {
					s.send(http.MethodPost, path, strings.NewReader("--x evil"), kind...)
					r := s.last()
					if r == nil {
						continue // answered without the error page
					}
					require.Equal(t, "/error-page", r.URL.Path)
					for _, name := range []string{"Next-Action", "Content-Type", "Upgrade"} {
						assert.Empty(t, r.Header.Get(name), "%s %v", path, kind)
					}
				}
			}
		}
	}
}

// Nor by way of a guard of the error route's own, which may know less of the app than the one
// that refused it: its rules, its build, its authorize hook.
func TestAttackActionOnGuardedErrorPages(t *testing.T) {
	for _, inner := range []string{"default hybrid", "public /error-page\n auth /dashboard/*\n default auth\n login_path /error-page"} {
		s := serve(t, "session_guard {\n auth /dashboard/* {\n require user.role boss\n }\n default hybrid\n }\n"+
			"handle_errors {\n rewrite * /error-page\n session_guard {\n "+inner+"\n }\n reverse_proxy {{app}}\n }")
		for _, cookie := range []string{"", s.signIn(ada)} {
			for _, target := range []string{"/a%00", "/dashboard"} {
				for _, kind := range [][]string{{"Connection", "Upgrade", "Upgrade", "websocket"}, {"Content-Type", "text/plain", "Accept", "text/x-component"}} {
					s.request(http.MethodPost, target, append(kind, "Next-Action", "40c0ffee", "Cookie", cookie)...)
					if r := s.last(); r != nil {
						assert.NotContains(t, r.Header, "Next-Action", "%s behind %s", target, inner)
					}
				}
			}
		}
	}
}

// A guard of the error route's own decides about what is asked there, as on any other route:
// the login page may stand there in place of the page that needs it.
func TestLoginInPlaceOfTheRefusedPage(t *testing.T) {
	s := serve(t, "session_guard {\n public /login\n default auth\n unauthenticated status\n }\n"+
		"handle_errors 401 {\n rewrite * /login\n session_guard {\n public /login\n default auth\n }\n reverse_proxy {{app}}\n }")
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			w.Header().Set("X-Session-Set", handoff(ada))
		}
	})
	response := s.send(http.MethodPost, "/dashboard", strings.NewReader("name=ada"), "Content-Type", "application/x-www-form-urlencoded")
	assert.NotEmpty(t, cookieHeader(response))
	s.request(http.MethodPost, "/dashboard", "Next-Action", "40c0ffee", "Connection", "Upgrade", "Upgrade", "websocket")
	if r := s.last(); r != nil {
		assert.Empty(t, r.Header.Get("Upgrade"), "a WebSocket that was refused is opened nowhere")
	}
}

// An app behind another one that fails gets what the first should have got: the rules
// have let it pass.
func TestErrorRouteToAnotherAppGetsTheBody(t *testing.T) {
	s := serve(t, guarded+"\n handle_errors 502 {\n session_guard {\n default hybrid\n }\n reverse_proxy {{app}}\n }\n reverse_proxy 127.0.0.1:1")
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
	response := s.send(http.MethodPost, "/login", strings.NewReader("name=ada"), "Content-Type", "application/x-www-form-urlencoded")
	assert.NotEmpty(t, cookieHeader(response))
	r := s.last()
	require.NotNil(t, r)
	sent, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Equal(t, "name=ada", string(sent))
}

// A denial is kept by nobody, whatever the app says of the page that an error route
// fetches for it.
func TestAttackCachedErrorPageOfADenial(t *testing.T) {
	for _, realm := range []string{"default", "other"} { // of the error route's guard
		t.Run(realm, func(t *testing.T) { errorPageOfADenial(t, realm) })
	}
}

func errorPageOfADenial(t *testing.T, realm string) {
	s := serve(t, guarded+"\n handle_errors {\n rewrite * /error-page\n session_guard {\n realm "+realm+"\n default hybrid\n }\n"+
		"reverse_proxy {{app}} {\n @any status 200\n replace_status @any {err.status_code}\n }\n }", "session other {\n secret q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f\n }")
	cookie := s.signIn(ada)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"Cache-Control", "Cdn-Cache-Control", "Surrogate-Control"} {
			w.Header().Set(name, "s-maxage=31536000")
		}
	})
	for _, tc := range []struct {
		path, cookie string
		status       int
	}{{"/dashboard", "", 401}, {"/a%00", "", 400}, {"/editors/x", cookie, 403}, {"/dashboard", "session=nonsense", 401}} {
		response := s.request("GET", tc.path, "Accept", "application/json", "Sec-Fetch-Mode", "cors", "Cookie", tc.cookie)
		require.Equal(t, tc.status, response.StatusCode, tc.path)
		assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"], tc.path)
		assert.NotContains(t, response.Header, "Cdn-Cache-Control", tc.path)
		assert.NotContains(t, response.Header, "Surrogate-Control", tc.path)
		cleared := strings.Contains(strings.Join(response.Header["Set-Cookie"], "\n"), "session=; Path=/; Expires=Thu, 01 Jan 1970")
		assert.Equal(t, tc.cookie == "session=nonsense", cleared, "what the guard in front of the error route has written")
	}
	response := s.request("GET", "/")
	assert.Equal(t, "s-maxage=31536000", response.Header.Get("Cdn-Cache-Control"), "only denials are meant")
}

// The error page of a failing app in an error route: what the guard before had to send is sent
// by the session API too, is kept by no cache, and comes before what is newer.
func TestCookieOfTheGuardBeforeAnErrorRoute(t *testing.T) {
	for name, tc := range map[string]struct {
		errorRoute string
		page       http.HandlerFunc
		token      string
	}{
		"a cacheable page": {"reverse_proxy {{app}}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=600")
			w.Header().Set("Cdn-Cache-Control", "max-age=600")
		}, "rt-2"},
		"a page that fails": {"reverse_proxy {{app}}", func(w http.ResponseWriter, _ *http.Request) {
			panic(http.ErrAbortHandler)
		}, "rt-2"},
		"the session API": {"rewrite * /api/session\n session_api {\n path /dashboard\n }", nil, "rt-2"},
	} {
		t.Run(name, func(t *testing.T) {
			s, response := dueAtErrorRoute(t, "session_guard {\n default hybrid\n}\n "+tc.errorRoute, tc.page)
			require.NotEmpty(t, cookieHeader(response))
			assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"])
			assert.NotContains(t, response.Header, "Cdn-Cache-Control")
			s.answer(nil)
			s.request("GET", "/dashboard", "Cookie", cookieHeader(response))
			assert.Equal(t, tc.token, sessionOf(t, s.last())["refreshToken"])
		})
	}
}

// A denial by a guard behind another one is kept by nobody either.
func TestDenialOfAGuardBehindAnotherIsNotCached(t *testing.T) {
	s := serve(t, "route {\n session_guard {\n default hybrid\n }\n session_guard {\n realm staff\n auth /dashboard/*\n default hybrid\n unauthenticated status\n }\n reverse_proxy {{app}}\n }\n"+
		"handle_errors {\n session_guard {\n default hybrid\n actions /*\n }\n reverse_proxy {{app}}\n }",
		"session staff {\n secret q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f\n }")
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "public, max-age=600") })
	response := s.request("GET", "/dashboard", "Accept", "application/json", "Sec-Fetch-Mode", "cors")
	require.Equal(t, http.StatusOK, response.StatusCode, "as the error page of the app says")
	assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"])
	s.last()
	s.send(http.MethodPost, "/dashboard", strings.NewReader("name=ada"), "Content-Type", "application/x-www-form-urlencoded")
	r := s.last()
	require.NotNil(t, r)
	assert.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"), "a guard of the error route decides anew about a form")
}

// The variables that guards share show nothing of the session.
func TestFailureShowsNothing(t *testing.T) {
	s := serve(t, guarded+"\nhandle_errors {\n respond \"[{http.vars.session_guard.failed}]\"\n }")
	assert.Equal(t, "[forbidden]", body(t, s.request("GET", "/editors/x", "Cookie", s.signIn(ada))))
}

// What the guard before an error route has to send is sent whatever guards that: of its own realm
// or another, with a page that may be cached, one that fails or the session API. What the
// error route itself says comes after it, since of two lines browsers keep the last.
func TestCookieOfAGuardOfAnotherRealmBeforeAnErrorRoute(t *testing.T) {
	for name, tc := range map[string]struct {
		errorRoute string
		page       http.HandlerFunc
		last       string // the name of the last cookie
	}{
		"a cacheable page": {"reverse_proxy {{app}}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=600")
		}, "session"},
		"a page that fails": {"reverse_proxy {{app}}", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "session"},
		"a bad handoff": {"reverse_proxy {{app}}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Set", "!!!")
		}, "session"},
		"a handoff": {"reverse_proxy {{app}}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Set", handoff(ada))
		}, "session_staff"},
		"the session API": {"session_api {\n realm staff\n path /dashboard\n }", nil, "session"},
	} {
		t.Run(name, func(t *testing.T) {
			_, response := dueAtErrorRoute(t, "session_guard {\n realm staff\n default hybrid\n}\n route {\n"+tc.errorRoute+"\n}", tc.page,
				"session staff {\n secret Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay\n }")
			cookies := response.Cookies()
			require.NotEmpty(t, cookies)
			names := map[string]bool{}
			for _, c := range cookies {
				names[c.Name] = true
			}
			assert.True(t, names["session"], "what on_refresh returned is lost: %v", response.Header)
			assert.Equal(t, tc.last, cookies[len(cookies)-1].Name)
			assert.Equal(t, []string{"private, no-store"}, response.Header["Cache-Control"])
		})
	}
}

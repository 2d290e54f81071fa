package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestErrorsStayOutOfSharedCaches(t *testing.T) {
	s := serve(t, guarded+`
	handle /broken {
		error 502
	}
	handle /dashboard/broken {
		error 502
	}
	handle_errors {
		header ?Cache-Control "public, max-age=60"
		respond "sorry"
	}`)
	cookie := s.signIn(ada)
	for _, tc := range []struct {
		method, target, cookie string
		status                 int
		cacheControl           string
	}{
		{"GET", "/broken", "", 502, "public, max-age=60"},
		{"GET", "/broken", cookie, 502, "private"},
		{"GET", "/dashboard/broken", cookie, 502, "private"},
		{"GET", "/editors/new", cookie, 403, "private, no-store"},
		{"TRACE", "/", "", 405, "private, no-store"},
	} {
		response := s.request(tc.method, tc.target, "Cookie", tc.cookie)
		assert.Equal(t, tc.status, response.StatusCode, tc.target)
		assert.Equal(t, []string{tc.cacheControl}, response.Header["Cache-Control"], tc.target)
		assert.Equal(t, []string{"Cookie"}, response.Header["Vary"], tc.target)
	}
}

// A cached redirect to the login keeps everybody out, and one to a page lets nobody see that
// it was for one visitor (CVE-2026-44572). The app's own count too, but on static files.
func TestRedirectsAndRefusalsAreKeptByNoCache(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for status, kept := range map[int]bool{
		200: true, 404: true, 304: true,
		204: false, 301: false, 302: false, 303: false, 307: false, 308: false, 401: false, 403: false,
	} {
		s.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			w.Header().Set("Cdn-Cache-Control", "max-age=60")
			w.WriteHeader(status)
		})
		for _, visitor := range []string{"", cookie} {
			response := s.request("GET", "/", "Cookie", visitor)
			require.Equal(t, status, response.StatusCode)
			assert.Equal(t, !kept, response.Header.Get("Cache-Control") == "private, no-store", "%d: %v", status, response.Header)
			assert.Contains(t, response.Header.Values("Vary"), "Cookie", status)
			if !kept {
				assert.Empty(t, response.Header["Cdn-Cache-Control"], status)
			}
		}
		response := s.request("GET", "/_next/static/x.js", "Cookie", cookie)
		assert.Equal(t, "public, max-age=60", response.Header.Get("Cache-Control"), status)
	}
}

// A directive may have a quoted list (RFC 9111 section 5.2), whose commas end nothing.
func TestCacheControlWithQuotedLists(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	for sent, want := range map[string]string{
		`private="X-One, X-Other", max-age=60, no-cache="X-Third, public"`: `private, max-age=60, no-cache="X-Third, public"`,
		`ext="a\", b", public`:                  `private, ext="a\", b"`,
		`no-cache="x, s-maxage=600, max-age=60`: `private, no-cache="x, max-age=60`,
		`no-cache="x, public`:                   `private, no-cache="x`,
	} {
		s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", sent) })
		response := s.request("GET", "/", "Cookie", cookie)
		assert.Equal(t, want, response.Header.Get("Cache-Control"), sent)
	}
}

// Account takeover by a cached Set-Cookie or a shared cache of private pages.
func TestCaching(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, s-maxage=31536000, max-age=60, stale-while-revalidate=9")
		w.Header().Set("Cdn-Cache-Control", "max-age=1")
		w.Header().Set("Vary", "RSC, Accept-Encoding")
	})
	response := s.request("GET", "/", "Cookie", cookie)
	assert.Equal(t, "private, max-age=60, stale-while-revalidate=9", response.Header.Get("Cache-Control"))
	assert.Empty(t, response.Header["Cdn-Cache-Control"])
	assert.Equal(t, "RSC, Accept-Encoding, Cookie", strings.Join(response.Header["Vary"], ", "))

	response = s.request("GET", "/")
	assert.Contains(t, response.Header.Get("Cache-Control"), "public")
	assert.Equal(t, "RSC, Accept-Encoding, Cookie", strings.Join(response.Header["Vary"], ", "))

	response = s.request("GET", "/_next/static/chunks/a.js", "Cookie", cookie)
	assert.Contains(t, response.Header.Get("Cache-Control"), "public")
	assert.Equal(t, "RSC, Accept-Encoding", strings.Join(response.Header["Vary"], ", "))
}

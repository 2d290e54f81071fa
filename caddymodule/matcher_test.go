package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Directives of Caddy run before the guard (header) and behind it (respond).
func TestMatcherBeforeAndBehindTheGuard(t *testing.T) {
	s := serve(t, guarded+`
	@signed_in session authenticated
	@staff session user.role admin editor
	@editor session user.role editor
	@both {
		session user.role admin
		session user.name Ada
	}
	@neither {
		session user.role admin
		session user.name Bob
	}
	@fresh session {
		realm default
		fresh 15m
		user.role admin
	}
	@old session fresh 1ms
	@expression expression session('user.role', 'admin') && path('/cel')
	@anonymous not session authenticated

	header @signed_in X-Signed-In yes
	header @staff X-Staff yes
	header @editor X-Editor yes
	header @both X-Both yes
	header @neither X-Neither yes
	header @fresh X-Fresh yes
	header @old X-Old yes
	header @expression X-Expression yes
	header @anonymous X-Anonymous yes

	handle /behind {
		respond @staff "staff"
		respond "other"
	}`)
	cookie := s.signIn(ada)
	bob := s.signIn(`{"user":{"id":"bob","role":"reader"}}`)
	names := []string{"X-Signed-In", "X-Staff", "X-Editor", "X-Both", "X-Neither", "X-Fresh", "X-Old", "X-Expression", "X-Anonymous"}
	for _, tc := range []struct {
		who, cookie, target string
		matched             []string
	}{
		{"nobody", "", "/cel", []string{"X-Anonymous"}},
		{"a forged cookie", "session=eyJhbGciOiJub25lIn0..a.b.c", "/cel", []string{"X-Anonymous"}},
		{"bob", bob, "/cel", []string{"X-Signed-In"}},
		{"ada", cookie, "/cel", []string{"X-Signed-In", "X-Staff", "X-Both", "X-Fresh", "X-Expression"}},
		{"ada", cookie, "/", []string{"X-Signed-In", "X-Staff", "X-Both", "X-Fresh"}},
	} {
		response := s.request("GET", tc.target, "Cookie", tc.cookie)
		var matched []string
		for _, name := range names {
			if response.Header.Get(name) == "yes" {
				matched = append(matched, name)
			}
		}
		assert.Equal(t, tc.matched, matched, "%s at %s", tc.who, tc.target)
	}
	assert.Equal(t, "staff", body(t, s.request("GET", "/behind", "Cookie", cookie)))
	assert.Equal(t, "other", body(t, s.request("GET", "/behind", "Cookie", bob)))
	assert.Equal(t, "other", body(t, s.request("GET", "/behind")))
}

func TestMatcherWithoutAGuard(t *testing.T) {
	s := serve(t, `
	@in session authenticated
	respond @in "in"
	handle /sign-in {
		session_guard {
			default hybrid
		}
	}`)
	cookie := s.signIn(ada)
	assert.Equal(t, "in", body(t, s.request("GET", "/", "Cookie", cookie)))
	assert.Empty(t, body(t, s.request("GET", "/")))
}

// What a directive answers before the guard is the site's own to mark.
func TestCachesAndTheMatcher(t *testing.T) {
	const answers = `
	@in session authenticated
	header @in X-In yes
	@moved {
		session authenticated
		path /moved/*
	}
	redir @moved /elsewhere
	@shown {
		session authenticated
		path /shown /_next/static/*
	}
	respond @shown "in"`
	const marked = `
	header /moved/marked Vary Cookie
	header /moved/marked Cache-Control private
	header /shown/marked Vary Cookie
	header /shown/marked Cache-Control private`
	type marks struct{ vary, cache string }
	s := serve(t, guarded+answers+marked)
	cookie := s.signIn(ada)
	for _, tc := range []struct {
		target, cookie string
		want           marks
	}{
		{"/shown", cookie, marks{"Cookie", "private"}},
		{"/shown", "", marks{"Cookie", ""}},
		{"/other", cookie, marks{"Cookie", "private"}},
		{"/other", "", marks{"Cookie", ""}},
		{"/dashboard", "", marks{"Cookie", "private, no-store"}},
		{"/_next/static/a.js", cookie, marks{}},
		{"/moved/it", cookie, marks{}},
		{"/moved/marked", cookie, marks{"Cookie", "private"}},
		{"/moved/marked", "", marks{"Cookie", "private"}},
		{"/shown/marked", cookie, marks{"Cookie", "private"}},
	} {
		header := s.request("GET", tc.target, "Cookie", tc.cookie).Header
		got := marks{strings.Join(header["Vary"], " | "), strings.Join(header["Cache-Control"], " | ")}
		assert.Equal(t, tc.want, got, "%s, signed in: %t", tc.target, tc.cookie != "")
	}
	assert.NotEmpty(t, s.request("GET", "/moved/it", "Cookie", cookie).Header.Get("Location"), "the matcher has decided")

	t.Run("without a guard", func(t *testing.T) {
		s := serve(t, answers+marked+`
		handle /sign-in {
			session_guard {
				default hybrid
			}
		}`)
		cookie := s.signIn(ada)
		for target, want := range map[string]marks{"/shown": {}, "/moved/it": {}, "/moved/marked": {"Cookie", "private"}} {
			header := s.request("GET", target, "Cookie", cookie).Header
			assert.Equal(t, want, marks{header.Get("Vary"), header.Get("Cache-Control")}, target)
			assert.Equal(t, "yes", header.Get("X-In"), target)
		}
	})
}

// A session of one realm is nobody in another.
func TestMatcherOfAnotherRealm(t *testing.T) {
	s := serve(t, guarded+`
	@other session {
		realm back
		authenticated
	}
	header @other X-Other yes`, "session back {\n}")
	cookie := s.signIn(ada)
	response := s.request("GET", "/", "Cookie", cookie)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Empty(t, response.Header.Get("X-Other"))
}

// What the guard shares with matchers must not show in a placeholder.
func TestSharedVisitorShowsNothing(t *testing.T) {
	s := serve(t, guarded+`
	respond /vars "[{http.vars.session_guard.visit.default}]"`)
	assert.Equal(t, "[]", body(t, s.request("GET", "/vars", "Cookie", s.signIn(ada))))
}

// What the errors say to write instead is taken.
func TestMatcherValueFromTheEnvironment(t *testing.T) {
	t.Setenv("ROLE_OF_STAFF", "admin")
	for _, written := range []string{"session user.role {$ROLE_OF_STAFF}", "expression session('user.role', '{$ROLE_OF_STAFF}')", "session {\n user.role admin\n}"} {
		s := serve(t, "session_guard {\n default hybrid\n}\n@staff "+written+"\nrespond @staff staff")
		assert.Equal(t, "staff", body(t, s.request("GET", "/", "Cookie", s.signIn(ada))), written)
		assert.Empty(t, body(t, s.request("GET", "/", "Cookie", s.signIn(`{"user":{"id":"bob","role":"reader"}}`))), written)
	}
}

func TestMatcherErrors(t *testing.T) {
	for written, expected := range map[string]string{
		"session":                   "session authenticated",
		"session authenticated yes": "takes no value",
		"session user.role":         "matcher session: user.role needs at least one value; write for example: user.role admin",
		"session role admin":        `matcher session: "role" must name a field of the user; write for example: user.role admin`,
		"session {\n role admin\n}": `matcher session: "role" must name a field of the user; write for example: user.role admin`,
		"session fresh":             "one duration",
		"session fresh soon":        "not a duration",
		"session {\n realm a b\n }": "realm takes one name",
		"session fresh -5m":         "above zero",
		"session fresh 40000d":      "matcher session: fresh is longer than 100 years; write for example: fresh 15m",
		"{\nsession user.role admin\nsession {\nrealm staff\nauthenticated\n}\n}":         "the lines of one matcher session ask the realms default and staff; write a matcher for each, and a handle for one inside that for the other",
		"{\nnot {\nsession {\nrealm staff\nauthenticated\n}\nsession authenticated\n}\n}": "ask the realms default and staff",
		"session user.role a b a":        "matcher session: user.role has a value twice; remove one",
		"session user.role {env.ROLE}":   `matcher session: user.role "{env.ROLE}" has a placeholder, which is not resolved here; write the value itself, or in a Caddyfile {$NAME} to take it from the environment, at Caddyfile:2`,
		"not session user.role {env.X}":  `"{env.X}" has a placeholder`,
		"session {\n realm a\nfresh\n}":  "one duration",
		"not session user..role admin":   `matcher session: "user..role" has a dot with no name before or after it; write for example: user.role admin`,
		"session user. admin":            "has a dot with no name before or after it",
		"session user.role != guest":     `matcher session: user.role cannot be compared with "!=": values are words of which one must equal the field; write those that may pass, for example: user.role admin editor`,
		"not session user.role !guest":   `cannot be compared with "!guest"`,
		"session user.role not guest":    `cannot be compared with "not"`,
		"session user.level >= 5":        `cannot be compared with ">="`,
		"session user.role admin, staff": `user.role has the value "admin," with a comma; values are separated by spaces alone`,
		"session user.role admin user.verified true": `matcher session: user.role has the value "user.verified", with which another condition seems to begin, and one of all these words would do for the field; ` +
			"write each condition on a line of its own (values that do begin with user. stand before the others)",
		"session user.role admin and user.verified true": `user.role has the value "and", with which another condition seems to begin`,
		"session user.role admin && owner":               `has the value "&&"`,
		"session user.role admin fresh 15m":              `has the value "fresh"`,
		"session {\nuser.a user.b c user.d e\n}":         `has the value "user.d"`,
		`not session user.role ""`:                       "matcher session: user.role has an empty value; write for example: user.role admin",
	} {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("localhost\n@x "+written+"\nrespond @x ok\n"), nil)
		require.Error(t, err, written)
		assert.ErrorContains(t, err, expected, written)
	}
}

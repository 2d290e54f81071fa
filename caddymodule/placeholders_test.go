package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// An app that takes "the header is there" for "somebody is signed in" must not be
// told the placeholder's own text.
func TestPlaceholdersOfNobodyAreEmpty(t *testing.T) {
	s := serve(t, guarded+`
	request_header X-User {http.auth.user.id}
	request_header X-Fields "[{http.auth.user.name}{http.auth.user.address.city}{http.session.id}{http.session.expires_at}{http.session.created_at}]"
	handle_errors {
		header X-Error-User "[{http.auth.user.id}]"
	}`)
	s.request("GET", "/")
	r := s.last()
	require.NotNil(t, r)
	assert.Empty(t, r.Header.Get("X-User"))
	assert.Equal(t, "[]", r.Header.Get("X-Fields"))

	// A field that the user does not have is empty too.
	cookie := s.signIn(`{"user":{"id":"ada","address":{"city":"London"}}}`)
	s.request("GET", "/", "Cookie", cookie)
	r = s.last()
	require.NotNil(t, r)
	assert.Equal(t, "ada", r.Header.Get("X-User"))
	assert.True(t, strings.HasPrefix(r.Header.Get("X-Fields"), "[London"), r.Header.Get("X-Fields"))

	// On error routes as well, of whatever error.
	for _, request := range [][2]string{{"GET", "/a%00b"}, {"TRACE", "/"}} {
		assert.Equal(t, []string{"[]"}, s.request(request[0], request[1]).Header["X-Error-User"], request[1])
	}
	assert.Equal(t, []string{"[ada]"}, s.request("GET", "/editors/new", "Cookie", cookie).Header["X-Error-User"])
}

// Who was signed in by another handler of Caddy stays that.
func TestPlaceholdersOfOtherHandlersWin(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("password"), bcrypt.MinCost)
	require.NoError(t, err)
	s := serve(t, guarded+`
	basic_auth {
		bob `+string(hash)+`
	}
	reverse_proxy {{app}} {
		header_up X-User {http.auth.user.id}
	}`)
	request, err := http.NewRequest("GET", "/", nil)
	require.NoError(t, err)
	request.SetBasicAuth("bob", "password")
	s.request("GET", "/", "Authorization", request.Header.Get("Authorization"))
	r := s.last()
	require.NotNil(t, r)
	assert.Equal(t, "bob", r.Header.Get("X-User"))
}

// In an error route the placeholders are of the guard there, whose realm may be another's.
func TestPlaceholdersInAnErrorRouteAreOfItsGuard(t *testing.T) {
	for realm, user := range map[string]string{"default": "ada", "staff": ""} {
		s := serve(t, "session_guard {\n default hybrid\n}\nhandle /fail {\n error 500\n}\nhandle_errors {\n session_guard {\n realm "+realm+"\n default hybrid\n}\n"+
			"reverse_proxy {{app}} {\n header_up X-User {http.auth.user.id}\n header_up X-Rule \"{http.session_guard.rule} {http.session_guard.decision}\"\n}\n}",
			"session staff {\n secret q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f\n}\nsession {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n}")
		cookie := s.signIn(ada)
		s.request("GET", "/fail", "Cookie", cookie)
		r := s.last()
		require.NotNil(t, r)
		assert.Equal(t, realm, r.Header.Get("X-Session-Realm"))
		assert.Equal(t, user, r.Header.Get("X-User"), realm)
		assert.Equal(t, "default hybrid pass", r.Header.Get("X-Rule"), realm)
	}
}

// The access log names users as it always does.
func TestAccessLogsNameTheUser(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	s.request("GET", "/?who=nobody")
	s.request("GET", "/?who=ada", "Cookie", cookie)
	s.request("GET", "/api/session?who=ada", "Cookie", cookie)
	s.request("DELETE", "/api/session?out=ada", "Cookie", cookie, "Origin", "http://"+s.addr)
	cookie = s.signIn(ada)
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Delete", "1") })
	s.request("GET", "/?out=ada", "Cookie", cookie)
	text := s.logged()
	for _, want := range []struct{ uri, user string }{{"/?who=nobody", `""`}, {"/?who=ada", `"ada"`}, {"/api/session?who=ada", `"ada"`}, {"/api/session?out=ada", `"ada"`}, {"/?out=ada", `"ada"`}} {
		found := false
		for line := range strings.Lines(text) {
			if strings.Contains(line, `"uri":"`+want.uri+`"`) && strings.Contains(line, `"user_id"`) {
				found = true
				assert.Contains(t, line, `"user_id":`+want.user)
			}
		}
		assert.True(t, found, want.uri)
	}
}

// Each placeholder says what its name says, and numbers as they were given. What is not ours
// is left to others.
func TestPlaceholderValues(t *testing.T) {
	s := serve(t, `session_guard {
		default hybrid
		locales ar
		expiry 1h
	}
	route {
		map {http.request.method} {area} {
			default there
		}
		request_header X-Times "{http.session.created_at} {http.session.expires_at}"
		request_header X-Fields "{http.auth.user.age} {http.auth.user.big} {http.auth.user.admin} {http.auth.user.tags}"
		request_header X-Locale {http.session_guard.locale}
		request_header X-Area "{area} {http.session.nothing}"
	}`)
	cookie := s.signIn(`{"user":{"id":"ada","age":42,"big":9007199254740993,"admin":true,"tags":["a",1]}}`)
	before := time.Now().Add(-5 * time.Second)
	s.request("GET", "/ar/x", "Cookie", cookie)
	r := s.last()
	require.NotNil(t, r)
	times := strings.Fields(r.Header.Get("X-Times"))
	require.Len(t, times, 2)
	for i, after := range []time.Duration{0, time.Hour} {
		said, err := time.Parse("2006-01-02T15:04:05Z", times[i])
		require.NoError(t, err)
		assert.WithinRange(t, said, before.Add(after), time.Now().Add(after), times[i])
	}
	assert.Equal(t, `42 9007199254740993 true ["a",1]`, r.Header.Get("X-Fields"))
	assert.Equal(t, "ar", r.Header.Get("X-Locale"))
	for _, cookie := range []string{cookie, ""} {
		s.request("GET", "/", "Cookie", cookie)
		assert.Contains(t, s.last().Header.Get("X-Area"), "there", "a placeholder of another handler's")
	}
}

// An access log names who is signed in by the answer, not who was before.
func TestAccessLogNamesWhoSignedInInPlaceOfAnother(t *testing.T) {
	s := serve(t, guarded)
	cookie := s.signIn(ada)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Session-Set", handoff(`{"user":{"id":"bob"}}`))
	})
	s.request("POST", "/?now=bob", "Cookie", cookie)
	for line := range strings.Lines(s.logged()) {
		if strings.Contains(line, `"uri":"/?now=bob"`) && strings.Contains(line, `"user_id"`) {
			assert.Contains(t, line, `"user_id":"bob"`)
			return
		}
	}
	t.Error("the access log does not name the user")
}

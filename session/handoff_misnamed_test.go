package session_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/session"
)

// An app that does not know the realm's cookie_name would lose its login in silence, and the
// browser would get the tokens.
func TestHandoffCookieOfAnotherName(t *testing.T) {
	login := described(`{"user":{"id":"bo"},"accessToken":"at"}`)
	change := described(`{"user":{"role":"admin"}}`)
	for name, tc := range map[string]struct {
		lines []string
		names []string
	}{
		"of the default realm":   {[]string{"session.set=" + login + "; Path=/; HttpOnly"}, []string{"session.set"}},
		"of another realm":       {[]string{"session_other.update=" + change}, []string{"session_other.update"}},
		"with a prefix":          {[]string{"__Host-session.set=" + login + "; Path=/; Secure"}, []string{"__Host-session.set"}},
		"without a dot":          {[]string{"session_admin_set=" + login}, []string{"session_admin_set"}},
		"in capitals":            {[]string{"SESSION-SET=" + login}, []string{"SESSION-SET"}},
		"only a token":           {[]string{"session.update=" + described(`{"accessToken":"at"}`)}, []string{"session.update"}},
		"taken back":             {[]string{"session.set=" + login + "; Max-Age=0"}, nil},
		"the right one, too":     {[]string{"session.set=" + login, "session_admin.set=" + login}, nil},
		"a refresh":              {[]string{"session.update=" + described(`{}`)}, nil},
		"without an id":          {[]string{"session.set=" + described(`{"user":{}}`)}, nil},
		"with another member":    {[]string{"tools.set=" + described(`{"user":{"id":"bo"},"tool":"saw"}`)}, nil},
		"a value of another":     {[]string{"cart.set=1", "cart_update=abc", "offset=2", "set=3", ".set=" + login[:4]}, nil},
		"a name of another kind": {[]string{"session.sets=" + login, "profile=" + login}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t, func(s *session.Settings) { s.CookieName = "session_admin" })
			var lines []string
			for _, line := range tc.lines {
				lines = append(lines, "Set-Cookie: "+line)
			}
			header := answer(lines...)
			handoff, err := read(t, m, request()).TakeHandoff(t.Context(), header)
			if err != nil {
				t.Error(err)
			}
			if !slices.Equal(handoff.Misnamed, tc.names) {
				t.Errorf("%q were taken for misnamed", handoff.Misnamed)
			}
			ours := func(line string) bool { return strings.HasPrefix(line, "session_admin.") }
			if want := slices.DeleteFunc(tc.lines, ours); !slices.Equal(header["Set-Cookie"], want) {
				t.Errorf("the browser gets %q", header["Set-Cookie"])
			}
		})
	}
}

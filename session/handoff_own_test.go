package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// An app that shares the secret may seal by itself.
func TestAppSealsItsOwnCookie(t *testing.T) {
	good := sealClaims(noon, claims{"user": claims{"id": "bo"}})
	ended := sealClaims(noon, claims{"expiresAt": noon.UnixMilli(), "exp": noon.Unix()})
	half := len(good) / 2
	large := sealClaims(noon, claims{"user": claims{"id": "bo", "about": strings.Repeat("x", 4000)}})
	chunked := func(token string) (lines []string) {
		for i := 0; token != ""; i++ {
			n := min(4000, len(token))
			lines, token = append(lines, fmt.Sprintf("session.%d=%s", i, token[:n])), token[n:]
		}
		return lines
	}
	for name, tc := range map[string]struct {
		lines []string
		wrong bool
	}{
		"good":                {[]string{"session=" + good + "; Path=/; HttpOnly; SameSite=Lax"}, false},
		"in chunks":           {[]string{"session.0=" + good[:half], "session.1=" + good[half:]}, false},
		"with stale chunks":   {[]string{"session=" + good, "session.0=; Max-Age=0", "session.1=; Max-Age=0"}, false},
		"chunks, stale whole": {[]string{"session=; Max-Age=0", "session.0=" + good[:half], "session.1=" + good[half:]}, false},
		"deleted before":      {[]string{"session=; Max-Age=0", "session=" + good}, false},
		"deleted afterwards":  {[]string{"session=" + good, "session=; Max-Age=0"}, true},
		"with another path":   {[]string{"session=" + good + "; Path=/", "session=; Path=/app; Max-Age=0"}, false},
		"with a domain":       {[]string{"session=" + good, "session=; Domain=example.com; Max-Age=0"}, false},
		"with the same":       {[]string{"session=" + good + "; Domain=.example.com", "session=; Domain=Example.com; Path=/; Max-Age=0"}, true},
		"expired":             {[]string{"session=" + ended}, true},
		"half":                {[]string{"session.0=" + good[:half]}, true},
		"good and garbage":    {[]string{"session=" + good, "session.0=x"}, true},
		"in quotes":           {[]string{`session="` + good + `"`}, true},
		"no browser keeps it": {[]string{"session=" + large}, true},
		"too much to tell":    {chunked(sealClaims(noon, claims{"user": claims{"id": strings.Repeat("\u00e9", 1600)}})), true},
		"sealed by another":   {[]string{"session=" + strings.Replace(good, ".", "x.", 1)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			v := read(t, m, request())
			var lines []string
			for _, line := range tc.lines {
				lines = append(lines, "Set-Cookie: "+line)
			}
			err := handle(t, v, answer(lines...))
			header := http.Header{}
			v.SetCookies(header)
			if tc.wrong {
				var wrong *session.HandoffError
				if !errors.As(err, &wrong) || len(header) > 0 {
					t.Errorf("error %v, written %v", err, header)
				}
				return
			}
			// The lines are the app's own, deletions of stale cookies included.
			if err != nil || !slices.Equal(header["Set-Cookie"], tc.lines) {
				t.Errorf("error %v, written %q", err, header["Set-Cookie"])
			}
		})
	}
}

// An app that does not know of the prefix would lose its login in silence. Cookies of its
// own that are called so pass.
func TestAppSealsUnderAnotherPrefix(t *testing.T) {
	good := sealClaims(noon, claims{"user": claims{"id": "bo"}})
	half := len(good) / 2
	foreign := goodEnvelope(noon)
	foreign.key = bytes.Repeat([]byte{7}, 32)
	for name, tc := range map[string]struct {
		secure string
		lines  []string
		want   string // in the error; "" for none
	}{
		"no prefix":               {"always", []string{"session=" + good + "; Path=/; HttpOnly"}, "the session cookie is __Host-session"},
		"another prefix":          {"always", []string{"__Secure-session=" + good + "; Path=/; Secure"}, "the session cookie is __Host-session"},
		"a prefix without TLS":    {"never", []string{"__Host-session=" + good + "; Path=/; Secure"}, "the session cookie is session,"},
		"in chunks":               {"always", []string{"session.0=" + good[:half], "session.1=" + good[half:]}, "the session cookie is __Host-session"},
		"deletes the right one":   {"always", []string{"__Host-session=; Max-Age=0", "session=" + good}, "the session cookie is __Host-session"},
		"sets the right one, too": {"always", []string{"session=" + good, "__Host-session=" + good}, ""},
		"deletes it":              {"always", []string{"session=; Max-Age=0"}, ""},
		"expired":                 {"always", []string{"session=" + good + "; Max-Age=-1"}, ""},
		"a cookie of its own":     {"always", []string{"session=abc", "session.0=abc"}, ""},
		"another key":             {"always", []string{"session=" + strings.Replace(good, ".", "x.", 1)}, ""},
		"another token":           {"always", []string{"session=" + foreign.seal()}, ""},
		"another cookie":          {"always", []string{"sessions=" + good, "my-session=" + good}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t, func(s *session.Settings) { s.SecureCookie = tc.secure })
			v := read(t, m, request())
			header := http.Header{"Set-Cookie": slices.Clone(tc.lines)}
			handoff, err := v.TakeHandoff(t.Context(), header)
			var wrong *session.HandoffError
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), good[half:])):
				t.Errorf("the error is %v", err)
			case tc.want != "" && handoff.Delete:
				t.Error("the session before would end")
			case tc.want == "" && handoff.Empty() && !slices.Equal(header["Set-Cookie"], tc.lines):
				t.Errorf("the cookies %q became %q", tc.lines, header["Set-Cookie"])
			}
		})
	}
	m, _ := newManager(t, func(s *session.Settings) { s.SecureCookie = "always" })
	header := http.Header{"X-Session-Set": {described(`{"user":{"id":"bo"}}`)}, "Set-Cookie": {"session=" + good}}
	if _, err := read(t, m, request()).TakeHandoff(t.Context(), header); err != nil {
		t.Errorf("beside a login that is not lost: %v", err)
	}
}

// An app may call a token of its own as ours is called under another prefix: nobody waits
// for a look for its key.
func TestTokenOfTheAppsOwnHasNoKeysLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		m := mustManager(t, session.Settings{SecureCookie: "always"}, newNode(t, storage).keys)
		time.Sleep(time.Hour) // so that a look would not be too soon after another
		before := storage.loaded()
		header := http.Header{"Set-Cookie": {"session=" + goodEnvelope(time.Now()).seal()}}
		if _, err := read(t, m, request()).TakeHandoff(t.Context(), header); err != nil || len(header["Set-Cookie"]) != 1 {
			t.Errorf("%v, the cookies became %q", err, header["Set-Cookie"])
		}
		if n := storage.loaded() - before; n != 0 {
			t.Errorf("the keys were read %d times", n)
		}
	})
}

// What the browser has of a session before would be read together with the app's own.
func TestStaleCookiesBesideATokenOfTheApp(t *testing.T) {
	good := sealClaims(noon, claims{"user": claims{"id": "bo"}})
	half := len(good) / 2
	for name, tc := range map[string]struct {
		sent, lines, removed []string
	}{
		"chunks":               {[]string{"session.0=a", "session.1=b", "session.2=c"}, []string{"session=" + good}, []string{"session.0", "session.1", "session.2"}},
		"chunks, one of which": {[]string{"session.0=a", "session.1=b"}, []string{"session=" + good, "session.0=; Max-Age=0"}, []string{"session.1"}},
		"a whole one":          {[]string{"session=a"}, []string{"session.0=" + good[:half], "session.1=" + good[half:]}, []string{"session"}},
		"a third chunk":        {[]string{"session.0=a", "session.1=b", "session.2=c"}, []string{"session.0=" + good[:half], "session.1=" + good[half:]}, []string{"session.2"}},
		"nothing":              {nil, []string{"session=" + good}, nil},
		"removed elsewhere":    {[]string{"session=a"}, []string{"session=; Path=/old; Max-Age=0", "session.0=" + good[:half], "session.1=" + good[half:]}, []string{"session"}},
		"of a domain":          {[]string{"session=a"}, []string{"session=" + good + "; Domain=example.com; Path=/"}, []string{"session"}},
		"below a path":         {[]string{"session=a"}, []string{"session=" + good + "; Path=/app"}, []string{"session"}},
		"the same":             {[]string{"session=a"}, []string{"session=" + good + "; Path=/"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			v := read(t, m, request(strings.Join(tc.sent, "; ")))
			var lines []string
			for _, line := range tc.lines {
				lines = append(lines, "Set-Cookie: "+line)
			}
			must(t, handle(t, v, answer(lines...)))
			header := http.Header{}
			v.SetCookies(header)
			written := header["Set-Cookie"]
			if len(written) != len(tc.lines)+len(tc.removed) || !slices.Equal(written[:len(tc.lines)], tc.lines) {
				t.Fatalf("written %q", written)
			}
			for i, name := range tc.removed {
				if line := written[len(tc.lines)+i]; !strings.HasPrefix(line, name+"=; ") || !strings.Contains(line, "Max-Age=0") {
					t.Errorf("%s, want the removal of %s", line, name)
				}
			}
		})
	}
}

// A login is not lost in silence beside a token that the app sealed itself.
func TestHandoffBesideATokenOfTheApp(t *testing.T) {
	own := "Set-Cookie: session=" + sealClaims(noon, nil)
	for _, handoff := range []string{`X-Session-Set: ` + b64([]byte(`{"user":{"id":"bob"}}`)), `X-Session-Update: ` + b64([]byte(`{}`))} {
		m, _ := newManager(t)
		v := read(t, m, request(signIn(t, m, alice())))
		var wrong *session.HandoffError
		if err := handle(t, v, answer(handoff, own)); !errors.As(err, &wrong) {
			t.Errorf("%s: error %v", handoff, err)
		}
		taken, err := v.TakeHandoff(t.Context(), answer(handoff, own, "X-Session-Delete: 1"))
		if !errors.As(err, &wrong) || taken.Delete {
			t.Errorf("%s: a delete beside two sign-ins holds: %v", handoff, err)
		}
	}
}

// An app that sends on a token of a session that has ended is told: the login would be lost.
func TestAppSealsASessionThatHasEnded(t *testing.T) {
	m, _ := newManager(t)
	must(t, m.RevokeSession(t.Context(), "AAAAAAAAAAAAAAAAAAAAAA"))
	var wrong *session.HandoffError
	if err := handle(t, read(t, m, request()), answer("Set-Cookie: session="+sealClaims(noon, nil))); !errors.As(err, &wrong) {
		t.Errorf("the error is %v", err)
	}
}

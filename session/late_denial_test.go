package session_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// A request that was under way while the visitor got another session, as by a change of the
// organisation, does not take the new cookie from the browser: both have one name.
func TestLateDenialRemovesNoNewCookie(t *testing.T) {
	type seen struct {
		m    *session.Manager
		c    *clock
		old  string
		late *session.Visitor
	}
	signInAnew := func(t *testing.T, s *seen) {
		t.Helper()
		if err := read(t, s.m, request(s.old)).Create(t.Context(), alice()); err != nil {
			t.Error(err)
		}
	}
	apply := func(t *testing.T, v *session.Visitor, answer http.Header) {
		t.Helper()
		handoff, err := v.TakeHandoff(t.Context(), answer)
		must(t, err)
		must(t, v.Apply(t.Context(), handoff))
	}
	for name, tc := range map[string]struct {
		do      func(t *testing.T, s *seen)
		cleared bool
	}{
		"sent just before": {do: func(t *testing.T, s *seen) { // the browser has not got the new one yet
			signInAnew(t, s)
			s.c.Add(50 * time.Millisecond)
			s.late = read(t, s.m, request(s.old))
		}},
		"a hook took long": {do: func(t *testing.T, s *seen) {
			s.late = read(t, s.m, request(s.old))
			signInAnew(t, s)
			s.c.Add(30 * time.Second)
			if err := s.late.Recheck(); err != nil {
				t.Error(err)
			}
		}},
		"after a reload": {do: func(t *testing.T, s *seen) {
			signInAnew(t, s)
			settings := s.m.Settings() // with its Memory
			next, err := session.NewManager(settings, s.m.Keys())
			if err != nil {
				t.Fatal(err)
			}
			s.late = read(t, next, request(s.old))
		}},
		"the app ended the one before itself": {do: func(t *testing.T, s *seen) {
			answer := http.Header{"X-Session-Delete": {"1"}, "X-Session-Set": {b64([]byte(`{"user":{"id":"alice"}}`))}}
			apply(t, read(t, s.m, request(s.old)), answer)
			s.late = read(t, s.m, request(s.old))
		}},
		"the app ended it, and sealed the new one": {do: func(t *testing.T, s *seen) {
			answer := http.Header{"X-Session-Delete": {"1"}, "Set-Cookie": {signIn(t, s.m, alice())}}
			apply(t, read(t, s.m, request(s.old)), answer)
			s.late = read(t, s.m, request(s.old))
		}},
		"long since": {cleared: true, do: func(t *testing.T, s *seen) {
			signInAnew(t, s)
			s.c.Add(10 * time.Minute)
			s.late = read(t, s.m, request(s.old))
		}},
		"signed out": {cleared: true, do: func(t *testing.T, s *seen) {
			if err := read(t, s.m, request(s.old)).Delete(context.Background()); err != nil {
				t.Error(err)
			}
			s.late = read(t, s.m, request(s.old))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &seen{}
			s.m, s.c = newManager(t)
			s.old = signIn(t, s.m, alice())
			tc.do(t, s)
			if s.late.Session() != nil {
				t.Error("the session before is still good")
			}
			if header := (http.Header{}); s.late.ClearInvalid(header) != tc.cleared {
				t.Errorf("Set-Cookie %q", header["Set-Cookie"])
			}
		})
	}
}

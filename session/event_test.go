package session_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

func TestObserveIsToldOfEachChangeOnce(t *testing.T) {
	keys := mustKeyring(t, "", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	var told []session.EventKind
	m, err := session.NewManager(session.Settings{Observe: func(e session.Event) {
		told = append(told, e.Kind)
		switch {
		case e.Kind == session.EventSealed && e.KeyID != keys.KeyIDs()[0]:
			t.Errorf("sealed by the key %q", e.KeyID)
		case e.Kind == session.EventRead && e.Result != session.ResultNone:
			t.Errorf("read %q", e.Result)
		case e.Kind != session.EventRead && e.Session.User.ID() != "ada":
			t.Errorf("%s is about %q", e.Kind, e.Session.User.ID())
		}
	}}, keys)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://app.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	v := read(t, m, r)
	for _, step := range []struct {
		name string
		do   func() error
		want []session.EventKind
	}{
		{"an update of nobody", func() error { _ = v.Update(session.Change{}); return nil }, []session.EventKind{session.EventRead}},
		{"a sign-in", func() error { return v.Create(t.Context(), session.Login{User: session.User{"id": "ada"}}) },
			[]session.EventKind{session.EventSealed, session.EventCreated}},
		{"a slide that is not due", func() error { return v.Slide(t.Context()) }, nil},
		{"a refresh", func() error { return v.Refresh(t.Context()) }, []session.EventKind{session.EventSealed, session.EventRefreshed}},
		{"an update", func() error { return v.Update(session.Change{User: session.User{"name": "Ada"}}) },
			[]session.EventKind{session.EventSealed, session.EventUpdated}},
		{"a sign-out", func() error { return v.Delete(t.Context()) }, []session.EventKind{session.EventDeleted}},
		{"a second sign-out", func() error { return v.Delete(t.Context()) }, nil},
	} {
		if err := step.do(); err != nil {
			t.Fatal(step.name, err)
		}
		if !slices.Equal(told, step.want) {
			t.Errorf("%s: told %q, want %q", step.name, told, step.want)
		}
		told = nil
	}
}

// Parallel requests send one slide. It is told once, whichever of them sends it.
func TestObserveIsToldOnceOfASlideOfParallelRequests(t *testing.T) {
	for name, then := range map[string]func(first, second *session.Visitor){
		"both send it":                  func(first, second *session.Visitor) { setCookies(t, second); setCookies(t, first) },
		"the one that made it does not": func(first, second *session.Visitor) { setCookies(t, second); first.Forgo(); setCookies(t, first) },
	} {
		told := 0
		m, c := newManager(t, counting(session.EventRefreshed, &told))
		cookie := signIn(t, m, alice())
		c.Add(6*day + time.Hour)
		first, second := read(t, m, request(cookie)), read(t, m, request(cookie))
		must(t, errors.Join(first.Slide(t.Context()), second.Slide(t.Context())))
		then(first, second)
		if told != 1 {
			t.Errorf("%s: told %d times", name, told)
		}
	}
}

// A slide may be taken back, as that of a page that polls. Whoever counts refreshes, or acts
// on them, is not told of it.
func TestObserveIsToldOfASlideThatIsSent(t *testing.T) {
	var told []session.EventKind
	m, c := newManager(t, func(s *session.Settings) {
		s.Observe = func(e session.Event) {
			if e.Kind != session.EventSealed && e.Kind != session.EventRead {
				told = append(told, e.Kind)
			}
		}
	})
	for _, tc := range []struct {
		name string
		then func(*session.Visitor) error
		want []session.EventKind
	}{
		{"forgone", func(v *session.Visitor) error { v.Forgo(); return nil }, nil},
		{"sent", func(*session.Visitor) error { return nil }, []session.EventKind{session.EventRefreshed}},
		{"with an update", func(v *session.Visitor) error {
			return v.Update(session.Change{User: session.User{"name": "Ada"}})
		}, []session.EventKind{session.EventUpdated}},
		{"before a sign-out", func(v *session.Visitor) error { return v.Delete(t.Context()) }, []session.EventKind{session.EventDeleted}},
	} {
		cookie := signIn(t, m, alice())
		c.Add(6*day + time.Hour)
		v := read(t, m, request(cookie))
		told = nil
		if err := errors.Join(v.Slide(t.Context()), tc.then(v)); err != nil {
			t.Fatal(tc.name, err)
		}
		setCookies(t, v)
		if !slices.Equal(told, tc.want) {
			t.Errorf("%s: told %q, want %q", tc.name, told, tc.want)
		}
	}
}

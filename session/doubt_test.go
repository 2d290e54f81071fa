package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// While the keys cannot be read, a browser has a cookie beside its own that this node
// cannot open: left over, or planted by a sibling domain. The sign-out ends the session
// that can be opened; of the other one nobody is told that it has ended, and its cookie
// stays, so that the visitor can ask again.
func TestSignOutBesideATokenThatNobodyCanOpen(t *testing.T) {
	for name, order := range map[string]func(own, foreign string) string{
		"before": func(own, foreign string) string { return foreign + "; " + own },
		"after":  func(own, foreign string) string { return own + "; " + foreign },
		"alone":  func(_, foreign string) string { return foreign },
	} {
		for _, end := range []struct {
			name string
			ask  func(*session.Visitor) error
		}{
			{"sign-out", func(v *session.Visitor) error { return v.Delete(t.Context()) }},
			{"everywhere", func(v *session.Visitor) error { return v.EndAll(t.Context()) }},
		} {
			t.Run(name+", "+end.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					storage := newStorage()
					n := newNode(t, storage)
					own := signIn(t, n.manager, alice())
					cookies := order(own, "session="+goodEnvelope(time.Now()).seal())
					storage.set(func(s *memoryStorage) { s.broken = errBroken })
					for range 2 {
						v, err := n.manager.Read(request(cookies))
						if !errors.Is(err, session.ErrUnavailable) || v.Session() != nil || v.Result() != session.ResultError {
							t.Fatalf("%v, the session is %v, the cookies are %s", err, v.Session(), v.Result())
						}
						for range 2 { // an app may delete it on the same answer
							if err := end.ask(v); !errors.Is(err, session.ErrUnavailable) {
								t.Errorf("it is reported as done: %v", err)
							}
						}
						if sent := setCookies(t, v); len(sent) > 0 {
							t.Errorf("the cookies are taken: %v", sent)
						}
						time.Sleep(10 * time.Second)
					}
					if name != "alone" {
						if result := read(t, n.manager, request(own)).Result(); result != session.ResultRevoked {
							t.Errorf("a copy of the own cookie is %s", result)
						}
					}
					storage.set(func(s *memoryStorage) { s.broken = nil })
					time.Sleep(10 * time.Second)
					v := read(t, n.manager, request(cookies))
					if err := end.ask(v); err != nil && !errors.Is(err, session.ErrNoSession) {
						t.Errorf("after the outage: %v", err)
					}
				})
			})
		}
	}
}

// Two sessions, one of which was planted, and a cookie that nobody can open now: both end.
func TestSignOutOfTwoSessionsBesideATokenThatNobodyCanOpen(t *testing.T) {
	for name, end := range map[string]func(*session.Visitor) error{
		"sign-out":   func(v *session.Visitor) error { return v.Delete(t.Context()) },
		"everywhere": func(v *session.Visitor) error { return v.EndAll(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				storage := newStorage()
				n := newNode(t, storage)
				one, two := signIn(t, n.manager, alice()), signIn(t, n.manager, session.Login{User: session.User{"id": "bo"}})
				storage.set(func(s *memoryStorage) { s.broken = errBroken })
				v, err := n.manager.Read(request(one + "; " + two + "; session=" + goodEnvelope(time.Now()).seal()))
				if !errors.Is(err, session.ErrUnavailable) || v.Session() != nil {
					t.Fatalf("%v, the session is %v", err, v.Session())
				}
				if err := end(v); !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("it is reported as done: %v", err)
				}
				for _, cookie := range []string{one, two} {
					if result := read(t, n.manager, request(cookie)).Result(); result != session.ResultRevoked {
						t.Errorf("a copy of the cookie is %s", result)
					}
				}
			})
		})
	}
}

// sharedLater keeps ends that others cannot be told yet, and knows for which of them they
// were to be told again.
type sharedLater struct {
	*session.RevocationSet
	again []string // session ids
}

func (s *sharedLater) Share(_ context.Context, of *session.Session) error {
	s.again = append(s.again, of.ID)
	return errBroken
}

// Whoever asks once more for an end that others do not know of yet has them told again,
// also beside a cookie that nobody can open.
func TestSignOutOnceMoreBesideATokenThatNobodyCanOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		set := &sharedLater{RevocationSet: session.NewRevocationSet(time.Now)}
		m := mustManager(t, session.Settings{Revocations: set}, newNode(t, storage).keys)
		own := signIn(t, m, alice())
		id := read(t, m, request(own)).Session().ID
		storage.set(func(s *memoryStorage) { s.broken = errBroken })
		v, err := m.Read(request(own + "; session=" + goodEnvelope(time.Now()).seal()))
		if !errors.Is(err, session.ErrUnavailable) {
			t.Fatal(err)
		}
		for range 2 {
			if err := v.Delete(t.Context()); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("it is reported as done: %v", err)
			}
		}
		if !slices.Equal(set.again, []string{id}) {
			t.Errorf("others are told again of %q, not of %s", set.again, id)
		}
	})
}

// Of two cookies that open, both sessions end while nobody can tell whether they are good.
func TestSignOutOfTwoSessionsInAnOutage(t *testing.T) {
	set := session.NewRevocationSet(func() time.Time { return noon })
	working, _ := newManager(t, func(s *session.Settings) { s.Revocations = set })
	stale, _ := newManager(t, func(s *session.Settings) { s.Revocations = staleRevocations{set} })
	one, two := signIn(t, working, alice()), signIn(t, working, session.Login{User: session.User{"id": "bo"}})
	v, err := stale.Read(request(one + "; " + two + "; " + two))
	if !errors.Is(err, session.ErrStale) {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context()); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
	if removed := removedNames(setCookies(t, v)); len(removed) != 4 {
		t.Errorf("the cookies %v are taken", removed)
	}
	for _, cookie := range []string{one, two} {
		if result := read(t, working, request(cookie)).Result(); result != session.ResultRevoked {
			t.Errorf("it is %s", result)
		}
	}
}

// Session fixation: the session that was there before a sign-in ends also where nobody can
// tell whether it is good, and signing in stays possible.
func TestCreateEndsASessionOfWhichNobodyCanTell(t *testing.T) {
	var told []session.EventKind
	observe := func(s *session.Settings) {
		s.Now = func() time.Time { return noon }
		s.Observe = func(e session.Event) { told = append(told, e.Kind) }
	}
	set := session.NewRevocationSet(func() time.Time { return noon })
	working, _ := newManager(t, func(s *session.Settings) { s.Revocations = set })
	hook := &validator{answer: say(errors.New("bad gateway"))}
	for name, m := range map[string]*session.Manager{
		"stale revocations": first(newManager(t, observe, func(s *session.Settings) { s.Revocations = staleRevocations{set} })),
		"a failing hook":    hooked(t, hook, nil, observe, func(s *session.Settings) { s.Revocations = set }),
	} {
		planted, other := signIn(t, working, alice()), signIn(t, working, alice())
		v, err := m.Read(request(planted))
		if err == nil {
			err = v.Validate(t.Context())
		}
		if err == nil || v.Session() != nil {
			t.Fatalf("%s: %v, the session is %v", name, err, v.Session())
		}
		told = nil
		if err := v.Create(t.Context(), alice()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Contains(told, session.EventDeleted) || !slices.Contains(told, session.EventCreated) {
			t.Errorf("%s: told %v", name, told)
		}
		if s := read(t, working, request(sentCookie(t, v))).Session(); s == nil {
			t.Errorf("%s: nobody is signed in", name)
		}
		if result := read(t, working, request(planted)).Result(); result != session.ResultRevoked {
			t.Errorf("%s: the session before is %s", name, result)
		}
		if result := read(t, working, request(other)).Result(); result != session.ResultOpened {
			t.Errorf("%s: another session of the user is %s", name, result)
		}
	}
}

func first(m *session.Manager, _ *clock) *session.Manager { return m }

// A session that comes in two tokens ends once.
func TestSignOutOfOneSessionInTwoTokensInAnOutage(t *testing.T) {
	set := session.NewRevocationSet(func() time.Time { return noon })
	working, _ := newManager(t, func(s *session.Settings) { s.Revocations = set })
	ends := 0
	stale, _ := newManager(t, func(s *session.Settings) {
		s.Revocations = staleRevocations{set}
		s.Observe = func(e session.Event) {
			if e.Kind == session.EventDeleted {
				ends++
			}
		}
	})
	cookie := signIn(t, working, alice())
	v, err := stale.Read(request(cookie + "; " + cookie))
	if !errors.Is(err, session.ErrStale) {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context()); !errors.Is(err, session.ErrUnavailable) || ends != 1 {
		t.Errorf("%v; it ends %d times", err, ends)
	}
}

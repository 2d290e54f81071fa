package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// validator is a Validator that counts its calls.
type validator struct {
	calls  atomic.Int64
	answer func(ctx context.Context, s *session.Session) error
}

func (h *validator) ValidateSession(ctx context.Context, s *session.Session) error {
	h.calls.Add(1)
	return h.answer(ctx, s)
}

// refresher is a Refresher that counts its calls.
type refresher struct {
	calls  atomic.Int64
	answer func(ctx context.Context, s *session.Session) (session.Login, error)
}

func (h *refresher) RefreshSession(ctx context.Context, s *session.Session) (session.Login, error) {
	h.calls.Add(1)
	return h.answer(ctx, s)
}

// hooked makes a manager with hooks on the clock of the bubble.
func hooked(t *testing.T, v *validator, r *refresher, change ...func(*session.Settings)) *session.Manager {
	m, _ := newManager(t, func(s *session.Settings) {
		s.Now = time.Now
		s.ValidFor = 30 * time.Second
		if v != nil {
			s.Validator = v
		}
		if r != nil {
			s.Refresher = r
		}
		for _, f := range change {
			f(s)
		}
	})
	return m
}

func say(err error) func(context.Context, *session.Session) error {
	return func(context.Context, *session.Session) error { return err }
}

// rotated is what a token endpoint answers: every refresh token is good once.
func rotated(_ context.Context, s *session.Session) (session.Login, error) {
	return session.Login{User: s.User, AccessToken: "at" + s.RefreshToken, RefreshToken: s.RefreshToken + "+"}, nil
}

func withTokens() session.Login {
	return session.Login{User: session.User{"id": "alice", "role": "editor"}, AccessToken: "at", RefreshToken: "rt"}
}

const untilDue = 6*day + time.Hour

func TestValidatorIsAskedOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: say(nil)}
		m := hooked(t, hook, nil)
		cookie := signIn(t, m, alice())
		for _, step := range []struct {
			after time.Duration
			calls int64
		}{{0, 1}, {29 * time.Second, 1}, {time.Second, 2}, {time.Second, 2}} {
			time.Sleep(step.after)
			v := read(t, m, request(cookie))
			if err := v.Validate(t.Context()); err != nil || v.Session() == nil {
				t.Fatal(err, v.Session())
			}
			if calls := hook.calls.Load(); calls != step.calls {
				t.Errorf("%d calls, not %d", calls, step.calls)
			}
		}
	})
}

// Nobody is asked about a visitor who has no session.
func TestValidatorIsNotAskedAboutNobody(t *testing.T) {
	hook := &validator{answer: say(errors.New("bad gateway"))}
	v := read(t, hooked(t, hook, nil), request())
	if err := v.Validate(t.Context()); err != nil || hook.calls.Load() != 0 || v.Result() != session.ResultNone {
		t.Errorf("%v, it is asked %d times, the cookies are %s", err, hook.calls.Load(), v.Result())
	}
}

// A yes was for a session as it was.
func TestValidatorIsAskedAgainAfterARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: say(nil)}
		m := hooked(t, hook, nil)
		v := read(t, m, request(signIn(t, m, alice())))
		for range 2 {
			if err := v.Validate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := v.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if calls := hook.calls.Load(); calls != 2 {
			t.Errorf("%d calls for two states", calls)
		}
	})
}

func TestValidatorEndsASession(t *testing.T) {
	var ends atomic.Int64
	hook := &validator{answer: say(nil)}
	m := hooked(t, hook, nil, func(s *session.Settings) {
		s.ValidFor = 0
		s.Observe = func(e session.Event) {
			if e.Kind == session.EventDeleted {
				ends.Add(1)
			}
		}
	})
	cookie := signIn(t, m, alice())
	hook.answer = say(session.ErrRefused)
	v := read(t, m, request(cookie))
	if err := v.Validate(t.Context()); err != nil || v.Session() != nil || v.Result() != session.ResultRevoked {
		t.Fatalf("%v, %v, %s", err, v.Session(), v.Result())
	}
	header := http.Header{}
	if !v.ClearInvalid(header) || len(removedNames(parseSetCookies(t, header))) != 1 {
		t.Errorf("the cookie is not cleared: %v", header)
	}
	hook.answer = say(nil) // it does not come back
	if v := read(t, m, request(cookie)); v.Session() != nil || v.Result() != session.ResultRevoked {
		t.Errorf("afterwards the result is %s", v.Result())
	}
	if ends.Load() != 1 {
		t.Errorf("the end was told %d times", ends.Load())
	}
}

func TestOutageOfTheValidator(t *testing.T) {
	for name, keep := range map[string]bool{"denies": false, "keeps": true} {
		t.Run(name, func(t *testing.T) {
			hook := &validator{answer: say(errors.New("connection refused"))}
			m := hooked(t, hook, nil, func(s *session.Settings) { s.KeepUnvalidated = keep })
			cookie := signIn(t, m, alice())
			v := read(t, m, request(cookie))
			err := v.Validate(t.Context())
			if keep && (err != nil || v.Session() == nil) {
				t.Errorf("it should pass: %v", err)
			}
			if !keep && (!errors.Is(err, session.ErrUnavailable) || !errors.Is(err, session.ErrHookFailed) || v.Session() != nil) {
				t.Errorf("it should fail closed: %v, %v", err, v.Session())
			}
			if header := (http.Header{}); v.ClearInvalid(header) {
				t.Errorf("an outage clears the cookie: %v", header)
			}
			hook.answer = say(nil)
			if v := read(t, m, request(cookie)); v.Validate(t.Context()) != nil || v.Session() == nil {
				t.Error("a short outage has ended the session")
			}
		})
	}
}

// Two seconds of waiting at every click would be an outage of the site.
func TestHangingValidatorIsGivenARest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: func(context.Context, *session.Session) error {
			time.Sleep(2 * time.Second)
			return context.DeadlineExceeded
		}}
		m := hooked(t, hook, nil, func(s *session.Settings) { s.KeepUnvalidated = true })
		cookie := signIn(t, m, alice())
		for _, calls := range []int64{1, 1, 2} {
			if err := read(t, m, request(cookie)).Validate(t.Context()); err != nil {
				t.Error(err)
			}
			if hook.calls.Load() != calls {
				t.Errorf("%d calls, not %d", hook.calls.Load(), calls)
			}
			time.Sleep(1100 * time.Millisecond)
		}
	})
}

// Where the visitor is denied meanwhile, a rest would only make the outage longer.
func TestValidatorIsAskedAgainAtOnceAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: func(context.Context, *session.Session) error {
			time.Sleep(2 * time.Second)
			return context.DeadlineExceeded
		}}
		m := hooked(t, hook, nil)
		cookie := signIn(t, m, alice())
		if err := read(t, m, request(cookie)).Validate(t.Context()); !errors.Is(err, session.ErrHookFailed) {
			t.Error(err)
		}
		hook.answer = say(nil)
		if err := read(t, m, request(cookie)).Validate(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The administrator ends the session while the app still says yes.
func TestSessionRevokedWhileAHookIsAskedStaysRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &validator{answer: func(context.Context, *session.Session) error {
			time.Sleep(time.Second)
			return nil
		}}
		r := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
			time.Sleep(time.Second)
			return rotated(ctx, s)
		}}
		m := hooked(t, v, r)
		for name, use := range map[string]func(*session.Visitor) error{
			"validate": func(v *session.Visitor) error { return v.Validate(t.Context()) },
			"slide":    func(v *session.Visitor) error { return v.Slide(t.Context()) },
			"refresh":  func(v *session.Visitor) error { return v.Refresh(t.Context()) },
		} {
			cookie := signIn(t, m, withTokens())
			time.Sleep(untilDue)
			visitor := read(t, m, request(cookie))
			id := visitor.Session().ID
			go func() {
				time.Sleep(500 * time.Millisecond)
				if err := m.RevokeSession(context.Background(), id); err != nil {
					t.Error(err)
				}
			}()
			if err := use(visitor); err != nil && !session.IsAnonymity(err) {
				t.Errorf("%s: %v", name, err)
			}
			if visitor.Session() != nil || visitor.SetCookies(http.Header{}) {
				t.Errorf("%s: the session is there again", name)
			}
			if after := read(t, m, request(cookie)); after.Session() != nil {
				t.Errorf("%s: the old cookie opens", name)
			}
		}
	})
}

// Many users at the same moment: each gets what was said of them.
func TestHooksNeverMixUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &validator{answer: func(_ context.Context, s *session.Session) error {
			time.Sleep(time.Second)
			if s.User.ID() == "banned" {
				return session.ErrRefused
			}
			return nil
		}}
		r := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
			time.Sleep(time.Second)
			return rotated(ctx, s)
		}}
		m := hooked(t, v, r)
		cookies := map[string]string{}
		for _, id := range []string{"an", "bo", "banned"} {
			cookies[id] = signIn(t, m, session.Login{User: session.User{"id": id}, RefreshToken: id})
		}
		time.Sleep(untilDue)
		var requests sync.WaitGroup
		for range 20 {
			for id, cookie := range cookies {
				requests.Go(func() {
					visitor := read(t, m, request(cookie))
					if err := visitor.Validate(t.Context()); err != nil {
						t.Error(err)
					}
					if id == "banned" {
						if visitor.Session() != nil {
							t.Error("the banned user passes")
						}
						return
					}
					if err := visitor.Slide(t.Context()); err != nil {
						t.Error(err)
					}
					if s := visitor.Session(); s == nil || s.User.ID() != id || s.RefreshToken != id+"+" {
						t.Errorf("%s got %v", id, s)
					}
				})
			}
		}
		requests.Wait()
		if v.calls.Load() != 3 || r.calls.Load() != 2 {
			t.Errorf("%d and %d calls for three users", v.calls.Load(), r.calls.Load())
		}
	})
}

// An app that seals its own tokens may give two users one session id.
func TestHooksTellUsersWithOneSessionIDApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: func(_ context.Context, s *session.Session) error {
			if s.User.ID() == "alice" {
				return nil
			}
			return errors.New("unknown")
		}}
		m := hooked(t, hook, nil)
		for user, good := range map[string]bool{"alice": true, "mallory": false} {
			token := sealClaims(time.Now(), claims{"user": map[string]any{"id": user}})
			if err := read(t, m, request("session="+token)).Validate(t.Context()); (err == nil) != good {
				t.Errorf("%s: %v", user, err)
			}
		}
	})
}

// One tab is closed while another waits for the same answer.
func TestImpatientClientDoesNotEndASharedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		hook := &validator{answer: func(ctx context.Context, _ *session.Session) error {
			select {
			case <-ctx.Done():
				ended.Store(true)
				return ctx.Err()
			case <-time.After(10 * time.Second):
				return nil
			}
		}}
		m := hooked(t, hook, nil)
		cookie := signIn(t, m, alice())
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var requests sync.WaitGroup
		requests.Go(func() {
			if err := read(t, m, request(cookie)).Validate(impatient); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient one got %v", err)
			}
		})
		synctest.Wait() // it came first
		requests.Go(func() {
			if err := read(t, m, request(cookie)).Validate(t.Context()); err != nil {
				t.Errorf("the patient one got %v", err)
			}
		})
		requests.Wait()
		if ended.Load() || hook.calls.Load() != 1 {
			t.Errorf("ended %v, %d calls", ended.Load(), hook.calls.Load())
		}
	})
}

// Nobody is left who wants to know.
func TestValidationEndsWithTheLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: func(ctx context.Context, _ *session.Session) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		m := hooked(t, hook, nil)
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		_ = read(t, m, request(signIn(t, m, alice()))).Validate(gone)
		synctest.Wait()
		if took := time.Since(started); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestHookThatHangsOrPanicsIsAnOutage(t *testing.T) {
	for name, answer := range map[string]func(context.Context, *session.Session) error{
		"hangs": func(ctx context.Context, _ *session.Session) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"panics": func(context.Context, *session.Session) error { panic("alice") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := hooked(t, &validator{answer: answer}, nil)
				started := time.Now()
				err := read(t, m, request(signIn(t, m, alice()))).Validate(t.Context())
				if !errors.Is(err, session.ErrUnavailable) || time.Since(started) > session.MaxHookTime {
					t.Errorf("after %v: %v", time.Since(started), err)
				}
			})
		})
	}
}

// The hook has used the refresh token up; asking with it again would look like a theft.
func TestRotationThatDoesNotFitIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: func(_ context.Context, s *session.Session) (session.Login, error) {
			return session.Login{User: s.User, AccessToken: strings.Repeat("a", 20_000), RefreshToken: "next"}, nil
		}}
		m := hooked(t, nil, hook)
		cookie := signIn(t, m, withTokens())
		time.Sleep(untilDue)
		var tooLarge *session.TooLargeError
		if err := read(t, m, request(cookie)).Slide(t.Context()); !errors.As(err, &tooLarge) {
			t.Fatalf("error %v", err)
		}
		v := read(t, m, request(cookie))
		if err := v.Slide(t.Context()); err != nil || v.Session().AccessToken != "at" {
			t.Errorf("error %v, session %v", err, v.Session())
		}
		if calls := hook.calls.Load(); calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

// staleRevocations keep what they are told, but cannot tell what other nodes have
// ended.
type staleRevocations struct{ *session.RevocationSet }

func (staleRevocations) Revoked(*session.Session) (bool, error) { return false, session.ErrStale }

func (r staleRevocations) Revoke(ctx context.Context, revocation session.Revocation) error {
	return errors.Join(session.ErrUnavailable, r.RevocationSet.Revoke(ctx, revocation))
}

// Whoever signs out while nobody can tell whether the session is still good is
// signed out afterwards, and hears of no success before it is one. The user's other
// sessions stay: this one may have been ended since it was stolen.
func TestSignOutIsKeptWhileNobodyCanTell(t *testing.T) {
	ends := map[string]func(v *session.Visitor, ctx context.Context) error{
		"this one": (*session.Visitor).Delete, "all": (*session.Visitor).EndAll, "the others": (*session.Visitor).EndOthers,
	}
	for name, end := range ends {
		t.Run("stale revocations, "+name, func(t *testing.T) {
			set := session.NewRevocationSet(func() time.Time { return noon })
			working, _ := newManager(t, func(s *session.Settings) { s.Revocations = set })
			mine, other := signIn(t, working, alice()), signIn(t, working, alice())
			broken, _ := newManager(t, func(s *session.Settings) { s.Revocations = staleRevocations{set} })
			v, err := broken.Read(request(mine))
			if !errors.Is(err, session.ErrStale) || v.Session() != nil {
				t.Fatalf("%v, %v", v.Session(), err)
			}
			if err := end(v, t.Context()); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("the error is %v", err)
			}
			for cookie, ends := range map[string]bool{mine: name != "the others", other: false} {
				if got := read(t, working, request(cookie)).Result() == session.ResultRevoked; got != ends {
					t.Errorf("this one %t: it has ended: %t", cookie == mine, got)
				}
			}
		})
		t.Run("a failing hook, "+name, func(t *testing.T) {
			m := hooked(t, &validator{answer: say(errors.New("bad gateway"))}, nil, func(s *session.Settings) { s.Now = func() time.Time { return noon } })
			cookie, other := signIn(t, m, alice()), signIn(t, m, alice())
			v := read(t, m, request(cookie))
			if err := v.Validate(t.Context()); !errors.Is(err, session.ErrHookFailed) || v.Session() != nil {
				t.Fatalf("%v, %v", v.Session(), err)
			}
			if err := end(v, t.Context()); errors.Is(err, session.ErrHookFailed) != (name != "this one") {
				t.Error(err)
			}
			for cookie, ends := range map[string]bool{cookie: name != "the others", other: false} {
				if got := read(t, m, request(cookie)).Result() == session.ResultRevoked; got != ends {
					t.Errorf("it has ended: %t, want %t", got, ends)
				}
			}
		})
	}
}

// Who hangs up, or closes one half of the connection, does not pass for that where an outage
// of the hook lets sessions pass, and neither does anybody after them.
func TestWhoHangsUpDoesNotSkipTheValidator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: func(ctx context.Context, _ *session.Session) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		m := hooked(t, hook, nil, func(s *session.Settings) { s.KeepUnvalidated = true })
		cookie := signIn(t, m, alice())
		gone, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		v := read(t, m, request(cookie))
		if err := v.Validate(gone); !errors.Is(err, session.ErrHookFailed) || v.Session() != nil {
			t.Errorf("%v, the session is %v", err, v.Session())
		}
		synctest.Wait()
		hook.answer = say(session.ErrRefused)
		if v := read(t, m, request(cookie)); v.Validate(t.Context()) != nil || v.Session() != nil {
			t.Error("who comes next is not asked about")
		}
	})
}

// A rest is no longer than the hook's yes would have counted.
func TestRestOfAHangingValidatorIsNoLongerThanItsYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: func(context.Context, *session.Session) error {
			time.Sleep(10 * time.Second)
			return context.DeadlineExceeded
		}}
		m := hooked(t, hook, nil, func(s *session.Settings) { s.KeepUnvalidated, s.ValidFor = true, time.Second })
		cookie := signIn(t, m, alice())
		_ = read(t, m, request(cookie)).Validate(t.Context())
		time.Sleep(2 * time.Second)
		hook.answer = say(session.ErrRefused)
		if v := read(t, m, request(cookie)); v.Validate(t.Context()) != nil || v.Session() != nil {
			t.Error("the session passes without the hook")
		}
	})
}

// Who comes while the call that nobody waits for any more is ending gets an answer of their
// own, and shares it with others.
func TestValidationAfterOneThatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &validator{answer: func(ctx context.Context, _ *session.Session) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			return ctx.Err()
		}}
		m := hooked(t, hook, nil)
		cookie := signIn(t, m, alice())
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = read(t, m, request(cookie)).Validate(gone)
		hook.answer = func(context.Context, *session.Session) error {
			time.Sleep(3 * time.Second)
			return nil
		}
		answered := make(chan error, 2)
		for range 2 {
			go func() {
				v, err := m.Read(request(cookie))
				answered <- errors.Join(err, v.Validate(t.Context()))
			}()
			time.Sleep(2 * time.Second)
		}
		for range 2 {
			if err := <-answered; err != nil {
				t.Error(err)
			}
		}
		if calls := hook.calls.Load(); calls != 2 {
			t.Errorf("%d calls, not 2", calls)
		}
	})
}

// impatient keeps ends for as long as whoever asks has patience.
type impatient struct{ *session.RevocationSet }

func (i impatient) Revoke(ctx context.Context, r session.Revocation) error {
	return errors.Join(ctx.Err(), i.RevocationSet.Revoke(ctx, r))
}

// What a hook has refused is told to the other nodes also if it took too long for whoever
// waited.
func TestLateRefusalIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := func(context.Context) error {
			time.Sleep(session.MaxHookTime + time.Second)
			return session.ErrRefused
		}
		v := &validator{answer: func(ctx context.Context, _ *session.Session) error { return late(ctx) }}
		r := &refresher{answer: func(ctx context.Context, _ *session.Session) (session.Login, error) {
			return session.Login{}, late(ctx)
		}}
		pending := 0
		m := hooked(t, v, r, func(s *session.Settings) {
			s.Revocations = impatient{session.NewRevocationSet(time.Now)}
			s.Observe = func(e session.Event) {
				if e.Pending {
					pending++
				}
			}
		})
		cookie, other := signIn(t, m, alice()), signIn(t, m, alice())
		if err := read(t, m, request(cookie)).Validate(t.Context()); err != nil {
			t.Error(err)
		}
		refused := read(t, m, request(other))
		if err := refused.Refresh(t.Context()); !errors.Is(err, session.ErrRevoked) || refused.Result() != session.ResultRevoked {
			t.Errorf("%v, the cookies are %s", err, refused.Result())
		}
		if pending != 0 {
			t.Errorf("%d ends are not shared", pending)
		}
	})
}

// A sign-out of a session that the hook has just refused is not reported as done while only
// this node knows of the end.
func TestSignOutOfARefusedSessionThatOthersDoNotKnowOf(t *testing.T) {
	kept := &keepingRevocations{RevocationSet: session.NewRevocationSet(time.Now)}
	m := hooked(t, &validator{answer: say(session.ErrRefused)}, nil, func(s *session.Settings) { s.Revocations = kept })
	v := read(t, m, request(signIn(t, m, alice())))
	kept.outage = true
	if err := v.Validate(t.Context()); err != nil || v.Session() != nil {
		t.Fatalf("%v, the session is %v", err, v.Session())
	}
	if err := v.Delete(t.Context()); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("it is reported as done: %v", err)
	}
}

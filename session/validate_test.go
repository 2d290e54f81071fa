package session_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

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
			must(t, v.Validate(t.Context()))
			must(t, v.Refresh(t.Context()))
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

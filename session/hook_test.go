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

// rotatedSlowly takes a second for it.
func rotatedSlowly(ctx context.Context, s *session.Session) (session.Login, error) {
	time.Sleep(time.Second)
	return rotated(ctx, s)
}

func withTokens() session.Login {
	return session.Login{User: session.User{"id": "alice", "role": "editor"}, AccessToken: "at", RefreshToken: "rt"}
}

const untilDue = 6*day + time.Hour

// The administrator ends the session while the app still says yes.
func TestSessionRevokedWhileAHookIsAskedStaysRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &validator{answer: func(context.Context, *session.Session) error {
			time.Sleep(time.Second)
			return nil
		}}
		r := &refresher{answer: rotatedSlowly}
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
		r := &refresher{answer: rotatedSlowly}
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

// impatient keeps ends for as long as whoever asks has patience.
type impatient struct{ *session.RevocationSet }

func (i impatient) Revoke(ctx context.Context, r session.Revocation) error {
	return errors.Join(ctx.Err(), i.RevocationSet.Revoke(ctx, r))
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

package session_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// An outage of the token endpoint logged everybody out elsewhere.
func TestTransientFailureOfARefreshKeepsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		hook := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
			if broken {
				time.Sleep(time.Second)
				return session.Login{}, errors.New("bad gateway")
			}
			return rotated(ctx, s)
		}}
		m := hooked(t, nil, hook)
		cookie := signIn(t, m, withTokens())
		time.Sleep(untilDue)
		for range 3 { // of which one asks
			v := read(t, m, request(cookie))
			if err := v.Slide(t.Context()); err != nil || v.Session() == nil || v.Session().RefreshToken != "rt" {
				t.Fatal(err, v.Session())
			}
			if sentCookie(t, v) != "" {
				t.Error("a failure has changed the cookie")
			}
		}
		if calls := hook.calls.Load(); calls != 1 {
			t.Errorf("%d calls in a row", calls)
		}
		v := read(t, m, request(cookie))
		if err := v.Apply(t.Context(), session.Handoff{Update: new(session.Change)}); err != nil || v.Session() == nil || hook.calls.Load() != 1 {
			t.Errorf("an app asks for a refresh: %v, %d calls", err, hook.calls.Load())
		}
		v = read(t, m, request(cookie))
		if err := v.Refresh(t.Context()); !errors.Is(err, session.ErrHookFailed) || !errors.Is(err, session.ErrUnavailable) || v.Session() == nil {
			t.Errorf("a refresh on demand says %v", err)
		}
		broken = false
		time.Sleep(1100 * time.Millisecond) // as long as the call took, and a little
		v = read(t, m, request(cookie))
		if err := v.Slide(t.Context()); err != nil || v.Session().RefreshToken != "rt+" {
			t.Errorf("after the outage: %v, %s", err, v.Session().RefreshToken)
		}
	})
}

// switchedStale are revocations that cannot be read from a moment on, until they can again.
type switchedStale struct {
	*session.RevocationSet
	stale atomic.Bool
}

func (s *switchedStale) Revoked(of *session.Session) (bool, error) {
	if revoked, err := s.RevocationSet.Revoked(of); revoked || err != nil || !s.stale.Load() {
		return revoked, err
	}
	return false, session.ErrStale
}

// While the hook is asked, the grace of an outage ends. What it returns is kept, since the
// old refresh token is used up; but nobody gets it before somebody can tell whether the
// session is still good.
func TestRotationOutlivesTheEndOfTheGrace(t *testing.T) {
	for name, endedElsewhere := range map[string]bool{"the session is good": false, "it was ended elsewhere": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := &switchedStale{RevocationSet: session.NewRevocationSet(time.Now)}
				hook := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
					set.stale.Store(true)
					return rotated(ctx, s)
				}}
				m := hooked(t, nil, hook, func(s *session.Settings) { s.Revocations = set })
				cookie := signIn(t, m, withTokens())
				time.Sleep(untilDue)
				v := read(t, m, request(cookie))
				id := v.Session().ID
				if err := v.Slide(t.Context()); !errors.Is(err, session.ErrStale) {
					t.Errorf("the error is %v", err)
				}
				if sent := sentCookie(t, v); sent != "" {
					t.Errorf("%q is sent", sent)
				}
				time.Sleep(2 * time.Minute)
				set.stale.Store(false)
				if endedElsewhere {
					set.Add(session.Revocation{SessionID: id, Until: time.Now().Add(7 * day)})
				}
				v = read(t, m, request(cookie))
				if err := v.Slide(t.Context()); err != nil {
					t.Error(err)
				}
				s := v.Session()
				if endedElsewhere != (s == nil) || s != nil && s.RefreshToken != "rt+" || (sentCookie(t, v) == "") != endedElsewhere {
					t.Errorf("after the outage the session is %v", s)
				}
				if calls := hook.calls.Load(); calls != 1 {
					t.Errorf("the refresh token was used %d times", calls)
				}
			})
		})
	}
}

func TestRefresherEndsASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: func(context.Context, *session.Session) (session.Login, error) {
			return session.Login{}, session.ErrRefused
		}}
		m := hooked(t, nil, hook)
		cookie := signIn(t, m, withTokens())
		time.Sleep(untilDue)
		v := read(t, m, request(cookie))
		if err := v.Slide(t.Context()); !errors.Is(err, session.ErrRevoked) || v.Session() != nil {
			t.Errorf("%v, %v", err, v.Session())
		}
		if after := read(t, m, request(cookie)); after.Result() != session.ResultRevoked {
			t.Errorf("afterwards the result is %s", after.Result())
		}
	})
}

// The provider has taken the old token back: what it gave for it must be kept,
// whether or not the browser has waited.
func TestRotationIsCarriedThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
			select {
			case <-ctx.Done():
				return session.Login{}, ctx.Err()
			case <-time.After(2 * time.Second):
				return rotated(ctx, s)
			}
		}}
		m := hooked(t, nil, hook)
		cookie := signIn(t, m, withTokens())
		time.Sleep(untilDue)
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := read(t, m, request(cookie)).Slide(gone); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		v := read(t, m, request(cookie))
		if v.Session().RefreshToken != "rt+" || sentCookie(t, v) == "" {
			t.Errorf("the next request has %s", v.Session().RefreshToken)
		}
	})
}

// What a hook gives of a session that was ended while it was asked is sealed no more, and
// nobody is told of a refresh.
func TestRotationOfASessionThatEndsMeanwhile(t *testing.T) {
	var m *session.Manager
	var told []session.EventKind
	m, _ = newManager(t, func(s *session.Settings) {
		s.Refresher = &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
			told = nil
			if err := m.RevokeSession(ctx, s.ID); err != nil {
				return session.Login{}, err
			}
			return rotated(ctx, s)
		}}
		s.Observe = func(e session.Event) { told = append(told, e.Kind) }
	})
	v := read(t, m, request(signIn(t, m, withTokens())))
	if err := v.Refresh(t.Context()); !errors.Is(err, session.ErrRevoked) || v.Session() != nil || len(told) > 0 {
		t.Errorf("%v, the session is %v, told %v", err, v.Session(), told)
	}
}

// A request that takes longer than a node remembers what it has sealed came with a refresh
// token that another may have used since. Used twice, it looks stolen.
func TestSlowRequestUsesNoRefreshTokenTwice(t *testing.T) {
	for name, refresh := range map[string]func(v *session.Visitor) error{
		"by the app": func(v *session.Visitor) error {
			return v.Apply(t.Context(), session.Handoff{Update: new(session.Change)})
		},
		"by the API": func(v *session.Visitor) error { return v.Refresh(t.Context()) },
	} {
		used := map[string]bool{}
		provider := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
			if used[s.RefreshToken] {
				return session.Login{}, session.ErrRefused
			}
			used[s.RefreshToken] = true
			return rotated(ctx, s)
		}}
		m, c := newManager(t, func(s *session.Settings) {
			s.Refresher, s.Expiry, s.RefreshThreshold = provider, time.Hour, 30*time.Minute
		})
		cookie := signIn(t, m, withTokens())
		c.Add(29 * time.Minute)
		slow := read(t, m, request(cookie))
		c.Add(2 * time.Minute)
		_, cookie = use(t, m, cookie)
		c.Add(8 * time.Minute)
		signIn(t, m, session.Login{User: session.User{"id": "bob"}}) // which sweeps what is too old, as do ends
		must(t, m.RevokeSession(t.Context(), "other"))
		if err := refresh(slow); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s := read(t, m, request(cookie)).Session(); s == nil || !used["rt"] || len(used) != 1 {
			t.Errorf("%s: the session is %v, used %v", name, s, used)
		}
	}
}

package session_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// A page sends many requests at once; a refresh token must be used once.
func TestParallelRequestsRotateOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: rotatedSlowly}
		m := hooked(t, nil, hook)
		old := signIn(t, m, withTokens())
		time.Sleep(untilDue)
		tokens := make([]string, 50)
		var requests sync.WaitGroup
		for i := range tokens {
			v := read(t, m, request(old)) // all before the first has rotated
			requests.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond) // some after it has
				use := v.Slide
				if i%7 == 0 {
					use = v.Refresh // or by the API
				}
				if err := use(t.Context()); err != nil {
					t.Error(err)
				}
				if s := v.Session(); s.AccessToken != "atrt" || s.RefreshToken != "rt+" {
					t.Errorf("request %d has %s and %s", i, s.AccessToken, s.RefreshToken)
				}
				tokens[i] = sentCookie(t, v)
			})
		}
		requests.Wait()
		if calls := hook.calls.Load(); calls != 1 {
			t.Errorf("%d calls", calls)
		}
		for i, token := range tokens {
			if token == "" || token != tokens[0] {
				t.Fatalf("request %d got another cookie than request 0", i)
			}
		}
		time.Sleep(4 * time.Minute) // a request with the old cookie that is late
		v := read(t, m, request(old))
		if err := v.Slide(t.Context()); err != nil || v.Session().RefreshToken != "rt+" || hook.calls.Load() != 1 {
			t.Errorf("late: %v, %s, %d calls", err, v.Session().RefreshToken, hook.calls.Load())
		}
		time.Sleep(untilDue)
		v = read(t, m, request(tokens[0]))
		if err := v.Slide(t.Context()); err != nil || v.Session().RefreshToken != "rt++" {
			t.Errorf("the next rotation: %v, %s", err, v.Session().RefreshToken)
		}
	})
}

// Tabs that ask for a refresh one after the other with one old cookie get one new one.
func TestLateRefreshesRotateOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: rotated}
		m := hooked(t, nil, hook)
		old := signIn(t, m, withTokens())
		time.Sleep(time.Minute)
		var first string
		for i := range 4 {
			v := read(t, m, request(old))
			must(t, v.Refresh(t.Context()))
			token := sentCookie(t, v)
			if i == 0 {
				first = token
			}
			if token == "" || token != first || hook.calls.Load() != 1 {
				t.Errorf("request %d: another token, or %d calls", i, hook.calls.Load())
			}
			time.Sleep(50 * time.Millisecond)
		}
		v := read(t, m, request(first))
		if err := v.Refresh(t.Context()); err != nil || hook.calls.Load() != 2 {
			t.Errorf("who has the new token asks for another: %v, %d calls", err, hook.calls.Load())
		}
		time.Sleep(time.Minute)
		v = read(t, m, request(old))
		if err := v.Refresh(t.Context()); err != nil || hook.calls.Load() != 3 {
			t.Errorf("much later: %v, %d calls", err, hook.calls.Load())
		}
	})
}

// An update moves the times, and asks no Refresher: who asks for a refresh then gets one.
func TestRefreshAfterAnUpdateRotates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: rotated}
		m := hooked(t, nil, hook)
		old := signIn(t, m, withTokens())
		time.Sleep(2 * time.Hour)
		must(t, read(t, m, request(old)).Update(session.Change{User: session.User{"cart": "1"}}))
		time.Sleep(10 * time.Second)
		v := read(t, m, request(old))
		if err := v.Refresh(t.Context()); err != nil || hook.calls.Load() != 1 || v.Session().RefreshToken != "rt+" {
			t.Errorf("%v, %d calls, %s", err, hook.calls.Load(), v.Session().RefreshToken)
		}
		must(t, read(t, m, request(old)).Update(session.Change{User: session.User{"cart": "2"}}))
		v = read(t, m, request(old))
		if err := v.Refresh(t.Context()); err != nil || hook.calls.Load() != 1 || v.Session().User["cart"] != "2" {
			t.Errorf("after a rotation and an update: %v, %d calls, %v", err, hook.calls.Load(), v.Session().User)
		}
	})
}

// A reload while the token endpoint is asked: the new configuration waits for the
// call of the old one and hands on what it brought.
func TestReloadRotatesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: rotatedSlowly}
		before := hooked(t, nil, hook)
		old := signIn(t, before, withTokens())
		time.Sleep(untilDue)
		first := read(t, before, request(old))
		var requests sync.WaitGroup
		requests.Go(func() {
			if err := first.Slide(t.Context()); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second / 2)
		after := hooked(t, nil, hook, func(s *session.Settings) {
			s.Memory, s.Revocations = before.Settings().Memory, before.Settings().Revocations
		})
		second := read(t, after, request(old))
		if err := second.Slide(t.Context()); err != nil {
			t.Error(err)
		}
		requests.Wait()
		late := read(t, after, request(old))
		for name, v := range map[string]*session.Visitor{"first": first, "second": second, "late": late} {
			if s := v.Session(); s == nil || s.RefreshToken != "rt+" || hook.calls.Load() != 1 {
				t.Fatalf("the %s request has %v after %d calls", name, s, hook.calls.Load())
			}
			if sentCookie(t, v) != sentCookie(t, first) {
				t.Errorf("the %s request gets another cookie", name)
			}
		}
	})
}

// A token whose secret was taken out of the configuration is not handed on:
// nobody could open it.
func TestReloadForgetsTokensOfOldKeys(t *testing.T) {
	const kept, gone = "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	manager := func(memory *session.Memory, secrets ...string) *session.Manager {
		raw := make([][]byte, len(secrets))
		for i, secret := range secrets {
			raw[i] = []byte(secret)
		}
		keys, err := session.NewKeyring("", raw...)
		if err != nil {
			t.Fatal(err)
		}
		m := mustManager(t, session.Settings{Memory: memory}, keys)
		return m
	}
	for _, tc := range []struct {
		name    string
		secrets []string
		sends   bool
	}{{"the secret stays", []string{kept, gone}, true}, {"the secret is gone", []string{kept}, false}} {
		t.Run(tc.name, func(t *testing.T) {
			memory := new(session.Memory)
			cookie := signIn(t, manager(memory, kept), withTokens())
			before := manager(memory, gone, kept)
			must(t, read(t, before, request(cookie)).Refresh(t.Context()))
			v := read(t, manager(memory, tc.secrets...), request(cookie))
			if v.Session() == nil || v.SetCookies(http.Header{}) != tc.sends {
				t.Errorf("the session is %v", v.Session())
			}
			if !read(t, before, request(cookie)).SetCookies(http.Header{}) {
				t.Error("the configuration before, which goes on if the reload fails, has forgotten the refresh")
			}
		})
	}
}

// Another node has refreshed the session, so two of its states arrive here.
func TestTwoStatesOfASessionRotateOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		hook := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Second)
			return rotated(ctx, s)
		}}
		here, there := hooked(t, nil, hook), hooked(t, nil, nil)
		states := []string{signIn(t, here, withTokens())}
		time.Sleep(time.Hour)
		v := read(t, there, request(states[0]))
		must(t, v.Refresh(t.Context()))
		states = append(states, sentCookie(t, v))
		time.Sleep(untilDue)
		var requests sync.WaitGroup
		for _, state := range states {
			v := read(t, here, request(state))
			requests.Go(func() {
				if err := v.Slide(t.Context()); err != nil || v.Session().RefreshToken != "rt+" {
					t.Errorf("%v, %s", err, v.Session().RefreshToken)
				}
			})
		}
		requests.Wait()
		if most.Load() != 1 || hook.calls.Load() != 1 {
			t.Errorf("%d calls, %d at once", hook.calls.Load(), most.Load())
		}
	})
}

// Once this node has heard that another has rotated, it does not use the old
// refresh token again, and writes no cookie over the new one.
func TestRotationOnAnotherNodeIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: rotated}
		there := hooked(t, nil, hook)
		here := hooked(t, nil, hook, func(s *session.Settings) { s.Revocations = there.Settings().Revocations })
		old := signIn(t, there, withTokens())
		time.Sleep(untilDue)
		first, late := read(t, there, request(old)), read(t, here, request(old))
		if err := first.Slide(t.Context()); err != nil || sentCookie(t, first) == "" {
			t.Fatal(err)
		}
		for name, use := range map[string]func(context.Context) error{"slide": late.Slide, "refresh": late.Refresh} {
			if err := use(t.Context()); err != nil || hook.calls.Load() != 1 {
				t.Errorf("%s: %v, %d calls", name, err, hook.calls.Load())
			}
		}
		if late.Session() == nil || sentCookie(t, late) != "" {
			t.Errorf("the late one has %v", late.Session())
		}
	})
}

// What another request changed while the hook was asked is not lost, and what the
// hook took away is gone.
func TestUpdateDuringARefreshIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: func(_ context.Context, s *session.Session) (session.Login, error) {
			time.Sleep(time.Second)
			return session.Login{User: session.User{"id": "alice", "plan": "pro"}, AccessToken: s.AccessToken}, nil
		}}
		m := hooked(t, nil, hook)
		cookie := signIn(t, m, withTokens())
		time.Sleep(untilDue)
		slow, fast := read(t, m, request(cookie)), read(t, m, request(cookie))
		var done sync.WaitGroup
		done.Go(func() {
			if err := slow.Slide(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		must(t, fast.Update(session.Change{User: session.User{"theme": "dark"}}))
		done.Wait()
		s := slow.Session()
		if s.User["theme"] != "dark" || s.User["plan"] != "pro" || s.User["role"] != nil || s.AccessToken != "at" || s.RefreshToken != "" {
			t.Errorf("the session is %v, %q, %q", s.User, s.AccessToken, s.RefreshToken)
		}
	})
}

// A hook that answers one user with another's session must not make it so.
func TestRefresherCannotChangeTheUser(t *testing.T) {
	for name, user := range map[string]session.User{"another": {"id": "bob"}, "nobody": {}, "no string": {"id": 7}} {
		hook := &refresher{answer: func(context.Context, *session.Session) (session.Login, error) { return session.Login{User: user}, nil }}
		m := hooked(t, nil, hook)
		v := read(t, m, request(signIn(t, m, withTokens())))
		if err := v.Refresh(t.Context()); !errors.Is(err, session.ErrHookFailed) || v.Session().User.ID() != "alice" || v.Session().AccessToken != "at" {
			t.Errorf("%s: %v, %v", name, err, v.Session().User)
		}
	}
}

// A handoff carries tokens that the app has just got; to rotate those again would
// be wrong, and so would be to ask the app while it answers.
func TestHandoffDoesNotAskTheRefresher(t *testing.T) {
	hook := &refresher{answer: rotated}
	m := hooked(t, nil, hook)
	v := read(t, m, request(signIn(t, m, withTokens())))
	token := "rt-of-the-app"
	if err := v.Update(session.Change{RefreshToken: &token}); err != nil || hook.calls.Load() != 0 || v.Session().RefreshToken != token {
		t.Errorf("%v, %d calls, %s", err, hook.calls.Load(), v.Session().RefreshToken)
	}
}

// What a browser changes by PATCH keeps the Refresher away no longer, where MaxLifetime
// holds the end.
func TestChangesOfABrowserDoNotPutTheRefresherOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: rotated}
		m := hooked(t, nil, hook, func(s *session.Settings) {
			s.Expiry, s.MaxLifetime, s.RefreshThreshold = 8*time.Hour, 8*time.Hour, 7*time.Hour+15*time.Minute
		})
		cookie := signIn(t, m, withTokens())
		for i := range 15 {
			time.Sleep(30 * time.Minute)
			v := read(t, m, request(cookie))
			must(t, v.Slide(t.Context()))
			must(t, v.Update(session.Change{User: session.User{"n": strings.Repeat("x", i)}, KeepsEnd: true}))
			cookie = sentCookie(t, v)
		}
		if calls := hook.calls.Load(); calls != 7 {
			t.Errorf("in 7.5 hours the hook was asked %d times", calls)
		}
	})
}

// What was rotated cannot be taken back by an answer that was no activity.
func TestForgoKeepsWhatWasRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hooked(t, nil, &refresher{answer: rotated})
		cookie := signIn(t, m, withTokens())
		time.Sleep(untilDue)
		v := read(t, m, request(cookie))
		must(t, v.Slide(t.Context()))
		v.Forgo()
		if v.Session().RefreshToken != "rt+" || sentCookie(t, v) == "" {
			t.Errorf("the session has %s", v.Session().RefreshToken)
		}
		if after := read(t, m, request(cookie)); after.Session().RefreshToken != "rt+" {
			t.Errorf("the next request has %s", after.Session().RefreshToken)
		}
	})
}

// Forgo takes the newer state's cookie from a visitor that came with an older token, and
// whoever asks for a refresh afterwards gets one.
func TestRefreshAfterForgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: rotated}
		m := hooked(t, nil, hook)
		old := signIn(t, m, withTokens())
		time.Sleep(time.Minute)
		must(t, read(t, m, request(old)).Update(session.Change{User: session.User{"theme": "dark"}, KeepsEnd: true}))
		late := read(t, m, request(old))
		late.Forgo()
		if err := late.Refresh(t.Context()); err != nil || hook.calls.Load() != 1 || sentCookie(t, late) == "" {
			t.Errorf("%v, %d calls", err, hook.calls.Load())
		}
	})
}

// A refresh that changes nothing is a refresh and no update: it is told once, and does not
// overwrite an update on another node that came while the hook was asked.
func TestRotationThatChangesNothing(t *testing.T) {
	for _, row := range []struct {
		name      string
		changes   bool
		elsewhere bool
		told      []session.EventKind
	}{
		{name: "nothing", told: []session.EventKind{session.EventRefreshed}},
		{name: "the tokens", changes: true, told: []session.EventKind{session.EventRefreshed, session.EventUpdated}},
		{name: "nothing, beside an update elsewhere", elsewhere: true},
	} {
		var m *session.Manager
		var told []session.EventKind
		hook := &refresher{answer: func(ctx context.Context, s *session.Session) (session.Login, error) {
			if row.elsewhere {
				now := m.Settings().Now()
				m.Settings().Revocations.Update(session.Revocation{SessionID: s.ID, Updated: now, Until: now.Add(time.Hour)})
			}
			if row.changes {
				return rotated(ctx, s)
			}
			return session.Login{User: s.User, AccessToken: s.AccessToken, RefreshToken: s.RefreshToken}, nil
		}}
		m, c := newManager(t, func(s *session.Settings) {
			s.Refresher = hook
			s.Observe = func(e session.Event) {
				if e.Kind == session.EventRefreshed || e.Kind == session.EventUpdated {
					told = append(told, e.Kind)
				}
			}
		})
		cookie := signIn(t, m, withTokens())
		c.Add(time.Hour)
		v := read(t, m, request(cookie))
		must(t, v.Refresh(t.Context()))
		if sent := sentCookie(t, v); (sent == "") != row.elsewhere || !slices.Equal(told, row.told) {
			t.Errorf("%s: %q is sent, told %v", row.name, sent, told)
		}
	}
}

// A slow request whose session ended meanwhile, and was refreshed by another before that,
// goes on with what the other got.
func TestLateRefreshOfASessionThatAnotherRequestRefreshed(t *testing.T) {
	m, c := newManager(t, func(s *session.Settings) {
		s.Refresher, s.Expiry, s.RefreshThreshold = &refresher{answer: rotated}, 2*time.Minute, time.Minute
	})
	cookie := signIn(t, m, withTokens())
	c.Add(time.Minute + 50*time.Second)
	slow, quick := read(t, m, request(cookie)), read(t, m, request(cookie))
	must(t, quick.Refresh(t.Context()))
	c.Add(time.Minute)
	if err := slow.Refresh(t.Context()); err != nil || slow.Session() == nil || slow.Session().RefreshToken != "rt+" {
		t.Errorf("%v, the session is %v", err, slow.Session())
	}
}

// A request that is kept back until its session has been ended, as by a slow body, uses no
// refresh token of it: what the provider gave for that would be lost, and live on there.
func TestLateRefreshOfAnEndedSessionAsksNobody(t *testing.T) {
	hook := &refresher{answer: rotated}
	m, c := newManager(t, func(s *session.Settings) { s.Refresher = hook })
	cookie := signIn(t, m, withTokens())
	c.Add(time.Hour)
	for name, ask := range map[string]func(v *session.Visitor) error{
		"refresh": func(v *session.Visitor) error { return v.Refresh(t.Context()) },
		"handoff": func(v *session.Visitor) error {
			return errors.Join(session.ErrRevoked, v.Apply(t.Context(), session.Handoff{Update: &session.Change{}})) // no fault of the app
		},
	} {
		v := read(t, m, request(cookie))
		if err := m.RevokeUser(t.Context(), v.Session().User.ID(), ""); err != nil {
			t.Fatal(err)
		}
		if err := ask(v); !errors.Is(err, session.ErrRevoked) || v.Session() != nil || hook.calls.Load() != 0 {
			t.Errorf("%s: %v, the session is %v, %d calls", name, err, v.Session(), hook.calls.Load())
		}
		c.Add(time.Minute)
		cookie = signIn(t, m, withTokens())
	}
}

// An update by the app's answer changes the session, and asks the Refresher only where it
// names nothing and the request has not asked already.
func TestUpdateByHandoffAsksTheRefresherOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &refresher{answer: rotated}
		m := hooked(t, nil, hook)
		v := read(t, m, request(signIn(t, m, withTokens())))
		if err := v.Apply(t.Context(), session.Handoff{Update: &session.Change{User: session.User{"name": "Al"}}}); err != nil || v.Session().User["name"] != "Al" || hook.calls.Load() != 0 {
			t.Errorf("%v, the user is %v, %d calls", err, v.Session().User, hook.calls.Load())
		}
		cookie := sentCookie(t, v)
		time.Sleep(untilDue)
		v = read(t, m, request(cookie))
		if err := errors.Join(v.Slide(t.Context()), v.Apply(t.Context(), session.Handoff{Update: &session.Change{}})); err != nil || hook.calls.Load() != 1 {
			t.Errorf("%v, %d calls", err, hook.calls.Load())
		}
	})
}

package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// nodesApart are two nodes that share revocations, the second of which has a clock that
// runs ahead.
func nodesApart(t *testing.T, ahead time.Duration) (a, b *session.Manager, c *clock) {
	t.Helper()
	a, c = newManager(t)
	b, _ = newManager(t, func(s *session.Settings) {
		s.Revocations, s.Now = a.Settings().Revocations, func() time.Time { return c.Now().Add(ahead) }
	})
	return a, b, c
}

// Sign out everywhere, then sign in again: a load balancer may send the second to a node
// whose clock is behind the first's. The login would be over as it begins.
func TestLoginAfterAnEndByANodeWhoseClockRunsAhead(t *testing.T) {
	for _, ahead := range []time.Duration{time.Millisecond, time.Second, 20 * time.Second, 49 * time.Second} {
		for name, end := range map[string]func(*session.Manager) error{
			"the user's":  func(m *session.Manager) error { return m.RevokeUser(t.Context(), "alice", "") },
			"everybody's": func(m *session.Manager) error { return m.RevokeEveryone(t.Context()) },
		} {
			a, b, c := nodesApart(t, ahead)
			old := signIn(t, a, alice())
			must(t, end(b))
			cookie := signIn(t, a, alice())
			c.Add(time.Millisecond)
			for node, m := range map[string]*session.Manager{"a": a, "b": b} {
				if s := read(t, m, request(cookie)).Session(); s == nil {
					t.Errorf("%s, %v ahead: the login is over on %s", name, ahead, node)
				}
				if s := read(t, m, request(old)).Session(); s != nil {
					t.Errorf("%s, %v ahead: the session before it is alive on %s", name, ahead, node)
				}
			}
		}
	}
}

// Further ahead no node would take its token, so the login fails, and nobody is told
// that it has not.
func TestLoginThatNoNodeWouldTakeFails(t *testing.T) {
	a, b, _ := nodesApart(t, time.Hour)
	must(t, b.RevokeEveryone(t.Context()))
	v := read(t, a, request())
	if err := v.Create(t.Context(), alice()); !errors.Is(err, session.ErrUnavailable) || v.Session() != nil {
		t.Errorf("%v, the session is %v", err, v.Session())
	}
}

// An update that is made after one on a node whose clock runs ahead is the later one.
func TestUpdateAfterOneByANodeWhoseClockRunsAhead(t *testing.T) {
	a, b, c := nodesApart(t, 20*time.Second)
	cookie := signIn(t, a, alice())
	must(t, read(t, b, request(cookie)).Update(session.Change{User: session.User{"n": "1"}}))
	c.Add(time.Second)
	v := read(t, a, request(cookie)) // the answer of B has not reached the browser
	must(t, v.Update(session.Change{User: session.User{"name": "x"}}))
	sent := sentCookie(t, v)
	if sent == "" {
		t.Fatal("the update was answered as done and dropped")
	}
	if s := read(t, b, request(sent)).Session(); s == nil || s.User["name"] != "x" {
		t.Errorf("B makes %v of it", s)
	}
}

// A login that such a node has dated later ends by the next end all the same.
func TestEndAfterALoginThatWasDatedLater(t *testing.T) {
	for name, end := range map[string]func(*session.Manager) error{
		"the user's":  func(m *session.Manager) error { return m.RevokeUser(t.Context(), "alice", "") },
		"everybody's": func(m *session.Manager) error { return m.RevokeEveryone(t.Context()) },
	} {
		a, b, c := nodesApart(t, 49*time.Second)
		must(t, end(b))
		c.Add(time.Second)
		cookie := signIn(t, a, alice())
		c.Add(20 * time.Second)
		must(t, end(a))
		for node, m := range map[string]*session.Manager{"a": a, "b": b} {
			if read(t, m, request(cookie)).Session() != nil {
				t.Errorf("%s: the session is alive on %s", name, node)
			}
		}
		if again := signIn(t, a, alice()); read(t, a, request(again)).Session() == nil {
			t.Errorf("%s: the next login is over", name)
		}
	}
}

// told keeps what it is told to share, for a test to pass it on.
type told struct {
	*session.RevocationSet
	ends []session.Revocation
}

func (s *told) Revoke(ctx context.Context, r session.Revocation) error {
	s.ends = append(s.ends, r)
	return s.RevocationSet.Revoke(ctx, r)
}

// Sign out everywhere, then sign in on a node that does not know of it yet, both within
// a millisecond of one clock.
func TestLoginRightAfterAnEndWasAnswered(t *testing.T) {
	for name, end := range map[string]func(*session.Manager) error{
		"the user's":  func(m *session.Manager) error { return m.RevokeUser(t.Context(), "alice", "") },
		"everybody's": func(m *session.Manager) error { return m.RevokeEveryone(t.Context()) },
	} {
		synctest.Test(t, func(t *testing.T) {
			onA, onB := &told{RevocationSet: session.NewRevocationSet(time.Now)}, session.NewRevocationSet(time.Now)
			a, _ := newManager(t, func(s *session.Settings) { s.Revocations, s.Now = onA, time.Now })
			b, _ := newManager(t, func(s *session.Settings) { s.Revocations, s.Now = onB, time.Now })
			old := signIn(t, b, alice())
			if err := errors.Join(end(a), end(a)); err != nil { // twice, as by a double click
				t.Fatal(err)
			}
			cookie := signIn(t, b, alice())
			for _, r := range onA.ends {
				onB.Add(r)
			}
			if read(t, b, request(cookie)).Session() == nil {
				t.Errorf("%s: the login is over", name)
			}
			if read(t, b, request(old)).Session() != nil {
				t.Errorf("%s: the session before it is alive", name)
			}
		})
	}
}

// Who ends the sessions after a node whose clock runs ahead is not kept waiting until the
// other clocks have caught up.
func TestEndDoesNotWaitForAClockThatRunsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := session.NewRevocationSet(time.Now)
		ahead.Add(session.Revocation{UserID: "alice", Before: time.Now().Add(40 * time.Second), Until: time.Now().Add(time.Hour)})
		m, _ := newManager(t, func(s *session.Settings) { s.Revocations, s.Now = ahead, time.Now })
		start := time.Now()
		must(t, m.RevokeUser(t.Context(), "alice", ""))
		if took := time.Since(start); took > time.Second {
			t.Errorf("the end took %v", took)
		}
	})
}

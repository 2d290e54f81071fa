package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// twoNodes are two managers that share revocations, as nodes do when what one of
// them says has reached the other. With their own memories they are also a
// configuration and the one that is loaded after it.
func twoNodes(t *testing.T) (a, b *session.Manager, c *clock) {
	t.Helper()
	return nodesApart(t, 0)
}

// A request that node B works on came before the update on A, refreshes, and is
// answered when B knows of the update.
func TestUpdateIsNotOverwrittenByARefreshOnAnotherNode(t *testing.T) {
	for name, refresh := range map[string]func(*session.Visitor, context.Context) error{
		"slides": (*session.Visitor).Slide, "refreshes": (*session.Visitor).Refresh,
	} {
		for when, updateFirst := range map[string]bool{"before": false, "after": true} {
			t.Run(name+" "+when+" the update", func(t *testing.T) {
				a, b, c := twoNodes(t)
				old := signIn(t, a, alice())
				c.Add(6*day + time.Hour)
				slow, fast := read(t, b, request(old)), read(t, a, request(old))
				update := func() {
					c.Add(time.Second)
					must(t, fast.Update(session.Change{User: session.User{"role": "admin"}}))
				}
				if updateFirst {
					update()
				}
				c.Add(time.Second)
				must(t, refresh(slow, t.Context()))
				if !updateFirst {
					update()
				}
				updated := sentCookie(t, fast)
				if got := sentCookie(t, slow); got != "" {
					t.Errorf("the older state was sent: %q", got)
				}
				c.Add(time.Second)
				if s := read(t, b, request(updated)).Session(); s == nil || s.User["role"] != "admin" {
					t.Errorf("B makes %v of the updated token", s)
				}
			})
		}
	}
}

// B refreshed a parallel request a moment after the update on A, of which it knew
// nothing yet. When it does, its own memory must not win over A's token.
func TestMemoryOfANodeDoesNotWinOverAnUpdateOnAnother(t *testing.T) {
	c := &clock{now: noon}
	onA := &delayed{RevocationSet: session.NewRevocationSet(c.Now)}
	a, _ := newManager(t, func(s *session.Settings) { s.Revocations, s.Now = onA, c.Now })
	shared := session.NewRevocationSet(c.Now)
	b, _ := newManager(t, func(s *session.Settings) { s.Revocations, s.Now = shared, c.Now })
	old := signIn(t, a, alice())
	c.Add(6*day + time.Hour)
	fast := read(t, a, request(old))
	must(t, fast.Update(session.Change{User: session.User{"role": "admin"}}))
	updated := sentCookie(t, fast)
	c.Add(100 * time.Millisecond)
	parallel := read(t, b, request(old))
	if err := parallel.Slide(t.Context()); err != nil || sentCookie(t, parallel) == "" {
		t.Fatalf("the parallel request was not refreshed: %v", err)
	}
	for _, r := range onA.told { // the update reaches B
		shared.Add(r)
	}
	c.Add(time.Second)
	v := read(t, b, request(updated))
	if role := v.Session().User["role"]; role != "admin" {
		t.Errorf("the role is %v: the older refresh has won", role)
	}
	if got := sentCookie(t, v); got != "" {
		t.Errorf("the browser is told %q", got)
	}
}

// delayed keeps what should be told to other nodes.
type delayed struct {
	*session.RevocationSet
	told []session.Revocation
}

func (d *delayed) Update(r session.Revocation) {
	d.RevocationSet.Update(r)
	d.told = append(d.told, r)
}

// What a node knows of updates is needed for minutes, and not kept longer.
func TestUpdatesAreForgotten(t *testing.T) {
	m, c := newManager(t)
	set := m.Settings().Revocations.(*session.RevocationSet)
	v := read(t, m, request(signIn(t, m, alice())))
	c.Add(time.Second)
	must(t, v.Update(session.Change{User: session.User{"a": "b"}}))
	if !set.UpdatedAfter(v.Session().ID, noon) || set.UpdatedAfter(v.Session().ID, v.Session().LastActivity) {
		t.Error("the update is not known, or is newer than itself")
	}
	c.Add(10 * time.Minute)
	set.Sweep()
	if set.UpdatedAfter(v.Session().ID, noon) {
		t.Error("an old update is still known")
	}
}

// A node whose app answers late does not take from the browser what another node has sealed
// since.
func TestLateAnswerSendsNoExpiredCookie(t *testing.T) {
	c := &clock{now: noon}
	revocations := session.NewRevocationSet(c.Now)
	node := func() *session.Manager {
		m, _ := newManager(t, func(s *session.Settings) {
			s.Now, s.Revocations, s.Expiry, s.RefreshThreshold = c.Now, revocations, 3*time.Minute, 2*time.Minute
		})
		return m
	}
	a, b := node(), node()
	cookie := signIn(t, a, alice())
	c.Add(90 * time.Second)
	slow := read(t, a, request(cookie))
	must(t, slow.Slide(t.Context()))
	c.Add(80 * time.Second)
	_, cookie = use(t, b, cookie)
	c.Add(110 * time.Second)
	if late := setCookies(t, slow); len(late) > 0 {
		t.Errorf("the cookie of the other node is replaced by %s", late[0])
	}
	if read(t, b, request(cookie)).Session() == nil {
		t.Error("the user is signed out")
	}
}

// What no node may do any more after an update elsewhere is not said to be done: the
// visitor's session is as it was.
func TestRefreshAfterAnUpdateElsewhereChangesNothing(t *testing.T) {
	a, b, c := twoNodes(t)
	old := signIn(t, a, alice())
	c.Add(time.Hour)
	slow, fast := read(t, b, request(old)), read(t, a, request(old))
	end := slow.Session().ExpiresAt
	c.Add(time.Second)
	must(t, fast.Update(session.Change{User: session.User{"role": "admin"}}))
	c.Add(time.Second)
	if err := slow.Refresh(t.Context()); err != nil || !slow.Session().ExpiresAt.Equal(end) {
		t.Errorf("%v, the end moves from %v to %v", err, end, slow.Session().ExpiresAt)
	}
}

// A request that takes minutes does not overwrite what was updated meanwhile on another
// node, however often that one sweeps.
func TestUpdateElsewhereIsKnownForAsLongAsARequestMayTake(t *testing.T) {
	a, b, c := twoNodes(t)
	old := signIn(t, a, alice())
	c.Add(time.Hour)
	slow, fast := read(t, b, request(old)), read(t, a, request(old))
	must(t, fast.Update(session.Change{User: session.User{"role": "admin"}}))
	c.Add(5 * time.Minute)
	b.Settings().Revocations.(*session.RevocationSet).Sweep()
	must(t, slow.Refresh(t.Context()))
	if sent := sentCookie(t, slow); sent != "" {
		t.Errorf("the older state was sent: %q", sent)
	}
}

// What a browser changes of its own is newer than an update on another node that it has not
// seen, or it would be lost.
func TestBrowsersOwnChangeAfterAnUpdateElsewhereIsKept(t *testing.T) {
	a, b, c := twoNodes(t)
	old := signIn(t, a, alice())
	c.Add(time.Hour)
	slow, fast := read(t, b, request(old)), read(t, a, request(old))
	must(t, fast.Update(session.Change{User: session.User{"role": "admin"}}))
	c.Add(time.Second)
	must(t, slow.Update(session.Change{User: session.User{"name": "Al"}, KeepsEnd: true}))
	if s := read(t, b, request(sentCookie(t, slow))).Session(); s == nil || s.User["name"] != "Al" {
		t.Errorf("the change is lost: %v", s)
	}
}

// While a node whose clock is far ahead has updated a session, no change of it is said to be
// done: its token would be dropped.
func TestUpdateAfterOneOfAClockFarAheadFails(t *testing.T) {
	m, c := newManager(t)
	v := read(t, m, request(signIn(t, m, alice())))
	m.Settings().Revocations.Update(session.Revocation{SessionID: v.Session().ID, Updated: c.Now().Add(time.Hour), Until: c.Now().Add(2 * time.Hour)})
	if err := v.Update(session.Change{User: session.User{"role": "admin"}}); !errors.Is(err, session.ErrUnavailable) || v.Session().User["role"] != "editor" {
		t.Errorf("%v, the user is %v", err, v.Session().User)
	}
}

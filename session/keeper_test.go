package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/session-guard/caddy-session-guard/session"
)

// keepingRevocations keep what they cannot share in an outage.
type keepingRevocations struct {
	*session.RevocationSet
	outage  bool
	pending []session.Revocation
}

func (k *keepingRevocations) Revoke(_ context.Context, r session.Revocation) error {
	k.Add(r)
	if k.outage {
		k.pending = append(k.pending, r)
		return fmt.Errorf("%w: away", session.ErrUnavailable)
	}
	return nil
}

func (k *keepingRevocations) Share(_ context.Context, s *session.Session) error {
	if slices.ContainsFunc(k.pending, func(r session.Revocation) bool { return r.Ends(s) }) {
		return fmt.Errorf("%w: away", session.ErrUnavailable)
	}
	return nil
}

// An end that only this node knows is not reported as done, whatever other cookies come
// with it: of a session that ended long ago, or none that open.
func TestRepeatedSignOutBesideOtherCookies(t *testing.T) {
	var kept *keepingRevocations
	m, _ := newManager(t, func(s *session.Settings) {
		kept = &keepingRevocations{RevocationSet: session.NewRevocationSet(s.Now)}
		s.Revocations = kept
	})
	pending, ended := signIn(t, m, alice()), signIn(t, m, session.Login{User: session.User{"id": "bo"}})
	must(t, read(t, m, request(ended)).Delete(t.Context()))
	kept.outage = true
	_ = read(t, m, request(pending)).Delete(t.Context())
	for _, cookies := range []string{pending, pending + "; " + ended, ended + "; " + pending, "session=x; " + pending, pending + "; session=x"} {
		for name, end := range map[string]func(*session.Visitor) error{
			"here":       func(v *session.Visitor) error { return v.Delete(t.Context()) },
			"everywhere": func(v *session.Visitor) error { return v.EndAll(t.Context()) },
			"elsewhere":  func(v *session.Visitor) error { return v.EndOthers(t.Context()) },
		} {
			if err := end(read(t, m, request(cookies))); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("%s, %.30s: %v, but nobody else knows", name, cookies, err)
			}
		}
	}
	if len(kept.pending) != 1 {
		t.Errorf("%d ends are kept, want one", len(kept.pending))
	}
	if err := read(t, m, request(ended)).Delete(t.Context()); err != nil {
		t.Errorf("of the other one: %v", err)
	}
}

// onlyHere keeps ends of single sessions everywhere, and those of a user only here.
type onlyHere struct{ *session.RevocationSet }

func (o onlyHere) Revoke(_ context.Context, r session.Revocation) error {
	o.Add(r)
	if r.UserID != "" {
		return session.ErrUnavailable
	}
	return nil
}

// An end of all sessions that only this node knows is not reported as done, also if that of
// this one is, and this one ends all the same.
func TestEndOfAllThatOthersDoNotKnowOf(t *testing.T) {
	pending := map[session.EventKind]bool{}
	m, _ := newManager(t, func(s *session.Settings) {
		s.Revocations = onlyHere{session.NewRevocationSet(s.Now)}
		s.Observe = func(e session.Event) {
			if e.Kind == session.EventDeleted || e.Kind == session.EventRevoked {
				pending[e.Kind] = e.Pending
			}
		}
	})
	v := read(t, m, request(signIn(t, m, alice())))
	if err := v.EndAll(t.Context()); !errors.Is(err, session.ErrUnavailable) || v.Session() != nil || len(removedNames(setCookies(t, v))) == 0 {
		t.Errorf("%v, the session is %v", err, v.Session())
	}
	if deleted, told := pending[session.EventDeleted]; !told || deleted || !pending[session.EventRevoked] {
		t.Errorf("pending: %v", pending)
	}
}

// Whoever hears of a sign-out hears that others do not know of it yet.
func TestSignOutThatOthersDoNotKnowOfIsToldAsPending(t *testing.T) {
	var pending []bool
	m, _ := newManager(t, func(s *session.Settings) {
		s.Revocations = &keepingRevocations{RevocationSet: session.NewRevocationSet(s.Now), outage: true}
		s.Observe = func(e session.Event) {
			if e.Kind == session.EventDeleted {
				pending = append(pending, e.Pending)
			}
		}
	})
	_ = read(t, m, request(signIn(t, m, alice()))).Delete(t.Context())
	if !slices.Equal(pending, []bool{true}) {
		t.Errorf("told %v", pending)
	}
}

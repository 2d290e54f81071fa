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
	if err := read(t, m, request(ended)).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
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

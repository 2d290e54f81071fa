package caddymodule

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// keeper keeps the revocations of a realm. There are two in the pool while a reload
// moves them to another place.
type keeper interface {
	session.Revocations
	keeps() (realm string, set *session.RevocationSet)
}

func (s *sharedRevocations) keeps() (realm string, set *session.RevocationSet) {
	return s.realm, s.RevocationSet
}

func (t tombstones) keeps() (realm string, set *session.RevocationSet) {
	return t.realm, t.RevocationSet
}

func keepersOf(realm string) (found []keeper) {
	shared.Range(func(_, value any) bool {
		if k, ok := value.(keeper); ok {
			if of, _ := k.keeps(); of == realm {
				found = append(found, k)
			}
		}
		return true
	})
	return found
}

// succeed is the set of those before, or a new one. Both places have it while both
// configurations serve, so what one of them ends holds in the other at once. The logs
// are not copied: every node would, and the entries of a set have no ids.
func (r *realm) succeed(before []keeper) *session.RevocationSet {
	if len(before) == 0 {
		return session.NewRevocationSet(time.Now)
	}
	r.app.logger.Warn("the revocations are kept in another place from now on; what was ended before holds on this node until it restarts, and longer only if the new place has it too",
		zap.String("realm", r.name))
	_, set := before[0].keeps() // the others have it too
	return set
}

// bequeath leaves what is pending to the revocations in another place, and reports
// whether there are any.
func (s *sharedRevocations) bequeath() (heirs bool) {
	found := keepersOf(s.realm)
	s.mu.Lock()
	s.heirs = found // what requests end from now on is theirs
	pending := s.pending
	s.mu.Unlock()
	for _, heir := range found {
		if heir, ok := heir.(*sharedRevocations); ok {
			heir.mu.Lock()
			heir.pending = append(heir.pending, pending...)
			heir.mu.Unlock()
			heirs = true
		}
	}
	return heirs
}

// revokeIn ends sessions in every place.
func revokeIn(ctx context.Context, in []keeper, r session.Revocation) error {
	var errs []error
	for _, k := range in {
		errs = append(errs, k.Revoke(ctx, r))
	}
	return errors.Join(errs...)
}

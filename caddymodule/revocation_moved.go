package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// keeper keeps the revocations of a realm. There are two in the pool while a reload
// moves them to another place.
type keeper interface {
	session.Revocations
	keeps() kept
	// good says whether sessions pass, when others' ends were last read, and from where
	// the grace counts.
	good() (read, since time.Time, good bool)
}

// kept says whose revocations a keeper has, and where.
type kept struct {
	realm string
	set   *session.RevocationSet
	home  string // the place as an operator sees it
	since time.Time
}

func (s *sharedRevocations) keeps() kept { return kept{s.realm, s.RevocationSet, s.home, s.started} }

func (t tombstones) keeps() kept { return kept{t.realm, t.RevocationSet, "", t.since} }

func (s *sharedRevocations) good() (read, since time.Time, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.LastSync == nil {
		return time.Time{}, time.Time{}, false
	}
	return *s.status.LastSync, s.since, !s.stale() || s.outage.Load().OnOutage != "closed"
}

func (tombstones) good() (read, since time.Time, good bool) { return time.Now(), time.Now(), true }

// moved waits for the first attempt to read revocations that were good in another place
// until now. If it fails, the configuration before is the better one.
func (r *realm) moved(ctx context.Context) error {
	s := r.revocationsMoved
	if s == nil {
		return nil
	}
	awaitFirst(ctx, s.first)
	select {
	case <-s.first:
		if s.unread != nil {
			return fmt.Errorf("the revocations were to move to a place that cannot be read, so they stay where they are: %w", s.unread)
		}
	default: // there is much to read
	}
	return nil
}

// home tells places apart as an operator does: a server with another password, or beside
// another storage, has the same revocations.
func (r *realm) home() string {
	if m, ok := r.revocationModule.(*RedisRevocation); ok {
		return m.server()
	}
	return fmt.Sprintf("%s %s %s", storageName(r.app.storage()), r.revocationModule.CaddyModule().ID, r.revocationModule.Place())
}

func keepersOf(realm string) (found []keeper) {
	pool.Range(func(_, value any) bool {
		if k, ok := value.(keeper); ok {
			if k.keeps().realm == realm {
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
	return before[0].keeps().set // the others have it too
}

// warnOfMove warns of another place once the configuration before has ended: its load may
// still have failed until then, and then it is the new place that ends.
func (s *sharedRevocations) warnOfMove(heirs []keeper) {
	for _, heir := range heirs {
		if to := heir.keeps(); to.since.After(s.started) && to.home != s.home {
			s.logger().Warn("the revocations are now kept in another place, to which Caddy has not copied the old ones: a node that restarts or is new may accept sessions that were ended before; see docs/revocation.md")
			return
		}
	}
}

// bequeath leaves what is pending to the revocations in another place, and reports
// whether there are any.
func (s *sharedRevocations) bequeath() (heirs bool) {
	found := keepersOf(s.realm)
	s.warnOfMove(found)
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

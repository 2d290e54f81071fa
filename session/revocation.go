package session

import (
	"context"
	"sync"
	"time"
)

// Revocation ends sessions before they expire: one by its ID, or all that were
// created before a moment, of one user or of everybody.
type Revocation struct {
	// SessionID ends one session; empty otherwise.
	SessionID string
	// UserID ends the sessions of one user; if both are empty, everybody's.
	UserID string
	// Except is the one session that UserID leaves alone; mostly empty.
	Except string
	// Before ends only sessions that were created before it.
	Before time.Time
	// Until is when nothing that it could stop is alive any more.
	Until time.Time
}

// Revocations knows which sessions have been ended. Implementations are safe
// for concurrent use, and Revoked never waits for a network.
type Revocations interface {
	// Revoked reports whether the session was ended. An error means that the
	// set is too stale to tell, and that the caller must fail closed.
	Revoked(s *Session) (bool, error)
	// Revoke ends sessions. It returns nil only when that is durable.
	Revoke(ctx context.Context, r Revocation) error
}

// RevocationSet is a set in memory: it forgets when the process ends.
type RevocationSet struct {
	now      func() time.Time
	mu       sync.RWMutex
	sessions map[string]time.Time // session id -> until
	users    map[string]Revocation
	everyone Revocation
	swept    time.Time
}

// NewRevocationSet makes an empty set.
func NewRevocationSet(now func() time.Time) *RevocationSet {
	return &RevocationSet{now: now, sessions: map[string]time.Time{}, users: map[string]Revocation{}}
}

// Revoked implements [Revocations]. It never fails.
func (set *RevocationSet) Revoked(s *Session) (bool, error) {
	set.mu.RLock()
	defer set.mu.RUnlock()
	if _, ended := set.sessions[s.ID]; ended {
		return true, nil
	}
	if len(set.users) > 0 {
		if r, ok := set.users[s.User.ID()]; ok && s.ID != r.Except && s.CreatedAt.Before(r.Before) {
			return true, nil
		}
	}
	return s.CreatedAt.Before(set.everyone.Before), nil
}

// Revoke implements [Revocations].
func (set *RevocationSet) Revoke(_ context.Context, r Revocation) error {
	set.mu.Lock()
	defer set.mu.Unlock()
	set.sweep()
	switch {
	case r.SessionID != "":
		set.sessions[r.SessionID] = r.Until
	case r.UserID != "":
		if known, ok := set.users[r.UserID]; !ok || !known.Before.After(r.Before) {
			set.users[r.UserID] = r
		}
	case r.Before.After(set.everyone.Before):
		set.everyone = r
	}
	return nil
}

// sweep drops what can stop nothing any more, at most once a minute.
func (set *RevocationSet) sweep() {
	now := set.now()
	if now.Sub(set.swept) < time.Minute {
		return
	}
	set.swept = now
	for id, until := range set.sessions {
		if now.After(until) {
			delete(set.sessions, id)
		}
	}
	for id, r := range set.users {
		if now.After(r.Until) {
			delete(set.users, id)
		}
	}
}

var _ Revocations = (*RevocationSet)(nil)

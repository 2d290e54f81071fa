package session

import (
	"context"
	"errors"
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
	// Before ends only sessions that were created before it. It counts with
	// UserID and for everybody.
	Before time.Time
	// Updated, if it is set, makes this no end at all: the session was updated
	// then, so a state of it that is older must not be refreshed.
	Updated time.Time
	// Until is when nothing that it could stop is alive any more.
	Until time.Time
}

// Ends reports whether it ends the session.
func (r Revocation) Ends(s *Session) bool {
	switch {
	case !r.Updated.IsZero():
		return false
	case r.SessionID != "":
		return r.SessionID == s.ID
	}
	return s.CreatedAt.Before(r.Before) && s.ID != r.Except && (r.UserID == "" || r.UserID == s.User.ID())
}

// Revocations knows which sessions have been ended, and which were updated a while
// ago. Implementations are safe for concurrent use, and neither Revoked nor UpdatedAfter
// ever waits for a network.
type Revocations interface {
	// Revoked reports whether the session was ended. An error means that the
	// set is too stale to tell, and that the caller must fail closed.
	Revoked(s *Session) (bool, error)
	// Revoke ends sessions, here at once. It returns nil only when that is durable.
	Revoke(ctx context.Context, r Revocation) error
	// Update tells the other nodes, and the next configuration of this one, of an update,
	// which is a Revocation with Updated, so that a refresh of an older state does not
	// overwrite it. It does not wait until others know.
	Update(r Revocation)
	// UpdatedAfter reports whether the session was updated after the moment.
	UpdatedAfter(sessionID string, moment time.Time) bool
}

// Sharer is also implemented by [Revocations] that keep an end which they could not
// make durable at once.
type Sharer interface {
	// Share returns nil if every end of the session is durable. It may try to make
	// it so.
	Share(ctx context.Context, s *Session) error
}

// ErrStale means that the shared revocations could not be read for longer than
// is allowed, so nobody can tell whether a session was ended.
var ErrStale = errors.New("the shared revocations cannot be read")

// RevokeUser ends the sessions of a user that exist now, on every node that
// shares the revocations. Except is the id of the one that stays; empty for none.
// The error is a [*UserError] for an id that no user can have.
func (m *Manager) RevokeUser(ctx context.Context, userID, except string) error {
	if userID == "" {
		return &UserError{"user.id is empty, so it names no user"}
	}
	if err := checkUserID(userID); err != nil {
		return err
	}
	return m.revokeExisting(ctx, Revocation{UserID: userID, Except: except})
}

// RevokeEveryone ends all sessions of the realm that exist now.
func (m *Manager) RevokeEveryone(ctx context.Context) error {
	return m.revokeExisting(ctx, Revocation{})
}

// revokeExisting ends the sessions that exist now. It returns only when the last
// millisecond whose sessions it ends is over: the caller may sign in again at once, on a
// node that has not heard of it yet. Where that is 10 ms away or more, the clock of
// another node runs ahead, and it does not wait.
func (m *Manager) revokeExisting(ctx context.Context, r Revocation) error {
	r = m.endedNow(r)
	if err := m.settings.Revocations.Revoke(ctx, r); err != nil {
		return err
	}
	if left := r.Before.Sub(m.settings.Now()); left < 10*time.Millisecond {
		time.Sleep(left)
	}
	return nil
}

// RevokeSession ends the session of that id, which nobody needs to know here.
func (m *Manager) RevokeSession(ctx context.Context, id string) error {
	if id == "" {
		return &UserError{"the session id is empty, so it names no session"}
	}
	defer m.forget(id)
	return m.settings.Revocations.Revoke(ctx, m.endedNow(Revocation{SessionID: id}))
}

// end ends a session as its sign-out does. That is told even if others do not know of
// the end yet: there is no later moment.
func (m *Manager) end(ctx context.Context, s *Session) error {
	defer m.forget(s.ID)
	err := m.settings.Revocations.Revoke(ctx, Revocation{SessionID: s.ID, Until: m.goneBy(s)})
	m.observe(Event{Kind: EventDeleted, Session: s, Pending: err != nil})
	return err
}

// goneBy is when no state of a session that ends now is alive any more: not even one
// that another node seals which hears of the end as late as it may.
func (m *Manager) goneBy(s *Session) time.Time {
	settings := &m.settings
	lifetime := settings.Expiry + min(settings.LongestOutage, maxCookieAge)
	end := later(settings.Now().Add(lifetime), s.ExpiresAt)
	// MaxLifetime may be raised again, and then the end in the token counts.
	sealed := s.sealedUntil
	if latest := settings.Now().Add(maxCookieAge); sealed.After(latest) {
		sealed = latest
	}
	return later(settings.clip(s.CreatedAt, end), sealed).Add(clockSkew)
}

// share returns nil if the sessions that have ended here have ended everywhere.
func (m *Manager) share(ctx context.Context, ended []*Session) error {
	sharer, ok := m.settings.Revocations.(Sharer)
	if !ok {
		return nil
	}
	for _, s := range ended {
		if err := sharer.Share(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what is remembered of a session that has ended.
func (m *Manager) forget(id string) {
	m.memory.recent.forget(id)
	m.validated.forget(id)
	m.memory.rotationFailed.forget(id)
}

// endedNow fills in the times. A session's CreatedAt is in whole milliseconds,
// so those of this millisecond end too, or those of a later one, if a node whose clock
// runs ahead has ended sessions before: see [Manager.create].
func (m *Manager) endedNow(r Revocation) Revocation {
	now := m.settings.Now()
	if r.SessionID == "" {
		latest, _ := soonest(now.Truncate(time.Millisecond), now, func(at time.Time) bool {
			return !errors.Is(m.checkRevoked(&Session{User: User{"id": r.UserID}, CreatedAt: at}), ErrRevoked)
		})
		r.Before = latest.Add(time.Millisecond)
	}
	// A session that was sealed under a longer expiry lives at most that long.
	// It may have been longer before a reload, and be raised again.
	r.Until = now.Add(time.Duration(m.memory.longest.Load()) + clockSkew)
	return r
}

// EndAll ends every session of the visitor's user, this one included. An error
// means that the end is not durable yet: do not report it as done. The error is
// [ErrNoSession] for an anonymous visitor. While nobody can tell whether the session is
// still good, only this one ends, and the error says why.
func (v *Visitor) EndAll(ctx context.Context) error {
	if err := v.doubt.reason(); err != nil {
		return errors.Join(err, v.Delete(ctx))
	}
	s, err := v.asksToEnd(ctx)
	if err != nil {
		return err
	}
	err = v.manager.endSessions(ctx, s, "")
	return errors.Join(err, v.Delete(ctx))
}

// EndOthers ends every session of the visitor's user but this one. Errors are
// those of [Visitor.EndAll], and a [*TooOftenError]: the session stays, so one cookie
// could fill the memory of every node. While nobody can tell whether the session is still
// good, none ends.
func (v *Visitor) EndOthers(ctx context.Context) error {
	s, err := v.asksToEnd(ctx)
	if err != nil {
		return err
	}
	m := v.manager
	if wait := m.memory.ends.again(s.User.ID(), mostEnds, m.settings.Now()); wait > 0 {
		return &TooOftenError{wait}
	}
	return m.endSessions(ctx, s, s.ID)
}

func (m *Manager) endSessions(ctx context.Context, of *Session, except string) error {
	err := m.RevokeUser(ctx, of.User.ID(), except)
	m.observe(Event{Kind: EventRevoked, Session: of, Pending: err != nil})
	return err
}

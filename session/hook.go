package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Validator says whether a session that opened is still good: it asks whoever
// knows that an account was closed, for example.
type Validator interface {
	// ValidateSession returns nil for a good session, [ErrRefused] to end it for
	// good, and any other error if it cannot tell. It must end with its context,
	// which is of no request: all that ask for one session at the same time share
	// the call.
	ValidateSession(ctx context.Context, s *Session) error
}

// Refresher replaces what is in a session whenever it is refreshed: this is where
// OAuth refresh tokens are rotated.
type Refresher interface {
	// RefreshSession returns what the session holds from now on. The user must be
	// the same. [ErrRefused] ends the session for good; after any other error it
	// stays as it is, and is tried again later. It must end with its context,
	// which is of no request. There is one call for a session at a time on a node.
	RefreshSession(ctx context.Context, s *Session) (Login, error)
}

// ErrRefused from a hook ends the session.
var ErrRefused = errors.New("the session was refused")

// ErrHookFailed means that a hook could not tell. That says nothing about the
// session.
var ErrHookFailed = errors.New("a hook failed")

// MaxHookTime is how long a shared call of a hook may take, whatever its own
// limit is.
const MaxHookTime = 30 * time.Second

// rotationLost is how long the hook is not asked for a state of a session again
// whose replacement could not be sealed.
const rotationLost = time.Minute

// sessionState is a session in one of its states. The user is in it, so that not
// even an app that seals tokens with ids of its own can mix two users up.
type sessionState struct {
	id, user     string
	lastActivity int64
}

func stateOf(s *Session) sessionState {
	return sessionState{s.ID, s.User.ID(), s.LastActivity.UnixMilli()}
}

// identityOf is a session whatever its state.
func identityOf(s *Session) sessionState { return sessionState{id: s.ID, user: s.User.ID()} }

// Validate asks the Validator of the settings, if there is one. When it refuses,
// the session is ended and the visitor anonymous. An error means that nobody can
// tell ([ErrUnavailable]): fail closed; the visitor is then anonymous, too.
func (v *Visitor) Validate(ctx context.Context) error {
	m := v.manager
	if v.session == nil || m.settings.Validator == nil {
		return nil
	}
	err := m.validate(ctx, v.session)
	// Who goes away, or closes one half of the connection, may not skip the hook.
	if err == nil || m.settings.KeepUnvalidated && errors.Is(err, ErrHookFailed) && ctx.Err() == nil {
		return v.Recheck()
	}
	return v.leaveIf(err)
}

// Recheck finds out whether the session was ended since it was read, after a call
// that took its time. The visitor is anonymous then. Errors are those of
// [Visitor.Validate].
func (v *Visitor) Recheck() error {
	if v.session == nil {
		return nil
	}
	return v.leaveIf(v.manager.checkRevoked(v.session))
}

// leaveIf makes the visitor anonymous after any error, and returns those that mean
// broken machinery.
func (v *Visitor) leaveIf(err error) error {
	switch {
	case err == nil:
		return nil
	case IsAnonymity(err):
		v.leave(ResultRevoked)
		return nil
	}
	v.doubt = &doubt{sessions: []*Session{v.session}, err: err}
	v.leave(ResultError)
	return err
}

// leave makes the visitor anonymous.
func (v *Visitor) leave(result Result) {
	if result == ResultRevoked {
		v.ended = append(v.ended, v.session)
	}
	v.session, v.token, v.pending, v.result = nil, "", nil, result
}

// validate returns nil for a good session and [ErrRevoked] for one that the hook
// has ended.
func (m *Manager) validate(ctx context.Context, s *Session) error {
	state := stateOf(s)
	if err, known := m.validated.get(state, m.settings.Now()); known {
		return err
	}
	_, err := m.validating.do(ctx, state, func(ctx context.Context) (*sealedSession, error) {
		started := m.settings.Now()
		err := m.settings.Validator.ValidateSession(ctx, s)
		now := m.settings.Now()
		switch {
		case err == nil:
			m.validated.remember(state, nil, now, m.settings.ValidFor)
		case errors.Is(err, ErrRefused):
			return nil, errors.Join(ErrRevoked, m.end(context.WithoutCancel(ctx), s))
		default:
			err = fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrHookFailed, err)
			if m.settings.KeepUnvalidated && !errors.Is(ctx.Err(), context.Canceled) { // a hook that hangs must not hold up every request of a page
				m.validated.remember(state, err, now, min(now.Sub(started), m.settings.ValidFor))
			}
		}
		return nil, err
	})
	return err
}

// rotate refreshes the visitor's session by the Refresher. [ErrRevoked] and [ErrExpired]
// mean that it has ended, [ErrHookFailed] that it is as it was.
func (v *Visitor) rotate(ctx context.Context) error {
	m, s := v.manager, v.session
	if now := m.settings.Now(); !s.Expired(now) && v.outlivesMemory(now) {
		return v.Recheck()
	}
	// One call at a time, whatever the state.
	made, err := m.memory.rotating.do(ctx, identityOf(s), func(ctx context.Context) (*sealedSession, error) {
		return m.rotate(ctx, s)
	})
	if IsAnonymity(err) {
		v.leave(resultOf(err))
	}
	if err == nil && made != nil {
		v.take(made)
		v.rotated = true
		m.memory.watches.noteExpiry(v.session)
		v.noteInList(v.session)
	}
	return err
}

// rotate asks the Refresher and seals what it returns. Who comes with a state that
// was replaced already gets what replaced it, or nil if another node has that: a
// refresh token that is used twice looks stolen (RFC 9700 section 4.14.2).
func (m *Manager) rotate(ctx context.Context, s *Session) (*sealedSession, error) {
	started := m.settings.Now()
	known, ok := m.memory.recent.newer(s, started, m.stale)
	if ok {
		s = known.session
	}
	switch {
	case m.clipped(s).Expired(started):
		return nil, ErrExpired
	case ok:
		return &known, nil
	}
	if m.outdated(s.ID, s.LastActivity) {
		return nil, nil
	}
	if err := m.checkRevoked(s); errors.Is(err, ErrRevoked) {
		return nil, err
	}
	login, err := m.settings.Refresher.RefreshSession(ctx, s)
	if errors.Is(err, ErrRefused) {
		return nil, errors.Join(ErrRevoked, m.end(context.WithoutCancel(ctx), s))
	}
	var change Change
	if err == nil {
		change, err = difference(s, login)
	}
	now := m.settings.Now()
	if err != nil {
		// A hook that hangs must not hold up every request.
		m.memory.rotationFailed.remember(stateOf(s), err, now, now.Sub(started))
		return nil, fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrHookFailed, err)
	}
	ended := m.checkRevoked(s)
	if errors.Is(ended, ErrRevoked) {
		return nil, ended
	}
	made, err := m.replaceRotated(s, change, now)
	if err != nil { // what is lost would be lost again, and the old refresh token is used up
		m.memory.rotationFailed.remember(stateOf(s), err, now, rotationLost)
		return nil, err
	}
	if ended != nil { // nobody can tell; who asks when they can, within recentFor, gets what was made
		return nil, ended
	}
	return made, nil
}

// replaceRotated seals what a hook has changed, on top of what others changed
// meanwhile.
func (m *Manager) replaceRotated(s *Session, change Change, now time.Time) (*sealedSession, error) {
	kind := change.event()
	made, _, err := m.replace(s, now, replacement{content: kind == EventUpdated, rotated: true}, func(newest *Session, now time.Time) (*Session, error) {
		next, err := m.used(newest, now)
		if err != nil {
			return nil, err
		}
		return next, apply(next, change)
	})
	if err != nil || made == nil {
		return nil, err
	}
	m.observe(Event{Kind: EventRefreshed, Session: made.session})
	if kind == EventUpdated {
		m.tellOfUpdate(made.session)
		m.observe(Event{Kind: EventUpdated, Session: made.session})
	}
	return made, nil
}

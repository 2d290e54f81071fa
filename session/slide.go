package session

import (
	"context"
	"errors"
	"time"
)

// Forgo takes back what [Visitor.Slide] did, for a request that turned out not to
// be the user's own doing (a page that polls): its cookie is not sent, and other
// requests of the session do not get it either. What the Refresher has replaced
// stays: the app would be left with tokens that are used up. For a request that did
// not slide it only keeps the cookie of a parallel one that did from being sent
// along, as on a file that every visitor may share. Call it before the handoff is
// applied.
func (v *Visitor) Forgo() {
	if v.pending == nil || v.rotated {
		return
	}
	if v.slid != nil {
		if v.slid.made {
			v.manager.memory.recent.withdraw(*v.pending, v.before)
		}
		v.session, v.token, v.slid = v.slid.session, v.slid.token, nil
	}
	// Also what a parallel request slid: that one sends it, if it is activity.
	v.pending = nil
}

// slid is what a visitor was before a slide.
type slid struct {
	session *Session
	token   string
	made    bool // by this request, not by a parallel one
}

// Slide refreshes the session if the settings say that it is due. It does
// nothing for an anonymous visitor. If the session has ended meanwhile, or is
// ended by the Refresher, the error is [ErrRevoked] or [ErrExpired] and the visitor anonymous. A
// Refresher that fails leaves the session as it is.
func (v *Visitor) Slide(ctx context.Context) error {
	settings := &v.manager.settings
	if v.session == nil || settings.NoAutoRefresh || !settings.due(v.session, settings.Now()) {
		return nil
	}
	if settings.Refresher != nil {
		return v.slideByHook(ctx)
	}
	before := &slid{session: v.session, token: v.token}
	err := v.change(replacement{slid: true}, func(s *Session, now time.Time) (*Session, error) {
		if !settings.due(s, now) { // another request was first
			return nil, nil
		}
		before.made = true
		return v.manager.used(s, now)
	})
	if IsAnonymity(err) {
		v.leave(resultOf(err))
	}
	if err == nil && v.pending != nil {
		v.slid = before
	}
	return err
}

// slideByHook refreshes by the Refresher, unless that has just failed.
func (v *Visitor) slideByHook(ctx context.Context) error {
	m := v.manager
	if _, failed := m.memory.rotationFailed.get(stateOf(v.session), m.settings.Now()); failed {
		return nil
	}
	if err := v.rotate(ctx); !errors.Is(err, ErrHookFailed) {
		return err
	}
	return nil
}

package session

import (
	"cmp"
	"context"
	"slices"
)

// doubt is why nobody is signed in although somebody may be.
type doubt struct {
	sessions []*Session // that opened: rivals, or some of which nobody can tell whether they are still good
	unread   bool       // there may be another, whose token nobody can open now
	err      error      // why nobody can tell; nil for rivals
}

// reason is why nobody can tell; nil also where there is no doubt.
func (d *doubt) reason() error {
	if d == nil {
		return nil
	}
	return d.err
}

// about notes that nobody can tell of a session; nil is one whose token nobody can open.
func (d *doubt) about(s *Session) {
	if s == nil {
		d.unread = true
		return
	}
	d.add(s)
}

// add adds sessions, each once however many tokens it has.
func (d *doubt) add(sessions ...*Session) {
	for _, s := range sessions {
		if !slices.ContainsFunc(d.sessions, s.sameAs) {
			d.sessions = append(d.sessions, s)
		}
	}
}

// asksToEnd returns the session on whose behalf other sessions of the user may be ended.
// While nobody can tell whether the session is still good, that is an error: it may have
// been ended because it was stolen. If it ended here but others do not know yet, that is
// an error too: a repeated request must not hear that all is done.
func (v *Visitor) asksToEnd(ctx context.Context) (*Session, error) {
	if v.session != nil {
		return v.session, nil
	}
	if err := v.doubt.reason(); err != nil {
		return nil, err
	}
	return nil, cmp.Or(v.manager.share(ctx, v.ended), ErrNoSession)
}

// present are the sessions that the request's cookies opened to, unless they have ended.
func (v *Visitor) present() []*Session {
	switch {
	case v.session != nil:
		return []*Session{v.session}
	case v.doubt != nil:
		return v.doubt.sessions
	}
	return nil
}

// endPresent ends what the request's cookies opened to. Where nobody can tell whether
// that was still good, signing in is possible even if others cannot be told yet: the end
// is kept, and holds here.
func (v *Visitor) endPresent(ctx context.Context) error {
	unsure := v.doubt.reason() != nil
	v.noteReplaced()
	for _, s := range v.present() {
		if err := v.manager.end(ctx, s); err != nil && !unsure {
			return err
		}
	}
	return nil
}

// noteReplaced notes that a sign-in puts another session in the place of those before; see
// [Visitor.ClearInvalid].
func (v *Visitor) noteReplaced() {
	for _, s := range v.present() {
		v.manager.memory.replaced.remember(identityOf(s), nil, v.manager.settings.Now(), recentFor)
	}
}

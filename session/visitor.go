package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Result says what became of the cookies of a request; a closed set.
type Result string

// The results of [Manager.Read].
const (
	ResultNone       Result = "none"        // no cookie of ours
	ResultOpened     Result = "opened"      // a session
	ResultExpired    Result = "expired"     // it was one
	ResultRevoked    Result = "revoked"     // it was ended
	ResultMalformed  Result = "malformed"   // not a token, or forged
	ResultUnknownKey Result = "unknown_key" // sealed elsewhere, or long ago
	ResultAmbiguous  Result = "ambiguous"   // two different sessions
	ResultError      Result = "error"       // broken machinery

	// ResultSeen is [ResultOpened] of a token that was opened before and is
	// remembered. Only [EventRead] tells the two apart.
	ResultSeen Result = "seen"
)

// Visitor is whoever the cookies of one request belong to, and the only way
// to change their session. It belongs to one request and is not safe for
// concurrent use.
type Visitor struct {
	manager *Manager
	name    string // of the cookie, with prefix
	sent    cookies
	result  Result

	session *Session
	read    time.Time  // when the cookies were
	came    *Session   // as the cookies carry it, if this node has sealed a newer state since
	doubt   *doubt     // nil: there is none
	ended   []*Session // that the cookies opened to, but for their ends, which others may not know yet
	token   string     // as the app may see it
	pending *sealedSession
	before  *sealedSession // what this node remembered before it made pending; nil for nothing
	slid    *slid          // what it was before, if Slide moved the end
	secure  bool           // so is the cookie
	cached  bool           // the token was remembered
	rotated bool           // by the Refresher
	deleted bool
	created bool          // the session is a new one
	lost    bool          // it was ended before its cookie was written
	backEnd bool          // the request is not the user's own
	own     []string      // Set-Cookie lines of a token that the app sealed itself
	request *http.Request // for the list; nil without one
	agent   string        // its User-Agent as it came, which directives may change; also for the list
}

// Session returns the session, or nil for an anonymous visitor. After a change
// it is the changed one.
func (v *Visitor) Session() *Session { return v.session }

// Result says what became of the request's cookies.
func (v *Visitor) Result() Result { return v.result }

// open finds out whose session the cookies mean. Several tokens that open to one
// session: the newest counts. To different sessions: nobody is signed in, since
// one of them was planted and none can say which.
func (v *Visitor) open(ctx context.Context) error {
	m := v.manager
	now := m.settings.Now()
	v.read = now
	rivals, err := v.openTokens(ctx, now)
	if err != nil || v.session == nil {
		return err
	}
	if len(rivals) > 0 {
		v.doubt = &doubt{sessions: append(rivals, v.session)}
		v.leave(ResultAmbiguous)
		return nil
	}
	m.memory.watches.noteExpiry(v.session)
	if known, ok := m.memory.recent.newer(v.session, now, m.stale); ok {
		v.came = v.session
		v.take(new(known)) // a copy, so that only who needs it pays for its memory
	}
	return nil
}

// openTokens opens every token that the cookies may mean. The session that it finds
// first is the visitor's, in its newest state; the others are returned. An error means
// that nobody can tell of one of them: then nobody is signed in, and the end of any is
// still to be kept.
func (v *Visitor) openTokens(ctx context.Context, now time.Time) (rivals []*Session, err error) {
	v.result = ResultMalformed
	var unsure *doubt // mostly not needed, so it costs no memory
	for _, token := range v.sent.candidates() {
		s, cached, err := v.manager.open(ctx, token, now)
		switch {
		case err != nil && !IsAnonymity(err):
			if unsure == nil {
				unsure = &doubt{err: err}
			}
			unsure.about(s)
		case err != nil:
			if v.session == nil {
				v.result = resultOf(err)
			}
			if errors.Is(err, ErrRevoked) {
				v.ended = append(v.ended, s)
			}
		case v.session != nil && !v.session.sameAs(s):
			rivals = append(rivals, s)
		case v.session == nil || s.LastActivity.After(v.session.LastActivity):
			v.session, v.token, v.result, v.cached = s, token, ResultOpened, cached
		}
	}
	if unsure == nil {
		return rivals, nil
	}
	if v.session != nil {
		unsure.add(append(rivals, v.session)...)
	}
	v.doubt = unsure
	v.leave(ResultError)
	return nil, unsure.err
}

// take makes a state that this node has sealed the visitor's.
func (v *Visitor) take(s *sealedSession) {
	v.session, v.token, v.pending = v.manager.clipped(s.session), s.token, s
}

func resultOf(err error) Result {
	switch {
	case errors.Is(err, ErrExpired):
		return ResultExpired
	case errors.Is(err, ErrRevoked):
		return ResultRevoked
	case errors.Is(err, ErrUnknownKey):
		return ResultUnknownKey
	}
	return ResultMalformed
}

// Refresh moves the session's end now, by the Refresher if there is one. The
// error is [ErrNoSession] for an anonymous visitor, [ErrRevoked] or [ErrExpired] if the
// session has ended, and [ErrHookFailed] if it is as it was.
func (v *Visitor) Refresh(ctx context.Context) error {
	if v.session == nil {
		return ErrNoSession
	}
	if v.manager.settings.Refresher == nil {
		return v.Update(Change{})
	}
	if now := v.manager.settings.Now(); v.came != nil && v.pending != nil && now.Sub(v.pending.rotated) < sameTokenFor && justRefreshed(v.session, now) {
		return nil
	}
	return v.rotate(ctx)
}

// outlivesMemory reports whether the request has taken so long that nobody knows any more
// whether its refresh token has been used by another: the Refresher would use it twice.
func (v *Visitor) outlivesMemory(now time.Time) bool {
	if now.Sub(v.read).Abs() <= recentFor || v.rotated {
		return false
	}
	_, known := v.manager.memory.recent.newer(v.session, now, v.manager.stale)
	return !known
}

// Update changes the session and refreshes it, without the Refresher. Where there is
// one, what a browser asks for needs KeepsEnd, or the browser would keep its session
// alive although the provider has ended it. Errors:
// [ErrNoSession], [ErrRevoked] and [ErrExpired] if it has ended, [*UserError],
// [*TooLargeError], [ErrUnavailable]; after any of them the session is as it was.
func (v *Visitor) Update(change Change) error {
	if v.session == nil {
		return ErrNoSession
	}
	kind, made := change.event(), false
	before := v.session
	err := v.change(replacement{content: kind == EventUpdated}, func(s *Session, now time.Time) (*Session, error) {
		overtaken := v.came != nil || s != before // the request came with an older token
		tooFarAhead := s.LastActivity.Sub(now) > mostAhead
		switch {
		case kind == EventRefreshed && (tooFarAhead || overtaken && justRefreshed(s, now)):
			return nil, nil
		case tooFarAhead:
			return nil, fmt.Errorf("%w: the session was changed too often within a moment; try again", ErrUnavailable)
		}
		next, err := v.manager.used(s, now)
		if err != nil {
			return nil, err
		}
		made, v.came = true, nil
		if change.KeepsEnd {
			next.ExpiresAt = s.ExpiresAt
			if at := s.LastActivity.Add(time.Millisecond); !v.manager.outdated(s.ID, at) {
				next.LastActivity = at // by which the Refresher is due where MaxLifetime holds the end
			}
		}
		return next, apply(next, change)
	})
	if err == nil && made {
		if kind == EventUpdated {
			v.manager.tellOfUpdate(v.session)
		}
		v.manager.observe(Event{Kind: kind, Session: v.session})
	}
	return err
}

// sameTokenFor is how long everybody who asks for a refresh with an old token gets
// the one new token, so that a storm of them seals once.
const sameTokenFor = 30 * time.Second

// justRefreshed reports whether the session was refreshed so short a while ago that
// a request that came with an older token needs no other one.
func justRefreshed(s *Session, now time.Time) bool {
	return now.Sub(s.LastActivity) < min(sameTokenFor, s.ExpiresAt.Sub(s.LastActivity)/2)
}

// change replaces the session; see [Manager.replace].
func (v *Visitor) change(by replacement, next func(*Session, time.Time) (*Session, error)) error {
	m := v.manager
	if err := m.checkRevoked(v.session); err != nil {
		return err
	}
	made, before, err := m.replace(v.session, m.settings.Now(), by, next)
	if made != nil && err == nil {
		v.take(made)
		v.before = before
	}
	return err
}

// replacement says what replaces a session: another content, what the Refresher has
// returned, or the same that ends later.
type replacement struct{ content, rotated, slid bool }

// replace seals what next makes of the newest state of a session; nil keeps that state.
// What changes no content, only the times, does nothing if the content is older than an
// update on another node, which it would overwrite. A request may take longer than its
// session, and than anybody remembers that it was signed out: it must not bring that back
// ([ErrExpired]). The Refresher was asked in time. What it returns is that of
// [recent.replace].
func (m *Manager) replace(s *Session, now time.Time, by replacement, next func(*Session, time.Time) (*Session, error)) (made, before *sealedSession, err error) {
	return m.memory.recent.replace(s, now, m.stale, func(newest *Session, from time.Time) (*sealedSession, error) {
		if !by.rotated && m.clipped(newest).Expired(now) {
			return nil, ErrExpired
		}
		if !by.content && m.outdated(newest.ID, from) {
			return nil, nil
		}
		s, err := next(newest, now)
		if s == nil || err != nil {
			return nil, err
		}
		made, err := m.seal(s)
		if made.content = from; by.content {
			made.content = s.LastActivity
		}
		if by.rotated {
			made.rotated = now
		}
		made.untold = by.slid
		return &made, err
	})
}

// Create signs a user in with a new session. The session that was there before
// is ended, so that a cookie planted before the sign-in is worth nothing after
// it (session fixation). So are two that kept anybody from being signed in, or they
// would go on to do so, and one of which nobody can tell whether it is still good.
// Errors: [*UserError], [*TooLargeError], or broken machinery; after any of them
// nothing has changed.
func (v *Visitor) Create(ctx context.Context, login Login) error {
	made, err := v.manager.sealNew(login, Change{})
	if err != nil {
		return err
	}
	return v.begin(ctx, made)
}

// sealNew seals a new session, which is changed before anybody sees it.
func (m *Manager) sealNew(login Login, change Change) (sealedSession, error) {
	s, err := m.create(login, m.settings.Now())
	if err != nil {
		return sealedSession{}, err
	}
	if err := apply(s, change); err != nil {
		return sealedSession{}, err
	}
	made, err := m.seal(s)
	made.content = s.LastActivity
	return made, err
}

// begin makes a new session the visitor's.
func (v *Visitor) begin(ctx context.Context, made sealedSession) error {
	m := v.manager
	if err := v.endPresent(ctx); err != nil {
		return err
	}
	m.memory.recent.remember(made, m.settings.Now())
	v.take(&made)
	v.deleted, v.created, v.doubt, v.read = false, true, nil, m.settings.Now()
	v.noteInList(v.session)
	m.observe(Event{Kind: EventCreated, Session: v.session})
	return nil
}

// Delete ends the session, if there is one, and has its cookies removed. Where
// two sessions kept anybody from being signed in, both end; one of which nobody can
// tell whether it is still good ends, too. An error means that the end is not
// durable yet: do not report it as done, nor to whoever asks once more. While a token
// cannot be opened no end of its session can be kept, so its cookies stay: whoever
// has them can ask again.
func (v *Visitor) Delete(ctx context.Context) error {
	errs := []error{v.manager.share(ctx, v.ended)}
	if v.session != nil {
		errs = append(errs, v.manager.end(ctx, v.session))
	}
	var unread *doubt
	if d := v.doubt; d != nil {
		for _, s := range d.sessions {
			errs = append(errs, v.manager.end(ctx, s))
		}
		if d.unread {
			errs = append(errs, d.err)
			v.ended = append(v.ended, d.sessions...)
			unread = &doubt{unread: true, err: d.err}
		}
	}
	v.session, v.token, v.pending, v.deleted, v.doubt = nil, "", nil, unread == nil, unread
	return errors.Join(errs...)
}

package session

import (
	"sync"
	"time"
)

// recentFor is how long a node answers an old token of a session with the one
// new token that it sealed. Parallel requests need seconds of it; the rest is for
// requests that take long: what they change must be the newest state, not the
// one that they came with.
const recentFor = 5 * time.Minute

// mostRecent bounds how many states are remembered, some kilobytes each: an app
// may hand a session to every guest, and a robot come as a new one each time.
const mostRecent = 50_000

// sealedSession is a session and the token that carries it.
type sealedSession struct {
	session *Session
	token   string
	at      time.Time
	content time.Time // when the user and the tokens were as they are at the latest
	rotated time.Time // when the Refresher was asked for it, or for what it was made from
	untold  bool      // by a slide that nobody has sent yet
}

// stale reports whether a remembered state must not be used.
type stale func(sealedSession) bool

// recent remembers the newest state of each session that this node sealed in the
// last moments. Parallel requests that carry one old token thus get one and the
// same new token, and an update is not overwritten by a refresh that started
// before it.
type recent struct {
	mu       sync.Mutex
	sessions map[string]sealedSession // by session id
	order    []addition               // oldest first
}

// addition says when a state of a session was added. It holds no state, so that
// a client that refreshes one session all the time fills no memory.
type addition struct {
	id string
	at time.Time
}

// newer returns the remembered state if it is newer than s.
func (r *recent) newer(s *Session, now time.Time, stale stale) (sealedSession, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.sessions[s.ID]
	if !ok || !known.session.sameAs(s) || now.Sub(known.at) > recentFor || !known.session.LastActivity.After(s.LastActivity) || stale(known) {
		return sealedSession{}, false
	}
	return known, true
}

// newest returns the latest state that this node remembers of the session of s. It is
// false if there is none, as after the session's end.
func (r *recent) newest(s sealedSession) (sealedSession, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.sessions[s.session.ID]
	return known, ok && known.session.sameAs(s.session)
}

// replace makes next from the newest known state of s, in turn with all others
// who change that session on this node. If next returns nil, that state stands:
// it is returned as it was sealed, or nil if this node did not seal it. Before is
// what was remembered until then, or nil.
func (r *recent) replace(s *Session, now time.Time, stale stale, next func(newest *Session, content time.Time) (*sealedSession, error)) (made, before *sealedSession, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	known, ok := r.sessions[s.ID]
	content := s.LastActivity
	if ok && known.session.sameAs(s) {
		before = &known
	}
	if ok = before != nil && known.session.LastActivity.After(s.LastActivity) && !stale(known); ok {
		s, content = known.session, known.content
	}
	made, err = next(s, content)
	switch {
	case err != nil:
		return nil, nil, err
	case made != nil:
		if made.rotated.IsZero() && before != nil {
			made.rotated = before.rotated
		}
		added := r.add(*made, now)
		return &added, before, nil
	case ok:
		return before, nil, nil
	}
	return nil, nil, nil
}

// remember adds a session that was just created.
func (r *recent) remember(made sealedSession, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	r.add(made, now)
}

func (r *recent) add(made sealedSession, now time.Time) sealedSession {
	if r.sessions == nil {
		r.sessions = make(map[string]sealedSession)
	}
	made.at = now
	r.sessions[made.session.ID] = made
	r.order = append(r.order, addition{made.session.ID, now})
	return made
}

// tell reports whether a slide is sent for the first time, by whichever request.
func (r *recent) tell(s sealedSession) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := s.session.ID
	known, ok := r.sessions[id]
	if !ok || known.token != s.token || !known.untold {
		return false
	}
	known.untold = false
	r.sessions[id] = known
	return true
}

func (r *recent) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, id)
}

// withdraw forgets one state of a session, unless a newer one was sealed since. What
// was remembered before it is again: it may hold an update.
func (r *recent) withdraw(s sealedSession, before *sealedSession) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := s.session.ID
	if r.sessions[id].token != s.token {
		return
	}
	delete(r.sessions, id)
	if before != nil {
		r.sessions[id] = *before
		r.order = append(r.order, addition{id, before.at}) // it may have been swept
	}
}

// sweep forgets what is old, and what seems to come from the future: the clock was
// set back, and the order would grow until it has caught up.
func (r *recent) sweep(now time.Time) {
	old := 0
	for old < len(r.order) && (now.Sub(r.order[old].at).Abs() > recentFor || len(r.sessions) >= mostRecent) {
		id := r.order[old].id
		if known, ok := r.sessions[id]; ok && known.at.Equal(r.order[old].at) { // no newer state since
			delete(r.sessions, id)
		}
		old++
	}
	if old == len(r.order) {
		r.order = nil
	} else {
		r.order = r.order[old:]
	}
}

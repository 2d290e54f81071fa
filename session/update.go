package session

import (
	"sort"
	"time"
)

// outdated reports whether the session was updated, here or on another node that
// this one has heard of, after its content was as it is.
func (m *Manager) outdated(id string, content time.Time) bool {
	return m.settings.Revocations.UpdatedAfter(id, content)
}

// stale reports whether a state that this node remembers is outdated, or was sealed
// under a key that was taken out of the configuration: nobody could open its token.
func (m *Manager) stale(known sealed) bool {
	return !m.keys.sealed(known.token) || m.outdated(known.session.ID, known.content)
}

// tellOfUpdate tells the other nodes. They need to know for as long as a request
// may take that came with the state before.
func (m *Manager) tellOfUpdate(s *Session) {
	m.settings.Revocations.Update(Revocation{SessionID: s.ID, Updated: s.LastActivity, Until: m.settings.Now().Add(recentFor + clockSkew)})
}

// soonest is the first millisecond, from a moment on, that is good. The clock of another
// node may run ahead, and what it has said of sessions before its time must not swallow
// what happens here after that. It is false if there is none of which others would take
// a token now.
func soonest(from, now time.Time, good func(time.Time) bool) (time.Time, bool) {
	if good(from) {
		return from, true
	}
	steps := max(0, int(now.Add(mostAhead).Sub(from)/time.Millisecond))
	after := func(step int) time.Time { return from.Add(time.Duration(step) * time.Millisecond) }
	step := sort.Search(steps+1, func(step int) bool { return good(after(step)) })
	return after(step), step <= steps
}

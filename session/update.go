package session

import (
	"time"
)

// outdated reports whether the session was updated, here or on another node that
// this one has heard of, after its content was as it is.
func (m *Manager) outdated(id string, content time.Time) bool {
	return m.settings.Revocations.UpdatedAfter(id, content)
}

// stale reports whether a state that this node remembers is outdated, or was sealed
// under a key that was taken out of the configuration: nobody could open its token.
func (m *Manager) stale(known sealedSession) bool {
	return !m.keys.names(known.token) || m.outdated(known.session.ID, known.content)
}

// tellOfUpdate tells the other nodes. They need to know for as long as a request
// may take that came with the state before.
func (m *Manager) tellOfUpdate(s *Session) {
	m.settings.Revocations.Update(Revocation{SessionID: s.ID, Updated: s.LastActivity, Until: m.settings.Now().Add(recentFor + clockSkew)})
}

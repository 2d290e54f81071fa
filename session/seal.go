package session

// Seal seals a session as [Keyring.Seal] does, and refuses with a
// [*TooLargeError] one that does not fit into the realm's cookies or into a
// request to the app.
func (m *Manager) Seal(s *Session) (string, error) {
	sealed, err := m.seal(s)
	return sealed.token, err
}

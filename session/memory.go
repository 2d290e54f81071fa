package session

// Memory is what a node remembers of the sessions that it has changed in the last
// minutes, of the calls of the Refresher that are under way, of the connections that
// are open, and of who ends the other sessions how often. Managers of one realm that follow one another, as at a reload,
// share it: else an old cookie would bring back a state that was replaced, a refresh
// token be used twice, and a connection not hear of what happens to its session.
// The zero value is empty.
type Memory struct {
	recent         recent
	rotating       flights
	rotationFailed verdicts
	watches        watches
	ends           perMinute // of the other sessions of a user, by one of them
}

// EndConnections ends all connections that are open, and those that still come, for
// when nobody looks after them any more: the realm is gone, and would not hear of the
// ends of its sessions if it came back.
func (m *Memory) EndConnections() { m.watches.endAll() }

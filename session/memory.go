package session

import "sync/atomic"

// Memory is what a node must not forget when a reload replaces the [Manager] of a realm:
// the sessions that it changed in the last minutes, the calls of the Refresher that are
// under way, the sessions that a sign-in has replaced, the open connections, and how often
// each user ended their other sessions. Without it, an old cookie would bring back a state
// that was replaced, a refresh token would be used twice, a late answer would take the new
// cookie away, and a connection would not hear that its session ended. The zero value is
// empty.
type Memory struct {
	recent         recent
	rotating       flights
	rotationFailed verdicts
	replaced       verdicts // sessions in whose place a sign-in has put another
	watches        watches
	ends           perMinute    // of the other sessions of a user, by one of them
	longest        atomic.Int64 // nanoseconds that a session may live under any of the settings so far
}

// lives notes settings under which sessions are sealed. Without MaxLifetime, a browser
// keeps a session for at most maxCookieAge.
func (m *Memory) lives(s *Settings) {
	lifetime := s.MaxLifetime
	if lifetime == NoMaxLifetime {
		lifetime = max(s.Expiry, maxCookieAge)
	}
	raise(&m.longest, int64(lifetime))
}

// raise makes a number as large as another one, if it is not yet.
func raise(number *atomic.Int64, to int64) {
	for known := number.Load(); known < to && !number.CompareAndSwap(known, to); {
		known = number.Load()
	}
}

// EndConnections ends all open connections, and every later one at once. Call it when the
// realm is gone: nobody would tell the connections any more that their session ended.
func (m *Memory) EndConnections() { m.watches.endAll() }

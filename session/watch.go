package session

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// watchInterval is how soon after its session an open connection ends. A second is
// promised, and the end has to reach the client too.
const watchInterval = time.Second / 2

// watches are the open connections that must end with their session. The
// goroutine that looks after them lives only while there are any.
type watches struct {
	count    atomic.Int64 // so that ordinary requests cost nothing
	mu       sync.Mutex
	managers []*Manager          // those in use, the latest last; it knows what has ended
	sessions map[string]*watched // by session id
	over     bool                // nobody looks after them any more
}

func (w *watches) join(m *Manager) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.managers = append(w.managers, m)
}

func (w *watches) leave(m *Manager) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.managers) > 1 { // connections that are left still need one
		w.managers = slices.DeleteFunc(w.managers, func(other *Manager) bool { return other == m })
	}
}

// watched is a session with open connections.
type watched struct {
	newest *Session // the one that ends last of those this node has seen
	ends   map[*func()]struct{}
}

// OnEnd calls end when the session is over: within a second after it was ended
// as far as this node knows, or after the latest expiry that this node has seen
// for it in any request; at once after [Memory.EndConnections]. Call stop when the
// connection is closed.
func (m *Manager) OnEnd(s *Session, end func()) (stop func()) {
	w := &m.memory.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		end()
		return func() {}
	}
	if w.sessions == nil {
		w.sessions = make(map[string]*watched)
	}
	if len(w.sessions) == 0 {
		go w.watch()
	}
	known, ok := w.sessions[s.ID]
	if !ok {
		known = &watched{newest: s, ends: make(map[*func()]struct{})}
		w.sessions[s.ID] = known
		w.count.Add(1)
	}
	known.prolong(s)
	key := &end
	known.ends[key] = struct{}{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(known.ends, key)
	}
}

// Over reports whether the session has ended as far as this node knows: this state of it, or
// while a connection of it is open, the one that ends last of those this node has seen.
func (m *Manager) Over(s *Session) bool { return m.over(m.memory.watches.newest(s), m.settings.Now()) }

func (m *Manager) over(s *Session, now time.Time) bool {
	revoked, err := m.settings.Revocations.Revoked(s)
	return err == nil && revoked || m.clipped(s).Expired(now)
}

// prolong notes a state that ends later.
func (k *watched) prolong(s *Session) {
	if s.ExpiresAt.After(k.newest.ExpiresAt) {
		k.newest = s
	}
}

// newest is the state of a session that ends last of those this node has seen, or the given
// one if no connection of it is open.
func (w *watches) newest(s *Session) *Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.sessions[s.ID]; ok && known.newest.ExpiresAt.After(s.ExpiresAt) {
		return known.newest
	}
	return s
}

func (k *watched) end() {
	for end := range k.ends {
		(*end)()
	}
	clear(k.ends)
}

// noteExpiry notes a session of a request, which may end later than those before.
func (w *watches) noteExpiry(s *Session) {
	if s == nil || w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.sessions[s.ID]; ok {
		known.prolong(s)
	}
}

// watch looks every half second until no connection is left.
func (w *watches) watch() {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for range ticker.C {
		if w.endConnections() == 0 {
			return
		}
	}
}

// endAll ends every connection, and those that are found out later to stay open.
func (w *watches) endAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, known := range w.sessions {
		known.end()
	}
}

// endConnections ends those whose session is over and returns how many sessions
// are left.
func (w *watches) endConnections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	latest := w.managers[len(w.managers)-1]
	now := latest.settings.Now()
	for id, known := range w.sessions {
		if latest.over(known.newest, now) {
			known.end()
		}
		if len(known.ends) == 0 {
			delete(w.sessions, id)
			w.count.Add(-1)
		}
	}
	return len(w.sessions)
}

package session

import "net/http"

// EventKind says what happened to a session; a closed set.
type EventKind string

// The events of a [Manager].
const (
	EventRead      EventKind = "read"      // cookies were read; see Result
	EventCreated   EventKind = "created"   // a user signed in
	EventRefreshed EventKind = "refreshed" // the end was moved, by use or on demand
	EventUpdated   EventKind = "updated"   // the user or a token was replaced
	EventDeleted   EventKind = "deleted"   // the session was ended
	EventRevoked   EventKind = "revoked"   // all or all other sessions of the user were ended
	EventSealed    EventKind = "sealed"    // a token was sealed; see KeyID
)

// Event is told to [Settings].Observe.
type Event struct {
	Kind EventKind
	// Session is the one that the event is about, as it is afterwards; nil for
	// EventRead of an anonymous visitor.
	Session *Session
	// Result is what became of the cookies, for EventRead.
	Result Result
	// Request is the one whose cookies were read, for EventRead.
	Request *http.Request
	// KeyID is the "kid" of the key that sealed, for EventSealed.
	KeyID string
}

func (m *Manager) observe(e Event) {
	if m.settings.Observe != nil {
		m.settings.Observe(e)
	}
}

// CacheStats count what the cache of opened tokens does.
type CacheStats struct {
	Tokens       int // in it now
	Hits, Misses uint64
}

// CacheStats returns the state of the cache of opened tokens; all zero without
// one.
func (m *Manager) CacheStats() CacheStats {
	var stats CacheStats
	if m.opened == nil {
		return stats
	}
	for i := range m.opened.shards {
		shard := &m.opened.shards[i]
		shard.mu.Lock()
		stats.Tokens += len(shard.known)
		stats.Hits += shard.hits
		stats.Misses += shard.misses
		shard.mu.Unlock()
	}
	return stats
}

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
	// Pending says of EventDeleted and EventRevoked that only this node knows yet: nothing
	// else could be reached that keeps it.
	Pending bool
}

func (m *Manager) observe(e Event) {
	if m.settings.Observe != nil {
		m.settings.Observe(e)
	}
}

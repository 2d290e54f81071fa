package session

import (
	"fmt"
	"testing"
	"time"
)

// Robots without cookies, to each of which the app hands a session of its own, must
// not fill the memory. The newest are kept: their answers are under way.
func TestGuestsWithoutNumberFillNoMemory(t *testing.T) {
	var r recent
	now := time.Unix(1_700_000_000, 0)
	state := func(i int) sealedSession {
		return sealedSession{session: &Session{ID: fmt.Sprint(i), User: User{"id": "guest"}}, token: fmt.Sprint(i)}
	}
	const guests = mostRecent + 10_000
	for i := range guests {
		r.remember(state(i), now.Add(time.Duration(i)*time.Millisecond))
	}
	if len(r.sessions) > mostRecent || len(r.order) > mostRecent {
		t.Errorf("%d states of %d are remembered, and %d additions", len(r.sessions), guests, len(r.order))
	}
	if _, ok := r.newest(state(guests - mostRecent + 1)); !ok {
		t.Error("a new one is forgotten")
	}
}

// What was remembered before the clock was set back fills no memory until the clock has
// caught up, and the state that was sealed last is kept.
func TestClockSetBackFillsNoMemory(t *testing.T) {
	var r recent
	now := time.Unix(1_700_000_000, 0)
	state := sealedSession{session: &Session{ID: "one", User: User{"id": "ada"}}}
	r.remember(state, now)
	now = now.Add(-time.Hour)
	for i := range 3000 { // it is refreshed once a second
		r.remember(state, now.Add(time.Duration(i)*time.Second))
		if _, ok := r.newest(state); !ok {
			t.Fatalf("%d seconds later it is forgotten", i)
		}
	}
	if most := int(recentFor/time.Second) + 2; len(r.order) > most {
		t.Errorf("%d additions are kept, at most %d are wanted", len(r.order), most)
	}
}

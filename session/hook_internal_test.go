package session

import (
	"fmt"
	"testing"
	"time"
)

// What a hook said of a session goes with the session.
func TestVerdictsAreForgottenWithTheSession(t *testing.T) {
	keys, err := NewKeyring("", []byte("q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewManager(Settings{}, keys)
	if err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(s *Session) error{
		"by the visitor": func(s *Session) error { return m.end(t.Context(), s) },
		"by its id":      func(s *Session) error { return m.RevokeSession(t.Context(), s.ID) },
	} {
		s := &Session{ID: name, User: User{"id": "ada"}}
		m.validated.remember(stateOf(s), nil, time.Now(), time.Hour)
		m.memory.rotationFailed.remember(stateOf(s), nil, time.Now(), time.Hour)
		if err := end(s); err != nil {
			t.Fatal(err)
		}
		if len(m.validated.sessions) != 0 || len(m.memory.rotationFailed.sessions) != 0 {
			t.Errorf("%s: something is remembered", name)
		}
	}
}

// Neither many sessions nor many states of one fill the memory.
func TestVerdictsAreBounded(t *testing.T) {
	var v verdicts
	now := time.Unix(1_700_000_000, 0)
	for i := range maxVerdicts + 10 {
		v.remember(sessionState{id: fmt.Sprint(i)}, nil, now, time.Hour)
	}
	if len(v.sessions) != maxVerdicts || len(v.order) != maxVerdicts {
		t.Errorf("%d and %d are kept", len(v.sessions), len(v.order))
	}
	if _, known := v.get(sessionState{id: "9"}, now); known {
		t.Error("the oldest is kept")
	}
	now = now.Add(time.Hour)
	for i := range 5 {
		v.remember(sessionState{id: "one", lastActivity: int64(i)}, nil, now.Add(time.Duration(i)), time.Minute)
	}
	if len(v.sessions) != 1 || len(v.order) != 1 {
		t.Errorf("%d and %d are left when the others are over", len(v.sessions), len(v.order))
	}
	if _, known := v.get(sessionState{id: "one", lastActivity: 3}, now.Add(4)); known {
		t.Error("what was said of another state counts")
	}
	if _, known := v.get(sessionState{id: "one", lastActivity: 4}, now); known {
		t.Error("a clock that was set back makes it last longer")
	}
}

package session

import (
	"strings"
	"testing"
	"time"
)

// A verdict outlives no sleep of the machine: its monotonic clock stands still meanwhile (Linux).
func TestVerdictGoesByTheWallClock(t *testing.T) {
	var v verdicts
	v.remember(sessionState{id: "one"}, nil, time.Now(), time.Minute)
	if until := v.sessions["one"].until.String(); strings.Contains(until, "m=") {
		t.Errorf("it is good until %s", until)
	}
}

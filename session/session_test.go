package session_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// expiryDate is what Date.toISOString of JavaScript writes.
func TestExpiryDate(t *testing.T) {
	for expiry, want := range map[time.Time]string{
		time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC):                                    "2026-03-08T12:00:00.000Z",
		time.Date(2026, 3, 8, 12, 0, 0, 7_999_999, time.UTC):                            "2026-03-08T12:00:00.007Z",
		time.Date(2026, 3, 8, 12, 0, 0, 42_000_000, time.UTC):                           "2026-03-08T12:00:00.042Z",
		time.Date(2026, 3, 8, 1, 0, 0, 999_000_000, time.FixedZone("", 2*60*60)):        "2026-03-07T23:00:00.999Z",
		time.Date(9999, 12, 31, 23, 59, 59, 120_000_000, time.FixedZone("", 0)).Local(): "9999-12-31T23:59:59.120Z",
	} {
		encoded, err := json.Marshal(&session.Session{User: session.User{"id": "ada"}, ExpiresAt: expiry})
		if err != nil {
			t.Fatal(err)
		}
		var members struct{ ExpiryDate string }
		if err := json.Unmarshal(encoded, &members); err != nil || members.ExpiryDate != want {
			t.Errorf("%v is written %q (%v), want %q", expiry, members.ExpiryDate, err, want)
		}
	}
}

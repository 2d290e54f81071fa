package caddymodule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/session-guard/caddy-session-guard/session"
)

// Times are in UTC wherever Caddy runs.
func TestPlaceholdersOfTimesAreInUTC(t *testing.T) {
	elsewhere := time.FixedZone("elsewhere", 3*60*60)
	s := &session.Session{
		CreatedAt: time.Date(2026, 3, 1, 2, 0, 0, 0, elsewhere), ExpiresAt: time.Date(2026, 3, 8, 2, 0, 0, 0, elsewhere),
	}
	for name, want := range map[string]string{"http.session.created_at": "2026-02-28T23:00:00Z", "http.session.expires_at": "2026-03-07T23:00:00Z"} {
		value, known := sessionPlaceholder(s, name)
		assert.True(t, known, name)
		assert.Equal(t, want, value, name)
	}
}

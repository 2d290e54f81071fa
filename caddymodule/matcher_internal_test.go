package caddymodule

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// Whoever cannot know who is there says so, also where nobody may be there.
func TestMatcherThatCannotTell(t *testing.T) {
	t.Setenv("SESSION_SECRET", "") // of which no manager is made
	m := &MatchSession{realm: newRealm(&App{logger: zap.NewNop(), realms: map[string]*realm{}}, "default")}
	r := prepare(httptest.NewRequest("GET", "/", nil))
	matched, err := m.MatchWithError(r)
	require.Error(t, err)
	assert.False(t, matched)
}

// A matcher that cannot tell says so, or `not session` would let everybody in.
func TestMatcherInAnOutage(t *testing.T) {
	b := newBench(t)
	b.with(t, func(s *session.Settings) { s.Revocations = new(staleLater) })
	m := &MatchSession{realm: b.guard.realm}
	_, err := m.MatchWithError(b.request("/", b.cookie))
	require.ErrorIs(t, err, session.ErrUnavailable)
	matched, err := m.MatchWithError(b.request("/", ""))
	require.NoError(t, err)
	assert.False(t, matched)
}

package caddymodule

import (
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The limits of NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3.
func TestAssuranceSetsTheLifetimes(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		settings            Settings
		expiry, maxLifetime time.Duration
	}{
		{Settings{}, 0, 0}, // the core's defaults
		{Settings{Assurance: "aal1"}, 7 * day, 30 * day},
		{Settings{Assurance: "aal2"}, time.Hour, day},
		{Settings{Assurance: "aal3"}, 15 * time.Minute, 12 * time.Hour},
		{Settings{Assurance: "aal2", Expiry: caddy.Duration(time.Minute)}, time.Minute, day},
		{Settings{Assurance: "aal2", MaxLifetime: OptionalDuration(30 * time.Minute)}, 30 * time.Minute, 30 * time.Minute},
	} {
		r := &realm{settings: tc.settings}
		assert.Equal(t, tc.expiry, r.core().Expiry, tc.settings)
		assert.Equal(t, tc.maxLifetime, r.core().MaxLifetime, tc.settings)
		assert.NoError(t, tc.settings.CheckAssurance())
	}
}

func TestAssuranceRefusesWeakerValues(t *testing.T) {
	for _, tc := range []struct {
		settings Settings
		expected []string
	}{
		{Settings{Assurance: "aal4"}, []string{`assurance cannot be "aal4"`}},
		{Settings{Assurance: "aal1", MaxLifetime: Off}, []string{"max_lifetime off", "which is 30d"}},
		{Settings{Assurance: "aal2", Expiry: caddy.Duration(61 * time.Minute)}, []string{"expiry 1h1m ", "write 1h or less", "2.2.3"}},
		{Settings{Assurance: "aal3", Expiry: caddy.Duration(time.Hour), MaxLifetime: OptionalDuration(13 * time.Hour)},
			[]string{"expiry 1h ", "15m", "max_lifetime 13h ", "write 12h or less", "2.3.3"}},
	} {
		err := tc.settings.CheckAssurance()
		for _, part := range tc.expected {
			assert.ErrorContains(t, err, part)
		}
	}
}

// What is longer than the level allows is one error, with one remedy.
func TestAssuranceRefusesOnce(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	for _, settings := range []Settings{
		{Assurance: "aal3", MaxLifetime: OptionalDuration(13 * hour)},
		{Assurance: "aal1", Expiry: caddy.Duration(40 * day)},
		{Assurance: "aal1", Expiry: caddy.Duration(40 * day), MaxLifetime: OptionalDuration(20 * day)},
		{Assurance: "aal2", Expiry: caddy.Duration(2 * hour)},
		{Assurance: "aal1", MaxLifetime: Off},
	} {
		assert.Error(t, settings.CheckAssurance(), settings)
		assert.NoError(t, (&realm{settings: settings}).core().Validate(), settings)
	}
	tooLong := Settings{Assurance: "aal2", Expiry: caddy.Duration(50 * time.Minute), MaxLifetime: OptionalDuration(20 * time.Minute)}
	assert.ErrorContains(t, (&realm{settings: tooLong}).core().Validate(), "expiry 50m is above max_lifetime 20m")
}

// What a level allows is allowed at its limit.
func TestAssuranceAtItsLimits(t *testing.T) {
	for level, limits := range map[string][2]time.Duration{"aal1": {30 * 24 * time.Hour, 30 * 24 * time.Hour}, "aal2": {time.Hour, 24 * time.Hour}, "aal3": {15 * time.Minute, 12 * time.Hour}} {
		s := &Settings{Assurance: level, Expiry: caddy.Duration(limits[0]), MaxLifetime: OptionalDuration(limits[1])}
		require.NoError(t, s.CheckAssurance(), level)
		s.Expiry++
		require.Error(t, s.CheckAssurance(), level)
		s.Expiry--
		s.MaxLifetime++
		require.Error(t, s.CheckAssurance(), level)
	}
}

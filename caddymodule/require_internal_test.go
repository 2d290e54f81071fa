package caddymodule

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"

	"github.com/session-guard/caddy-session-guard/session"
)

func TestRequirementHolds(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &session.Session{CreatedAt: now.Add(-15 * time.Minute), User: session.User{
		"id": "ada", "role": "admin", "level": json.Number("3"), "verified": true, "nothing": nil,
		"groups": []any{"ops", json.Number("7"), false}, "team": map[string]any{"name": "core"}, "empty": []any{},
	}}
	for _, tc := range []struct {
		field  string
		values []string
		holds  bool
	}{
		{"user.role", []string{"admin"}, true},
		{"user.role", []string{"editor", "admin"}, true},
		{"user.role", []string{"editor"}, false},
		{"user.role", []string{"Admin", "adm", "admin ", ""}, false},
		{"user.level", []string{"3"}, true},
		{"user.level", []string{"3.0", "03"}, false},
		{"user.verified", []string{"true"}, true},
		{"user.verified", []string{"false", "1"}, false},
		{"user.groups", []string{"ops"}, true},
		{"user.groups", []string{"7"}, true},
		{"user.groups", []string{"false"}, true},
		{"user.groups", []string{"op", "ops,7", "[ops]"}, false},
		{"user.empty", []string{""}, false},
		{"user.team.name", []string{"core"}, true},
		{"user.team", []string{"core", "map[name:core]"}, false},
		{"user.role.name", []string{"admin"}, false},
		{"user.nothing", []string{"", "null", "<nil>"}, false},
		{"user.missing", []string{"", "<nil>"}, false},
	} {
		q := Requirement{Field: tc.field, Values: tc.values}
		assert.Equal(t, tc.holds, q.holds(s, now), q)
	}
	for fresh, holds := range map[time.Duration]bool{time.Hour: true, 15 * time.Minute: true, 14 * time.Minute: false} {
		assert.Equal(t, holds, Requirement{Fresh: caddy.Duration(fresh)}.holds(s, now), fresh)
	}
}

func TestRequirementsThatCannotHold(t *testing.T) {
	for name, q := range map[string]Requirement{
		"no values":       {Field: "user.role"},
		"not of the user": {Field: "role", Values: []string{"admin"}},
		"both":            {Field: "user.role", Values: []string{"admin"}, Fresh: 1},
		"negative":        {Fresh: -1},
		"nothing":         {},
	} {
		assert.Error(t, q.check(), name)
	}
}

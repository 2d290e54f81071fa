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
		"https://example.com/roles": []any{"admin"}, "team.name": "literal", "team.size": json.Number("9"), "org": map[string]any{"a.b": "x", "plan": nil}, "org.plan": "pro",
		"resource_access": map[string]any{"my.app": map[string]any{"roles": []any{"admin"}}},
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
		{"user.level", []string{"3.0"}, true},
		{"user.level", []string{"03", "3.1", "three", ""}, false},
		{"user.verified", []string{"true"}, true},
		{"user.verified", []string{"false", "1"}, false},
		{"user.groups", []string{"ops"}, true},
		{"user.groups", []string{"7"}, true},
		{"user.groups", []string{"70e-1"}, true},
		{"user.groups", []string{"false"}, true},
		{"user.groups", []string{"op", "ops,7", "[ops]"}, false},
		{"user.empty", []string{""}, false},
		{"user.team.name", []string{"core"}, true},
		{"user.team.name", []string{"literal"}, false}, // an object's field counts before a name with a dot
		{"user.team.size", []string{"9"}, true},
		{"user.org.plan", []string{"pro"}, false}, // also one that is null
		{"user.https://example.com/roles", []string{"admin"}, true},
		{"user.org.a.b", []string{"x"}, true},
		{"user.resource_access.my.app.roles", []string{"admin"}, true},
		{"user.org.a", []string{"x"}, false},
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

// An app may write one number in several ways. Another number never passes for it,
// however close, and what is no JSON number is compared as text.
func TestRequirementComparesNumbersByValue(t *testing.T) {
	for _, tc := range []struct {
		value any
		want  string
		holds bool
	}{
		{json.Number("1000"), "1000", true},
		{json.Number("1000.0"), "1000", true},
		{json.Number("1e3"), "1000", true},
		{json.Number("1E+3"), "1000", true},
		{json.Number("0.1e4"), "1000.00", true},
		{json.Number("1000"), "1e3", true},
		{json.Number("-1.50"), "-1.5", true},
		{json.Number("0.001"), "1e-3", true},
		{json.Number("0.0"), "0", true},
		{json.Number("-0"), "0", true},
		{json.Number("1e+21"), "1000000000000000000000", true},
		{json.Number("9007199254740993"), "9007199254740993", true},
		{json.Number("9007199254740993"), "9007199254740992", false},
		{json.Number("9007199254740992.0"), "9007199254740993", false},
		{json.Number("0.1"), "0.1000000000000000055", false},
		{json.Number("1000"), "1000.0000000000000000001", false},
		{json.Number("1000"), "100", false},
		{json.Number("100"), "1000", false},
		{json.Number("1000"), "-1000", false},
		{json.Number("1000"), "1e-3", false},
		{json.Number("1e4"), "1e3", false},
		{json.Number("0"), "", false},
		{json.Number("1000"), "01000", false},
		{json.Number("1000"), "+1000", false},
		{json.Number("1000"), "1000.", false},
		{json.Number("1000"), "1_000", false},
		{json.Number("1000"), "0x3e8", false},
		{json.Number("1000"), " 1000", false},
		{json.Number("1000"), "1e3 ", false},
		{json.Number("1000"), "1e3\n", false},
		{json.Number("1e400"), "1e401", false},
		{json.Number("1e99999999999999999999"), "2e99999999999999999999", false},
		{json.Number("0e99999999999999999999"), "0", true},
		{json.Number("1e-9223372036854775808"), "1e9223372036854775807", false},
		{"1000", "1000", true},
		{"1000", "1000.0", false},
		{"1e3", "1000", false},
		{true, "1", false},
	} {
		s := &session.Session{User: session.User{"level": tc.value}}
		assert.Equal(t, tc.holds, Requirement{Field: "user.level", Values: []string{tc.want}}.holds(s, time.Time{}), "%v is %s", tc.value, tc.want)
	}
}

func TestRequirementsThatCannotHold(t *testing.T) {
	for name, q := range map[string]Requirement{
		"no values":       {Field: "user.role"},
		"not of the user": {Field: "role", Values: []string{"admin"}},
		"both":            {Field: "user.role", Values: []string{"admin"}, Fresh: 1},
		"negative":        {Fresh: -1},
		"nothing":         {},
		"no name":         {Field: "user.", Values: []string{"admin"}},
		"a name missing":  {Field: "user..role", Values: []string{"admin"}},
		"no value":        {Field: "user.role", Values: []string{"admin", ""}},
	} {
		assert.Error(t, q.check("require "), name)
	}
}

// Scopes are called user.read and the like, and a role may be called fresh.
func TestValuesThatAreNoSecondCondition(t *testing.T) {
	for _, values := range [][]string{{"user.read"}, {"user.read", "user.write", "openid"}, {"fresh", "15m"}, {"stale", "fresh"}, {"fresh", "x"}, {"and", "or"}, {"a", "fresh", "b"}} {
		requirement := Requirement{Field: "user.scopes", Values: values}
		if err := requirement.check("require "); err != nil {
			t.Errorf("%v: %v", values, err)
		}
	}
}

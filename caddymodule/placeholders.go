package caddymodule

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// setPlaceholders makes the request's placeholders known. Values are given as
// they are and never expanded again, whatever braces a user has in their name.
func (g *Guard) setPlaceholders(v *visit) {
	replacer, ok := v.request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	replacer.Map(func(name string) (any, bool) { return g.placeholder(v, name) })
}

func (g *Guard) placeholder(v *visit, name string) (any, bool) {
	switch name {
	case "http.session_guard.rule":
		return g.ruleName(v.match), true
	case "http.session_guard.decision":
		return string(v.decision), true
	case "http.session_guard.locale":
		return v.match.Locale, true
	case "http.session_guard.kind":
		return string(v.kind), true
	}
	s := v.visitor.Session()
	if s == nil {
		return nil, false
	}
	switch name {
	case "http.session.id":
		return s.ID, true
	case "http.session.expires_at":
		return s.ExpiresAt.UTC().Format(time.RFC3339), true
	case "http.session.created_at":
		return s.CreatedAt.UTC().Format(time.RFC3339), true
	}
	if path, ok := strings.CutPrefix(name, "http.auth.user."); ok {
		return userField(s.User, path)
	}
	return nil, false
}

// userField finds a field by its dotted path. Strings, numbers and booleans are
// given as they are, arrays and objects as JSON.
func userField(user map[string]any, path string) (any, bool) {
	if value, ok := user[path]; ok {
		return placeholderValue(value)
	}
	head, rest, nested := strings.Cut(path, ".")
	if object, ok := user[head].(map[string]any); nested && ok {
		return userField(object, rest)
	}
	return nil, false
}

func placeholderValue(value any) (any, bool) {
	switch value := value.(type) {
	case nil:
		return "", true
	case string, bool:
		return value, true
	case json.Number:
		return value.String(), true
	}
	encoded, err := json.Marshal(value)
	return string(encoded), err == nil
}

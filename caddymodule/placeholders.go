package caddymodule

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// setPlaceholders makes the request's placeholders known. Values are given as
// they are and never expanded again, whatever braces a user has in their name.
// Whoever signs out by the answer is still named in the access log.
func (g *Guard) setPlaceholders(v *visit) {
	replacer, ok := v.request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	placeholder := func(name string) (any, bool) { return g.placeholder(v, name) }
	if v.ofError() { // the failed visit's own are found first, and may be of another realm's visitor
		v.answers.visit.placeholder = placeholder
	}
	replacer.Map(placeholder)
}

func (g *Guard) placeholder(v *visit, name string) (any, bool) {
	if v.placeholder != nil {
		return v.placeholder(name)
	}
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
	if v.visitor == nil { // broken machinery: nobody is known
		return sessionPlaceholder(nil, name)
	}
	return sessionPlaceholder(cmp.Or(v.visitor.Session(), v.session), name)
}

// setSessionPlaceholders makes known who asks the session API, for the access
// log. Whoever signs out is named there too.
func setSessionPlaceholders(r *http.Request, visitor *session.Visitor) {
	before := visitor.Session()
	if replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		replacer.Map(func(name string) (any, bool) {
			return sessionPlaceholder(cmp.Or(visitor.Session(), before), name)
		})
	}
}

// sessionPlaceholder is what a placeholder says of a session, which may be nil.
// What there is nothing to say of is empty: a placeholder that is not known would
// reach the app as its own text, and look like somebody's name there. Values that
// other handlers have set, such as basic_auth, are found before these.
func sessionPlaceholder(s *session.Session, name string) (any, bool) {
	path, ofUser := strings.CutPrefix(name, "http.auth.user.")
	if s == nil {
		known := ofUser || name == "http.session.id" || name == "http.session.expires_at" || name == "http.session.created_at"
		return "", known
	}
	switch name {
	case "http.session.id":
		return s.ID, true
	case "http.session.expires_at":
		return s.ExpiresAt.UTC().Format(time.RFC3339), true
	case "http.session.created_at":
		return s.CreatedAt.UTC().Format(time.RFC3339), true
	}
	if ofUser {
		value, _ := fieldOf(s.User, path)
		return placeholderValue(value), true
	}
	return nil, false
}

// fieldOf finds a field by its dotted path. A name may have dots of its own, as those
// of OpenID Connect claims that are URLs; it counts where no object has the field.
func fieldOf(user map[string]any, path string) (value any, found bool) {
	for dot := range len(path) {
		if path[dot] != '.' {
			continue
		}
		if object, ok := user[path[:dot]].(map[string]any); ok {
			if value, found := fieldOf(object, path[dot+1:]); found {
				return value, true
			}
		}
	}
	value, found = user[path]
	return value, found
}

// placeholderValue gives strings, numbers and booleans as they are, arrays and objects
// as JSON. What is missing is empty.
func placeholderValue(value any) any {
	switch value := value.(type) {
	case nil:
		return ""
	case string, bool:
		return value
	case json.Number:
		return value.String()
	}
	return string(encode(value))
}

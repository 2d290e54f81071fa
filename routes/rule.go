package routes

import (
	"fmt"
	"strings"
)

// Type says who may visit a path.
type Type string

// The types of a rule, from the most open to the strictest.
const (
	// Public paths are for anonymous visitors, such as a login page. A
	// signed-in visitor is sent home.
	Public Type = "public"
	// Hybrid paths are for everybody.
	Hybrid Type = "hybrid"
	// Auth paths are for signed-in visitors.
	Auth Type = "auth"
)

func (t Type) valid() bool { return t == Public || t == Hybrid || t == Auth }

// strictness orders the types, so that the strictest reading of a path wins.
func (t Type) strictness() int {
	switch t {
	case Public:
		return 0
	case Hybrid:
		return 1
	default:
		return 2
	}
}

// Rule gives a type to the paths that its patterns match.
type Rule struct {
	// Type is the rule's type. It is required.
	Type Type
	// Patterns are the paths of the rule, at least one. "/login" is exact,
	// "/dashboard/*" is /dashboard and everything below it, "/blog*" is a
	// prefix, "*" between slashes is exactly one segment, and "*" or "/*" is
	// everything. The words api, dashboard, admin, settings and profile stand
	// for "/api/*" and so on.
	Patterns []string
	// Source is where the rule was written, such as "Caddyfile:14". It is
	// shown in errors and warnings and may be empty.
	Source string
	// Requires says that the rule has conditions on the session. The caller
	// evaluates them; see [Match.Matched].
	Requires bool

	label string // what it is called instead, if it is no rule
}

// Config is what a [Table] is compiled from.
type Config struct {
	// Rules are tried in order; the first match wins.
	Rules []Rule
	// Default is the type of paths that no rule matches. Default: [Hybrid].
	Default Type
	// LoginPath is where an anonymous visitor of an auth path is sent. Unless
	// a public or hybrid rule matches it, it counts as hybrid. Default: /login.
	LoginPath string
	// HomePath is where a signed-in visitor of a public path is sent.
	// Default: /.
	HomePath string
	// ForbiddenPath is where a visitor is sent whose session fails a rule's
	// requirements. Default: nowhere.
	ForbiddenPath string
	// ReturnTo is the name of the query parameter that carries the wanted path
	// to the login page; "off" switches it off. Default: return_to.
	ReturnTo string
	// Locales are path prefixes such as "en". They are stripped, in any case,
	// before matching and kept in redirects.
	Locales []string
	// BasePath is the basePath of Next.js. It is stripped before matching and
	// kept in redirects.
	BasePath string
	// Actions are patterns of paths to which an anonymous visitor may POST a
	// Server Action. Nil: LoginPath and all paths under a public rule. With
	// Build, the pages that own the action decide instead.
	Actions []string
	// Build is what the app's own build says about its paths. Nil: nothing is
	// known beyond this configuration.
	Build *Build
}

// name is how errors and warnings call a rule.
func (r Rule) name(index int) string {
	if r.label != "" {
		return r.label
	}
	if r.Source != "" {
		return fmt.Sprintf("%s rule (%s)", r.Type, r.Source)
	}
	return strings.TrimSpace(fmt.Sprintf("%s rule %d", r.Type, index+1))
}

package caddyfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/routes"
)

// ruleWord is the word of a rule of one type, which may stand on many lines.
//
//	public|auth|hybrid <pattern>... [{
//		require <field> <value>...
//		require fresh <duration>
//	}]
//
// Only auth rules have a block: an anonymous visitor may pass the others, and
// there is no session to look at.
func ruleWord(rules *[]caddymodule.Rule, usage string) word {
	return word{usage: usage, repeats: true, opensBlock: true, set: func(b *block, l line) {
		rule := caddymodule.Rule{Type: l.word, Patterns: l.args, Source: l.source()}
		if len(l.args) == 0 {
			example := map[string]string{"public": "/login", "auth": "/dashboard/*", "hybrid": "/"}[l.word]
			b.fail(l, "%s takes at least one pattern; write one such as %s %s", l.word, l.word, example)
		}
		if len(l.block) > 0 && routes.Type(l.word) != routes.Auth {
			b.fail(l, "%s takes no block: anonymous visitors may pass, and have no session to check; "+
				"remove the block, or write auth %s", l.word, strings.Join(l.args, " "))
			return
		}
		b.readInner(l, requireWords(&rule))
		if len(rule.Patterns) > 0 {
			*rules = append(*rules, rule)
		}
	}}
}

func requireWords(rule *caddymodule.Rule) []word {
	return []word{
		{usage: "require <field> <value>... | fresh <duration>", repeats: true, set: requirement(rule)},
	}
}

func requirement(rule *caddymodule.Rule) setter {
	return func(b *block, l line) {
		q, err := parseRequirement(l.args)
		if q.Fresh > 0 && slices.ContainsFunc(rule.Require, func(q caddymodule.Requirement) bool { return q.Fresh > 0 }) {
			err = errors.New("fresh is already required in this rule; keep the shorter one")
		}
		if err != nil {
			b.fail(l, "%s %w", l.word, err)
			return
		}
		if err := q.Check(rule.Require); err != nil { // here its own line is known
			b.fail(l, "%w", err)
			return
		}
		rule.Require = append(rule.Require, q)
	}
}

func parseRequirement(args []string) (caddymodule.Requirement, error) {
	var q caddymodule.Requirement
	if len(args) < 2 {
		return q, errors.New("takes a field and its values; write one such as require user.role admin, or require fresh 15m")
	}
	field, values := args[0], args[1:]
	if field == "fresh" {
		if len(values) != 1 {
			return q, fmt.Errorf("fresh takes one duration, not %d; write one such as require fresh 15m", len(values))
		}
		duration, err := parseDuration(values[0])
		q.Fresh = caddy.Duration(duration)
		return q, err
	}
	if slices.Contains(values, "require") { // else the second one would be lost in silence
		return q, errors.New("has the value require: a backslash in a comment, or at the end of the line, joins the next line to this one; take it out")
	}
	members := strings.Split(field, ".")
	switch {
	case field == "user":
		return q, fmt.Errorf("%q is the whole user; write one of its fields, such as user.role", field)
	case members[0] != "user":
		return q, fmt.Errorf("%q is not a field of the user; write %q, or fresh for a recent sign-in", field, "user."+field)
	case slices.Contains(members, ""):
		return q, fmt.Errorf("%q has a dot with no name before or after it; write one such as user.role", field)
	}
	q.Field, q.Values = field, values
	return q, nil
}

// checkRules lets the package that matches paths prove that the rules work: no
// pattern that can never match, no redirect that leads to a redirect. What the
// app's build adds is known only when the configuration is loaded.
func checkRules(b *block, guard *caddymodule.GuardConfig) {
	checkHandoff(b, guard.Handoff)
	checkPatterns(b, "no_activity", guard.NoActivity)
	for _, word := range []string{"default", "login_path", "home_path", "forbidden_path", "return_to", "locales", "base_path", "actions"} {
		if b.bad[word] { // its default may not go with the rules
			return
		}
	}
	_, err := routes.Compile(guard.RoutesConfig())
	b.failAll(err)
}

// checkHandoff checks patterns in the same way as those of actions.
func checkHandoff(b *block, patterns []string) {
	if slices.Equal(patterns, []string{"off"}) {
		return
	}
	if slices.Contains(patterns, "off") {
		b.fail(b.lines["handoff"], "handoff off cannot be combined with patterns; remove off, or the patterns")
		return
	}
	checkPatterns(b, "handoff", patterns)
}

func checkPatterns(b *block, word string, patterns []string) {
	if len(patterns) > 0 {
		_, err := new(routes.Table).Paths(word, patterns)
		b.failAll(err)
	}
}

package caddymodule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// checkRequirements reports conditions that can never hold or make no sense.
func (g *GuardConfig) checkRequirements() error {
	var errs []error
	for i, rule := range g.Rules {
		place := fmt.Sprintf("rule %d (%s %s)", i+1, rule.Type, strings.Join(rule.Patterns, " "))
		if rule.Source != "" {
			place = rule.Source
		}
		if len(rule.Require) > 0 && rule.Type != "auth" {
			errs = append(errs, fmt.Errorf("%s: require needs a session, so it belongs to an auth rule; write auth instead of %s", place, rule.Type))
		}
		for _, requirement := range rule.Require {
			if err := requirement.check("require "); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", place, err))
			}
		}
	}
	return errors.Join(errs...)
}

// check reports what can never hold. The word stands before a condition where it is
// written: "require " in a rule, and nothing in the matcher.
func (q Requirement) check(word string) error {
	var err error
	switch {
	case q.Fresh > 0 && q.Field == "" && len(q.Values) == 0:
	case q.Fresh != 0:
		err = fmt.Errorf("%[1]sfresh takes one duration above zero and nothing else; write for example: %[1]sfresh 15m", word)
	case !strings.HasPrefix(q.Field, "user."):
		err = fmt.Errorf("%[1]s%[2]q must name a field of the user; write for example: %[1]suser.role admin", word, q.Field)
	case len(q.Values) == 0:
		err = fmt.Errorf("%[1]s%[2]s needs at least one value; write for example: %[1]s%[2]s admin", word, q.Field)
	}
	return errors.Join(err, q.checkPlaceholders(word))
}

// placeholder is what Caddy would expand, were it asked to.
var placeholder = regexp.MustCompile(`\{[^{}\s]+\}`)

const insteadOfPlaceholder = "write the value itself, or in a Caddyfile {$NAME} to take it from the environment"

// checkPlaceholders refuses a placeholder, which would be compared as its own text:
// it never holds, and whoever writes `not session …` lets everybody in.
func (q Requirement) checkPlaceholders(word string) error {
	const instead = "has a placeholder, which is not resolved here; " + insteadOfPlaceholder
	if placeholder.MatchString(q.Field) {
		return fmt.Errorf("%s%q %s", word, q.Field, instead)
	}
	for _, value := range q.Values {
		if placeholder.MatchString(value) {
			return fmt.Errorf("%s%s %q %s", word, q.Field, value, instead)
		}
	}
	return nil
}

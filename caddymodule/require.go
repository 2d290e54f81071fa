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
			if err := errors.Join(requirement.check(), requirement.checkPlaceholders()); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", place, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (q Requirement) check() error {
	switch {
	case q.Fresh > 0 && q.Field == "" && len(q.Values) == 0:
		return nil
	case q.Fresh != 0:
		return errors.New("require fresh takes one duration above zero and nothing else; write for example: require fresh 15m")
	case !strings.HasPrefix(q.Field, "user."):
		return fmt.Errorf("require %q must name a field of the user; write for example: require user.role admin", q.Field)
	case len(q.Values) == 0:
		return fmt.Errorf("require %s needs at least one value; write for example: require %s admin", q.Field, q.Field)
	}
	return nil
}

// placeholder is what Caddy would expand, were it asked to.
var placeholder = regexp.MustCompile(`\{[^{}\s]+\}`)

// checkPlaceholders refuses a placeholder, which would be compared as its own text:
// it never holds, and whoever writes `not session …` lets everybody in.
func (q Requirement) checkPlaceholders() error {
	const instead = "has a placeholder, which is not resolved here; write the value itself, or in a Caddyfile {$NAME} to take it from the environment"
	if placeholder.MatchString(q.Field) {
		return fmt.Errorf("require %q %s", q.Field, instead)
	}
	for _, value := range q.Values {
		if placeholder.MatchString(value) {
			return fmt.Errorf("require %s %q %s", q.Field, value, instead)
		}
	}
	return nil
}

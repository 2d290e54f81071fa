package caddymodule

import (
	"errors"
	"fmt"
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
			if err := requirement.check(); err != nil {
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

package caddymodule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var placeholder = regexp.MustCompile(`\{[^{}\s]+\}`)

// Placeholders are what Caddy would expand in a text, were it asked to.
func Placeholders(text string) []string { return placeholder.FindAllString(text, -1) }

// oneOf refuses a value that is none of those that a setting may have. An empty one was
// left out.
func oneOf(setting, value string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s cannot be %q; write one of: %s", setting, value, strings.Join(allowed, ", "))
}

const insteadOfPlaceholder = "write the value itself, or in a Caddyfile {$NAME} to take it from the environment"

// checkResolved refuses placeholders where they count as their own text: a rule for
// `/{env.AREA}/*` would guard nothing, in silence.
func checkResolved(setting string, values ...string) error {
	var errs []error
	for _, value := range values {
		if len(Placeholders(value)) > 0 {
			errs = append(errs, fmt.Errorf("%s has a placeholder, which is not resolved here; %s",
				strings.TrimSpace(fmt.Sprintf("%s %q", setting, value)), insteadOfPlaceholder))
		}
	}
	return errors.Join(errs...)
}

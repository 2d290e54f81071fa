package caddymodule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
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

// checkLeast refuses a duration that is too short to be meant: whoever writes a number of
// seconds in JSON has written nanoseconds.
func checkLeast(setting string, set, least time.Duration, example string) error {
	if set <= 0 || set >= least { // not set, or refused elsewhere
		return nil
	}
	return fmt.Errorf("%[1]s %[2]s is shorter than %[3]s; write for example: %[1]s %[4]s (a number in JSON counts nanoseconds)", setting, set, least, example)
}

// checkInterval refuses a duration below zero, too.
func checkInterval(setting string, set caddy.Duration, example string) error {
	if set < 0 {
		return fmt.Errorf("%[1]s must be above zero; write for example: %[1]s %[2]s", setting, example)
	}
	return checkLeast(setting, time.Duration(set), time.Millisecond, example)
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

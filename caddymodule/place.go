package caddymodule

import (
	"errors"
	"fmt"
	"strings"
)

// withPlaces adds to each of the joined errors where the first setting was written
// that it speaks of ("at Caddyfile:3"). Errors about what is not known here stay as
// they are.
func withPlaces(err error, places map[string]string) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, err := range joined.Unwrap() {
			errs = append(errs, withPlaces(err, places))
		}
		return errors.Join(errs...)
	}
	for word := range strings.FieldsSeq(err.Error()) {
		if place := places[strings.TrimRight(word, ":;,")]; place != "" {
			return fmt.Errorf("%w, %s", err, place)
		}
	}
	return err
}

// at is a place for messages, or empty if none is known.
func at(source string) string {
	if source == "" {
		return ""
	}
	return "at " + source
}

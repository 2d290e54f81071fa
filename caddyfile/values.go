package caddyfile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// one is for words with exactly one value.
func one(set func(value string) error) setter {
	return func(b *block, l line) {
		if len(l.args) != 1 {
			b.fail(l, "%s takes one value, not %d; write %s", l.word, len(l.args), l.usage)
			return
		}
		if err := set(l.args[0]); err != nil {
			b.fail(l, "%s %w", l.word, err)
		}
	}
}

// text takes one value that passes the check.
func text(target *string, check func(string) error) setter {
	return one(func(value string) error {
		if err := check(value); err != nil {
			return err
		}
		*target = value
		return nil
	})
}

// list takes one or more different values that each pass the check.
func list(target *[]string, check func(string) error) setter {
	return func(b *block, l line) {
		if len(l.args) == 0 {
			b.fail(l, "%s takes at least one value; write %s", l.word, l.usage)
			return
		}
		for i, value := range l.args {
			if slices.Contains(l.args[:i], value) {
				b.fail(l, "%s: value %d repeats an earlier one; remove it", l.word, i+1)
			} else if err := check(value); err != nil {
				b.fail(l, "%s %w", l.word, err)
			}
		}
		if !b.bad[l.word] {
			*target = l.args
		}
	}
}

// unchecked passes any value: it is checked later, together with others.
func unchecked(string) error { return nil }

// choice is a word that takes one of the values of its grammar: "same_site lax|strict|none".
func choice(usage string, target *string) word {
	_, grammar, _ := strings.Cut(usage, " ")
	values := strings.Split(grammar, "|")
	return word{usage: usage, set: text(target, func(value string) error {
		if !slices.Contains(values, value) {
			return fmt.Errorf("%q is not known; write one of: %s", value, strings.Join(values, ", "))
		}
		return nil
	})}
}

// onOff takes on or off.
func onOff(target **caddymodule.OnOff) setter {
	return one(func(value string) error {
		if value != "on" && value != "off" {
			return fmt.Errorf("%q is not known; write on or off", value)
		}
		*target = new(caddymodule.OnOff(value == "on"))
		return nil
	})
}

// wholeNumber takes a number that is not below zero.
func wholeNumber(target **int) setter {
	return one(func(value string) error {
		number, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return fmt.Errorf("%q is not a whole number; write one such as 10000, or 0 for none", value)
		}
		*target = new(int(number))
		return nil
	})
}

func parseDuration(value string) (time.Duration, error) {
	duration, err := caddy.ParseDuration(value)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration; write one such as 10s, 12h or 7d", value)
	case duration <= 0:
		return 0, fmt.Errorf("%q is not above zero; write a duration such as 10s, 12h or 7d", value)
	case duration > session.LongestDuration:
		return 0, fmt.Errorf("%q is longer than 100 years; write a duration such as 10s, 12h or 7d", value)
	}
	return duration, nil
}

// duration takes a duration above zero.
func duration(target *caddy.Duration) setter {
	return one(func(value string) error {
		duration, err := parseDuration(value)
		*target = caddy.Duration(duration)
		return err
	})
}

// durationOrOff takes a duration above zero, or off.
func durationOrOff(target *caddymodule.OptionalDuration) setter {
	return one(func(value string) error {
		if value == "off" {
			*target = caddymodule.Off
			return nil
		}
		duration, err := parseDuration(value)
		if err != nil {
			return fmt.Errorf("%w; or write off", err)
		}
		*target = caddymodule.OptionalDuration(duration)
		return nil
	})
}

// checkSecret refuses a secret that is unsafe as it is written. A placeholder
// is kept and resolved when the configuration is loaded, so that the secret is
// never shown by `caddy adapt`. No error shows any part of the value.
func checkSecret(written string) error {
	placeholders := caddymodule.Placeholders(written)
	if len(placeholders) == 0 {
		if err := session.CheckSecret([]byte(written)); err != nil {
			return fmt.Errorf("is not safe: %w", err)
		}
		return nil
	}
	for _, p := range placeholders {
		name := strings.Trim(p, "{}")
		if !strings.HasPrefix(name, "env.") && !strings.HasPrefix(name, "file.") || strings.HasSuffix(name, ".") {
			return errors.New("has a placeholder other than {env.NAME} and {file./path/of/the/file}; write one of these")
		}
	}
	return nil
}

// checkAPIPath accepts a path that stands in an URL as it is written, and that only the
// session API answers.
func checkAPIPath(path string) error {
	switch {
	case path[0] != '/' || strings.HasPrefix(path, "//"):
		return fmt.Errorf("%q is not a path of this site; write it with one leading slash, such as %s", path, sessionapi.DefaultPath)
	case strings.ContainsAny(path, "?#*"):
		return fmt.Errorf("%q is not a plain path; write it without ?, # and *", path)
	case strings.ContainsAny(path, `\"<>^|{}`+"`;") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return fmt.Errorf("%q has characters that must be percent-encoded in a path", path)
	}
	return sessionapi.CheckPath(path)
}

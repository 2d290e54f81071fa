package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
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
		for j, requirement := range rule.Require {
			if err := requirement.Check(rule.Require[:j]); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", place, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Check reports what is wrong with a `require` of a rule that has others before it.
func (q Requirement) Check(before []Requirement) error {
	err := q.check("require ")
	if slices.ContainsFunc(before, q.equal) {
		err = errors.Join(err, fmt.Errorf("%s is written twice; remove one", q))
	}
	return err
}

// check reports what can never hold. The word stands before a condition where it is
// written: "require " in a rule, and nothing in the matcher.
func (q Requirement) check(word string) error {
	var err error
	switch {
	case time.Duration(q.Fresh) > session.LongestDuration:
		err = fmt.Errorf("%[1]sfresh is longer than 100 years; write for example: %[1]sfresh 15m", word)
	case q.Fresh > 0 && q.Field == "" && len(q.Values) == 0:
		err = checkLeast(word+"fresh", time.Duration(q.Fresh), time.Millisecond, "15m")
	case q.Fresh != 0:
		err = fmt.Errorf("%[1]sfresh takes one duration above zero and nothing else; write for example: %[1]sfresh 15m", word)
	case !strings.HasPrefix(q.Field, "user."):
		err = fmt.Errorf("%[1]s%[2]q must name a field of the user; write for example: %[1]suser.role admin", word, q.Field)
	case slices.Contains(strings.Split(q.Field, "."), ""):
		err = fmt.Errorf("%[1]s%[2]q has a dot with no name before or after it; write for example: %[1]suser.role admin", word, q.Field)
	case slices.Contains(q.Values, ""):
		err = fmt.Errorf("%[1]s%[2]s has an empty value; write for example: %[1]s%[2]s admin", word, q.Field)
	case len(slices.Compact(slices.Sorted(slices.Values(q.Values)))) < len(q.Values):
		err = fmt.Errorf("%s%s has a value twice; remove one", word, q.Field)
	case len(q.Values) == 0:
		err = fmt.Errorf("%[1]s%[2]s needs at least one value; write for example: %[1]s%[2]s admin", word, q.Field)
	default:
		err = q.checkValues(word)
	}
	return errors.Join(err, q.checkPlaceholders(word))
}

// checkValues refuses values that were meant as a part of a language which there is not. None
// is empty.
func (q Requirement) checkValues(word string) error {
	if i := slices.IndexFunc(q.Values, isOperator); i >= 0 {
		return fmt.Errorf("%[1]s%[2]s cannot be compared with %[3]q: values are words of which one must equal the field; write those that may pass, for example: %[1]s%[2]s admin editor", word, q.Field, q.Values[i])
	}
	if i := slices.IndexFunc(q.Values, func(value string) bool { return strings.HasSuffix(value, ",") }); i >= 0 {
		return fmt.Errorf("%s%s has the value %q with a comma; values are separated by spaces alone", word, q.Field, q.Values[i])
	}
	if value := q.secondCondition(); value != "" {
		return fmt.Errorf("%s%s has the value %q, with which another condition seems to begin, and one of all these words would do for the field; "+
			"write each condition on a line of its own (values that do begin with user. stand before the others)", word, q.Field, value)
	}
	return nil
}

// isOperator reports whether a value was meant to compare others: `user.role != guest` would
// let guests pass, and nobody else.
func isOperator(value string) bool {
	return strings.HasPrefix(value, "!") || value == "not" || strings.Trim(value, "=<>~") == ""
}

// secondCondition is the value with which another condition was meant to begin: by
// `user.role admin user.verified true` all admins would pass. Values such as user.read may be
// scopes, so they count behind others only.
func (q Requirement) secondCondition() string {
	for i := 1; i < len(q.Values); i++ {
		value := q.Values[i]
		isField := strings.HasPrefix(value, "user.") && !strings.HasPrefix(q.Values[i-1], "user.")
		if isField || value == "and" || value == "&&" || value == "fresh" && i+1 < len(q.Values) && isDuration(q.Values[i+1]) {
			return value
		}
	}
	return ""
}

func isDuration(value string) bool {
	_, err := caddy.ParseDuration(value)
	return err == nil
}

func (q Requirement) equal(other Requirement) bool {
	return q.Fresh == other.Fresh && q.Field == other.Field && slices.Equal(q.Values, other.Values)
}

// checkPlaceholders refuses a placeholder, which would be compared as its own text:
// it never holds, and whoever writes `not session …` lets everybody in.
func (q Requirement) checkPlaceholders(word string) error {
	if err := checkResolved(strings.TrimSpace(word), q.Field); err != nil {
		return err
	}
	return checkResolved(word+q.Field, q.Values...)
}

// allHold reports whether the session meets every requirement at a moment.
func allHold(requirements []Requirement, s *session.Session, now time.Time) bool {
	for _, requirement := range requirements {
		if !requirement.holds(s, now) {
			return false
		}
	}
	return true
}

// holds reports whether the session meets the requirement at a moment.
func (q Requirement) holds(s *session.Session, now time.Time) bool {
	if q.Fresh > 0 {
		return now.Sub(s.CreatedAt) <= time.Duration(q.Fresh)
	}
	path, _ := strings.CutPrefix(q.Field, "user.")
	value, _ := fieldOf(s.User, path)
	if array, ok := value.([]any); ok {
		return slices.ContainsFunc(array, q.has)
	}
	return q.has(value)
}

// has compares exactly: no folding, no parts, so that no name can pass for
// another. Only of a number there are several spellings.
func (q Requirement) has(value any) bool {
	switch value := value.(type) {
	case string:
		return slices.Contains(q.Values, value)
	case json.Number:
		return slices.Contains(q.Values, value.String()) ||
			slices.ContainsFunc(q.Values, func(wanted string) bool { return sameNumber(value.String(), wanted) })
	case bool:
		return slices.Contains(q.Values, strconv.FormatBool(value))
	}
	return false
}

// Requirement is one condition on a signed-in visitor: either a field with
// values, or a recent sign-in.
type Requirement struct {
	// A dotted path into the session, beginning with `user`: `user.role`. A name
	// that has dots itself may be part of it (`user.https://example.com/roles`);
	// where it could mean two fields, that of an object counts.
	Field string `json:"field,omitempty"`

	// The values that the field may have. A string, number or boolean must
	// equal one of them, an array must contain one of them. Numbers are compared
	// by value: `1000` is also `1000.0` and `1e3`.
	Values []string `json:"values,omitempty"`

	// The maximum age of the sign-in. A `public` login page sends signed-in visitors
	// on, so give them a `hybrid` page to sign in anew, and name it in forbidden_path.
	// Not together with field.
	Fresh caddy.Duration `json:"fresh,omitempty"`
}

// String writes the requirement as in a Caddyfile.
func (q Requirement) String() string {
	if q.Fresh > 0 {
		return "require fresh " + session.FormatDuration(time.Duration(q.Fresh))
	}
	return "require " + q.Field + " " + strings.Join(q.Values, " ")
}

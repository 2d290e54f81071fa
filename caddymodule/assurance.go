package caddymodule

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// assuranceLimits are the session limits of one authenticator assurance level.
type assuranceLimits struct {
	section     string // of NIST SP 800-63B-4
	expiry      time.Duration
	maxLifetime time.Duration
}

// limitsOf returns the limits of a level. At AAL1 the standard leaves a time of
// inactivity open, so there only the overall limit holds.
func limitsOf(level string) (assuranceLimits, bool) {
	switch level {
	case "aal1":
		return assuranceLimits{"2.1.3", 30 * 24 * time.Hour, 30 * 24 * time.Hour}, true
	case "aal2":
		return assuranceLimits{"2.2.3", time.Hour, 24 * time.Hour}, true
	case "aal3":
		return assuranceLimits{"2.3.3", 15 * time.Minute, 12 * time.Hour}, true
	}
	return assuranceLimits{}, false
}

// CheckAssurance reports each lifetime that is written longer than the assurance
// level allows.
func (s *Settings) CheckAssurance() error {
	if s.Assurance == "" {
		return nil
	}
	limits, ok := limitsOf(s.Assurance)
	if !ok {
		return fmt.Errorf("assurance cannot be %q; write one of: aal1, aal2, aal3", s.Assurance)
	}
	var errs []error
	weaker := func(setting, written string, limit time.Duration) {
		errs = append(errs, fmt.Errorf("%s %s is weaker than assurance %s allows, which is %s (NIST SP 800-63B-4 section %s); write %s or less, or remove the line",
			setting, written, s.Assurance, limit, limits.section, limit))
	}
	if expiry := time.Duration(s.Expiry); expiry > limits.expiry {
		weaker("expiry", expiry.String(), limits.expiry)
	}
	if s.MaxLifetime == Off {
		weaker("max_lifetime", "off", limits.maxLifetime)
	} else if maxLifetime := time.Duration(s.MaxLifetime); maxLifetime > limits.maxLifetime {
		weaker("max_lifetime", maxLifetime.String(), limits.maxLifetime)
	}
	return errors.Join(errs...)
}

// withAssurance returns the settings with the lifetimes of the assurance level
// where none are written.
func (s Settings) withAssurance() *Settings {
	limits, ok := limitsOf(s.Assurance)
	if !ok {
		return &s
	}
	if s.MaxLifetime == 0 {
		s.MaxLifetime = OptionalDuration(limits.maxLifetime)
	}
	if s.Expiry == 0 {
		s.Expiry = caddy.Duration(min(limits.expiry, session.DefaultExpiry, max(time.Duration(s.MaxLifetime), 0)))
	}
	return &s
}

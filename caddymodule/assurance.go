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

// assuranceLevels are the limits of each level. At AAL1 the standard leaves a time of
// inactivity open, so there only the overall limit holds.
var assuranceLevels = map[string]assuranceLimits{
	"aal1": {"2.1.3", 30 * 24 * time.Hour, 30 * 24 * time.Hour},
	"aal2": {"2.2.3", time.Hour, 24 * time.Hour},
	"aal3": {"2.3.3", 15 * time.Minute, 12 * time.Hour},
}

// CheckAssurance reports each lifetime that is written longer than the assurance
// level allows.
func (s *Settings) CheckAssurance() error {
	if s.Assurance == "" {
		return nil
	}
	limits, ok := assuranceLevels[s.Assurance]
	if !ok {
		return fmt.Errorf("assurance cannot be %q; write one of: aal1, aal2, aal3", s.Assurance)
	}
	var errs []error
	weaker := func(setting, written string, limit time.Duration) {
		errs = append(errs, fmt.Errorf("%s %s is weaker than assurance %s allows, which is %s (NIST SP 800-63B-4 section %s); write %s or less, or remove the line",
			setting, written, s.Assurance, session.FormatDuration(limit), limits.section, session.FormatDuration(limit)))
	}
	if expiry := time.Duration(s.Expiry); expiry > limits.expiry {
		weaker("expiry", session.FormatDuration(expiry), limits.expiry)
	}
	if s.MaxLifetime == Off {
		weaker("max_lifetime", "off", limits.maxLifetime)
	} else if maxLifetime := time.Duration(s.MaxLifetime); maxLifetime > limits.maxLifetime {
		weaker("max_lifetime", session.FormatDuration(maxLifetime), limits.maxLifetime)
	}
	return errors.Join(errs...)
}

// WithAssurance returns the settings with the lifetimes of the assurance level
// where none are written, or longer ones, of which [Settings.CheckAssurance] tells.
func (s Settings) WithAssurance() *Settings {
	limits, ok := assuranceLevels[s.Assurance]
	if !ok {
		return &s
	}
	if s.MaxLifetime <= 0 || time.Duration(s.MaxLifetime) > limits.maxLifetime {
		s.MaxLifetime = OptionalDuration(limits.maxLifetime)
	}
	if s.Expiry == 0 || time.Duration(s.Expiry) > limits.expiry {
		s.Expiry = caddy.Duration(min(limits.expiry, session.DefaultExpiry, time.Duration(s.MaxLifetime)))
	}
	return &s
}

package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// A module of the namespace session.hooks is one or more of [session.Validator],
// [session.Refresher] and [Authorizer], and stands where it is asked for: in
// validate, on_refresh or authorize.

// Authorizer decides about single requests that the rules let pass.
type Authorizer interface {
	// AuthorizeRequest returns nil if the request may pass, or else what to
	// answer. An error means that it cannot tell, so that nobody passes (503). The
	// context is that of the request, but does not end when the browser hangs up where
	// the app may still sign the visitor out.
	AuthorizeRequest(ctx context.Context, asked Authorization) (*Refusal, error)
}

// Authorization is a request that an [Authorizer] is asked about.
type Authorization struct {
	// Method and URI are those that the client sent: URI is path and query.
	Method, URI string
	// Rule is the rule that lets the request pass, as it is written:
	// "auth /dashboard/*".
	Rule string
	// Kind is the request kind: document, rsc, prefetch, action, data, fetch or
	// websocket.
	Kind string
	// Session is who asks. Do not modify it.
	Session *session.Session
}

// Refusal is what an [Authorizer] answers in place of the app. Headers that it
// must not set (X-Session-*, the session's cookies, those of the connection) are
// left out, and it is never cached. A 403 without a body is handled like a failed
// `require`.
type Refusal struct {
	// Status is a redirect or 4xx; any other is an outage (503).
	Status int
	Header http.Header
	Body   []byte
}

// ValidateHook names the hook that is asked whether a session is still good. Its
// no (401 or 403) ends the session for good.
type ValidateHook struct {
	// The hook, a module of session.hooks. In a Caddyfile it is
	// [session.hooks.http](#sessionhookshttp): `validate <url>`.
	Hook json.RawMessage `json:"hook,omitempty" caddy:"namespace=session.hooks inline_key=module"`

	// How long a yes is remembered while the session does not change, and so how
	// late a no may take effect. `off` (in a Caddyfile also `0s`) asks at every
	// request. Default: 30s.
	Cache OptionalDuration `json:"cache,omitempty"`

	// What happens when the hook fails. `deny`: nobody passes an `auth` route
	// (503), and on other routes visitors are anonymous. `keep`: sessions stay
	// valid. Default: `deny`.
	OnOutage string `json:"on_outage,omitempty"`
}

// defaultValidateCache is how long a yes counts unless it is configured.
const defaultValidateCache = 30 * time.Second

func (h *ValidateHook) check() error {
	if h == nil {
		return nil
	}
	return errors.Join(oneOf("validate: on_outage", h.OnOutage, "deny", "keep"),
		checkLeast("cache", time.Duration(h.Cache), time.Millisecond, "30s"))
}

func (h *ValidateHook) validFor() time.Duration {
	switch {
	case h == nil || h.Cache == Off:
		return 0
	case h.Cache == 0:
		return defaultValidateCache
	}
	return time.Duration(h.Cache)
}

// loadHooks provisions the hooks that the settings name.
func (r *realm) loadHooks(settings *Settings) error {
	var errs []error
	if settings.Validate != nil && r.validator == nil {
		hook, err := loadHook[session.Validator](r.app.ctx, settings.Validate.Hook, "validate")
		if err == nil {
			r.validator = validateMeter{r.meter("validate"), hook}
		}
		errs = append(errs, err)
	}
	if settings.OnRefresh != nil && r.refresher == nil {
		hook, err := loadHook[session.Refresher](r.app.ctx, settings.OnRefresh, "on_refresh")
		if err == nil {
			r.refresher = refreshMeter{r.meter("on_refresh"), hook}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// loadHook loads the module that is written, which must be a hook of one kind.
func loadHook[Hook any](ctx caddy.Context, written json.RawMessage, word string) (Hook, error) {
	var none Hook
	if len(written) == 0 {
		return none, fmt.Errorf("%s names no hook; write for example: {\"module\": \"http\", \"url\": \"http://localhost:3000/hooks/%s\"}", word, word)
	}
	in := ValidateHook{Hook: bytes.Clone(written)} // any field of hooks does, and Caddy clears what it has loaded
	module, err := ctx.LoadModule(&in, "Hook")
	if err != nil {
		return none, fmt.Errorf("%s: %w", word, err)
	}
	hook, ok := module.(Hook)
	if !ok {
		return none, fmt.Errorf("%s: the module %T does not implement this hook", word, module)
	}
	return hook, nil
}

package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// A module of the namespace session.hooks is one or more of [session.Validator],
// [session.Refresher] and [Authorizer], and stands where it is asked for: in
// validate, on_refresh or authorize.

// Authorizer decides about single requests that the rules let pass.
type Authorizer interface {
	// AuthorizeRequest returns nil if the request may pass, or else what to
	// answer. An error means that it cannot tell, so that nobody passes (503). The
	// context is that of the request.
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
	return oneOf("validate: on_outage", h.OnOutage, "deny", "keep")
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

// reportHooks writes which hooks a realm has.
func (r *realm) reportHooks(to *strings.Builder) {
	if r.validator != nil {
		core := r.core()
		onOutage := "deny"
		if core.KeepUnvalidated {
			onOutage = "keep"
		}
		fmt.Fprintf(to, "  hook validate: cache %s, on_outage %s\n", core.ValidFor, onOutage)
	}
	if r.refresher != nil {
		fmt.Fprintln(to, "  hook on_refresh: asked at every refresh")
	}
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

// worksAfter is how long a hook has to be without a failure before the log says that it
// works again: one that fails for some users fills no log.
const worksAfter = time.Minute

// hookMeter measures the calls of one hook and says when it fails.
type hookMeter struct {
	realm *realm
	name  string // of the hook

	mu      sync.Mutex
	failing bool
	failed  time.Time // last
	worked  bool      // since then
}

func (r *realm) meter(hook string) *hookMeter { return &hookMeter{realm: r, name: hook} }

// The outcomes of a call; a closed set.
const (
	hookPassed  = "passed"
	hookRefused = "refused"
	hookFailed  = "failed"
)

// measured calls a hook and counts the call. A panic is a failure, since a hook may be
// anybody's code. Refused reports whether the hook has said no.
func measured[T any](ctx context.Context, m *hookMeter, call func() (T, error), refused func(T, error) bool) (answer T, err error) {
	started := time.Now()
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("it panicked: %v\n%s", thrown, debug.Stack())
		}
		m.called(ctx, started, refused(answer, err), err)
	}()
	return call()
}

func isRefused[T any](_ T, err error) bool { return errors.Is(err, session.ErrRefused) }

// called counts a call. One that nobody waited for any more says nothing.
func (m *hookMeter) called(ctx context.Context, started time.Time, refused bool, err error) {
	outcome := hookPassed
	switch {
	case refused:
		outcome = hookRefused
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return
	case err != nil:
		outcome = hookFailed
	}
	app := m.realm.app
	app.metrics.hooks.WithLabelValues(m.realm.name, m.name, outcome).Observe(time.Since(started).Seconds())
	m.tell(outcome == hookFailed, err)
}

// tell says when a hook begins to fail, and when it has worked again for a while.
func (m *hookMeter) tell(failed bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, now := m.failing, time.Now()
	quiet := now.Sub(m.failed) >= worksAfter
	if failed {
		was = was && (!m.worked || !quiet) // else it has worked meanwhile, though nobody called late enough to say so
		m.failing, m.failed, m.worked = true, now, false
	} else {
		m.worked, m.failing = true, m.failing && !quiet
	}
	fields := []zap.Field{zap.String("realm", m.realm.name), zap.String("hook", m.name)}
	switch {
	case m.failing && !was:
		m.realm.app.logger.Error("a session hook failed; further failures are not logged until it works again", append(fields, zap.Error(err))...)
	case was && !m.failing:
		m.realm.app.logger.Info("a session hook works again", fields...)
	}
}

type validateMeter struct {
	*hookMeter
	hook session.Validator
}

// ValidateSession implements [session.Validator].
func (m validateMeter) ValidateSession(ctx context.Context, s *session.Session) error {
	_, err := measured(ctx, m.hookMeter, func() (struct{}, error) {
		return struct{}{}, m.hook.ValidateSession(ctx, s)
	}, isRefused)
	return err
}

type refreshMeter struct {
	*hookMeter
	hook session.Refresher
}

// RefreshSession implements [session.Refresher].
func (m refreshMeter) RefreshSession(ctx context.Context, s *session.Session) (session.Login, error) {
	return measured(ctx, m.hookMeter, func() (session.Login, error) {
		login, err := m.hook.RefreshSession(ctx, s)
		if err == nil && login.User.ID() != s.User.ID() {
			err = errors.New("the answer has a user without the session's user.id; return the whole user, with the same id")
		}
		return login, err
	}, isRefused)
}

type authorizeMeter struct {
	*hookMeter
	hook Authorizer
}

// AuthorizeRequest implements [Authorizer].
func (m authorizeMeter) AuthorizeRequest(ctx context.Context, asked Authorization) (*Refusal, error) {
	return measured(ctx, m.hookMeter, func() (*Refusal, error) {
		refusal, err := m.hook.AuthorizeRequest(ctx, asked)
		if refusal != nil && (refusal.Status < 300 || refusal.Status >= 500 || refusal.Status == http.StatusNotModified) {
			return nil, errors.Join(err, fmt.Errorf("the answer has the status %d", refusal.Status))
		}
		return refusal, err
	}, func(refusal *Refusal, _ error) bool { return refusal != nil })
}

// Interface guards
var (
	_ session.Validator = validateMeter{}
	_ session.Refresher = refreshMeter{}
	_ Authorizer        = authorizeMeter{}
)

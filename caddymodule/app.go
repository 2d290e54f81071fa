// Package caddymodule holds the Caddy modules of caddy-session-guard: the app
// `session` with its realms, the handlers session_guard and session_api, the
// matcher session, the hooks, where revocations are kept, and what operators use
// (admin API, commands, metrics). The core, which does not know Caddy, is in the
// packages session, routes and sessionapi.
package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

func init() {
	caddy.RegisterModule(new(App))
	caddy.RegisterModule(new(Guard))
	caddy.RegisterModule(new(API))
	caddy.RegisterModule(MatchSession{})
}

// App holds the realms: each is one set of session settings and keys, which the
// guard and the session API of a site share. A realm is one trust domain: its
// sessions are good on every site that uses it, so use one realm per app. Apps
// on one host get each other's cookies, with which each could act as the visitors of
// the other: give each a host of its own, or its realm a cookie_path. Without this
// app in the configuration there is the realm `default` with its defaults.
type App struct {
	// The realms by name. The realm `default` always exists.
	Realms map[string]*Settings `json:"realms,omitempty"`

	ctx      caddy.Context
	logger   *zap.Logger
	metrics  *metrics
	events   *caddyevents.App
	readOnly bool // nothing is served, so nothing is written
	mu       sync.Mutex
	realms   map[string]*realm
	guards   []*Guard
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "session", New: func() caddy.Module { return new(App) }}
}

// Provision sets the realms up. What their settings say together is checked when
// the guards that may add to them are known.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.logger = ctx, ctx.Logger()
	a.realms = make(map[string]*realm)
	if err := a.provisionMetrics(); err != nil {
		return err
	}
	events, err := ctx.App("events")
	if err != nil {
		return err
	}
	a.events = events.(*caddyevents.App)
	if _, err := a.define(session.DefaultRealm, nil, ""); err != nil {
		return err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(a.Realms)) { // so that errors come in one order
		settings := a.Realms[name]
		if err := CheckRealm(name); err != nil {
			errs = append(errs, fmt.Errorf("session realm: %w", err))
			continue
		}
		r, err := a.define(name, settings, "in the realm "+name)
		switch {
		case err != nil:
		case name != session.DefaultRealm:
			err = r.check()
		case len(r.settings.Secret) > 0: // all else a guard may still add to
			if _, err = r.secrets(); err != nil {
				err = fmt.Errorf("session realm %s: %w", name, err)
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Start makes every realm ready, so that a broken one stops the start rather
// than the first visitor, and warns of ways around the guards.
func (a *App) Start() error {
	warnings, err := waysAround(a.ctx)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		a.logger.Warn(warning)
	}
	for _, r := range a.realmsInUse() {
		if err := r.check(); err != nil {
			return err
		}
		_, err := r.manager(a.ctx)
		if err == nil {
			err = r.moved(a.ctx)
		}
		if err != nil {
			return fmt.Errorf("session realm %s: %w", r.name, err)
		}
	}
	return nil
}

// realmsInUse are the realms, sorted by name. The default realm, which always exists, is
// left out if there are others, nothing uses it and nothing configures it: SESSION_SECRET
// may then be meant for another program.
func (a *App) realmsInUse() []*realm {
	a.mu.Lock()
	defer a.mu.Unlock()
	var inUse []*realm
	for _, name := range slices.Sorted(maps.Keys(a.realms)) {
		if r := a.realms[name]; r.asked || len(r.places) > 0 || len(a.realms) == 1 {
			inUse = append(inUse, r)
		}
	}
	return inUse
}

// realmInUse is a realm by name for the admin API, which must not answer that sessions
// have ended in a realm that nothing uses.
func (a *App) realmInUse(name string) (*realm, error) {
	r, err := a.realm(name)
	if err != nil {
		return nil, err
	}
	inUse := a.realmsInUse()
	if !slices.Contains(inUse, r) {
		var names []string
		for _, other := range inUse {
			names = append(names, other.name)
		}
		return nil, fmt.Errorf("nothing uses the session realm %s; name one of: %s", r.name, strings.Join(names, ", "))
	}
	return r, nil
}

// Stop does nothing: what runs ends with the configuration's context.
func (*App) Stop() error { return nil }

// Cleanup gives back what the realms share with other configurations.
func (a *App) Cleanup() error {
	var errs []error
	if a.metrics != nil {
		_, err := pool.Delete(metricsName)
		errs = append(errs, err)
	}
	// All at once: each may wait for its log, and a service manager does not wait for
	// all of them in turn.
	ended := make(chan error)
	for _, r := range a.realms {
		go func() { ended <- r.cleanup() }()
	}
	for range a.realms {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// use returns a realm by name for whoever is going to ask for its sessions; an empty name
// means the default one.
func (a *App) use(name string) (*realm, error) {
	r, err := a.realm(name)
	if err == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		r.asked = true
	}
	return r, err
}

// realm returns a realm by name, which does not count as a use of it.
func (a *App) realm(name string) (*realm, error) {
	name = cmp.Or(name, session.DefaultRealm)
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, ok := a.realms[name]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("the session realm %q is not defined; write the global option: session %s { … }", name, name)
}

// CheckRealm accepts what may stand in the name of a cookie, without the dot
// that separates what the app hands over.
func CheckRealm(name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	if name == "" || strings.Trim(strings.ToLower(name), allowed) != "" {
		return fmt.Errorf("%q is not the name of a realm; write letters, digits, - and _, such as admin", name)
	}
	return nil
}

// define adds settings to a realm.
func (a *App) define(name string, settings *Settings, place string) (*realm, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, ok := a.realms[name]
	if !ok {
		r = newRealm(a, name)
		a.realms[name] = r
	}
	if settings == nil {
		return r, nil
	}
	return r, r.merge(settings, cmp.Or(at(settings.Source), place))
}

// appOf returns the app `session` of a configuration, configured or not.
func appOf(ctx caddy.Context) (*App, error) {
	module, err := ctx.App("session")
	if err != nil {
		return nil, err
	}
	return module.(*App), nil // Caddy does not start with two modules of one name
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)

package caddymodule

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// realm is a realm of one configuration. Settings are collected while Caddy
// provisions and fixed when the manager is first asked for.
type realm struct {
	app      *App
	name     string
	logger   *zap.Logger // names the realm
	settings Settings
	places   map[string]string // setting -> where it was written ("at Caddyfile:3")
	asked    bool              // a guard, a session API or a matcher uses it

	apis []*API // session APIs of it

	validator session.Validator // nil: none
	refresher session.Refresher // nil: none

	revocationModule RevocationModule                 // nil: the default
	revocations      session.Revocations              // once they are open
	revocationsMoved *sharedRevocations               // opened by this configuration, in place of good ones elsewhere; mostly nil
	revocationPlace  string                           // in the pool
	revocationTerms  *terms                           // nil: they are not shared
	list             *session.List                    // nil: none is kept
	memory           *session.Memory                  // once it was asked for
	keysInUse        *atomic.Pointer[session.Keyring] // in the pool; nil for configured secrets
	keysBefore       *session.Keyring                 // of the configuration before
	keys             *session.Keyring                 // of this one
	pooled           []string                         // places in the pool, in the order in which they were taken

	mu    sync.Mutex
	ready atomic.Pointer[session.Manager]

	warned struct { // each once
		untrustedProxy sync.Once // sends X-Forwarded-Proto
		droppedCookie  sync.Once // that browsers do not keep
		unknownKey     sync.Once // sealed a cookie
		largeCookie    sync.Once // is not forwarded
		literalSecret  sync.Once // stands in the configuration itself
		keyRotation    sync.Once // has no effect
	}

	visitVariable   string      // of a request, under which a guard shares what it found
	countedVariable string      // of a request, once its session has been counted
	readsTwice      atomic.Bool // a request has had its session counted already, so others may

	decisions counters[decisionLabels]
	reads     counters[session.Result]
}

func newRealm(app *App, name string) *realm {
	return &realm{
		app: app, name: name, logger: app.logger.With(zap.String("realm", name)), places: map[string]string{},
		visitVariable: "session_guard.visit." + name, countedVariable: "session_guard.counted." + name,
	}
}

// merge takes over settings that are written at a place ("at Caddyfile:3"). A
// setting may be given twice only with one and the same value.
func (r *realm) merge(settings *Settings, place string) error {
	if r.ready.Load() != nil {
		return errors.New("session settings came too late: the realm already serves requests")
	}
	var errs []error
	to, from := reflect.ValueOf(&r.settings).Elem(), reflect.ValueOf(settings).Elem()
	for i := range from.NumField() {
		name, _, _ := strings.Cut(from.Type().Field(i).Tag.Get("json"), ",")
		value, place := from.Field(i), cmp.Or(at(settings.Sources[name]), place)
		switch {
		case name == "source" || name == "sources" || value.IsZero():
		case to.Field(i).IsZero():
			to.Field(i).Set(value)
			r.places[name] = place
		case reflect.DeepEqual(to.Field(i).Interface(), value.Interface()):
		case settings.Source != "" && r.places[name] == place: // Caddy does not tell which import a line came by
			errs = append(errs, fmt.Errorf("%s of the session realm %s has two values, both written %s: that file is imported twice with different arguments, or two files have that name; keep one value",
				name, r.name, place))
		default:
			errs = append(errs, fmt.Errorf("%s of the session realm %s has two values: %s and %s; keep one of them",
				name, r.name, r.places[name], place))
		}
	}
	return errors.Join(append(errs, withPlaces(errors.Join(r.loadRevocation(settings), r.loadHooks(settings)), r.places))...)
}

// check reports what is wrong with the settings as they are now, without
// touching the storage.
func (r *realm) check() error {
	secrets, secretsErr := r.secrets()
	err := withPlaces(errors.Join(oneOf("cookie_lifetime", r.settings.CookieLifetime, "persistent", "browser"), r.settings.CheckAssurance(), r.settings.CheckList(), r.settings.CheckClientUpdate(),
		r.settings.checkValues(), r.settings.Validate.check(), r.core().Validate()), r.places)
	if err := errors.Join(secretsErr, r.checkAPIKeys(secrets), err); err != nil {
		return fmt.Errorf("session realm %s: %w", r.name, err)
	}
	r.warnOfLiterals()
	if len(secrets) > 0 && r.settings.KeyRotation != 0 {
		r.warned.keyRotation.Do(func() {
			r.logger.Warn("key_rotation has no effect: it applies to automatic keys only, and this realm has a secret (perhaps SESSION_SECRET of the environment); " +
				"remove one of them")
		})
	}
	return nil
}

// checkAPIKeys refuses a secret as an api_key: a back end that has it could open and seal
// every session, and be anybody.
func (r *realm) checkAPIKeys(secrets [][]byte) error {
	for _, api := range r.apis {
		for _, key := range api.keys {
			if slices.ContainsFunc(secrets, func(secret []byte) bool { return bytes.Equal(secret, key) }) {
				return withPlaces(errors.New("api_key is also the secret of the sessions, with which a back end could be anybody; make another one with: caddy session keygen"), api.places())
			}
		}
	}
	return nil
}

// warnOfLiterals warns once of a secret that everybody sees who sees the
// configuration.
func (r *realm) warnOfLiterals() {
	if slices.ContainsFunc(r.settings.Secret, func(s string) bool { return !strings.Contains(s, "{") }) {
		r.warned.literalSecret.Do(func() {
			r.logger.Warn("a session secret is written in the configuration itself; keep it out with {env.SESSION_SECRET} or {file.…}")
		})
	}
}

// core translates the settings for the core; what was left out stays zero and
// takes the core's default.
func (r *realm) core() session.Settings {
	s := r.settings.WithAssurance()
	cacheSize := 0 // the core's default
	if s.CacheSize != nil {
		if cacheSize = *s.CacheSize; cacheSize <= 0 { // below is refused by checkValues
			cacheSize = session.NoCache
		}
	}
	return session.Settings{
		Realm: r.name, CookieName: s.CookieName, CookiePrefix: s.CookiePrefix, CookieDomain: s.CookieDomain,
		CookiePath: s.CookiePath, SecureCookie: s.SecureCookie, SameSite: s.SameSite,
		BrowserLifetime: s.CookieLifetime == "browser",
		Expiry:          time.Duration(s.Expiry), RefreshThreshold: time.Duration(s.RefreshThreshold), MaxLifetime: time.Duration(s.MaxLifetime),
		NoAutoRefresh: !s.AutoRefresh.or(true),
		ClientUpdate:  s.ClientUpdate, ExposeTokens: s.ExposeTokens.or(false),
		IdentityHeaders: s.IdentityHeaders, ForwardCookie: s.ForwardCookie.or(false),
		Validator: r.validator, ValidFor: s.Validate.validFor(), KeepUnvalidated: s.Validate != nil && s.Validate.OnOutage == "keep",
		Refresher: r.refresher,
		CacheSize: cacheSize, IsSecure: r.isSecure, ClientAddress: clientAddress, Observe: r.observe,
	}
}

// manager returns the realm's manager and makes it on first use, since HTTP may
// serve before this app starts. It tries again after a failure.
func (r *realm) manager(ctx context.Context) (*session.Manager, error) {
	if m := r.ready.Load(); m != nil {
		return m, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.ready.Load(); m != nil {
		return m, nil
	}
	keys, err := r.keyring(ctx)
	if err != nil {
		return nil, err
	}
	settings := r.core()
	if settings.Revocations, err = r.openRevocations(ctx); err != nil {
		return nil, err
	}
	if shared, ok := settings.Revocations.(*sharedRevocations); ok {
		settings.LongestOutage = shared.longestOutage()
	}
	if settings.List, err = r.openList(ctx); err != nil {
		return nil, err
	}
	settings.Memory = r.sharedMemory()
	m, err := session.NewManager(settings, keys)
	if err != nil {
		return nil, err
	}
	r.ready.Store(m)
	return m, nil
}

// isSecure reports whether the browser's connection is TLS: here, or at one of
// Caddy's trusted proxies that says so.
func (r *realm) isSecure(req *http.Request) bool {
	if req.TLS != nil {
		return true
	}
	forwarded := req.Header["X-Forwarded-Proto"]
	if len(forwarded) == 0 || forwarded[0] == "" {
		return false
	}
	if !isTrusted(req) {
		r.warned.untrustedProxy.Do(func() {
			r.logger.Warn("X-Forwarded-Proto came from an address that is not a trusted proxy, so it is ignored and the session cookie is not Secure; " +
				"if this is your load balancer, add it to the global option: servers { trusted_proxies static … }")
		})
		return false
	}
	first, _, _ := strings.Cut(forwarded[0], ",")
	return strings.EqualFold(strings.TrimSpace(first), "https")
}

// clientAddress is the client's, also behind one of Caddy's trusted proxies.
func clientAddress(req *http.Request) string {
	address, _ := caddyhttp.GetVar(req.Context(), caddyhttp.ClientIPVarKey).(string)
	return address
}

// now is the realm's clock.
func (r *realm) now() time.Time { return r.ready.Load().Settings().Now() }

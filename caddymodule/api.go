package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// API answers the session API, /api/session, and passes every other request on.
// Put it before the guard, so that the guard's rules do not apply to it.
type API struct {
	// The realm whose sessions it serves. A named one must be defined by the
	// global option `session <name>`. Default: `default`.
	Realm string `json:"realm,omitempty"`

	// The path of the API as the browser sends it, basePath included. Default:
	// `/api/session`.
	Path string `json:"path,omitempty"`

	// A secret with which back ends may create sessions
	// (`Authorization: Bearer`). Like a session secret, it has at least 32 bytes
	// and belongs in `{env.*}` or `{file.*}`; it must be another one. Default:
	// none, so that nobody can create sessions by the API.
	APIKey string `json:"api_key,omitempty"`

	// Other origins whose pages may change the session, for example
	// `https://admin.example.com`. Default: none.
	TrustedOrigins []string `json:"trusted_origins,omitempty"`

	// Where the API was written, for messages ("Caddyfile:8").
	Source string `json:"source,omitempty"`

	// Where settings that are checked only at start were written, by name, for
	// messages (`{"api_key": "Caddyfile:10"}`).
	Sources map[string]string `json:"sources,omitempty"`

	logger *zap.Logger
	realm  *realm
	keys   [][]byte
	served sessionapi.Path
	ready  atomic.Pointer[sessionapi.Handler]
}

// CaddyModule returns the Caddy module information.
func (*API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.session_api", New: func() caddy.Module { return new(API) }}
}

// Provision finds the realm and resolves the key. The handler is made at the
// first request, since guards may still add to the realm's settings.
func (a *API) Provision(ctx caddy.Context) error {
	a.logger = ctx.Logger()
	app, err := appOf(ctx)
	if err != nil {
		return err
	}
	a.Path = cmp.Or(a.Path, sessionapi.DefaultPath)
	a.served = sessionapi.PathOf(a.Path)
	a.realm, err = app.use(a.Realm)
	err = errors.Join(err, a.readKey())
	err = errors.Join(err, sessionapi.Config{Path: a.Path, APIKeys: a.keys, TrustedOrigins: a.TrustedOrigins}.Check())
	if err != nil {
		return fmt.Errorf("session_api: %w", withPlaces(err, a.places()))
	}
	a.realm.apis = append(a.realm.apis, a)
	return nil
}

// places are where the settings were written, for messages.
func (a *API) places() map[string]string {
	places := make(map[string]string)
	for _, setting := range []string{"realm", "path", "api_key", "trusted_origins"} {
		places[setting] = at(cmp.Or(a.Sources[setting], a.Source))
	}
	return places
}

func (a *API) readKey() error {
	if a.APIKey == "" {
		return nil
	}
	key, err := readSecret("api_key", a.APIKey)
	if err != nil {
		return err
	}
	if !strings.Contains(a.APIKey, "{") {
		a.logger.Warn("the api_key is written in the configuration itself; keep it out with {env.SESSION_API_KEY} or {file.…}")
	}
	a.keys = [][]byte{key}
	return nil
}

func (a *API) config(manager *session.Manager) sessionapi.Config {
	return sessionapi.Config{
		Manager: manager, Path: a.Path, APIKeys: a.keys, TrustedOrigins: a.TrustedOrigins, NoRevocation: !a.realm.revokes(),
		Over: func() bool { return a.realm.app.ctx.Err() != nil }, Met: setSessionPlaceholders,
	}
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	asked := asBrowserSent(r)
	if !a.served.Serves(asked) {
		return next.ServeHTTP(w, r)
	}
	handler, err := a.handler(r)
	if err != nil {
		return answerError(err)
	}
	if v := a.realm.visitOf(r); v != nil {
		a.realm.markCounted(r)
		asked = v.standAside(asked)
	}
	forgetSharedCaches(w.Header()) // what the site says of its answers
	if err := handler.ServeHTTP(w, asked); err != nil {
		a.logger.Error("the session API could not answer", zap.Error(err))
	}
	return nil
}

// asBrowserSent is the request before handlers in front changed its path: the
// API's path is the browser's.
func asBrowserSent(r *http.Request) *http.Request {
	sent := rewrittenFrom(r)
	if sent == nil {
		return r
	}
	asked := r.WithContext(r.Context())
	asked.URL = sent
	return asked
}

// standAside leaves the session to a session API behind the guard: it gets the
// cookies that the guard has taken from the request, if the guard let it pass, and
// its answer is not taken for the app's.
func (v *visit) standAside(r *http.Request) *http.Request {
	v.answer.byAPI = true
	asked := r.Clone(r.Context())
	if v.cookies != nil {
		asked.Header["Cookie"] = v.cookies
	}
	return asked
}

func (a *API) handler(r *http.Request) (*sessionapi.Handler, error) {
	if handler := a.ready.Load(); handler != nil {
		return handler, nil
	}
	manager, err := a.realm.manager(r.Context())
	if err != nil {
		return nil, err
	}
	handler, err := sessionapi.New(a.config(manager))
	if err == nil {
		a.ready.Store(handler)
	}
	return handler, err
}

// Interface guards
var (
	_ caddy.Provisioner           = (*API)(nil)
	_ caddyhttp.MiddlewareHandler = (*API)(nil)
)

package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// Guard reads the session cookie, decides by the rules whether a request may
// pass, extends sessions that are used, tells the app who is signed in, and
// carries out the app's handoffs. Put it before the handler that serves the app,
// for every request of the site, since it also removes headers that clients must
// not send to the app.
//
// It sets the placeholders `{http.auth.user.id}`, `{http.auth.user.<field>}`,
// `{http.session.id}`, `{http.session.expires_at}`, `{http.session.created_at}`,
// `{http.session_guard.rule}`, `{http.session_guard.decision}`,
// `{http.session_guard.locale}` and `{http.session_guard.kind}`. Those of the
// session are empty while nobody is signed in. The rule is written as in a
// Caddyfile (`auth /dashboard/*`, `default hybrid`). It is `login_path` for a login
// page that is open without a rule, `static` for Next.js's static files and
// development tools, and `none` for a path or a method that is refused.
type Guard struct {
	GuardConfig

	logger     *zap.Logger
	realm      *realm
	table      atomic.Pointer[routes.Table]
	handoff    atomic.Pointer[routes.Paths] // nil: a handoff counts everywhere, or with `handoff off` nowhere
	noActivity atomic.Pointer[routes.Paths] // nil: every use keeps a session alive
	authorizer Authorizer                   // nil: the rules decide
	otherBuild atomic.Pointer[routes.Table] // the last one of which warnOfOtherBuild has warned
	lockedOut  atomic.Bool                  // locksOut has warned

	handlesResponses atomic.Bool // a proxy behind has handle_response
}

// CaddyModule returns the Caddy module information.
func (*Guard) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.session_guard", New: func() caddy.Module { return new(Guard) }}
}

// Provision finds the realm and compiles the rules.
func (g *Guard) Provision(ctx caddy.Context) error {
	g.logger = ctx.Logger()
	app, err := appOf(ctx)
	if err != nil {
		return err
	}
	if g.Session != nil && g.Realm != "" {
		return fmt.Errorf("%s: session cannot be set beside realm: a guard may only set up the default realm; write the settings under realms.%s of the app session",
			g.name(), g.Realm)
	}
	if g.Session != nil {
		if _, err := app.define(session.DefaultRealm, g.Session, cmp.Or(at(g.Source), "in "+g.name())); err != nil {
			return err
		}
	}
	if g.realm, err = app.use(g.Realm); err != nil {
		return fmt.Errorf("%s: %w", g.name(), err)
	}
	app.mu.Lock()
	app.guards = append(app.guards, g)
	app.mu.Unlock()
	return errors.Join(g.realm.check(), g.compile(ctx), g.loadAuthorizer(ctx))
}

// compile compiles rules and handoff patterns and says what is doubtful.
func (g *Guard) compile(ctx caddy.Context) error {
	config := g.RoutesConfig()
	errs := []error{g.checkRequirements(), g.checkWords()}
	table, err := g.firstTable(ctx, config)
	errs = append(errs, err)
	if err != nil {
		table = new(routes.Table) // to report what is wrong with the other patterns, too
	}
	errs = append(errs, g.compilePaths(table))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", g.name(), err)
	}
	g.table.Store(table)
	for _, warning := range g.warnings() {
		g.logger.Warn(g.name() + ": " + warning)
	}
	return nil
}

// compilePaths compiles the patterns that are no rules. They take base path and
// locales from the table, which may have them from the app's build.
func (g *Guard) compilePaths(table *routes.Table) error {
	var errs []error
	for _, named := range []struct {
		source   string
		patterns []string
		in       *atomic.Pointer[routes.Paths]
	}{{"handoff", g.Handoff, &g.handoff}, {"no_activity", g.NoActivity, &g.noActivity}} {
		if len(named.patterns) == 0 || named.source == "handoff" && named.patterns[0] == "off" {
			continue
		}
		paths, err := table.Paths(named.source, named.patterns)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		named.in.Store(paths)
	}
	return errors.Join(errs...)
}

// warnings lists what is doubtful in the patterns, each in one sentence.
func (g *Guard) warnings() []string {
	table := g.table.Load()
	all := slices.Clone(table.Warnings())
	for _, paths := range []*routes.Paths{g.handoff.Load(), g.noActivity.Load()} {
		if paths != nil {
			all = append(all, paths.Warnings()...)
		}
	}
	tokens := cmp.Or(g.realm.settings.IdentityHeaders, "on") == "on"
	if elsewhere := table.RewritesElsewhere(); len(elsewhere) > 0 && (len(g.Handoff) == 0 || tokens) {
		all = append(all, fmt.Sprintf("the app passes %s on to another host (a rewrite in next.config), which gets the session with its tokens and may sign visitors in by X-Session-Set; "+
			"name the pages that sign in, for example: handoff %s, and write identity_headers user, or proxy these paths in the Caddyfile, before the guard", strings.Join(elsewhere, " and "), cmp.Or(g.LoginPath, "/login")))
	}
	if warning := table.LocaleWarning(); warning != "" {
		all = append(all, warning)
	}
	if g.Authorize != nil && g.Default != "auth" && !slices.ContainsFunc(g.Rules, func(rule Rule) bool { return rule.Type == "auth" }) {
		all = append(all, "authorize is never asked: the hook decides on auth routes only, and there are none; write default auth, or auth rules for what it decides about")
	}
	if g.Default == "" && !table.DecidesAll() {
		all = append(all, "paths that no rule matches are open to everybody; write `default hybrid` if you want that, or `default auth`")
	}
	return all
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	v, err := g.look(r)
	g.setPlaceholders(v) // for error routes too
	if err == nil && v.decision == decisionPass {
		err = g.use(v)
	}
	if err != nil {
		v.decision = decisionError
	}
	g.realm.countDecision(v)
	g.log(v)
	g.trace(v)
	switch v.decision {
	case decisionError:
		keepFromCaches(w.Header())
		v.keepRotated(w.Header())
		err = answerError(err)
	case decisionPass:
		err = g.pass(w, v, next)
	default:
		g.warnOfOtherBuild(v)
		err = g.deny(w, v)
	}
	if err != nil {
		g.leaveToErrorRoute(v, r)
	}
	return err
}

// warnOfOtherBuild says once for each build that a Server Action was refused
// which the build does not have. Nobody could sign in then, for no visible reason.
func (g *Guard) warnOfOtherBuild(v *visit) {
	if v.kind != routes.Action || v.table.KnowsAction(actionID(v.request)) || g.otherBuild.Swap(v.table) == v.table {
		return
	}
	g.logger.Warn("a Server Action was refused because next_build does not know it: somebody may be guessing ids, or the running app is another build than that folder; " +
		"with next dev, which makes its own ids, leave next_build out")
}

// takesHandoff reports whether a handoff counts on the path of this request.
func (g *Guard) takesHandoff(r *http.Request) bool {
	if len(g.Handoff) == 0 {
		return true
	}
	handoff := g.handoff.Load()
	return handoff != nil && handoff.Match(r.URL)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Guard)(nil)
	_ caddyhttp.MiddlewareHandler = (*Guard)(nil)
)

package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// Guard reads the session cookie, decides by the rules whether a request may
// pass, keeps sessions sliding, tells the app behind it who is there, and carries
// out what the app hands back. Put it before the handler that serves the app, for
// every request of the site: it also removes what clients must not tell the app.
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
		return fmt.Errorf("%s: session stands together with realm, but a guard sets up the default realm only; write the settings of the realm %s in the app session",
			g.place(), g.Realm)
	}
	if g.Session != nil {
		if _, err := app.define(session.DefaultRealm, g.Session, cmp.Or(at(g.Source), "in a session_guard")); err != nil {
			return err
		}
	}
	if g.realm, err = app.realm(g.Realm); err != nil {
		return fmt.Errorf("%s: %w", g.place(), err)
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
		return fmt.Errorf("%s: %w", g.place(), err)
	}
	g.table.Store(table)
	for _, warning := range g.warnings() {
		g.logger.Warn(warning)
	}
	if g.opensTheRest() {
		g.logger.Warn("paths that no rule matches are open to everybody; write `default hybrid` if that is meant, or `default auth`")
	}
	return nil
}

// opensTheRest reports whether there are paths that are open because nothing is said of
// them.
func (g *Guard) opensTheRest() bool { return g.Default == "" && !g.table.Load().DecidesAll() }

// compilePaths compiles the patterns that are no rules. They take base path and
// locales from the table, which may have them from the app's build.
func (g *Guard) compilePaths(table *routes.Table) error {
	var errs []error
	for _, named := range []struct {
		source   string
		patterns []string
		in       *atomic.Pointer[routes.Paths]
	}{{"handoff", g.Handoff, &g.handoff}, {"no_activity", g.NoActivity, &g.noActivity}} {
		if len(named.patterns) == 0 || named.patterns[0] == "off" {
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
	all := g.table.Load().Warnings()
	for _, paths := range []*routes.Paths{g.handoff.Load(), g.noActivity.Load()} {
		if paths != nil {
			all = append(slices.Clip(all), paths.Warnings()...)
		}
	}
	return all
}

// visit is what the guard knows of one request.
type visit struct {
	request  *http.Request
	table    *routes.Table
	match    routes.Match
	owner    *routes.Match // the page whose Server Action is run, if the authorize hook is to be asked about it too
	from     *routes.Match // the same for the page whose interception route may be shown
	kind     routes.Kind
	visitor  *session.Visitor
	session  *session.Session // that was decided about
	cookies  []string         // as the client sent them, once the request may pass
	decision decision
	refusal  *Refusal // of the authorize hook, if it has one
	ofDenial bool     // an error route asks, for the page of what a guard has refused

	connection connection
	answer     answer    // here and not behind a pointer, to cost no memory of its own
	identity   [3]string // the values of the headers that identify sets, for the same reason
}

func (v *visit) logPath() zap.Field { return zap.String("path", v.match.Path) }

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
	g.logger.Warn("a Server Action was refused that is not in the app's build: either somebody tries out ids, or the app that runs is another build than the folder of next_build; " +
		"leave next_build out where next dev runs, since it makes its own ids")
}

// refusesMethod reports whether no app should get the method: TRACE would show the
// client what the app is told, and CONNECT asks for a tunnel, unless it opens a
// WebSocket.
func (v *visit) refusesMethod() bool {
	method := v.request.Method
	return method == http.MethodTrace || method == http.MethodConnect && v.kind != routes.WebSocket
}

// route finds the rule and the kind of the request, which is clean then. A method that
// no app should get is refused as such a path is, whatever the rule.
func (v *visit) route() {
	v.match = v.table.MatchURL(urlWithHost(v.request), originalPath(v.request))
	v.kind = cleanRequest(v.request, v.table, v.match.Data)
	if v.refusesMethod() {
		v.match = routes.Match{Bad: true, Type: routes.Auth, Rule: -1, Path: v.match.Path}
	}
}

// look finds out what is asked for and who asks, and decides. The visit is never
// nil, and its request is clean whatever the error.
func (g *Guard) look(r *http.Request) (*visit, error) {
	v := &visit{request: r, table: g.table.Load()}
	v.route()
	manager, err := g.realm.manager(r.Context())
	if err != nil {
		return v, err
	}
	if failed, ok := failedDecision(r); ok {
		v.ofDenial = failed != decisionPass
		if before := g.realm.visitOf(r); before != nil {
			before.visitor.ReturnCookies(r.Header) // which the guard before the error route has taken
		}
	}
	v.visitor, err = manager.Read(r)
	if err == nil && (!v.match.Open || v.runsAction()) { // static files are for everybody
		err = v.visitor.Validate(r.Context())
	}
	if err != nil && (!isOutage(err) || v.match.Type == routes.Auth && !v.match.Open) {
		return v, err
	}
	v.session = v.visitor.Session()
	if v.decision = g.decideRequest(v); err != nil && v.decision != decisionPass {
		return v, err // where an anonymous visitor may not go, nobody goes in an outage
	}
	return v, nil
}

// isOutage reports whether an error means only that nobody can tell of a session
// whether it is still good. Where no session is needed the visitor is anonymous
// then.
func isOutage(err error) bool {
	return errors.Is(err, session.ErrStale) || errors.Is(err, session.ErrHookFailed)
}

// use is what happens to a session that is used where the rules let it pass: the
// hook is asked, and it slides. Either may end in another decision.
func (g *Guard) use(v *visit) error {
	if err := g.authorize(v); err != nil || v.decision != decisionPass {
		return err
	}
	if !g.isActivity(v) {
		if v.match.Open || v.kind == routes.Prefetch {
			v.visitor.Forgo() // what a parallel request slid is not theirs to send
		}
		return nil
	}
	err := v.visitor.Slide(v.request.Context())
	if err != nil && session.IsAnonymity(err) {
		g.decideAgain(v)
		return nil
	}
	if _, tooLarge := errors.AsType[*session.TooLargeError](err); tooLarge {
		if g.realm.refresher != nil {
			g.logger.Error("what on_refresh returned does not fit into a session, which stays as it was", zap.Error(err), v.logPath())
		}
		return nil // else it was sealed under other settings; it is good as it is until it expires
	}
	if newest := v.visitor.Session(); newest != v.session {
		v.session = newest
		v.decision = g.decideRequest(v)
		if v.decision == decisionPass && g.realm.refresher != nil { // it may have taken from the user what the hook has seen
			return g.authorize(v)
		}
	}
	return err
}

// decideAgain decides about a visitor whose session has ended since it was read.
func (g *Guard) decideAgain(v *visit) {
	v.session = nil
	v.decision = g.decideRequest(v)
}

// urlWithHost is the URL of a request with its host, which stands beside it in most.
func urlWithHost(r *http.Request) *url.URL {
	u := *r.URL
	u.Host = r.Host
	return &u
}

// originalPath is the escaped path that the client sent, if a handler before the
// guard changed it.
func originalPath(r *http.Request) string {
	if sent := rewrittenFrom(r); sent != nil {
		return sent.EscapedPath()
	}
	return ""
}

// pass hands the request to the app and its answer to the browser.
func (g *Guard) pass(w http.ResponseWriter, v *visit, next caddyhttp.Handler) error {
	if v.runsAction() {
		v.outlastBrowser()
	} else {
		v.endWithSession()
	}
	defer v.connection.done()
	r := v.request
	v.cookies = r.Header["Cookie"]
	g.realm.shareVisit(v)
	g.identify(v)
	v.answer = answer{
		ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		guard:                 g, visit: v,
	}
	a := &v.answer
	a.keep(w.Header())
	err := a.ask(next)
	a.finish(err)
	if a.failed != nil {
		keepFromCaches(w.Header())
		return answerError(a.failed)
	}
	return err
}

// identify tells the app who is there.
func (g *Guard) identify(v *visit) {
	header := v.request.Header
	v.visitor.ForwardCookies(header)
	values := &v.identity
	values[0] = g.realm.name
	header["X-Session-Realm"] = values[0:1:1]
	s := v.visitor.Session()
	if s == nil || g.realm.settings.IdentityHeaders == "off" {
		return
	}
	values[1] = s.PercentEncodedUserID()
	header["X-Session-User"] = values[1:2:2]
	if g.realm.settings.IdentityHeaders == "user" {
		values[2] = s.DataWithoutTokens()
	} else {
		values[2] = s.Data()
	}
	header["X-Session-Data"] = values[2:3:3]
}

// isActivity reports whether the request keeps its session alive.
func (g *Guard) isActivity(v *visit) bool {
	noActivity := g.noActivity.Load()
	return !v.match.Open && v.kind != routes.Prefetch &&
		(noActivity == nil || !noActivity.Match(v.request.URL))
}

// takesHandoff reports whether a handoff counts on the path of this request.
func (g *Guard) takesHandoff(r *http.Request) bool {
	if len(g.Handoff) == 0 {
		return true
	}
	handoff := g.handoff.Load()
	return handoff != nil && handoff.Match(r.URL)
}

// log writes one line a request, at DEBUG.
func (g *Guard) log(v *visit) {
	c := g.logger.Check(zapcore.DebugLevel, "decided")
	if c == nil {
		return
	}
	fields := []zap.Field{
		v.logPath(), zap.String("kind", string(v.kind)), zap.String("rule", g.ruleName(v.match)),
		zap.String("decision", string(v.decision)),
	}
	if v.visitor != nil {
		fields = append(fields, zap.String("cookie", string(v.visitor.Result())))
	}
	if v.match.Ambiguous {
		fields = append(fields, zap.Bool("ambiguous", true), zap.String("reading", v.match.Reading))
	}
	c.Write(fields...)
}

// ruleName names the rule that decided, as it is written.
func (g *Guard) ruleName(m routes.Match) string {
	if m.Bad {
		return "none"
	}
	if m.Open {
		return "static" // of Next.js or its tools in development, which no rule decides
	}
	if m.Rule < 0 || m.Rule >= len(g.Rules) {
		if unmatched := cmp.Or(g.Default, string(routes.Hybrid)); unmatched != string(m.Type) {
			return "login_path" // open although the rules would close it
		}
		return "default " + string(m.Type)
	}
	rule := g.Rules[m.Rule]
	return rule.Type + " " + strings.Join(rule.Patterns, " ")
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Guard)(nil)
	_ caddyhttp.MiddlewareHandler = (*Guard)(nil)
)

package caddymodule

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// explaining is the key of a value in the context of such a request: no hook is
// asked about it.
type explaining struct{}

// explanation says what the guard does with a request, and why.
type explanation struct {
	Guard    string   `json:"guard,omitempty"`   // where it is written
	Path     string   `json:"path"`              // as it was read where the rule matched
	Reading  string   `json:"reading,omitempty"` // of an ambiguous path, the one that decided
	Kind     string   `json:"kind,omitempty"`
	Locale   string   `json:"locale,omitempty"`
	Rule     string   `json:"rule"`
	Source   string   `json:"source,omitempty"` // where the rule is written
	Require  []string `json:"require,omitempty"`
	Cookie   string   `json:"cookie,omitempty"`
	Hooks    []string `json:"hooks,omitempty"` // that the guard would ask; explain does not
	Decision string   `json:"decision"`
	Reason   string   `json:"reason,omitempty"` // where it is not the rule
	Answerer string   `json:"answerer"`         // app, session_guard, session_api, the handler that answers before a guard, or caddy itself
	Status   int      `json:"status,omitempty"` // of the guard's answer
	Location string   `json:"location,omitempty"`
}

// explain finds the guard that the request would meet and asks it. Nothing is
// served.
func explain(ctx caddy.Context, asked explainRequest) (*explanation, error) {
	if path := asked.path(); hasBrokenEscape(path) {
		return &explanation{
			Path: path, Rule: "none", Decision: string(decisionBad), Reason: "the path has a % that is not followed by two hexadecimal digits, so Caddy refuses it before any handler",
			Answerer: "caddy", Status: http.StatusBadRequest,
		}, nil
	}
	r, err := asked.request(context.WithValue(ctx, explaining{}, true))
	if err != nil {
		return nil, err
	}
	module, err := ctx.App("http")
	if err != nil {
		return nil, err
	}
	app := module.(*caddyhttp.App)
	listened := false
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		server := app.Servers[name]
		if !listens(app, server, r.URL) {
			continue
		}
		listened = true
		for _, host := range hostsToAsk(r, server.Routes) {
			if e, err := explainOn(server, host, r); e != nil || err != nil {
				return e, err
			}
		}
	}
	if !listened {
		return nil, fmt.Errorf("no site of the configuration listens for %s://%s", r.URL.Scheme, r.URL.Host)
	}
	if r.Host == "" {
		return nil, fmt.Errorf("no session_guard would see the path %q on any site; give the whole URL to learn what answers, for example: https://app.example.com/dashboard", r.URL.Path)
	}
	return nil, fmt.Errorf("no session_guard would see this request: no route of the configuration is for the host %q and the path %q", r.Host, r.URL.Path)
}

// hostsToAsk is the host of the request, or, if it names none, each host that the
// server has routes for.
func hostsToAsk(r *http.Request, list caddyhttp.RouteList) []string {
	if r.Host != "" {
		return []string{r.Host}
	}
	var hosts []string
	for _, route := range list {
		if host := firstHost(route); host != "" {
			hosts = append(hosts, host)
		}
	}
	return append(hosts, "")
}

// explainOn explains a request to one server; nil means that it does not answer,
// or, if the request named no host, that no guard is there.
func explainOn(server *caddyhttp.Server, host string, r *http.Request) (*explanation, error) {
	asked := r.Clone(r.Context())
	asked.Host = host
	if overTLS(server, r.URL) {
		asked.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: host}
	}
	recorder := httptest.NewRecorder()
	prepared := caddyhttp.PrepareRequest(asked, caddy.NewReplacer(), recorder, server)
	w := walk{server: server, request: prepared, groups: map[string]bool{}}
	reached, err := w.answerer(server.Routes)
	if err != nil {
		return nil, err
	}
	switch handler := cmp.Or(reached, w.perhaps).(type) {
	case *API:
		return handler.explain(prepared)
	case *Guard:
		return handler.explain(recorder, prepared)
	case caddy.Module:
		if r.Host == "" {
			return nil, nil
		}
		name := handler.CaddyModule().ID.Name()
		return &explanation{Path: prepared.URL.Path, Rule: "none: no session_guard stands before " + name, Decision: string(decisionPass), Answerer: name}, nil
	}
	return nil, nil
}

// overTLS reports whether a browser would come over TLS, on which the name of the
// cookie depends. A URL that does not say comes as the server listens.
func overTLS(server *caddyhttp.Server, u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "" && len(server.TLSConnPolicies) > 0
}

// listens reports whether the server would get a request for the URL. One without
// a host may be for any server.
func listens(app *caddyhttp.App, server *caddyhttp.Server, u *url.URL) bool {
	if u.Host == "" {
		return true
	}
	port, _ := strconv.Atoi(u.Port())
	switch {
	case port == 0 && u.Scheme == "http":
		port = cmp.Or(app.HTTPPort, caddyhttp.DefaultHTTPPort)
	case port == 0:
		port = cmp.Or(app.HTTPSPort, caddyhttp.DefaultHTTPSPort)
	}
	return slices.ContainsFunc(server.Listen, func(listen string) bool {
		address, err := caddy.ParseNetworkAddressWithDefaults(listen, "tcp", 0)
		return err == nil && (address.IsUnixNetwork() || int(address.StartPort) <= port && port <= int(address.EndPort))
	})
}

// firstHost is a host that the route is for, or empty if it is for any.
func firstHost(route caddyhttp.Route) string {
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			if hosts, ok := matcher.(*caddyhttp.MatchHost); ok && len(*hosts) > 0 {
				return strings.ReplaceAll((*hosts)[0], "*", "any")
			}
		}
	}
	return ""
}

func (a *API) explain(r *http.Request) (*explanation, error) {
	manager, err := a.realm.managerToExplain(r)
	if err != nil {
		return nil, err
	}
	visitor, err := manager.Peek(r)
	if err != nil {
		return nil, err
	}
	handler, err := sessionapi.New(a.config(manager))
	if err != nil {
		return nil, err
	}
	sent, hooks := asBrowserSent(r), []string(nil)
	if s := visitor.Session(); s != nil {
		validates, refreshes := handler.Asks(sent, wouldRefresh(manager, s))
		if validates && a.realm.validator != nil {
			hooks = append(hooks, "validate")
		}
		if refreshes && a.realm.refresher != nil {
			hooks = append(hooks, "on_refresh")
		}
	}
	return &explanation{
		Path: sent.URL.Path, Rule: "session_api", Source: a.Source, Hooks: hooks, Decision: string(decisionPass), Answerer: "session_api",
	}, nil
}

// wouldRefresh reports whether a session that is used would be refreshed by a hook.
func wouldRefresh(manager *session.Manager, s *session.Session) bool {
	settings := manager.Settings()
	return s != nil && settings.Refresher != nil && !settings.NoAutoRefresh && settings.ShouldRefresh(s, settings.Now())
}

func (g *Guard) explain(w *httptest.ResponseRecorder, r *http.Request) (*explanation, error) {
	v := &visit{request: r, table: g.table.Load()}
	v.route()
	var err error
	if v.manager, err = g.realm.managerToExplain(r); err != nil {
		return nil, err
	}
	if v.visitor, err = v.manager.Peek(r); err != nil {
		return nil, err
	}
	v.session = v.visitor.Session()
	v.decision = g.decideRequest(v)
	e := &explanation{
		Guard: g.Source, Path: v.match.Path, Kind: string(v.kind), Locale: v.match.Locale, Rule: g.ruleName(v.match),
		Cookie: string(v.visitor.Result()), Decision: string(v.decision),
	}
	if !v.match.Bad {
		e.Path = v.table.DecisivePath(urlWithHost(r), originalPath(r))
	}
	if v.match.Ambiguous {
		e.Reading = v.match.Reading
	}
	if v.match.Rule >= 0 && v.match.Rule < len(g.Rules) {
		e.Source = g.Rules[v.match.Rule].Source
	}
	for _, i := range v.match.Matched {
		for _, requirement := range g.Rules[i].Require {
			e.Require = append(e.Require, requirement.String())
		}
	}
	e.Hooks, e.Reason = g.hooks(v), g.reason(v)
	if v.decision == decisionPass {
		e.Answerer = "app"
		return e, nil
	}
	e.Answerer = "session_guard"
	err = g.deny(w, v)
	e.Status, e.Location = w.Code, cmp.Or(w.Header().Get("Location"), w.Header().Get("X-Action-Redirect"))
	if handlerErr, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
		e.Status = handlerErr.StatusCode
	}
	return e, nil
}

// reason says why the decision is not what the rule says.
func (g *Guard) reason(v *visit) string {
	switch {
	case v.decision == decisionOrigin:
		return "a WebSocket with a session, opened by a page of another site"
	case v.refusesMethod():
		return "no app should get this method"
	case v.decision == decisionBad && !v.match.Bad && v.runsAction():
		return "a Server Action with a Content-Type that no client sends, by which Next.js might read another body than Caddy"
	case v.decision == decisionBad:
		return "no app should receive this path"
	case v.decision != decisionPass && g.decide(v.match, v.session) == decisionPass && !v.runsAction():
		return "Next-Url names a page that this visitor may not see, and Next.js might show an interception route of it"
	case v.session != nil && v.decision != decisionPass && g.decide(v.match, v.session) == decisionPass:
		return "a Server Action; this session may visit none of the pages that own it in next_build"
	case v.decision != decisionLogin || v.match.Type == routes.Auth:
		return ""
	case !v.table.KnowsAction(actionID(v.request)):
		return "the build of next_build has no such Server Action"
	}
	return "a Server Action, which anonymous visitors may run only on the pages of actions or next_build; write for example: actions " +
		strings.Join(append(g.openToActions(), v.match.Path), " ")
}

// openToActions are the patterns of paths to which an anonymous visitor may post a Server
// Action.
func (g *Guard) openToActions() []string {
	if len(g.Actions) > 0 {
		return slices.Clone(g.Actions)
	}
	patterns := []string{cmp.Or(g.LoginPath, "/login")}
	for _, rule := range g.Rules {
		for _, pattern := range rule.Patterns {
			if routes.Type(rule.Type) == routes.Public && !slices.Contains(patterns, pattern) {
				patterns = append(patterns, pattern)
			}
		}
	}
	return patterns
}

// hooks are those that the guard would ask before it lets the request pass, each of which
// may change the decision.
func (g *Guard) hooks(v *visit) []string {
	var hooks []string
	if v.session == nil {
		return nil
	}
	if g.realm.validator != nil && (!v.match.Open || v.runsAction()) {
		hooks = append(hooks, "validate")
	}
	if v.decision == decisionPass && (g.authorizes(v.match) || v.owner != nil || v.from != nil) {
		hooks = append(hooks, "authorize")
	}
	if v.decision == decisionPass && g.isActivity(v) && wouldRefresh(v.manager, v.session) {
		hooks = append(hooks, "on_refresh")
	}
	return hooks
}

// managerToExplain is the realm's manager. For a request without cookies no key
// is needed, so where Caddy does not run the storage is not even read.
func (r *realm) managerToExplain(request *http.Request) (*session.Manager, error) {
	if len(request.Header["Cookie"]) > 0 || r.ready.Load() != nil {
		return r.manager(request.Context())
	}
	keys, err := session.NewKeyring(r.name, []byte("0123456789 only to explain a configuration"))
	if err != nil {
		return nil, err
	}
	return session.NewManager(r.core(), keys)
}

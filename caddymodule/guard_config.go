package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/session-guard/caddy-session-guard/routes"
)

// GuardConfig is the configuration of a guard: which paths need a session, and
// where other visitors are sent.
type GuardConfig struct {
	// The realm whose sessions count. A named one must be defined by the global
	// option `session <name>`. Default: `default`.
	Realm string `json:"realm,omitempty"`

	// The rules. The first that matches a path decides.
	Rules []Rule `json:"rules,omitempty"`

	// The route type of a path that no rule matches. Default: `hybrid`, which is
	// open; Caddy warns at start unless you write it.
	Default string `json:"default,omitempty"`

	// Where an anonymous visitor of an `auth` path is sent. Unless a rule names
	// this path, it is `hybrid`. Default: `/login`.
	LoginPath string `json:"login_path,omitempty"`

	// Where a signed-in visitor of a `public` path goes, unless return_to names
	// a page. Default: `/`.
	HomePath string `json:"home_path,omitempty"`

	// Where a signed-in visitor whose session fails a `require` is sent, if the
	// request is for a page. A visitor who may not see that path either gets 403
	// there. Default: none, the answer is 403.
	ForbiddenPath string `json:"forbidden_path,omitempty"`

	// The query parameter that carries the wanted path to the login page, and
	// back: once signed in, a visitor of a `public` page is sent there. Only
	// paths of the same origin that are not `public` count. `off` for none.
	// Default: `return_to`.
	ReturnTo string `json:"return_to,omitempty"`

	// Locales with which paths may begin. They are stripped before matching and
	// kept in redirects. Default: none.
	Locales []string `json:"locales,omitempty"`

	// The basePath of the Next.js app. It is stripped before matching and kept
	// in redirects. Default: none.
	BasePath string `json:"base_path,omitempty"`

	// How `auth` paths are denied: `auto` answers each kind of request so that
	// its client understands, `redirect` always redirects, `status` always
	// answers 401. Default: `auto`.
	Unauthenticated string `json:"unauthenticated,omitempty"`

	// Patterns of paths to which an anonymous visitor may post a Server Action.
	// They replace the default, so name the login page too. Next.js runs any
	// action at any path, so everywhere else a request with `Next-Action` needs
	// a session. Default: login_path and all `public` patterns; with next_build,
	// the pages that own the action.
	Actions []string `json:"actions,omitempty"`

	// Patterns of paths whose responses may carry a handoff; elsewhere it is
	// removed and logged. `off` alone means nowhere. Default: everywhere.
	Handoff []string `json:"handoff,omitempty"`

	// Patterns of paths whose requests do not keep a session alive, for pages
	// that poll. They are case-sensitive. On other paths the app can say so with
	// the response header `X-Session-Activity: none`. The session API is exempt:
	// a GET of it keeps the session alive. Default: none.
	NoActivity []string `json:"no_activity,omitempty"`

	// The hook that decides about each request that the rules let pass on an `auth`
	// route, and may answer it in place of the app; with next_build, also about each
	// Server Action that only `auth` pages own. It is asked again if on_refresh has
	// replaced the session. A Caddyfile has `authorize <url> { timeout <duration> }`,
	// which is [session.hooks.http](#sessionhookshttp). Default: none, the rules
	// decide.
	Authorize json.RawMessage `json:"authorize,omitempty" caddy:"namespace=session.hooks inline_key=module"`

	// The `.next` folder of the app. Base path, locales, rewrites, interception
	// routes and the pages that own each Server Action are read from its
	// manifests, and again within five seconds after a new build. Wherever an
	// action is posted, it then runs for visitors who may visit a page that owns
	// it, and so does an action that its arguments name. Default: none.
	NextBuild string `json:"next_build,omitempty"`

	// Session settings of the default realm, written here instead of in the app
	// `session`. Not together with realm.
	Session *Settings `json:"session,omitempty"`

	// Where the guard was written, for messages ("Caddyfile:9").
	Source string `json:"source,omitempty"`
}

// name names the guard, for messages. One in JSON may say nothing of where it is.
func (g *GuardConfig) name() string {
	switch {
	case g.Source != "":
		return "session_guard " + g.Source
	case len(g.Rules) > 0:
		return fmt.Sprintf("session_guard (first rule: %s %s)", g.Rules[0].Type, strings.Join(g.Rules[0].Patterns, " "))
	}
	return "session_guard"
}

// RoutesConfig translates the guard's configuration for the package routes.
func (g *GuardConfig) RoutesConfig() routes.Config {
	config := routes.Config{
		Default: routes.Type(g.Default), LoginPath: g.LoginPath, HomePath: g.HomePath, ReturnTo: g.ReturnTo,
		ForbiddenPath: g.ForbiddenPath, Locales: g.Locales, BasePath: g.BasePath, Actions: g.Actions,
	}
	for _, rule := range g.Rules {
		config.Rules = append(config.Rules, routes.Rule{
			Type: routes.Type(rule.Type), Patterns: rule.Patterns, Source: rule.Source, Requires: len(rule.Require) > 0,
		})
	}
	return config
}

// checkWords reports what the Caddyfile does not let pass.
func (g *GuardConfig) checkWords() error {
	errs := []error{oneOf("unauthenticated", g.Unauthenticated, "auto", "redirect", "status")}
	if g.Handoff != nil && len(g.Handoff) == 0 {
		errs = append(errs, errors.New("handoff is an empty list; write [\"off\"] for nowhere, or leave it out for everywhere"))
	}
	if len(g.Handoff) > 1 && slices.Contains(g.Handoff, "off") {
		errs = append(errs, errors.New("handoff off cannot be combined with patterns; remove off, or the patterns"))
	}
	return errors.Join(append(errs, g.checkPlaceholders())...)
}

func (g *GuardConfig) checkPlaceholders() error {
	var errs []error
	for i, rule := range g.Rules {
		errs = append(errs, checkResolved(fmt.Sprintf("rule %d: %s", i+1, rule.Type), rule.Patterns...))
	}
	return errors.Join(append(errs,
		checkResolved("login_path", g.LoginPath), checkResolved("home_path", g.HomePath), checkResolved("forbidden_path", g.ForbiddenPath),
		checkResolved("return_to", g.ReturnTo), checkResolved("base_path", g.BasePath), checkResolved("locales", g.Locales...),
		checkResolved("actions", g.Actions...), checkResolved("handoff", g.Handoff...), checkResolved("no_activity", g.NoActivity...),
		checkResolved("next_build", g.NextBuild))...)
}

// Rule gives a route type to path patterns.
type Rule struct {
	// `public` (anonymous visitors only), `auth` (signed-in visitors only) or
	// `hybrid` (everybody).
	Type string `json:"type"`

	// Path patterns. `/login` is exact, `/dashboard/*` matches /dashboard and
	// everything below it, `/blog*` is a prefix, `*` between slashes stands for
	// exactly one segment, and `*` alone or `/*` is everything. The bare words
	// api, dashboard, admin, settings and profile stand for `/api/*` and so on.
	Patterns []string `json:"patterns"`

	// Conditions on the session, all of which must hold; else the answer is 403, or
	// for a page a redirect to forbidden_path.
	Require []Requirement `json:"require,omitempty"`

	// Where the rule was written, for messages ("Caddyfile:14").
	Source string `json:"source,omitempty"`
}

// Package caddyfile turns the directives session_guard and session_api, and the
// global option session, into the configuration of package caddymodule.
//
// Whatever is wrong in one directive is reported at once, each error with its
// file and line. Only what the text itself shows is checked here: placeholders
// are not resolved, and nothing is read or generated, so `caddy adapt` is safe
// to run anywhere. What depends on other places is checked when the
// configuration is provisioned.
package caddyfile

import "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

func init() {
	httpcaddyfile.RegisterGlobalOption("session", parseSessionOption)

	// Both come after rewrites and before anything that answers. The session
	// API is first, so that no rule of the guard can shut it off.
	for _, directive := range []struct {
		name  string
		parse httpcaddyfile.UnmarshalFunc
	}{
		{"session_api", parseSessionAPI},
		{"session_guard", parseSessionGuard},
	} {
		httpcaddyfile.RegisterDirective(directive.name, directive.parse)
		httpcaddyfile.RegisterDirectiveOrder(directive.name, httpcaddyfile.Before, "basic_auth")
	}
}

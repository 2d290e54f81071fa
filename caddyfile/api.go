package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// parseSessionAPI parses the directive session_api. It takes no matcher, since
// it answers its own path only, and no session settings:
//
//	session_api {
//		realm           <name>
//		path            <path>
//		api_key         <secret>
//		trusted_origins <origin>...
//	}
//
// The path is as the browser sends it, base path included. The key is kept as
// it is written; {env.*} and {file.*} are resolved when the configuration is
// loaded.
func parseSessionAPI(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive's name
	defined, err := realms(h)
	if err != nil {
		return nil, err
	}
	b := newBlock(readLine(h.Dispenser))
	if len(b.owner.args) > 0 {
		b.fail(b.owner, "session_api takes no matcher or other argument, since it answers its own path only; "+
			"remove %q, and choose the path in its block: path <path>", b.owner.args[0])
	}
	api := &caddymodule.API{Source: b.owner.source()}
	words := apiWords(api, defined)
	b.read(words)
	api.Sources = b.sources(words)
	if err := b.err(); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, api), nil
}

func apiWords(api *caddymodule.API, defined map[string]*caddymodule.Settings) []word {
	return []word{
		realmWord(&api.Realm, defined),
		{usage: "path <path>", set: text(&api.Path, checkAPIPath)},
		{usage: "api_key <secret>", set: text(&api.APIKey, checkSecret), placeholder: true},
		{usage: "trusted_origins <origin>...", set: list(&api.TrustedOrigins, sessionapi.CheckOrigin)},
	}
}

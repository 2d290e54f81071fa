package caddyfile

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/session"
)

// parseSessionOption parses the global option session, which may stand once for
// each realm:
//
//	session [<realm>] {
//		<session setting>...
//	}
//
// Without a name it is the realm "default". The session settings are listed at
// settingWords.
func parseSessionOption(d *caddyfile.Dispenser, existing any) (any, error) {
	d.Next() // the option's name
	b := newBlock(readLine(d))
	app, err := appOf(existing)
	if err != nil {
		return nil, d.WrapErr(err)
	}
	realm := session.DefaultRealm
	switch args := b.owner.args; {
	case len(args) > 1:
		b.fail(b.owner, "session takes one realm, not %d; write session <realm>", len(args))
	case len(args) == 1:
		realm = args[0]
		if err := caddymodule.CheckRealm(realm); err != nil {
			b.fail(b.owner, "session %w", err)
			realm = "" // nobody has written the cookie_name that would be made of it
		}
	}
	if first, ok := app.Realms[realm]; ok {
		b.fail(b.owner, "the session realm %s is already defined at %s; "+
			"write its settings there, or name another realm: session <realm>", realm, first.Source)
	}
	settings := &caddymodule.Settings{Source: b.owner.source()}
	words := settingWords(settings)
	b.read(words)
	settings.Sources = b.sources(words)
	checked := *settings.WithAssurance()
	if realm == session.DefaultRealm && checked.Expiry == 0 {
		checked.MaxLifetime = caddymodule.Off // a guard may bring an expiry that goes with it
	}
	b.failAll(settings.CheckAssurance())
	checkSettings(b, checked, realm)
	if err := b.err(); err != nil {
		return nil, err
	}
	app.Realms[realm] = settings
	return httpcaddyfile.App{Name: "session", Value: caddyconfig.JSON(app, nil)}, nil
}

// appOf is the app as the global options before have left it, which is nil
// where there is none.
func appOf(option any) (*caddymodule.App, error) {
	app := &caddymodule.App{Realms: map[string]*caddymodule.Settings{}}
	if option, ok := option.(httpcaddyfile.App); ok {
		if err := json.Unmarshal(option.Value, app); err != nil {
			return nil, err
		}
	}
	return app, nil
}

package caddyfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/session"
)

// realms are the realms of a Caddyfile with the settings of their global
// options, which are read before sites. The default realm needs none.
func realms(h httpcaddyfile.Helper) (map[string]*caddymodule.Settings, error) {
	app, err := appOf(h.Option("session"))
	if err != nil {
		return nil, h.WrapErr(err)
	}
	if app.Realms[session.DefaultRealm] == nil {
		app.Realms[session.DefaultRealm] = new(caddymodule.Settings)
	}
	return app.Realms, nil
}

// realmWord takes the name of a realm that is defined.
func realmWord(target *string, defined map[string]*caddymodule.Settings) word {
	return word{usage: "realm <name>", set: text(target, func(name string) error {
		if err := caddymodule.CheckRealm(name); err != nil {
			return err
		}
		if defined[name] == nil {
			return fmt.Errorf("%q is not defined; write the global option session %s { … }, or one of: %s",
				name, name, strings.Join(slices.Sorted(maps.Keys(defined)), ", "))
		}
		return nil
	})}
}

package caddyfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/session-guard/caddy-session-guard/session"
)

// realms names the realms of a Caddyfile. Global options are read before sites.
func realms(h httpcaddyfile.Helper) ([]string, error) {
	app, err := appOf(h.Option("session"))
	if err != nil {
		return nil, h.WrapErr(err)
	}
	app.Realms[session.DefaultRealm] = nil // it needs no definition
	return slices.Sorted(maps.Keys(app.Realms)), nil
}

// realmWord takes the name of a realm that is defined.
func realmWord(target *string, defined []string) word {
	return word{usage: "realm <name>", set: text(target, func(name string) error {
		if err := checkRealm(name); err != nil {
			return err
		}
		if !slices.Contains(defined, name) {
			return fmt.Errorf("%q is not defined; write the global option session %s { … }, or one of: %s",
				name, name, strings.Join(defined, ", "))
		}
		return nil
	})}
}

// checkRealm accepts what may stand in the name of a cookie, without the dot
// that separates what the app hands over.
func checkRealm(name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	if name == "" || strings.Trim(strings.ToLower(name), allowed) != "" {
		return fmt.Errorf("%q is not the name of a realm; write letters, digits, - and _, such as admin", name)
	}
	return nil
}

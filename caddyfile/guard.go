package caddyfile

import (
	"cmp"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/session"
)

// parseSessionGuard parses the directive session_guard. It takes no matcher:
// it removes forged identity headers, and must do so for every request.
//
//	session_guard {
//		realm           <name>
//		public          <pattern>...
//		auth            <pattern>... [{
//			require <field> <value>...
//			require fresh <duration>
//		}]
//		hybrid          <pattern>...
//		default         public|auth|hybrid
//		login_path      <path>
//		home_path       <path>
//		forbidden_path  <path>
//		return_to       <parameter>|off
//		locales         <locale>...
//		base_path       <path>
//		unauthenticated auto|redirect|status
//		actions         <pattern>...
//		handoff         <pattern>...|off
//		no_activity     <pattern>...
//		authorize       <url> [{ … }]
//		next_build      <folder>
//		<session setting>...
//	}
//
// The rules may stand on any number of lines; the first that matches decides.
// The session settings, listed at settingWords, are those of the default realm
// and stand in no guard that names a realm.
func parseSessionGuard(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive's name
	defined, err := realms(h)
	if err != nil {
		return nil, err
	}
	b := newBlock(readLine(h.Dispenser))
	if len(b.owner.args) > 0 {
		b.fail(b.owner, "session_guard takes no matcher or other argument, since it must remove forged X-Session-* headers "+
			"from every request of the site; remove %q, and say by rules in its block which paths it guards", b.owner.args[0])
	}
	guard, settings := new(caddymodule.Guard), new(caddymodule.Settings)
	guard.Source, settings.Source = b.owner.source(), b.owner.source()
	ofSettings := settingWords(settings)
	b.read(append(guardWords(guard, defined), ofSettings...))
	if len(b.linesOf(ofSettings)) > 0 {
		guard.Session = settings
		settings.Sources = b.sources(ofSettings)
		all := withGlobal(*settings, *defined[session.DefaultRealm])
		b.failAll(all.CheckAssurance())
		checkSettings(b, *all.WithAssurance(), session.DefaultRealm)
		if _, ok := b.lines["realm"]; ok {
			for _, setting := range b.linesOf(ofSettings) {
				b.fail(setting, "%s cannot be set beside realm: a guard may only set up the default realm; "+
					"write it in the global option session %s", setting.word, cmp.Or(guard.Realm, "<realm>"))
			}
		}
	}
	checkRules(b, &guard.GuardConfig)
	if err := b.err(); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, guard), nil
}

func guardWords(guard *caddymodule.Guard, defined map[string]*caddymodule.Settings) []word {
	return []word{
		realmWord(&guard.Realm, defined),
		ruleWord(&guard.Rules, "public <pattern>..."),
		ruleWord(&guard.Rules, "auth <pattern>... [{ require … }]"),
		ruleWord(&guard.Rules, "hybrid <pattern>..."),
		choice("default public|auth|hybrid", &guard.Default),
		{usage: "login_path <path>", set: text(&guard.LoginPath, unchecked)},
		{usage: "home_path <path>", set: text(&guard.HomePath, unchecked)},
		{usage: "forbidden_path <path>", set: text(&guard.ForbiddenPath, unchecked)},
		{usage: "return_to <parameter>|off", set: text(&guard.ReturnTo, unchecked)},
		{usage: "locales <locale>...", set: list(&guard.Locales, unchecked)},
		{usage: "base_path <path>", set: text(&guard.BasePath, unchecked)},
		choice("unauthenticated auto|redirect|status", &guard.Unauthenticated),
		{usage: "actions <pattern>...", set: list(&guard.Actions, unchecked)},
		{usage: "handoff <pattern>...|off", set: list(&guard.Handoff, unchecked)},
		{usage: "no_activity <pattern>...", set: list(&guard.NoActivity, unchecked)},
		hookWord("authorize", &guard.Authorize),
		{usage: "next_build <folder>", set: text(&guard.NextBuild, unchecked)},
	}
}

// wordPlaces says, for each word, in which blocks it may stand.
func wordPlaces() map[string]string {
	places := make(map[string]string)
	for place, words := range map[string][]word{
		"session_guard": guardWords(new(caddymodule.Guard), nil),
		"session_api":   apiWords(new(caddymodule.API), nil),
		"session_guard or the global option session": settingWords(new(caddymodule.Settings)),
		"the block of an auth rule":                  requireWords(new(caddymodule.Rule)),
	} {
		for _, w := range words {
			places[w.name()] = place
		}
	}
	delete(places, "realm") // it belongs in two of them
	return places
}

package caddyfile

import (
	"errors"
	"reflect"
	"time"

	"github.com/session-guard/caddy-session-guard/caddymodule"
	"github.com/session-guard/caddy-session-guard/session"
)

// settingWords are the session settings, which stand in the global option
// session and in session_guard:
//
//	secret           <value>...
//	key_rotation     <duration>
//	cookie_name      <name>
//	cookie_prefix    auto|host|secure|none
//	cookie_lifetime  persistent|browser
//	cookie_domain    <domain>
//	cookie_path      <path>
//	secure_cookie    auto|always|never
//	same_site        lax|strict|none
//	expiry           <duration>
//	refresh_threshold <duration>
//	max_lifetime     <duration>|off
//	auto_refresh     on|off
//	client_update    <field>...
//	expose_tokens    on|off
//	identity_headers on|user|off
//	forward_cookie   on|off
//	assurance        aal1|aal2|aal3
//	log_user         on|off
//	revocation       off | storage [{ … }] | redis <url> [{ … }]
//	list             on|off
//	validate         <url> [{ … }]
//	on_refresh       <url> [{ … }]
//	cache_size       <sessions>
//
// A secret is kept as it is written; {env.*} and {file.*} are resolved when
// the configuration is loaded. No other value may have placeholders.
func settingWords(s *caddymodule.Settings) []word {
	return []word{
		{usage: "secret <value>...", set: list(&s.Secret, checkSecret), placeholder: true},
		{usage: "key_rotation <duration>", set: duration(&s.KeyRotation)},
		{usage: "cookie_name <name>", set: text(&s.CookieName, unchecked)},
		choice("cookie_prefix auto|host|secure|none", &s.CookiePrefix),
		choice("cookie_lifetime persistent|browser", &s.CookieLifetime),
		{usage: "cookie_domain <domain>", set: text(&s.CookieDomain, unchecked)},
		{usage: "cookie_path <path>", set: text(&s.CookiePath, unchecked)},
		choice("secure_cookie auto|always|never", &s.SecureCookie),
		choice("same_site lax|strict|none", &s.SameSite),
		{usage: "expiry <duration>", set: duration(&s.Expiry)},
		{usage: "refresh_threshold <duration>", set: duration(&s.RefreshThreshold)},
		{usage: "max_lifetime <duration>|off", set: durationOrOff(&s.MaxLifetime)},
		{usage: "auto_refresh on|off", set: onOff(&s.AutoRefresh)},
		{usage: "client_update <field>...", set: list(&s.ClientUpdate, unchecked)},
		{usage: "expose_tokens on|off", set: onOff(&s.ExposeTokens)},
		choice("identity_headers on|user|off", &s.IdentityHeaders),
		{usage: "forward_cookie on|off", set: onOff(&s.ForwardCookie)},
		choice("assurance aal1|aal2|aal3", &s.Assurance),
		{usage: "log_user on|off", set: onOff(&s.LogUser)},
		revocationWord(&s.Revocation),
		{usage: "list on|off", set: onOff(&s.List)},
		validateWord(&s.Validate),
		hookWord("on_refresh", &s.OnRefresh),
		{usage: "cache_size <sessions>", set: wholeNumber(&s.CacheSize)},
	}
}

// checkSettings refuses settings that cannot hold together, with those that the
// assurance level brings. What another guard may add is unknown here: an expiry
// above the default of max_lifetime needs its max_lifetime beside it.
func checkSettings(b *block, s caddymodule.Settings, realm string) {
	b.failAll(session.Settings{
		Realm: realm, CookieName: s.CookieName, CookiePrefix: s.CookiePrefix, CookieDomain: s.CookieDomain,
		CookiePath: s.CookiePath, SecureCookie: s.SecureCookie, SameSite: s.SameSite,
		Expiry: time.Duration(s.Expiry), MaxLifetime: time.Duration(s.MaxLifetime),
	}.Validate())
	b.failAll(errors.Join(s.CheckList(), s.CheckClientUpdate()))
}

// withGlobal adds what a guard leaves out of the settings of the global option, since
// they are checked together.
func withGlobal(guard, global caddymodule.Settings) caddymodule.Settings {
	to, from := reflect.ValueOf(&guard).Elem(), reflect.ValueOf(global)
	for i := range to.NumField() {
		if to.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
	return guard
}

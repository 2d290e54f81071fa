package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// Settings are the session settings of one realm. Those of the default realm
// may also be written in a guard. A setting that is written in several places
// must have the same value in all.
type Settings struct {
	// Secrets from which the realm's keys are made. The first seals (encrypts),
	// all open (decrypt): put a new one in front to rotate. Each has at least 32
	// bytes; make one with `caddy session keygen`. The placeholders `{env.*}`
	// and `{file.*}` are resolved when the configuration is loaded; a literal
	// works, but causes a warning, since configurations get copied. Default: the
	// environment variable SESSION_SECRET if it is set, else automatic keys,
	// which are generated, kept in Caddy's storage and rotated without any
	// configuration.
	Secret []string `json:"secret,omitempty"`

	// How long an automatic key seals before the next one takes over. Old keys
	// are kept until the last token that they sealed has expired. Default: 30d.
	KeyRotation caddy.Duration `json:"key_rotation,omitempty"`

	// The base name of the cookie; the prefix is put in front of it. Default:
	// `session`, and `session_<realm>` for a named realm.
	CookieName string `json:"cookie_name,omitempty"`

	// `auto`, `host`, `secure` or `none`. With `auto`, a Secure cookie is named
	// `__Host-…` if it has no domain and the path /, else `__Secure-…`; a cookie
	// that is not Secure has no prefix. With `host` and `secure` it is always Secure,
	// as browsers ask of these names. A session must fit into three cookies of
	// 4096 bytes; the prefix is counted even where it is not used, so plain HTTP
	// has the same limit. Default: `auto`.
	CookiePrefix string `json:"cookie_prefix,omitempty"`

	// `persistent` or `browser`. With `browser` the cookie has no Max-Age and
	// ends with the browser; expiry still holds. Default: `persistent`.
	CookieLifetime string `json:"cookie_lifetime,omitempty"`

	// The Domain attribute of the cookie, such as `example.com`: every host below
	// it gets the cookie, and on other hosts browsers refuse it. Default: none, so
	// that only the host that set it gets it back.
	CookieDomain string `json:"cookie_domain,omitempty"`

	// The Path attribute of the cookie. Default: `/`.
	CookiePath string `json:"cookie_path,omitempty"`

	// `auto`, `always` or `never`: whether the cookie is Secure. With `auto` it
	// is Secure on TLS, and behind one of Caddy's `trusted_proxies` that sends
	// `X-Forwarded-Proto: https`, and always with `same_site none` and
	// `cookie_prefix` `host` or `secure`. Default: `auto`.
	SecureCookie string `json:"secure_cookie,omitempty"`

	// `lax`, `strict` or `none`. Browsers take `none` from Secure cookies only, so
	// the cookie is then Secure over plain HTTP too. Default: `lax`.
	SameSite string `json:"same_site,omitempty"`

	// How long a session lives without being used, at most max_lifetime. Default: 7d.
	Expiry caddy.Duration `json:"expiry,omitempty"`

	// A session is refreshed when it is used with less than this left. A value
	// of expiry or more refreshes at every use. A refresh that would move the
	// expiry by less than a minute is left out, so use does not prolong a session
	// whose expiry is a minute or less. Default: 1d.
	RefreshThreshold caddy.Duration `json:"refresh_threshold,omitempty"`

	// How long a session lives at most, from the sign-in, however much it is
	// used; `off` for no limit. Default: 30d.
	MaxLifetime OptionalDuration `json:"max_lifetime,omitempty"`

	// Whether guard and API refresh a session that is used. Default: true.
	AutoRefresh *OnOff `json:"auto_refresh,omitempty"`

	// `aal1`, `aal2` or `aal3`: the authenticator assurance level of NIST SP
	// 800-63B-4 (sections 2.1.3, 2.2.3 and 2.3.3). It sets max_lifetime to 30d,
	// 24h or 12h, and with aal2 and aal3 expiry to 1h or 15m. Shorter values may
	// be written beside it, longer ones are errors. Default: none.
	Assurance string `json:"assurance,omitempty"`

	// The top-level members of user that a browser may change by PATCH.
	// Default: none.
	ClientUpdate []string `json:"client_update,omitempty"`

	// Whether GET of the session API shows accessToken and refreshToken to the
	// browser, and so to every script in it. Default: false.
	ExposeTokens *OnOff `json:"expose_tokens,omitempty"`

	// `on`, `user` or `off`: whether the app gets X-Session-User and
	// X-Session-Data; with `user`, without accessToken and refreshToken.
	// Default: `on`.
	IdentityHeaders string `json:"identity_headers,omitempty"`

	// Whether the app sees the sealed cookie too; after a refresh it sees the
	// new one. A session that is too large for both, since it was sealed before
	// this was switched on, is told by the identity headers alone. Default: false.
	ForwardCookie *OnOff `json:"forward_cookie,omitempty"`

	// Where revocations are kept, so that signed out means signed out on every
	// node and after a restart: `storage`, `redis` or `off`. Default: `storage`,
	// which is Caddy's own.
	Revocation json.RawMessage `json:"revocation,omitempty" caddy:"namespace=session.revocation inline_key=module"`

	// Whether the live sessions of every user are listed, so that
	// `GET /api/session/list` shows users where they are signed in. Stored beside
	// the revocations are session and user id, the times of creation and last use,
	// the user agent (200 bytes at most) and the shortened address (/24 of IPv4,
	// /48 of IPv6): personal data. Default: false.
	List *OnOff `json:"list,omitempty"`

	// The hook that is asked whether a session is still good, before guard,
	// session API or matcher decide anything. A Caddyfile has
	// `validate <url> { timeout <duration>; cache <duration>|off; on_outage
	// deny|keep }`. Default: none.
	Validate *ValidateHook `json:"validate,omitempty"`

	// The hook that replaces a session's content whenever it is refreshed, by use, by
	// POST to the session API or by an update of the app that names nothing: here OAuth
	// refresh tokens are rotated. A node makes one call for a session at a time, and for
	// five minutes requests with the old cookie get the new content. A PATCH that changes
	// something does not call it, and does not prolong the session. A Caddyfile has
	// `on_refresh <url> { timeout <duration> }`, which is
	// [session.hooks.http](#sessionhookshttp). Default: none, so that a refresh only
	// moves the expiry.
	OnRefresh json.RawMessage `json:"on_refresh,omitempty" caddy:"namespace=session.hooks inline_key=module"`

	// How many opened tokens are kept in memory, so that a session is not
	// decrypted at every request. Each takes about a kilobyte in addition to the
	// token, or six with 2 KiB of OAuth tokens. All together take at most 4 KiB
	// for each of the number, so of large sessions fewer are kept; 0 keeps none.
	// Default: 10000.
	CacheSize *int `json:"cache_size,omitempty"`

	// Whether events, and the log lines of a sign-in, sign-out or revocation,
	// have the user's id as `user_id`. Default: true.
	LogUser *OnOff `json:"log_user,omitempty"`

	// Where the settings were written, for error messages ("Caddyfile:3").
	Source string `json:"source,omitempty"`

	// Where settings that are checked only at start were written, by name, for
	// error messages (`{"secret": "Caddyfile:5"}`).
	Sources map[string]string `json:"sources,omitempty"`
}

// CheckClientUpdate reports each field that no browser can change.
func (s *Settings) CheckClientUpdate() error {
	var errs []error
	for i, field := range s.ClientUpdate {
		if name, ok := strings.CutPrefix(field, "user."); ok && name != "" {
			errs = append(errs, fmt.Errorf("client_update %q names no field: fields are named without \"user.\"; write %s", field, name))
		}
		if strings.Contains(field, ",") {
			errs = append(errs, fmt.Errorf("client_update %q has a comma; separate fields by spaces, such as client_update name email", field))
		}
		if slices.Contains(s.ClientUpdate[:i], field) {
			errs = append(errs, fmt.Errorf("client_update has %q twice; remove one", field))
		}
		switch field {
		case "":
			errs = append(errs, errors.New("client_update has an empty field; remove it"))
		case "*":
			errs = append(errs, errors.New("client_update * names no field; write each field that a browser may change, such as name"))
		case "id":
			errs = append(errs, fmt.Errorf("client_update %q says who the user is, so a browser cannot change it; remove it", field))
		case "__proto__", "constructor", "prototype": // what scripts could take for their own
			errs = append(errs, fmt.Errorf("client_update %q can never be changed: the session API refuses this name everywhere; remove it", field))
		}
	}
	return errors.Join(errs...)
}

// checkValues reports what the Caddyfile does not let pass.
func (s *Settings) checkValues() error {
	var errs []error
	if s.Secret != nil && len(s.Secret) == 0 {
		errs = append(errs, errors.New("secret is an empty list; write a secret, or leave it out for the one in SESSION_SECRET or for keys that Caddy makes"))
	}
	if s.KeyRotation < 0 {
		errs = append(errs, fmt.Errorf("key_rotation %s is below zero; write for example: key_rotation 30d", time.Duration(s.KeyRotation)))
	}
	if s.CacheSize != nil && *s.CacheSize < 0 {
		errs = append(errs, fmt.Errorf("cache_size %d is below zero; write for example: cache_size 10000, or cache_size 0 for no cache", *s.CacheSize))
	}
	errs = append(errs, checkLeast("key_rotation", time.Duration(s.KeyRotation), time.Second, "30d"))
	return errors.Join(append(errs, checkResolved("cookie_name", s.CookieName), checkResolved("cookie_path", s.CookiePath),
		checkResolved("cookie_domain", s.CookieDomain), checkResolved("client_update", s.ClientUpdate...))...)
}

// OnOff is a setting that is on or off.
type OnOff bool

// or is the setting, or what holds where it is left out.
func (o *OnOff) or(preset bool) bool {
	if o == nil {
		return preset
	}
	return bool(*o)
}

// UnmarshalJSON accepts true and false, and the words of a Caddyfile, "on" and "off".
func (o *OnOff) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true", `"on"`:
		*o = true
	case "false", `"off"`:
		*o = false
	default:
		return fmt.Errorf("%s is neither true nor false", b)
	}
	return nil
}

// OptionalDuration is a duration, or `off`; the zero value means the default.
type OptionalDuration time.Duration

// Off is the [OptionalDuration] that switches something off.
const Off = OptionalDuration(session.NoMaxLifetime)

// UnmarshalJSON accepts "off" and whatever [caddy.Duration] does, above zero.
func (d *OptionalDuration) UnmarshalJSON(b []byte) error {
	if string(b) == `"off"` {
		*d = Off
		return nil
	}
	var duration caddy.Duration
	if err := duration.UnmarshalJSON(b); err != nil {
		return err
	}
	if duration <= 0 {
		return fmt.Errorf("a duration must be above zero; write %q to switch it off", "off")
	}
	*d = OptionalDuration(duration)
	return nil
}

// MarshalJSON writes "off" or the duration in nanoseconds, as Caddy does.
func (d OptionalDuration) MarshalJSON() ([]byte, error) {
	if d == Off {
		return []byte(`"off"`), nil
	}
	return json.Marshal(time.Duration(d))
}

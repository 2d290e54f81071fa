package session

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// DefaultRealm is the name of the realm that needs no name.
const DefaultRealm = "default"

// The defaults of the settings that are durations.
const (
	DefaultExpiry           = 7 * 24 * time.Hour
	DefaultRefreshThreshold = 24 * time.Hour
	DefaultMaxLifetime      = 30 * 24 * time.Hour
	DefaultKeyRotation      = 30 * 24 * time.Hour
)

// NoMaxLifetime as Settings.MaxLifetime lets a session be refreshed for ever.
const NoMaxLifetime time.Duration = -1

// DefaultCacheSize is how many opened tokens are remembered if nothing else is
// said.
const DefaultCacheSize = 10_000

// NoCache as Settings.CacheSize opens every token anew.
const NoCache = -1

// Settings say how sessions of one realm behave. The zero value is safe: it
// means the documented defaults.
type Settings struct {
	// Realm names the realm. Default: DefaultRealm.
	Realm string

	// CookieName is the base name of the cookie. Default: "session", and
	// "session_<realm>" for a named realm.
	CookieName string
	// CookiePrefix is "auto", "host", "secure" or "none" (RFC 6265bis section
	// 4.1.3). Default: "auto".
	CookiePrefix string
	// CookieDomain is the Domain attribute. Default: none.
	CookieDomain string
	// CookiePath is the Path attribute. Default: "/".
	CookiePath string
	// SecureCookie is "auto", "always" or "never". Default: "auto", which asks
	// IsSecure for each request.
	SecureCookie string
	// IsSecure reports whether a request came over TLS. Default: r.TLS != nil.
	IsSecure func(r *http.Request) bool
	// SameSite is "lax", "strict" or "none". Default: "lax".
	SameSite string
	// BrowserLifetime leaves Max-Age out, so the cookie ends with the browser.
	BrowserLifetime bool

	// Expiry is the sliding lifetime. Default: 7 days.
	Expiry time.Duration
	// RefreshThreshold: a session is refreshed when less than this is left.
	// Default: 1 day.
	RefreshThreshold time.Duration
	// MaxLifetime is the absolute lifetime, from CreatedAt. Default: 30 days;
	// NoMaxLifetime for none.
	MaxLifetime time.Duration
	// NoAutoRefresh switches the sliding refresh off.
	NoAutoRefresh bool

	// ClientUpdate names the user fields that a browser may change.
	ClientUpdate []string
	// ExposeTokens shows accessToken and refreshToken to the browser.
	ExposeTokens bool
	// IdentityHeaders is "on", "user" or "off". Default: "on".
	IdentityHeaders string
	// ForwardCookie shows the app the sealed cookie too.
	ForwardCookie bool

	// CacheSize is how many opened tokens are remembered, so that a session costs
	// its decryption once and not at every request. Each takes about a kilobyte
	// beside the token, and all together at most 4 KiB for each of the number, so of
	// large ones fewer are remembered. Default: 10000; NoCache for none.
	CacheSize int

	// Revocations knows which sessions have been ended. Default: a set in
	// memory of its own.
	Revocations Revocations
	// LongestOutage is how long a node may go on sealing that hears nothing of what
	// others add to shared Revocations. What such a node seals outlives the end of the
	// session, so the end is remembered for that much longer, though never for longer than
	// MaxLifetime from the sign-in. Default: LongestDuration, for no limit.
	LongestOutage time.Duration

	// Memory is shared by the successive managers of a realm, as over reloads.
	// Default: one of the manager's own.
	Memory *Memory

	// List is told of every request with a session, so that users can see where
	// they are signed in. Default: none, and nothing is kept of who uses a session.
	List *List
	// ClientAddress returns the IP address of a client, for List. Default: that of
	// the connection.
	ClientAddress func(r *http.Request) string

	// Validator tells [Visitor.Validate] whether a session is still good.
	// Default: every valid session is.
	Validator Validator
	// ValidFor is how long its yes counts for a session that does not change.
	// Default: 0, so that it is asked every time.
	ValidFor time.Duration
	// KeepUnvalidated lets a session pass when the Validator cannot tell. Default:
	// nobody is signed in then.
	KeepUnvalidated bool
	// Refresher replaces what is in a session when it is refreshed. Default: only
	// its end moves.
	Refresher Refresher

	// Observe is told what happens to sessions, during the request. It must not
	// wait. Default: nobody is told.
	Observe func(Event)

	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Random makes session ids. Default: crypto/rand.
	Random io.Reader
}

// withDefaults fills in what was left out.
func (s Settings) withDefaults() Settings {
	s.Realm = cmp.Or(s.Realm, DefaultRealm)
	name := "session"
	if s.Realm != DefaultRealm {
		name += "_" + s.Realm
	}
	s.CookieName = cmp.Or(s.CookieName, name)
	s.CookiePrefix = cmp.Or(s.CookiePrefix, "auto")
	s.CookiePath = cmp.Or(s.CookiePath, "/")
	s.SecureCookie = cmp.Or(s.SecureCookie, "auto")
	s.SameSite = cmp.Or(s.SameSite, "lax")
	s.IdentityHeaders = cmp.Or(s.IdentityHeaders, "on")
	s.Expiry = cmp.Or(s.Expiry, DefaultExpiry)
	s.RefreshThreshold = cmp.Or(s.RefreshThreshold, DefaultRefreshThreshold)
	s.MaxLifetime = cmp.Or(s.MaxLifetime, DefaultMaxLifetime)
	s.CacheSize = cmp.Or(s.CacheSize, DefaultCacheSize)
	s.LongestOutage = cmp.Or(s.LongestOutage, LongestDuration)
	if s.IsSecure == nil {
		s.IsSecure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if s.ClientAddress == nil {
		s.ClientAddress = peerAddress
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Random == nil {
		s.Random = rand.Reader
	}
	if s.Revocations == nil {
		s.Revocations = NewRevocationSet(s.Now)
	}
	if s.Memory == nil {
		s.Memory = new(Memory)
	}
	return s
}

// LongestDuration is the longest that a setting may be: long enough for everybody,
// and far from the end of [time.Duration].
const LongestDuration = 100 * 365 * 24 * time.Hour

// Validate reports every setting, or pair of settings, that cannot hold, each
// with what to write instead. Settings that were left out have their defaults.
func (s Settings) Validate() error {
	full := s.withDefaults()
	var f faults
	full.validateWords(&f)
	full.validateCookie(&f)
	full.validateDurations(&f)
	if full.CacheSize < NoCache {
		f.addf("cache_size %d is below zero; write for example: cache_size 10000, or cache_size 0 for no cache", full.CacheSize)
	}
	if full.MaxLifetime != NoMaxLifetime && full.Expiry > full.MaxLifetime {
		f.addf("expiry %s is above max_lifetime %s; write a shorter expiry, a longer max_lifetime, or max_lifetime off%s",
			FormatDuration(full.Expiry), FormatDuration(full.MaxLifetime), s.lifetimeByDefault())
	}
	return errors.Join(f...)
}

// faults are what is wrong with settings.
type faults []error

func (f *faults) addf(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (s Settings) validateWords(f *faults) {
	oneOf := func(setting, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			f.addf("%s cannot be %q; write one of: %s", setting, value, strings.Join(allowed, ", "))
		}
	}
	oneOf("cookie_prefix", s.CookiePrefix, "auto", "host", "secure", "none")
	oneOf("secure_cookie", s.SecureCookie, "auto", "always", "never")
	oneOf("same_site", s.SameSite, "lax", "strict", "none")
	oneOf("identity_headers", s.IdentityHeaders, "on", "user", "off")
}

// validateCookie refuses attributes that a browser, or net/http, would refuse in silence.
func (s Settings) validateCookie(f *faults) {
	if err := checkCookieName(s.CookieName); err != nil {
		*f = append(*f, err)
	}
	if !strings.HasPrefix(s.CookiePath, "/") || !isValid(http.Cookie{Name: "name", Path: s.CookiePath}) {
		f.addf("cookie_path %q must begin with a slash and be printable ASCII without semicolons; write for example: cookie_path /", s.CookiePath)
	}
	if strings.Contains(s.CookiePath, "*") {
		f.addf("cookie_path %q is not a plain path; write it without *, since it includes all paths below", s.CookiePath)
	}
	if !isValid(http.Cookie{Name: "name", Domain: s.CookieDomain}) {
		f.addf("cookie_domain %q is not a domain; write for example: cookie_domain example.com", s.CookieDomain)
	}
	if s.SameSite == "none" && s.SecureCookie == "never" {
		f.addf("same_site none needs a Secure cookie, else browsers drop it; remove secure_cookie never, or write same_site lax")
	}
	if s.SecureCookie == "never" && (s.CookiePrefix == "host" || s.CookiePrefix == "secure") {
		f.addf("cookie_prefix %s needs a Secure cookie; remove secure_cookie never, or write cookie_prefix none", s.CookiePrefix)
	}
	if s.CookiePrefix == "host" && s.CookieDomain != "" {
		f.addf("cookie_prefix host forbids a domain (RFC 6265bis section 4.1.3.2); remove cookie_domain, or write cookie_prefix secure")
	}
	if s.CookiePrefix == "host" && s.CookiePath != "/" {
		f.addf("cookie_prefix host needs the path / (RFC 6265bis section 4.1.3.2); remove cookie_path, or write cookie_prefix secure")
	}
}

func (s Settings) validateDurations(f *faults) {
	if s.Expiry <= 0 || s.RefreshThreshold < 0 {
		f.addf("expiry must be above zero, and refresh_threshold must not be negative; write for example: expiry 7d")
	} else if s.Expiry < time.Second {
		f.addf("expiry %s is shorter than a second, so every session would be over at once; write for example: expiry 7d", s.Expiry)
	}
	if s.RefreshThreshold > 0 && s.RefreshThreshold < time.Millisecond {
		f.addf("refresh_threshold %s is shorter than a millisecond, so no session would ever be extended; write for example: refresh_threshold 1d", s.RefreshThreshold)
	}
	for _, setting := range []struct {
		name string
		set  time.Duration
	}{{"expiry", s.Expiry}, {"refresh_threshold", s.RefreshThreshold}, {"max_lifetime", s.MaxLifetime}} {
		if setting.set > LongestDuration {
			f.addf("%s is longer than 100 years; write a duration such as 12h or 7d", setting.name)
		}
	}
}

// lifetimeByDefault says which lifetime nobody has written, or not where it is known.
func (s Settings) lifetimeByDefault() string {
	const hint = " (%s is the default of %s; if it stands in another session_guard, write it in the global option session)"
	switch {
	case s.Expiry == 0:
		return fmt.Sprintf(hint, FormatDuration(DefaultExpiry), "expiry")
	case s.MaxLifetime == 0:
		return fmt.Sprintf(hint, FormatDuration(DefaultMaxLifetime), "max_lifetime")
	}
	return ""
}

// ShouldRefresh reports whether the session is due for a sliding refresh: less
// than RefreshThreshold is left, and its end would move by a minute or more.
func (s Settings) ShouldRefresh(session *Session, now time.Time) bool {
	s.Expiry, s.RefreshThreshold = max(s.Expiry, 0), max(s.RefreshThreshold, 0)
	s.Expiry = cmp.Or(s.Expiry, DefaultExpiry)
	s.RefreshThreshold = cmp.Or(s.RefreshThreshold, DefaultRefreshThreshold)
	s.MaxLifetime = cmp.Or(s.MaxLifetime, DefaultMaxLifetime)
	return s.due(session, now)
}

// due is ShouldRefresh for settings that have their defaults.
func (s *Settings) due(session *Session, now time.Time) bool {
	end, moved := session.ExpiresAt, s.expiresAt(session.CreatedAt, now)
	if s.Refresher != nil && moved.Sub(end) < time.Minute {
		// MaxLifetime may hold the end, and what the Refresher returns grows old all the same.
		end, moved = session.LastActivity.Add(s.Expiry), now.Add(s.Expiry)
	}
	return end.Sub(now) < s.RefreshThreshold && moved.Sub(end) >= time.Minute
}

// expiresAt is the end of a session that is used now.
func (s *Settings) expiresAt(createdAt, now time.Time) time.Time {
	return s.clip(createdAt, now.Add(s.Expiry))
}

// clip is an end that MaxLifetime allows.
func (s *Settings) clip(createdAt, end time.Time) time.Time {
	if s.MaxLifetime == NoMaxLifetime {
		return end
	}
	if latest := createdAt.Add(s.MaxLifetime); latest.Before(end) {
		return latest
	}
	return end
}

// maxCookieName leaves the room in a cookie to the token.
const maxCookieName = 128

func checkCookieName(name string) error {
	if len(name) > maxCookieName {
		return fmt.Errorf("cookie_name has %d bytes, more than %d; write a shorter one", len(name), maxCookieName)
	}
	if !isValid(http.Cookie{Name: name}) {
		return fmt.Errorf("cookie_name %q holds a character that a cookie name cannot hold; write letters, digits, - and _", name)
	}
	lower := strings.ToLower(name)
	for _, prefix := range []string{"__host-", "__secure-", "__http-"} {
		if strings.HasPrefix(lower, prefix) {
			return fmt.Errorf("cookie_name %q begins with a prefix; leave it out, cookie_prefix puts it in front", name)
		}
	}
	return nil
}

// isValid reports whether net/http writes a cookie as it is. It leaves out, in silence, what
// it does not like.
func isValid(c http.Cookie) bool { return c.Valid() == nil }

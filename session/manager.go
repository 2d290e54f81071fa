package session

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxRequestSize is what Caddy may add to a request to the app: Node.js accepts
// 16 KiB of headers in all.
const maxRequestSize = 12 << 10

// Manager reads and changes the sessions of one realm. It is safe for
// concurrent use.
type Manager struct {
	settings Settings
	keys     *Keyring
	opened   *cache

	validating flights
	validated  verdicts

	memory *Memory // that of the settings
}

// NewManager checks the settings, as [Settings.Validate] does, and returns a
// manager that seals and opens with the keyring.
func NewManager(settings Settings, keys *Keyring) (*Manager, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	settings = settings.withDefaults()
	m := &Manager{
		settings: settings, keys: keys, opened: newCache(settings.CacheSize),
		validating: flights{endUnwatched: true}, memory: settings.Memory,
	}
	m.memory.lives(&m.settings)
	m.memory.watches.join(m)
	return m, nil
}

// Close says that the manager's Revocations are about to be closed, so that the
// connections it has opened ask those of another manager with the same Memory.
func (m *Manager) Close() { m.memory.watches.leave(m) }

// Settings returns the settings with their defaults filled in.
func (m *Manager) Settings() Settings { return m.settings }

// Keys returns the keyring.
func (m *Manager) Keys() *Keyring { return m.keys }

// Read finds out who the request's cookies say is there. A cookie that does not
// open is anonymity. An error means broken machinery ([ErrUnavailable]): fail
// closed. It asks no hook: see [Visitor.Validate].
func (m *Manager) Read(r *http.Request) (*Visitor, error) {
	v, err := m.Peek(r)
	if m.settings.List != nil {
		v.request, v.agent = r, r.UserAgent()
	}
	v.noteInList(cmp.Or(v.came, v.session))
	result := v.result
	if result == ResultOpened && v.cached {
		result = ResultSeen
	}
	m.observe(Event{Kind: EventRead, Session: v.session, Result: result, Request: r})
	return v, err
}

// Peek is [Manager.Read] for whoever only asks about a request: no event tells of
// it, and the list does not note it.
func (m *Manager) Peek(r *http.Request) (*Visitor, error) {
	v := &Visitor{manager: m, result: ResultNone}
	v.secure = m.isSecure(r)
	v.name = m.settings.nameOfCookie(v.secure)
	eachCookie(r.Header["Cookie"], func(name, value, _ string) { v.sent.add(name, v.name, value) })
	if !v.sent.any() {
		return v, nil
	}
	return v, v.open(r.Context())
}

func (m *Manager) isSecure(r *http.Request) bool {
	switch m.settings.SecureCookie {
	case "always":
		return true
	case "never":
		return false
	}
	return m.settings.IsSecure(r) || m.settings.SameSite == "none" ||
		m.settings.CookiePrefix == "host" || m.settings.CookiePrefix == "secure"
}

// NameOfCookie is the exact name of the cookie, with the prefix that a browser enforces over
// TLS, so that neither a sibling domain nor plain HTTP can plant it.
func (s Settings) NameOfCookie(secure bool) string {
	full := s.withDefaults()
	return full.nameOfCookie(secure)
}

func (s *Settings) nameOfCookie(secure bool) string {
	switch {
	case !secure || s.CookiePrefix == "none":
		return s.CookieName
	case s.CookiePrefix == "host", s.CookiePrefix == "auto" && s.CookieDomain == "" && s.CookiePath == "/":
		return "__Host-" + s.CookieName
	}
	return "__Secure-" + s.CookieName
}

// open opens one token and applies what the realm's settings and revocations
// say of it. It also reports whether the token was remembered.
func (m *Manager) open(ctx context.Context, token string, now time.Time) (s *Session, cached bool, err error) {
	if _, ok := cutCompact(token); !ok {
		return nil, false, ErrMalformed
	}
	var k *key
	hash := m.opened.hash(token)
	s = m.opened.get(token, hash, *m.keys.keys.Load(), now)
	cached = s != nil
	if !cached {
		if s, k, err = m.keys.open(ctx, token, now); err != nil {
			return nil, false, err
		}
		s = m.clipped(s)
	}
	if s.Expired(now) {
		m.opened.forget(token, hash)
		return nil, cached, ErrExpired
	}
	if !cached {
		m.opened.add(token, hash, s, k, now)
	}
	err = m.checkRevoked(s)
	if errors.Is(err, ErrRevoked) {
		m.opened.forget(token, hash)
	}
	return s, cached, err
}

// clipped is the session as it ends under these settings. It may have been sealed
// by another party, or before they were changed.
func (m *Manager) clipped(s *Session) *Session {
	end := m.settings.clip(s.CreatedAt, s.ExpiresAt)
	if end.Equal(s.ExpiresAt) {
		return s
	}
	return s.with(func(s *Session) { s.sealedUntil, s.ExpiresAt = later(s.sealedUntil, s.ExpiresAt), end })
}

func (m *Manager) checkRevoked(s *Session) error {
	revoked, err := m.settings.Revocations.Revoked(s)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if revoked {
		return ErrRevoked
	}
	return nil
}

// NewID makes a session id, of 128 bits. The error is [ErrUnavailable].
func NewID(random io.Reader) (string, error) {
	id := make([]byte, 16)
	if _, err := io.ReadFull(random, id); err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return base64.RawURLEncoding.EncodeToString(id), nil
}

// create makes a session with a new id.
func (m *Manager) create(login Login, now time.Time) (*Session, error) {
	id, err := NewID(m.settings.Random)
	if err != nil {
		return nil, err
	}
	s := &Session{ID: id, AccessToken: login.AccessToken, RefreshToken: login.RefreshToken}
	if err := s.setUser(login.User); err != nil {
		return nil, err
	}
	created, ok := soonest(now.Truncate(time.Millisecond), now, func(at time.Time) bool {
		s.CreatedAt, s.LastActivity, s.ExpiresAt = at, at, m.settings.expiresAt(at, at)
		return !errors.Is(m.checkRevoked(s), ErrRevoked)
	})
	if !ok {
		return nil, fmt.Errorf("%w: sessions of this user, or of everybody, were ended by a node whose clock is more than %v ahead, "+
			"so that no new one is valid yet; correct that clock", ErrUnavailable, mostAhead)
	}
	s.CreatedAt, s.LastActivity, s.ExpiresAt = created, created, m.settings.expiresAt(created, created)
	return s, nil
}

// used returns the session as it is after use: its end moved, its sign-in not.
func (m *Manager) used(s *Session, now time.Time) (*Session, error) {
	now = now.Truncate(time.Millisecond)
	// Of two tokens the one with the later LastActivity is newer, so it must grow even
	// if the clock does not.
	at, ok := soonest(later(now, s.LastActivity.Add(time.Millisecond)), now, func(at time.Time) bool { return !m.outdated(s.ID, at) })
	if !ok {
		return nil, fmt.Errorf("%w: a node whose clock is more than %v ahead has updated the session; correct that clock", ErrUnavailable, mostAhead)
	}
	return s.with(func(next *Session) {
		next.LastActivity, next.ExpiresAt = at, m.settings.expiresAt(s.CreatedAt, now)
	}), nil
}

// Seal seals a session as [Keyring.Seal] does, and refuses with a
// [*TooLargeError] one that does not fit into the realm's cookies or into a
// request to the app.
func (m *Manager) Seal(s *Session) (string, error) {
	sealed, err := m.seal(s)
	return sealed.token, err
}

// seal seals a session that fits into its cookies and into a request to the app.
func (m *Manager) seal(s *Session) (sealedSession, error) {
	token, keyID, err := m.keys.seal(s)
	if err != nil {
		return sealedSession{}, err
	}
	m.observe(Event{Kind: EventSealed, Session: s, KeyID: keyID})
	name := m.settings.nameOfCookie(true)
	if limit := maxSealedLength(name); len(token) > limit {
		return sealedSession{}, &TooLargeError{Size: len(token), Limit: limit, What: "its token"}
	}
	if size := m.requestSize(s, name, token); size > maxRequestSize {
		return sealedSession{}, &TooLargeError{Size: size, Limit: maxRequestSize, What: "the request headers for the app"}
	}
	return sealedSession{session: s, token: token}, nil
}

// requestSize is what the session adds to a request to the app.
func (m *Manager) requestSize(s *Session, name, token string) int {
	const perHeader = len(": \r\n")
	size := len("X-Session-Realm") + len(m.settings.Realm) + perHeader
	if m.settings.IdentityHeaders != "off" {
		data := len(s.Data())
		if m.settings.IdentityHeaders == "user" {
			data = len(s.DataWithoutTokens())
		}
		size += len("X-Session-User") + len(s.PercentEncodedUserID()) + len("X-Session-Data") + data + 2*perHeader
	}
	if m.settings.ForwardCookie {
		names, _ := sealedCookies(name, token)
		size += len("Cookie") + perHeader + len(token) + len(names)*(len(name)+len(".0=; "))
	}
	return size
}

// IsAnonymity reports whether an error of opening a token means only that
// nobody is signed in, as opposed to broken machinery.
func IsAnonymity(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrExpired) || errors.Is(err, ErrRevoked)
}

// handoffKind returns the kind of handoff that a cookie name means for
// this realm, or "". An app may put the prefix of the session cookie in front, or
// a library may for it; passed on, such a cookie would show the browser what the
// app says of the session, and the login would be lost.
func (m *Manager) handoffKind(name string) string {
	rest, ok := strings.CutPrefix(withoutPrefix(name), m.settings.CookieName)
	if !ok {
		return ""
	}
	switch rest {
	case ".set", ".update", ".delete":
		return rest[1:]
	}
	return ""
}

// withoutPrefix takes off a cookie name what browsers take for a prefix, which they
// compare in any case (RFC 6265bis section 4.1.3).
func withoutPrefix(name string) string {
	for _, prefix := range []string{"__Host-", "__Secure-"} {
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return name[len(prefix):]
		}
	}
	return name
}

// Package session is the core of caddy-session-guard: it seals a session into
// an encrypted cookie and opens it again. It does not know Caddy, and needs
// no store for sessions.
//
// A [Manager] is built once from [Settings] and a [Keyring]. For each request,
// [Manager.Read] returns a [Visitor]: whoever the request's cookies belong to,
// and the only way to create, refresh, update or delete that session. Cookies
// are written by [Visitor.SetCookies] only.
//
// Two kinds of failure are kept apart. A cookie that does not open is
// anonymity, never an error. An error means that machinery is broken (a key
// store that cannot be read, say) and that the caller must fail closed.
package session

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// User describes the signed-in user. It always has the member "id", a
// non-empty string; everything else is the app's own. Numbers are of type
// [json.Number], so that none loses precision on its way through the cookie.
type User map[string]any

// ID returns the member "id".
func (u User) ID() string {
	id, _ := u["id"].(string)
	return id
}

// Session is one sign-in. A Session is never modified after it was made, so it
// may be shared between goroutines; do not write to its User.
type Session struct {
	// ID names the session itself, 128 random bits: the claim "jti" (RFC 7519
	// section 4.1.7). It stays the same through refreshes and updates.
	ID string

	// User is who signed in.
	User User

	// AccessToken and RefreshToken are the app's own OAuth tokens, or empty.
	AccessToken  string
	RefreshToken string

	// CreatedAt is the moment of the sign-in. A refresh never moves it.
	CreatedAt time.Time

	// LastActivity is the moment of the latest refresh or update. Of two
	// tokens of one session, the one with the later LastActivity is newer.
	LastActivity time.Time

	// ExpiresAt is when the session ends unless it is refreshed before.
	ExpiresAt time.Time

	sealedUntil time.Time                // the end in its token, if settings have brought it forward
	userJSON    string                   // User as JSON, encoded once
	headers     atomic.Pointer[identity] // once asked for
}

// identity has the values of X-Session-User and X-Session-Data.
type identity struct{ userID, data string }

// sameAs reports whether both are states of one session. An app that seals tokens
// itself may use an id twice, but never makes one user another by it.
func (s *Session) sameAs(other *Session) bool {
	return s.ID == other.ID && s.User.ID() == other.User.ID()
}

// Expired reports whether the session has ended at the given moment. There is
// no leeway.
func (s *Session) Expired(now time.Time) bool { return !now.Before(s.ExpiresAt) }

// AppendJSON appends the session as JSON: the members user, accessToken and
// refreshToken (if tokens is true and they are not empty), expiresAt,
// expiryDate, createdAt and lastActivity. Times are milliseconds since the
// epoch, expiryDate is ISO 8601.
func (s *Session) AppendJSON(b []byte, tokens bool) []byte {
	b = append(b, `{"user":`...)
	b = s.appendUser(b)
	if tokens {
		b = appendStringMember(b, "accessToken", s.AccessToken)
		b = appendStringMember(b, "refreshToken", s.RefreshToken)
	}
	b = appendNumberMember(b, "expiresAt", s.ExpiresAt.UnixMilli())
	b = append(b, `,"expiryDate":"`...)
	b = appendISOString(b, s.ExpiresAt)
	b = append(b, '"')
	b = appendNumberMember(b, "createdAt", s.CreatedAt.UnixMilli())
	b = appendNumberMember(b, "lastActivity", s.LastActivity.UnixMilli())
	return append(b, '}')
}

// appendISOString appends a time as JavaScript's Date.toISOString writes it. RFC3339 is, but
// for the milliseconds, and takes a quarter of the time of a layout with them.
func appendISOString(b []byte, t time.Time) []byte {
	b = t.UTC().AppendFormat(b, time.RFC3339)
	milliseconds := t.Nanosecond() / int(time.Millisecond)
	digit := func(n int) byte { return "0123456789"[n%10] }
	return append(b[:len(b)-len("Z")], '.', digit(milliseconds/100), digit(milliseconds/10), digit(milliseconds), 'Z')
}

// appendUser appends the user as JSON; null for one, built by hand, that cannot be
// encoded.
func (s *Session) appendUser(b []byte) []byte {
	if s.userJSON != "" {
		return append(b, s.userJSON...)
	}
	encoded, err := encodeJSON(s.User)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, encoded...)
}

// MarshalJSON is [Session.AppendJSON] without the tokens, so that they are not
// written anywhere by accident.
func (s *Session) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil, false), nil }

// Data returns the session as the app receives it: base64url without padding
// of the JSON, tokens included.
func (s *Session) Data() string {
	return s.identity().data
}

func (s *Session) identity() *identity {
	if known := s.headers.Load(); known != nil {
		return known
	}
	made := &identity{userID: percentEncode(s.User.ID()), data: s.dataWith(true)}
	s.headers.Store(made)
	return made
}

// DataWithoutTokens is [Session.Data] without accessToken and refreshToken.
func (s *Session) DataWithoutTokens() string {
	if s.AccessToken == "" && s.RefreshToken == "" {
		return s.Data()
	}
	return s.dataWith(false)
}

func (s *Session) dataWith(tokens bool) string {
	encoding := base64.RawURLEncoding
	var textRoom [1024]byte // most sessions fit in
	text := s.AppendJSON(textRoom[:0], tokens)
	var b strings.Builder // EncodeToString would need the memory of the result twice
	b.Grow(encoding.EncodedLen(len(text)))
	var room [512]byte
	for len(text) > 0 { // slices.Chunk would move the text to the heap
		n := min(384, len(text)) // a multiple of 3 bytes needs no padding
		b.Write(encoding.AppendEncode(room[:0], text[:n]))
		text = text[n:]
	}
	return b.String()
}

// PercentEncodedUserID is user.id with every byte outside visible ASCII, and
// the percent sign, percent-encoded: a safe header value for any id.
func (s *Session) PercentEncodedUserID() string { return s.identity().userID }

func percentEncode(id string) string {
	if isVisibleASCII(id) && !strings.Contains(id, "%") {
		return id
	}
	var b strings.Builder
	for i := range len(id) {
		if c := id[i]; isVisible(c) && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// with returns a copy that the caller may change before it is shared.
func (s *Session) with(change func(*Session)) *Session {
	next := &Session{
		ID: s.ID, User: s.User, AccessToken: s.AccessToken, RefreshToken: s.RefreshToken,
		CreatedAt: s.CreatedAt, LastActivity: s.LastActivity, ExpiresAt: s.ExpiresAt, sealedUntil: s.sealedUntil, userJSON: s.userJSON,
	}
	change(next)
	return next
}

// setUser replaces the user and its encoded form.
func (s *Session) setUser(user User) error {
	if err := checkUser(user); err != nil {
		return err
	}
	encoded, err := encodeJSON(user)
	if err != nil {
		return err
	}
	s.User, s.userJSON = user, string(encoded)
	return nil
}

func appendStringMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	encoded, _ := encodeJSON(value) // a string always encodes
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return append(b, encoded...)
}

func appendNumberMember(b []byte, name string, value int64) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return strconv.AppendInt(b, value, 10)
}

var _ json.Marshaler = (*Session)(nil)

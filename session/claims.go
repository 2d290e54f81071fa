package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// clockSkew is how far ahead of this node's clock a moment in the past may lie,
// since the node that sealed it has a clock of its own. Expiry has no leeway.
const clockSkew = 60 * time.Second

// latestTime bounds every time in a token (the end of the year 9999), so that
// none overflows and none confuses seconds with milliseconds in silence.
const latestTime = 253402300799

// maxIDLength bounds session ids. Ours have 22 characters; an app that seals
// with the shared secret may use a UUID.
const maxIDLength = 64

var claimNames = []string{
	"user", "accessToken", "refreshToken", "expiresAt", "createdAt", "lastActivity", "jti", "iat", "exp", "nbf", "aud", "expiryDate",
}

// encodeClaims is the plaintext of a token: the session's members without
// expiryDate, and jti, iat and exp (RFC 7519 section 4.1).
func encodeClaims(s *Session) []byte {
	b := make([]byte, 0, len(s.userJSON)+len(s.AccessToken)+len(s.RefreshToken)+256)
	b = append(b, `{"user":`...)
	b = append(b, s.userJSON...)
	b = appendStringMember(b, "accessToken", s.AccessToken)
	b = appendStringMember(b, "refreshToken", s.RefreshToken)
	b = appendNumberMember(b, "expiresAt", s.ExpiresAt.UnixMilli())
	b = appendNumberMember(b, "createdAt", s.CreatedAt.UnixMilli())
	b = appendNumberMember(b, "lastActivity", s.LastActivity.UnixMilli())
	b = appendStringMember(b, "jti", s.ID)
	b = appendNumberMember(b, "iat", s.LastActivity.Unix())
	b = appendNumberMember(b, "exp", s.ExpiresAt.Unix())
	return append(b, '}')
}

// decodeClaims reads the plaintext of a token. Every defect is an error; the
// caller answers all of them alike, so that nobody learns which check failed.
// An expired session is returned together with [ErrExpired].
func decodeClaims(plaintext []byte, now time.Time) (*Session, error) {
	var userJSON string
	members, err := decodeObject(plaintext, func(name, raw string) {
		if name == "user" {
			userJSON = raw
		}
	})
	if err != nil {
		return nil, err
	}
	if err := checkClaimNames(members); err != nil {
		return nil, err
	}
	c := claims{members: members}
	user, _ := members["user"].(map[string]any)
	s := &Session{
		ID:           c.text("jti", true),
		User:         user,
		AccessToken:  c.text("accessToken", false),
		RefreshToken: c.text("refreshToken", false),
		CreatedAt:    time.UnixMilli(c.number("createdAt", latestTime*1000, true)),
		ExpiresAt:    time.UnixMilli(c.number("expiresAt", latestTime*1000, true)),
	}
	issued := time.Unix(c.number("iat", latestTime, true), 0)
	exp := c.number("exp", latestTime, true)
	notBefore := time.Unix(c.number("nbf", latestTime, false), 0)
	s.LastActivity = issued
	if _, given := members["lastActivity"]; given {
		s.LastActivity = time.UnixMilli(c.number("lastActivity", latestTime*1000, true))
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := checkUser(user); err != nil {
		return nil, err
	}
	s.userJSON = []byte(userJSON) // as it was sealed; encoding it anew would cost more than decrypting it
	return s, checkTimes(s, issued, notBefore, exp, now)
}

func checkTimes(s *Session, issued, notBefore time.Time, exp int64, now time.Time) error {
	if difference := s.ExpiresAt.UnixMilli() - exp*1000; difference < -1000 || difference > 1000 {
		return errors.New("exp and expiresAt differ")
	}
	for _, moment := range []time.Time{s.CreatedAt, s.LastActivity, issued, notBefore} {
		if moment.After(now.Add(clockSkew)) {
			return errors.New("a time lies in the future")
		}
	}
	if s.Expired(now) {
		return ErrExpired
	}
	return nil
}

// checkClaimNames refuses names that a lenient reader would take for one of
// ours (encoding/json folds case, U+017F included), and "aud", since a reader
// that is not named there must refuse the token (RFC 7519 section 4.1.3). Other
// names are ignored, as RFC 7519 section 4 asks.
func checkClaimNames(members map[string]any) error {
	if _, found := members["aud"]; found {
		return errors.New("the token is for another audience")
	}
	for name := range members {
		if slices.Contains(claimNames, name) {
			continue
		}
		for _, known := range claimNames {
			if strings.EqualFold(name, known) {
				return fmt.Errorf("the claim %s is spelled %s", quoted(known), quoted(name))
			}
		}
	}
	return nil
}

// checkUser refuses a user without a usable id. Control characters and outer
// white space would let two ids look alike in a header, a log or a rule.
func checkUser(user User) error {
	if user == nil {
		return &UserError{"user must be an object"}
	}
	id, ok := user["id"].(string)
	if !ok || id == "" {
		return &UserError{"user.id must be a non-empty string"}
	}
	if !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return &UserError{"user.id must not contain control characters"}
	}
	if strings.TrimSpace(id) != id {
		return &UserError{"user.id must not begin or end with white space"}
	}
	return nil
}

// claims reads typed claims and keeps the first error.
type claims struct {
	members map[string]any
	err     error
}

func (c *claims) fail(name, must string) {
	if c.err == nil {
		c.err = fmt.Errorf("the claim %s must be %s", name, must)
	}
}

func (c *claims) text(name string, id bool) string {
	value, given := c.members[name]
	text, ok := value.(string)
	switch {
	case given && !ok:
		c.fail(name, "a string")
	case id && (text == "" || len(text) > maxIDLength || !isVisibleASCII(text)):
		c.fail(name, "a short string of visible ASCII")
	}
	return text
}

func (c *claims) number(name string, most int64, required bool) int64 {
	value, given := c.members[name]
	if !given && !required {
		return 0
	}
	number, _ := value.(json.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil || n < 0 || n > most {
		c.fail(name, "a whole number in range")
	}
	return n
}

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

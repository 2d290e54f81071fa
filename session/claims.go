package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// latestTime bounds every time in a token (the end of the year 9999), so that
// none overflows and none confuses seconds with milliseconds in silence.
const latestTime = 253402300799

// maxIDLength bounds session ids. Ours have 22 characters; an app that seals
// with the shared secret may use a UUID.
const maxIDLength = 64

var claimNames = []string{
	"user", "createdAt", "expiresAt", "jti", "iat", "exp",
	"accessToken", "refreshToken", "lastActivity", "nbf", "aud", "expiryDate",
}

// requiredClaims is how many of claimNames a token must have, from the first on.
const requiredClaims = 6

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
	d, err := newDecoder(plaintext)
	if err != nil {
		return nil, err
	}
	var c claims
	if err := d.members(func(name string) error { return c.read(d, name) }); err != nil {
		return nil, err
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	if missing := bits.TrailingZeros(^c.seen); missing < requiredClaims {
		return nil, fmt.Errorf("the claim %s is missing", claimNames[missing])
	}
	if err := checkUser(c.user); err != nil {
		return nil, err
	}
	if len(c.id) > maxIDLength || c.id == "" || !isVisibleASCII(c.id) {
		return nil, errors.New("the claim jti must be a short string of visible ASCII")
	}
	// The ids are remembered for longer than the session, and must not keep all
	// that was decrypted with them.
	c.user["id"] = strings.Clone(c.user.ID())
	issued := time.Unix(c.issued, 0)
	s := &Session{
		ID: strings.Clone(c.id), User: c.user, AccessToken: c.accessToken, RefreshToken: c.refreshToken,
		CreatedAt: time.UnixMilli(c.createdAt), ExpiresAt: time.UnixMilli(c.expiresAt), LastActivity: issued,
		// As it was sealed; encoding it anew would cost more than decrypting it.
		userJSON: c.userJSON,
	}
	if c.seen&(1<<slices.Index(claimNames, "lastActivity")) != 0 {
		s.LastActivity = time.UnixMilli(c.lastActivity)
	}
	return s, checkTimes(s, issued, time.Unix(c.notBefore, 0), c.expires, now)
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

// checkUser refuses a user without a usable id. Control characters and outer
// white space would let two ids look alike in a header, a log or a rule.
func checkUser(user User) error {
	if user == nil {
		return &UserError{"user must be an object"}
	}
	if _, ok := user["id"].(json.Number); ok {
		return &UserError{`user.id is a number; write it as a string, such as "42"`}
	}
	id, ok := user["id"].(string)
	if !ok || id == "" {
		return &UserError{"user.id must be a non-empty string"}
	}
	return checkUserID(id)
}

func checkUserID(id string) error {
	if !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return &UserError{"user.id must not contain control characters"}
	}
	if strings.TrimSpace(id) != id {
		return &UserError{"user.id must not begin or end with white space"}
	}
	return nil
}

// claims are the claims of a token as they are read.
type claims struct {
	user                               User
	userJSON                           string
	accessToken, refreshToken, id      string
	expiresAt, createdAt, lastActivity int64 // milliseconds
	issued, expires, notBefore         int64 // seconds
	seen                               uint  // one bit for each of claimNames
	others                             map[string]bool
}

// read reads the value of one member, each name once.
func (c *claims) read(d *decoder, name string) error {
	i := slices.Index(claimNames, name)
	if i < 0 {
		return c.readOther(d, name)
	}
	if c.seen&(1<<i) != 0 {
		return twiceError(name)
	}
	c.seen |= 1 << i
	switch name {
	case "user":
		from := d.at
		value, err := d.value(1)
		if err != nil {
			return err
		}
		c.user, _ = value.(map[string]any)
		c.userJSON = d.text[from:d.at]
		return nil
	case "accessToken":
		return readText(d, name, &c.accessToken)
	case "refreshToken":
		return readText(d, name, &c.refreshToken)
	case "jti":
		return readText(d, name, &c.id)
	case "expiresAt":
		return setNumber(name, d.number(), &c.expiresAt, latestTime*1000)
	case "createdAt":
		return setNumber(name, d.number(), &c.createdAt, latestTime*1000)
	case "lastActivity":
		return setNumber(name, d.number(), &c.lastActivity, latestTime*1000)
	case "iat":
		return readNumericDate(d, name, &c.issued)
	case "exp":
		return readNumericDate(d, name, &c.expires)
	case "nbf":
		return readNumericDate(d, name, &c.notBefore)
	case "aud": // a reader that is not named there must refuse the token (RFC 7519 section 4.1.3)
		return errors.New("the token is for another audience")
	}
	_, err := d.value(1) // expiryDate is derived
	return err
}

// readOther ignores a claim of another name, as RFC 7519 section 4 asks, but
// refuses one that a lenient reader would take for one of ours (encoding/json
// folds case, U+017F included).
func (c *claims) readOther(d *decoder, name string) error {
	for _, known := range claimNames {
		if strings.EqualFold(name, known) {
			return fmt.Errorf("the claim %s is spelled %s", quoted(known), quoted(name))
		}
	}
	if c.others[name] {
		return twiceError(name)
	}
	if c.others == nil {
		c.others = make(map[string]bool)
	}
	c.others[name] = true
	_, err := d.value(1)
	return err
}

func readText(d *decoder, name string, text *string) (err error) {
	if d.next() != '"' {
		return fmt.Errorf("the claim %s must be a string", name)
	}
	*text, err = d.string()
	return err
}

func setNumber(name, literal string, number *int64, most int64) error {
	n, err := strconv.ParseInt(literal, 10, 64)
	if err != nil || n < 0 || n > most {
		return fmt.Errorf("the claim %s must be a whole number in range", name)
	}
	*number = n
	return nil
}

// readNumericDate reads seconds, which may have a fraction (RFC 7519 section 2). It does not
// count: jose's setExpirationTime(expiresAt / 1000) writes one.
func readNumericDate(d *decoder, name string, seconds *int64) error {
	whole := d.number()
	if i := strings.IndexByte(whole, '.'); i >= 0 && !strings.ContainsAny(whole, "eE") {
		whole = whole[:i]
	}
	return setNumber(name, whole, seconds, latestTime)
}

// isVisible reports whether a byte is visible ASCII.
func isVisible(c byte) bool { return c > ' ' && c < 0x7f }

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if !isVisible(s[i]) {
			return false
		}
	}
	return true
}

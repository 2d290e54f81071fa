package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// referenceClaims reads claims from a decoded object: slower than decodeClaims,
// and one rule after the other as DecodeObject's callers would write them.
func referenceClaims(plaintext []byte, now time.Time) (*Session, error) {
	members, err := DecodeObject(plaintext)
	if err != nil {
		return nil, err
	}
	for name := range members {
		for _, known := range claimNames {
			if name == "aud" || name != known && strings.EqualFold(name, known) {
				return nil, errors.New("a name")
			}
		}
	}
	text := func(name string) string {
		value, given := members[name]
		s, ok := value.(string)
		if given && !ok {
			err = errors.New(name)
		}
		return s
	}
	number := func(name string, most int64, required bool) int64 {
		value, given := members[name]
		if !given && !required {
			return 0
		}
		literal, _ := value.(json.Number)
		if whole, fraction, ok := strings.Cut(string(literal), "."); ok && most == 253402300799 && !strings.ContainsAny(fraction, "eE") {
			literal = json.Number(whole)
		}
		n, parseErr := strconv.ParseInt(string(literal), 10, 64)
		if parseErr != nil || n < 0 || n > most {
			err = errors.New(name)
		}
		return n
	}
	const seconds, milliseconds = 253402300799, 253402300799 * 1000
	user, _ := members["user"].(map[string]any)
	s := &Session{ID: text("jti"), User: user, AccessToken: text("accessToken"), RefreshToken: text("refreshToken")}
	s.CreatedAt, s.ExpiresAt = time.UnixMilli(number("createdAt", milliseconds, true)), time.UnixMilli(number("expiresAt", milliseconds, true))
	issued, notBefore := time.Unix(number("iat", seconds, true), 0), time.Unix(number("nbf", seconds, false), 0)
	exp := number("exp", seconds, true)
	if s.LastActivity = issued; members["lastActivity"] != nil {
		s.LastActivity = time.UnixMilli(number("lastActivity", milliseconds, true))
	} else if _, given := members["lastActivity"]; given {
		return nil, errors.New("null")
	}
	if err != nil || s.ID == "" || len(s.ID) > 64 || !isVisibleASCII(s.ID) {
		return nil, errors.New("a claim")
	}
	if err := checkUser(user); err != nil {
		return nil, err
	}
	return s, checkTimes(s, issued, notBefore, exp, now)
}

// FuzzDecodeClaims: whatever stands in a token, it is read as the reference
// reads it.
func FuzzDecodeClaims(f *testing.F) {
	now := time.UnixMilli(1_772_366_400_250)
	const good = `{"user":{"id":"alice","n":[1,{"x":null}]},"accessToken":"a","refreshToken":"\u0072","expiresAt":1772452800250,` +
		`"createdAt":1772366400250,"lastActivity":1772366400250,"jti":"abcdefghijklmnopqrstuv","iat":1772366400,"exp":1772452800}`
	f.Add([]byte(good))
	for _, name := range claimNames {
		for _, value := range []string{`null`, `1`, `-1`, `1.0`, `1.5e9`, `1772366400.25`, `"1"`, `""`, `{}`, `[]`, `true`, `1772366400`, `999999999999999999999`} {
			f.Add(fmt.Appendf(nil, `{%q:%s,%s`, name, value, good[1:]))
			f.Add([]byte(strings.Replace(good, fmt.Sprintf(`,%q:`, name), fmt.Sprintf(`,%q:%s,"x":`, name, value), 1)))
		}
		f.Add([]byte(strings.Replace(good, name, strings.ToUpper(name), 1)))
		f.Add([]byte(strings.Replace(good, name, "x"+name, 1)))
	}
	for _, other := range []string{`"x":1,"x":1,`, `"x":{"a":1,"a":2},`, `"u\u017Fer":1,`, ` "x" : [ ] , `, `"expiryDate":{"a":1,"a":1},`, `"expiryDate":"2026",`} {
		f.Add([]byte("{" + other + good[1:]))
	}
	f.Fuzz(func(t *testing.T, plaintext []byte) {
		got, gotErr := decodeClaims(plaintext, now)
		want, wantErr := referenceClaims(plaintext, now)
		if (gotErr == nil) != (wantErr == nil) || errors.Is(gotErr, ErrExpired) != errors.Is(wantErr, ErrExpired) {
			t.Fatalf("%s: %v; by the reference %v", plaintext, gotErr, wantErr)
		}
		if wantErr != nil && !errors.Is(wantErr, ErrExpired) {
			return
		}
		times := func(s *Session) []time.Time { return []time.Time{s.CreatedAt, s.LastActivity, s.ExpiresAt} }
		if got.ID != want.ID || got.AccessToken != want.AccessToken || got.RefreshToken != want.RefreshToken ||
			!slices.EqualFunc(times(got), times(want), time.Time.Equal) || !reflect.DeepEqual(got.User, want.User) {
			t.Fatalf("%s: %+v; by the reference %+v", plaintext, got, want)
		}
		if user, err := DecodeObject([]byte(got.userJSON)); err != nil || !reflect.DeepEqual(User(user), got.User) {
			t.Fatalf("%s: the user is told as %s", plaintext, got.userJSON)
		}
	})
}

func TestISOString(t *testing.T) {
	for _, milliseconds := range []int64{0, 1, 9, 10, 99, 100, 999, 1000, 1772452800123, 1772496000000, latestTime * 1000} {
		at := time.UnixMilli(milliseconds)
		if got, want := string(appendISOString([]byte("x"), at)), "x"+at.UTC().Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// Every token here is sealed as it should be, with our key: only its claims are
// bent.
func TestClaims(t *testing.T) {
	ms := func(d time.Duration) int64 { return noon.Add(d).UnixMilli() }
	sec := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	const (
		opened    = session.ResultOpened
		expired   = session.ResultExpired
		malformed = session.ResultMalformed
	)
	end := func(d time.Duration) claims { return claims{"expiresAt": ms(d), "exp": sec(d)} }
	for name, tc := range map[string]struct {
		replaced claims
		want     session.Result
	}{
		"as it should be":             {claims{}, opened},
		"unknown claims":              {claims{"iss": "https://app.example", "sub": "alice", "scope": []string{"a"}}, opened},
		"tokens":                      {claims{"accessToken": "at", "refreshToken": "rt"}, opened},
		"empty tokens":                {claims{"accessToken": "", "refreshToken": ""}, opened},
		"no lastActivity":             {claims{"lastActivity": omitted{}}, opened},
		"a UUID as jti":               {claims{"jti": "123e4567-e89b-12d3-a456-426614174000"}, opened},
		"seconds with a fraction":     {claims{"iat": raw(fmt.Sprintf("%d.147", sec(0))), "exp": raw(fmt.Sprintf("%d.5", sec(6*24*time.Hour))), "nbf": raw("0.0")}, opened},
		"nbf passed":                  {claims{"nbf": sec(-time.Second)}, opened},
		"nbf 60 s ahead":              {claims{"nbf": sec(60 * time.Second)}, opened},
		"iat 60 s ahead":              {claims{"iat": sec(60 * time.Second)}, opened},
		"createdAt 60 s ahead":        {claims{"createdAt": ms(60 * time.Second)}, opened},
		"lastActivity 60 s ahead":     {claims{"lastActivity": ms(60 * time.Second)}, opened},
		"exp one second more":         {claims{"exp": sec(6*24*time.Hour) + 1}, opened},
		"ends in a millisecond":       {claims{"expiresAt": ms(time.Millisecond), "exp": sec(0)}, opened},
		"a user with a __proto__":     {claims{"user": raw(`{"id":"a","__proto__":{"role":"admin"}}`)}, opened},
		"user id with a space inside": {claims{"user": claims{"id": "a b"}}, opened},
		"user id of another script":   {claims{"user": claims{"id": "مستخدم"}}, opened},

		"ended now":              {end(0), expired},
		"ended a while ago":      {end(-time.Second), expired},
		"above max_lifetime":     {claims{"createdAt": ms(-31 * 24 * time.Hour)}, expired},
		"max_lifetime ends now":  {claims{"createdAt": ms(-30 * 24 * time.Hour)}, expired},
		"createdAt the epoch":    {claims{"createdAt": 0}, expired},
		"createdAt in seconds":   {claims{"createdAt": sec(-time.Hour)}, expired},
		"just inside the months": {claims{"createdAt": ms(-30*24*time.Hour) + 1}, opened},

		"nbf ahead":                 {claims{"nbf": sec(62 * time.Second)}, malformed},
		"iat ahead":                 {claims{"iat": sec(62 * time.Second)}, malformed},
		"createdAt ahead":           {claims{"createdAt": ms(60*time.Second + time.Millisecond)}, malformed},
		"lastActivity ahead":        {claims{"lastActivity": ms(60*time.Second + time.Millisecond)}, malformed},
		"exp with an exponent":      {claims{"exp": raw(fmt.Sprintf("%de0", sec(6*24*time.Hour)))}, malformed},
		"createdAt with a fraction": {claims{"createdAt": raw(fmt.Sprintf("%d.5", ms(-time.Hour)))}, malformed},
		"nbf a string":              {claims{"nbf": "0"}, malformed},
		"nbf null":                  {claims{"nbf": nil}, malformed},
		"exp passed, expiresAt not": {claims{"exp": sec(-time.Second)}, malformed},
		"expiresAt passed, exp not": {claims{"expiresAt": ms(-time.Second)}, malformed},
		"exp two seconds more":      {claims{"exp": sec(6*24*time.Hour) + 2}, malformed},
		"expiresAt in seconds":      {claims{"expiresAt": sec(time.Hour), "exp": sec(time.Hour)}, malformed},
		"exp in milliseconds":       {claims{"expiresAt": ms(time.Hour), "exp": ms(time.Hour)}, malformed},
		"both in the year 10000":    {claims{"expiresAt": int64(253402300800_000), "exp": int64(253402300800)}, malformed},
		"expiresAt a string":        {claims{"expiresAt": "9999999999999"}, malformed},
		"exp a string":              {claims{"exp": "9999999999"}, malformed},
		"exp 1e308":                 {claims{"exp": raw("1e308")}, malformed},
		"exp 1e999":                 {claims{"exp": raw("1e999")}, malformed},
		"exp above int64":           {claims{"exp": raw("9223372036854775808")}, malformed},
		"exp negative":              {claims{"exp": -1, "expiresAt": -1000}, malformed},
		"exp null":                  {claims{"exp": nil}, malformed},
		"exp true":                  {claims{"exp": true}, malformed},
		"exp an array":              {claims{"exp": []int64{sec(time.Hour)}}, malformed},
		"createdAt negative":        {claims{"createdAt": -1}, malformed},
		"createdAt null":            {claims{"createdAt": nil}, malformed},
		"lastActivity null":         {claims{"lastActivity": nil}, malformed},
		"no exp":                    {claims{"exp": omitted{}}, malformed},
		"no expiresAt":              {claims{"expiresAt": omitted{}}, malformed},
		"no createdAt":              {claims{"createdAt": omitted{}}, malformed},
		"no iat":                    {claims{"iat": omitted{}}, malformed},
		"no jti":                    {claims{"jti": omitted{}}, malformed},
		"no user":                   {claims{"user": omitted{}}, malformed},
		"jti empty":                 {claims{"jti": ""}, malformed},
		"jti a number":              {claims{"jti": 1}, malformed},
		"jti null":                  {claims{"jti": nil}, malformed},
		"jti with a space":          {claims{"jti": "a b"}, malformed},
		"jti with a line break":     {claims{"jti": "a\nb"}, malformed},
		"jti not ASCII":             {claims{"jti": "é"}, malformed},
		"jti of 65 bytes":           {claims{"jti": strings.Repeat("j", 65)}, malformed},
		"accessToken a number":      {claims{"accessToken": 1}, malformed},
		"accessToken null":          {claims{"accessToken": nil}, malformed},
		"refreshToken an object":    {claims{"refreshToken": claims{}}, malformed},
		"aud":                       {claims{"aud": "another-site"}, malformed},
		"aud null":                  {claims{"aud": nil}, malformed},

		"user null":                     {claims{"user": nil}, malformed},
		"user a string":                 {claims{"user": "alice"}, malformed},
		"user an array":                 {claims{"user": []string{"alice"}}, malformed},
		"user empty":                    {claims{"user": claims{}}, malformed},
		"user id a number":              {claims{"user": claims{"id": 1}}, malformed},
		"user id null":                  {claims{"user": claims{"id": nil}}, malformed},
		"user id empty":                 {claims{"user": claims{"id": ""}}, malformed},
		"user id with a line break":     {claims{"user": claims{"id": "alice\r\nX-Session-User: root"}}, malformed},
		"user id with NUL":              {claims{"user": claims{"id": "alice\x00"}}, malformed},
		"user id with DEL":              {claims{"user": claims{"id": "alice\x7f"}}, malformed},
		"user id with a C1 control":     {claims{"user": claims{"id": "ali\u0085ce"}}, malformed},
		"user id with a space in front": {claims{"user": claims{"id": " alice"}}, malformed},
		"user id with a space behind":   {claims{"user": claims{"id": "alice "}}, malformed},
		"user id with an outer NBSP":    {claims{"user": claims{"id": "alice\u00a0"}}, malformed},
		"user ID for id":                {claims{"user": claims{"ID": "alice"}}, malformed},

		"USER":                  {claims{"USER": claims{"id": "root"}}, malformed},
		"EXPIRESAT":             {claims{"EXPIRESAT": ms(time.Hour)}, malformed},
		"expire\u017fAt":        {claims{"expire\u017fAt": ms(time.Hour)}, malformed},
		"acce\u017f\u017fToken": {claims{"acce\u017f\u017fToken": "x"}, malformed},
		"Aud":                   {claims{"Aud": "another-site"}, malformed},
		"ExpiryDate":            {claims{"ExpiryDate": "2030-01-01"}, malformed},
		"an escaped spelling":   {claims{"user": raw(`{"id":"a"}`), "\u0055ser": "x"}, malformed},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			s, got := openToken(t, m, sealClaims(noon, tc.replaced))
			if got != tc.want {
				t.Errorf("result %s, not %s", got, tc.want)
			}
			if (s != nil) != (tc.want == opened) {
				t.Errorf("the session is %v", s)
			}
		})
	}
}

// Whoever sealed a token has the key, so `caddy session open` may say what is wrong with it.
func TestOpenNamesTheClaim(t *testing.T) {
	keys := mustKeyring(t, "", secretA)
	for want, replaced := range map[string]claims{
		"the claim exp is missing":                      {"exp": omitted{}},
		"the claim jti must be a string":                {"jti": 1},
		"exp and expiresAt differ":                      {"exp": 1},
		"user.id must be a non-empty string":            {"user": claims{"name": "Ada"}},
		"the claim iat must be a whole number in range": {"iat": -1},
	} {
		_, err := keys.Open(t.Context(), sealClaims(time.Now(), replaced))
		if !errors.Is(err, session.ErrMalformed) || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
	if _, err := keys.Open(t.Context(), "nonsense"); err == nil || err.Error() != session.ErrMalformed.Error() {
		t.Errorf("a stranger is told %v", err)
	}
}

// The plaintext as such: not one JSON object, or one that two readers read
// differently.
func TestPlaintext(t *testing.T) {
	good := claimsJSON(goodClaims(noon))
	for name, plaintext := range map[string]string{
		"empty":                              "",
		"null":                               "null",
		"a string":                           `"alice"`,
		"an array":                           "[" + good + "]",
		"something behind it":                good + "x",
		"an object behind it":                good + "{}",
		"a NUL behind it":                    good + "\x00",
		"a byte order mark":                  "\uFEFF" + good,
		"a comment":                          "/**/" + good,
		"a comma at the end":                 strings.TrimSuffix(good, "}") + ",}",
		"invalid UTF-8":                      strings.Replace(good, "alice", "al\xffice", 1),
		"a lone surrogate":                   strings.Replace(good, "alice", `al\ud800ice`, 1),
		"user twice":                         strings.TrimSuffix(good, "}") + `,"user":{"id":"root"}}`,
		"user twice by an escape":            strings.TrimSuffix(good, "}") + `,"\u0075ser":{"id":"root"}}`,
		"expiresAt twice":                    strings.TrimSuffix(good, "}") + `,"expiresAt":9999999999999}`,
		"id twice":                           strings.Replace(good, `"id":"alice"`, `"id":"alice","id":"root"`, 1),
		"an inner member twice":              strings.Replace(good, `"id":"alice"`, `"id":"alice","a":[{"b":1,"b":2}]`, 1),
		"a user of depth 100":                strings.Replace(good, `"id":"alice"`, `"id":"alice","a":`+strings.Repeat("[", 100)+strings.Repeat("]", 100), 1),
		"a nested compact token":             sealClaims(noon, nil),
		"a user of depth 5,000":              strings.Replace(good, `"id":"alice"`, `"id":"alice","a":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000), 1),
		"a lone surrogate, U+FFFD beside it": strings.Replace(good, `"id":"alice"`, `"id":"al\ud800ice","a":"\ufffd"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			e := goodEnvelope(noon)
			e.claims = plaintext
			if s, got := openToken(t, m, e.seal()); got != session.ResultMalformed || s != nil {
				t.Errorf("result %s, session %v", got, s)
			}
		})
	}
}

func TestClaimsWithoutLastActivityTakeIssuedAt(t *testing.T) {
	m, _ := newManager(t)
	s, _ := openToken(t, m, sealClaims(noon, claims{"lastActivity": omitted{}}))
	if want := noon.Add(-time.Hour).Truncate(time.Second); !s.LastActivity.Equal(want) {
		t.Errorf("lastActivity %v, not %v", s.LastActivity, want)
	}
}

// Ids above 2^53 are common in apps; a float would change them.
func TestNumbersKeepTheirPrecision(t *testing.T) {
	m, _ := newManager(t)
	s, _ := openToken(t, m, sealClaims(noon, claims{"user": raw(`{"account":9007199254740993,"id":"a","rate":1.10}`)}))
	if got := string(s.AppendJSON(nil, false)); !strings.HasPrefix(got, `{"user":{"account":9007199254740993,"id":"a","rate":1.10},`) {
		t.Errorf("the session is %s", got)
	}
}

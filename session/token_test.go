package session_test

import (
	"bytes"
	"compress/flate"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/session-guard/caddy-session-guard/session"
)

// openNow opens a token by the keyring alone: no cookie stands between, so any
// byte can be in it.
func openNow(t testing.TB, token string) (*session.Session, error) {
	t.Helper()
	keys := mustKeyring(t, "", secretA, secretB)
	return keys.Open(t.Context(), token)
}

func mustNotOpen(t *testing.T, token string, want error) {
	t.Helper()
	s, err := openNow(t, token)
	if !errors.Is(err, want) {
		t.Errorf("the error is %v, not %v", err, want)
	}
	if s != nil {
		t.Errorf("it gave a session: %v", s.User)
	}
}

func TestTokenOfTheContractOpens(t *testing.T) {
	now := time.Now()
	for _, secret := range []string{secretA, secretB} {
		e := goodEnvelope(now)
		e.key = tokenKey(secret, "")
		e.header = strings.Replace(e.header, tokenKeyID(tokenKey(secretA, "")), tokenKeyID(e.key), 1)
		s, err := openNow(t, e.seal())
		if err != nil {
			t.Fatal(err)
		}
		if s.ID != "AAAAAAAAAAAAAAAAAAAAAA" || s.User.ID() != "alice" || s.ExpiresAt.UnixMilli() != now.Add(6*24*time.Hour).UnixMilli() {
			t.Errorf("opened to %+v", s)
		}
	}
}

func TestTokenHeader(t *testing.T) {
	kid := tokenKeyID(tokenKey(secretA, ""))
	header := func(format string) string { return strings.ReplaceAll(format, "KID", kid) }
	for name, tc := range map[string]struct {
		header string
		want   error
	}{
		"another order":          {`{"typ":"session+jwt","kid":"KID","enc":"A256GCM","alg":"dir"}`, nil},
		"white space":            {` { "alg" : "dir", "enc":"A256GCM","kid":"KID","typ":"session+jwt" } `, nil},
		"an escape":              {`{"alg":"d\u0069r","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, nil},
		"no kid":                 {`{"alg":"dir","enc":"A256GCM","typ":"session+jwt"}`, session.ErrMalformed},
		"no typ":                 {`{"alg":"dir","enc":"A256GCM","kid":"KID"}`, session.ErrMalformed},
		"typ JWT":                {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"JWT"}`, session.ErrMalformed},
		"typ in capitals":        {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"Session+JWT"}`, session.ErrMalformed},
		"typ of another token":   {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"oauth-state+jwt"}`, session.ErrMalformed},
		"typ null":               {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":null}`, session.ErrMalformed},
		"alg none":               {`{"alg":"none","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"alg DIR":                {`{"alg":"DIR","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"alg A256KW":             {`{"alg":"A256KW","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"alg A256GCMKW":          {`{"alg":"A256GCMKW","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"alg ECDH-ES":            {`{"alg":"ECDH-ES","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"alg RSA-OAEP":           {`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"alg PBES2, p2c 2^31":    {`{"alg":"PBES2-HS256+A128KW","p2c":2147483648,"p2s":"AAAA","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"alg twice":              {`{"alg":"dir","alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"alg twice by an escape": {`{"alg":"dir","\u0061lg":"none","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"Alg for alg":            {`{"Alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"Alg beside alg":         {`{"alg":"dir","Alg":"none","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"enc A128GCM":            {`{"alg":"dir","enc":"A128GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"enc A192GCM":            {`{"alg":"dir","enc":"A192GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"enc A128CBC-HS256":      {`{"alg":"dir","enc":"A128CBC-HS256","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"zip none":               {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","zip":""}`, session.ErrMalformed},
		"crit empty":             {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","crit":[]}`, session.ErrMalformed},
		"crit known":             {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","crit":["b64"],"b64":false}`, session.ErrMalformed},
		"b64":                    {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","b64":false}`, session.ErrMalformed},
		"cty JWT":                {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","cty":"JWT"}`, session.ErrMalformed},
		"jku":                    {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","jku":"http://127.0.0.1:1/"}`, session.ErrMalformed},
		"x5u":                    {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","x5u":"http://127.0.0.1:1/"}`, session.ErrMalformed},
		"x5c":                    {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","x5c":["AAAA"]}`, session.ErrMalformed},
		"jwk":                    {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","jwk":{"kty":"oct","k":"AAAA"}}`, session.ErrMalformed},
		"jwk for kid":            {`{"alg":"dir","enc":"A256GCM","jwk":{"kty":"oct"},"typ":"session+jwt"}`, session.ErrMalformed},
		"exp in the header":      {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt","exp":1}`, session.ErrMalformed},
		"kid a number":           {`{"alg":"dir","enc":"A256GCM","kid":1,"typ":"session+jwt"}`, session.ErrMalformed},
		"kid null":               {`{"alg":"dir","enc":"A256GCM","kid":null,"typ":"session+jwt"}`, session.ErrMalformed},
		"kid empty":              {`{"alg":"dir","enc":"A256GCM","kid":"","typ":"session+jwt"}`, session.ErrUnknownKey},
		"kid unknown":            {`{"alg":"dir","enc":"A256GCM","kid":"AAAAAAAAAAA","typ":"session+jwt"}`, session.ErrUnknownKey},
		"kid of a path":          {`{"alg":"dir","enc":"A256GCM","kid":"../../dev/null","typ":"session+jwt"}`, session.ErrUnknownKey},
		"kid of SQL":             {`{"alg":"dir","enc":"A256GCM","kid":"' OR 1=1 --","typ":"session+jwt"}`, session.ErrUnknownKey},
		"kid with a line break":  {`{"alg":"dir","enc":"A256GCM","kid":"a\r\nb","typ":"session+jwt"}`, session.ErrUnknownKey},
		"kid of 8 KiB":           {`{"alg":"dir","enc":"A256GCM","kid":"` + strings.Repeat("k", 8192) + `","typ":"session+jwt"}`, session.ErrMalformed},
		"kid of the other key":   {`{"alg":"dir","enc":"A256GCM","kid":"` + tokenKeyID(tokenKey(secretB, "")) + `","typ":"session+jwt"}`, session.ErrMalformed},
		"a byte order mark":      {"\uFEFF" + `{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt"}`, session.ErrMalformed},
		"two objects":            {`{"alg":"dir","enc":"A256GCM","kid":"KID","typ":"session+jwt"}{}`, session.ErrMalformed},
		"an array":               {`["alg","dir"]`, session.ErrMalformed},
		"null":                   {`null`, session.ErrMalformed},
		"invalid UTF-8":          {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"\xff\",\"typ\":\"session+jwt\"}", session.ErrMalformed},
		"deep nesting":           {`{"alg":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, session.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			e := goodEnvelope(time.Now())
			e.header = header(tc.header)
			if tc.want != nil {
				mustNotOpen(t, e.seal(), tc.want)
			} else if _, err := openNow(t, e.seal()); err != nil {
				t.Error(err)
			}
		})
	}
}

// base64url has several spellings of one byte string. Whoever keys anything by
// the token's text must not be shown a second spelling of a good token.
func TestTokenHasOneSpelling(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	parts := goodEnvelope(time.Now()).parts()
	if _, err := openNow(t, strings.Join(parts, ".")); err != nil {
		t.Fatal(err)
	}
	bent := func(i int, part string) string {
		other := append([]string(nil), parts...)
		other[i] = part
		return strings.Join(other, ".")
	}
	spellings := 0
	for i, part := range parts {
		want, _ := base64.RawURLEncoding.DecodeString(part)
		for _, last := range alphabet {
			if part == "" || byte(last) == part[len(part)-1] {
				continue
			}
			other := part[:len(part)-1] + string(last)
			decoded, err := base64.RawURLEncoding.DecodeString(other)
			if err == nil && bytes.Equal(decoded, want) {
				spellings++
			}
			mustNotOpenWell(t, bent(i, other))
		}
		for _, extra := range []string{"=", "==", "\n", "\r", "\r\n", " ", "\t", "\x00", "%3D", "+", "/", "é"} {
			mustNotOpen(t, bent(i, part+extra), session.ErrMalformed)
			mustNotOpen(t, bent(i, extra+part), session.ErrMalformed)
		}
	}
	if spellings == 0 {
		t.Error("no second spelling was tried: the test has lost its point")
	}
	mustNotOpen(t, bent(1, "AAAA"), session.ErrMalformed)
	mustNotOpen(t, strings.NewReplacer("-", "+", "_", "/").Replace(strings.Join(parts, "."))+"+", session.ErrMalformed)
}

// mustNotOpenWell wants a refusal, whichever.
func mustNotOpenWell(t *testing.T, token string) {
	t.Helper()
	if s, err := openNow(t, token); err == nil || s != nil {
		t.Errorf("%q opened", token)
	}
}

func TestTokenOneBitFlipped(t *testing.T) {
	parts := goodEnvelope(time.Now()).parts()
	for i, part := range parts {
		decoded, _ := base64.RawURLEncoding.DecodeString(part)
		for at := range decoded {
			flipped := bytes.Clone(decoded)
			flipped[at] ^= 1 << (at % 8)
			other := append([]string(nil), parts...)
			other[i] = b64(flipped)
			mustNotOpenWell(t, strings.Join(other, "."))
		}
	}
}

func TestTokenForm(t *testing.T) {
	p := goodEnvelope(time.Now()).parts()
	good := strings.Join(p, ".")
	short := func(s string, n int) string {
		decoded, _ := base64.RawURLEncoding.DecodeString(s)
		return b64(decoded[:n])
	}
	tokens := map[string]string{
		"empty":               "",
		"a dot":               ".",
		"four dots":           "....",
		"four parts":          strings.Join(p[:4], "."),
		"six parts":           good + ".AAAA",
		"a dot at the end":    good + ".",
		"a dot at the start":  "." + good,
		"no ciphertext":       p[0] + ".." + p[2] + ".." + p[4],
		"no nonce":            p[0] + "..." + p[3] + "." + p[4],
		"no header":           ".." + p[2] + "." + p[3] + "." + p[4],
		"10,000 dots":         strings.Repeat(".", 10_000),
		"1,000,000 dots":      strings.Repeat(".", 1_000_000),
		"one megabyte":        p[0] + ".." + p[2] + "." + strings.Repeat("A", 1<<20) + "." + p[4],
		"flattened JSON":      fmt.Sprintf(`{"protected":%q,"iv":%q,"ciphertext":%q,"tag":%q}`, p[0], p[2], p[3], p[4]),
		"general JSON":        fmt.Sprintf(`{"protected":%q,"recipients":[{}],"iv":%q,"ciphertext":%q,"tag":%q}`, p[0], p[2], p[3], p[4]),
		"quoted":              `"` + good + `"`,
		"percent-encoded dot": strings.Replace(good, ".", "%2E", 1),
	}
	for _, n := range []int{0, 1, 4, 8, 12, 15} {
		tokens[fmt.Sprintf("a tag of %d bytes", n)] = strings.Join([]string{p[0], "", p[2], p[3], short(p[4], n)}, ".")
	}
	for _, n := range []int{1, 8, 13, 16, 64} {
		e := goodEnvelope(time.Now())
		e.nonce = bytes.Repeat([]byte{7}, n)
		tokens[fmt.Sprintf("a nonce of %d bytes", n)] = e.seal()
	}
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) { mustNotOpen(t, token, session.ErrMalformed) })
	}
}

// A real token of another algorithm under the same key bytes must not open.
func TestTokenAlgorithmConfusion(t *testing.T) {
	key := tokenKey(secretA, "")
	plaintext := []byte(goodEnvelope(time.Now()).claims)
	for _, tc := range []struct {
		alg jose.KeyAlgorithm
		enc jose.ContentEncryption
	}{{jose.DIRECT, jose.A128CBC_HS256}, {jose.A256KW, jose.A256GCM}, {jose.A256GCMKW, jose.A256GCM}, {jose.PBES2_HS256_A128KW, jose.A256GCM}} {
		encrypter, err := jose.NewEncrypter(tc.enc, jose.Recipient{Algorithm: tc.alg, Key: key, KeyID: tokenKeyID(key), PBES2Count: 1000},
			(&jose.EncrypterOptions{}).WithType("session+jwt"))
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := encrypter.Encrypt(plaintext)
		if err != nil {
			t.Fatal(err)
		}
		token, err := sealed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		mustNotOpen(t, token, session.ErrMalformed)
	}
	header := b64([]byte(`{"alg":"HS256","kid":"` + tokenKeyID(key) + `","typ":"session+jwt"}`))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(header + "." + b64(plaintext)))
	mustNotOpen(t, header+"."+b64(plaintext)+"."+b64(mac.Sum(nil)), session.ErrMalformed)
	mustNotOpen(t, b64([]byte(`{"alg":"none"}`))+"."+b64(plaintext)+".", session.ErrMalformed)
}

func TestTokenDecompressionBomb(t *testing.T) {
	for _, size := range []int{100, 240_000, 100_000_000} {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		zeros := make([]byte, 1<<20)
		for left := size; left > 0; left -= len(zeros) {
			w.Write(zeros[:min(left, len(zeros))])
		}
		w.Close()
		e := goodEnvelope(time.Now())
		e.header = strings.Replace(e.header, "{", `{"zip":"DEF",`, 1)
		e.claims = b.String()
		token := e.seal()
		cheap(t, func() { mustNotOpen(t, token, session.ErrMalformed) })
	}
}

// A token of another realm, of a secret that was taken away, or of another kind
// that the same secret seals is no session here.
func TestTokenOfAnotherKey(t *testing.T) {
	now := time.Now()
	for name, key := range map[string][]byte{
		"another realm with this secret": tokenKey(secretA, "shop"),
		"a secret that is gone":          tokenKey("W8pNz5Qv1Xy7Bd3Kf9Hs2Jm6Lr4Tc0Ga", ""),
		"the secret itself as the key":   []byte(secretA),
	} {
		e := goodEnvelope(now)
		e.key = key
		mustNotOpen(t, e.seal(), session.ErrMalformed) // under our kid
		e.header = strings.Replace(e.header, tokenKeyID(tokenKey(secretA, "")), tokenKeyID(key), 1)
		t.Run(name, func(t *testing.T) { mustNotOpen(t, e.seal(), session.ErrUnknownKey) })
	}
}

// The error that a handler may log must not carry a byte of what was refused.
func TestTokenErrorsAreSilent(t *testing.T) {
	e := goodEnvelope(time.Now())
	e.claims = `{"user":{"id":"topsecret"},"topsecret":"topsecret"}`
	if _, err := openNow(t, e.seal()); err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("the error is %v", err)
	}
}

func TestSealedTokenIsTheOneOfTheContract(t *testing.T) {
	m, _ := newManager(t)
	v := read(t, m, request())
	must(t, v.Create(t.Context(), session.Login{User: session.User{"id": "alice"}, AccessToken: "at"}))
	token := setCookies(t, v)[0].Value
	sealed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := sealed.Decrypt(tokenKey(secretA, ""))
	if err != nil {
		t.Fatal(err)
	}
	var got claims
	must(t, json.Unmarshal(plaintext, &got))
	expires := noon.Add(7 * 24 * time.Hour)
	want := claims{
		"user": map[string]any{"id": "alice"}, "accessToken": "at", "jti": v.Session().ID,
		"createdAt": float64(noon.UnixMilli()), "lastActivity": float64(noon.UnixMilli()), "expiresAt": float64(expires.UnixMilli()),
		"iat": float64(noon.Unix()), "exp": float64(expires.Unix()),
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("claims\n%v, not\n%v", got, want)
	}
	header, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	var members map[string]string
	must(t, json.Unmarshal(header, &members))
	if want := map[string]string{"alg": "dir", "enc": "A256GCM", "kid": tokenKeyID(tokenKey(secretA, "")), "typ": "session+jwt"}; fmt.Sprint(members) != fmt.Sprint(want) {
		t.Errorf("header %v, not %v", members, want)
	}
	if id, err := base64.RawURLEncoding.Strict().DecodeString(v.Session().ID); err != nil || len(id) != 16 {
		t.Errorf("the session id %q is not 128 bits", v.Session().ID)
	}
}

// kidOf reads the "kid" of a token's header.
func kidOf(t testing.TB, token string) string {
	t.Helper()
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var members struct {
		KeyID string `json:"kid"`
	}
	must(t, json.Unmarshal(header, &members))
	return members.KeyID
}

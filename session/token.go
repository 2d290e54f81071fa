package session

import (
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	tokenType = "session+jwt"

	// A nonce of 96 and a tag of 128 bits (RFC 7518 section 5.3), base64url.
	nonceLength = 16
	tagLength   = 22

	// maxHeaderLength bounds the protected header before it is decoded; ours
	// have 100 characters.
	maxHeaderLength = 256
)

// compact is a token in the JWE Compact Serialization (RFC 7516 section 7.1),
// cut into the parts that are not empty.
type compact struct{ header, nonce, ciphertext, tag string }

// parseCompact cuts a token and refuses every spelling of it but one. go-jose
// accepts several spellings of one token (non-canonical last bits, line breaks,
// a non-empty encrypted key): harmless to secrecy, but a gift to whoever wants
// to slip past anything keyed by the token's text.
func parseCompact(token string) (compact, bool) {
	var c compact
	if len(token) > maxTokenLength {
		return c, false
	}
	header, rest, ok := strings.Cut(token, ".")
	if !ok || rest == "" || rest[0] != '.' { // the encrypted key is empty with "dir"
		return c, false
	}
	c.header, rest = header, rest[1:]
	c.nonce, rest, _ = strings.Cut(rest, ".")
	c.ciphertext, c.tag, ok = strings.Cut(rest, ".")
	ok = ok && len(c.header) <= maxHeaderLength && len(c.nonce) == nonceLength && len(c.tag) == tagLength &&
		canonical(c.header) && canonical(c.nonce) && canonical(c.ciphertext) && canonical(c.tag)
	return c, ok
}

// canonical reports whether s is the one base64url spelling, without padding,
// of some non-empty bytes.
func canonical(s string) bool {
	if s == "" || len(s)%4 == 1 {
		return false
	}
	for i := range len(s) {
		if base64Values[s[i]] == notBase64 {
			return false
		}
	}
	last := base64Values[s[len(s)-1]]
	switch len(s) % 4 {
	case 2:
		return last&0b1111 == 0
	case 3:
		return last&0b11 == 0
	}
	return true
}

const notBase64 = 0xff

// base64Values has the value of each character of base64url (RFC 4648 section
// 5). It is a table since every byte that a stranger sends is looked up in it.
var base64Values = func() (values [256]byte) {
	for c := range values {
		values[c] = notBase64
	}
	for value, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		values[c] = byte(value)
	}
	return values
}()

// headerKeyID returns the "kid" of a protected header that has exactly the four
// members of ours, in any order. Nothing else in it is obeyed: the token
// chooses no algorithm, no key source and no compression (RFC 8725 section 3).
func headerKeyID(header string) (string, bool) {
	decoded, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return "", false
	}
	members, err := DecodeObject(decoded)
	if err != nil || len(members) != 4 || members["alg"] != string(jose.DIRECT) ||
		members["enc"] != string(jose.A256GCM) || members["typ"] != tokenType {
		return "", false
	}
	kid, ok := members["kid"].(string)
	return kid, ok
}

// key is one key of a realm, ready for use.
type key struct {
	id        string
	header    string // the protected header of the tokens that it seals
	secret    []byte
	encrypter jose.Encrypter
	direct    cipher.AEAD
}

func newKey(secret []byte, realm string) (*key, error) {
	derived, err := deriveKey(secret, realm)
	if err != nil {
		return nil, err
	}
	direct, err := newDirect(derived)
	if err != nil {
		return nil, err
	}
	k := &key{id: keyID(derived), secret: derived, direct: direct}
	// go-jose writes the members in the order of their names.
	header, err := json.Marshal(map[string]string{
		"alg": string(jose.DIRECT), "enc": string(jose.A256GCM), "kid": k.id, "typ": tokenType,
	})
	if err != nil {
		return nil, err
	}
	k.header = base64.RawURLEncoding.EncodeToString(header)
	k.encrypter, err = jose.NewEncrypter(jose.A256GCM,
		jose.Recipient{Algorithm: jose.DIRECT, Key: jose.JSONWebKey{Key: derived, KeyID: k.id}},
		(&jose.EncrypterOptions{}).WithType(tokenType))
	return k, err
}

// seal encrypts the plaintext into a token.
func (k *key) seal(plaintext []byte) (string, error) {
	sealed, err := k.encrypter.Encrypt(plaintext)
	if err != nil {
		return "", err
	}
	return sealed.CompactSerialize()
}

// open decrypts a token that parseCompact accepted.
func (k *key) open(token string) ([]byte, error) {
	sealed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, ErrMalformed
	}
	plaintext, err := sealed.Decrypt(k.secret)
	if err != nil {
		return nil, ErrMalformed
	}
	return plaintext, nil
}

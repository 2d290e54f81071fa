package session

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	tokenType = "session+jwt"

	// A nonce of 96 and a tag of 128 bits (RFC 7518 section 5.3), base64url.
	nonceSize   = 12
	nonceLength = 16
	tagLength   = 22

	// maxHeaderLength bounds the protected header before it is decoded; ours
	// have 100 characters.
	maxHeaderLength = 256
)

// compact is a token in the JWE Compact Serialization (RFC 7516 section 7.1),
// cut into the parts that are not empty.
type compact struct{ header, nonce, ciphertext, tag string }

// cutCompact cuts a token. It looks at hardly a byte of it, so that a flood of
// what has not the form of a token costs nothing: not even a hash of it.
func cutCompact(token string) (compact, bool) {
	header := strings.IndexByte(token[:min(len(token), maxHeaderLength+1)], '.')
	if header < 1 || len(token) > maxTokenLength {
		return compact{}, false
	}
	// The encrypted key is empty with "dir", so two dots follow one another.
	nonce := header + len("..")
	ciphertext := nonce + nonceLength + len(".")
	tag := len(token) - tagLength
	if tag-len(".") <= ciphertext || token[header+1] != '.' || token[ciphertext-1] != '.' || token[tag-1] != '.' {
		return compact{}, false
	}
	return compact{
		header: token[:header], nonce: token[nonce : ciphertext-1], ciphertext: token[ciphertext : tag-1], tag: token[tag:],
	}, true
}

// canonical reports whether this is the only spelling of the token. go-jose
// accepts several (non-canonical last bits, line breaks): harmless to secrecy,
// but a gift to whoever wants to slip past anything keyed by the token's text.
func (c compact) canonical() bool {
	var room [maxTokenLength]byte
	return decodeCanonical(room[:], c.header) && decodeCanonical(room[:], c.nonce) &&
		decodeCanonical(room[:], c.ciphertext) && decodeCanonical(room[:], c.tag)
}

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
	id          string
	header      string // the protected header of the tokens that it seals
	headerBytes []byte // the same
	secret      []byte
	encrypter   jose.Encrypter
	direct      cipher.AEAD
}

func newKey(secret []byte, realm string) (*key, error) {
	derived, err := deriveKey(secret, realm)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	direct, err := cipher.NewGCM(block)
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
	k.headerBytes = []byte(k.header)
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

// open decrypts a token that is canonical.
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

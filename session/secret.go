package session

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
)

// MinSecretLength is the least length of a secret, in bytes.
const MinSecretLength = 32

// minDistinctBytes is below anything that a random generator makes of 32 bytes.
const minDistinctBytes = 8

// exampleSecrets finds pieces of secrets that documentation prints. People copy them,
// and so do attackers. The npm package has the same expression.
var exampleSecrets = regexp.MustCompile(`(?i)(complex|my|super|your)[_-]?(password|secret)|secret[_-]key|at[_-]least[_-]32|(change|replace)[_-]?me|(example|default)[_-]secret|secr3t|openssl rand|correct ?horse ?battery`)

// CheckSecret refuses a secret from which no safe key can be made: shorter than
// [MinSecretLength] bytes, of fewer than 8 distinct bytes, one block repeated,
// or known from documentation (RFC 8725 section 3.5). The error says what to
// write instead and never shows the secret.
func CheckSecret(secret []byte) error {
	const instead = "make one with: caddy session keygen"
	if len(secret) < MinSecretLength {
		return fmt.Errorf("the secret has %d bytes, fewer than %d; %s", len(secret), MinSecretLength, instead)
	}
	distinct := map[byte]bool{}
	for _, b := range secret {
		distinct[b] = true
	}
	if len(distinct) < minDistinctBytes {
		return fmt.Errorf("the secret has only %d different bytes; %s", len(distinct), instead)
	}
	if repeats(secret) {
		return errors.New("the secret only repeats a shorter text; " + instead)
	}
	if exampleSecrets.Match(secret) {
		return errors.New("the secret contains an example from documentation; " + instead)
	}
	return nil
}

// repeats reports whether the secret is a block of at most half its length,
// repeated (the last time perhaps in part).
func repeats(secret []byte) bool {
	for period := 1; period <= len(secret)/2; period++ {
		if bytes.Equal(secret[period:], secret[:len(secret)-period]) {
			return true
		}
	}
	return false
}

const keySize = 32

// deriveKey makes the realm's key from a secret: HKDF-SHA256 (RFC 5869) of the
// secret's bytes as given, without salt. A named realm has its own info, so a
// secret that two realms share still makes two keys.
func deriveKey(secret []byte, realm string) ([]byte, error) {
	info := "caddy-session-guard v1 A256GCM"
	if realm != "" && realm != DefaultRealm {
		info += " " + realm
	}
	return hkdf.Key(sha256.New, secret, nil, info, keySize)
}

// keyID is the "kid" of a key: the first 8 bytes of its SHA-256, base64url.
func keyID(key []byte) string {
	sum := sha256.Sum256(key)
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

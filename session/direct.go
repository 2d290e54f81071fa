package session

import (
	"encoding/base64"
	"strings"
)

// openDirect decrypts a token whose protected header is, byte for byte, the one
// that this key writes. Such a token has only one meaning, so go-jose need not
// read it: its parsing costs twenty times the decryption. Every other token goes
// through go-jose, and tests hold both ways to the same results. The header is given
// as bytes again, so that a key can keep them.
func (k *key) openDirect(c compact, header []byte) ([]byte, error) {
	// The cipher wants the tag right behind the ciphertext.
	length := base64.RawURLEncoding.DecodedLen(len(c.ciphertext))
	room := make([]byte, nonceSize+length+k.direct.Overhead())
	nonce, sealed := room[:nonceSize], room[nonceSize:]
	if !decodeCanonical(nonce, c.nonce) || !decodeCanonical(sealed[length:], c.tag) || !decodeCanonical(sealed[:length], c.ciphertext) {
		return nil, ErrMalformed
	}
	// RFC 7516 section 5.2 step 14: the encoded header is the authenticated data.
	plaintext, err := k.direct.Open(sealed[:0], nonce, sealed, header)
	if err != nil {
		return nil, ErrMalformed
	}
	return plaintext, nil
}

// strictBase64 is made once, since each Strict copies the tables of an encoding.
var strictBase64 = base64.RawURLEncoding.Strict()

// decodeCanonical decodes text and reports whether that is its only spelling. Even
// the strict decoder skips line breaks.
func decodeCanonical(to []byte, text string) bool {
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return false
	}
	_, err := strictBase64.Decode(to, []byte(text))
	return err == nil
}

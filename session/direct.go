package session

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
)

// newDirect makes the cipher that [key.openDirect] needs: AES-256-GCM with a
// nonce of 96 and a tag of 128 bits (RFC 7518 section 5.3).
func newDirect(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// openDirect decrypts a token that parseCompact accepted and whose protected
// header is, byte for byte, the one that this key writes. Such a token has only
// one meaning, so go-jose need not read it: its parsing costs twenty times the
// decryption. Every other token goes through go-jose, and tests hold both ways
// to the same results.
func (k *key) openDirect(c compact) ([]byte, error) {
	encoding := base64.RawURLEncoding.Strict()
	var nonce [12]byte
	if _, err := encoding.Decode(nonce[:], []byte(c.nonce)); err != nil {
		return nil, ErrMalformed
	}
	// The cipher wants the tag right behind the ciphertext.
	length := encoding.DecodedLen(len(c.ciphertext))
	sealed := make([]byte, length+encoding.DecodedLen(len(c.tag)))
	if _, err := encoding.Decode(sealed, []byte(c.ciphertext)); err != nil {
		return nil, ErrMalformed
	}
	if _, err := encoding.Decode(sealed[length:], []byte(c.tag)); err != nil {
		return nil, ErrMalformed
	}
	// RFC 7516 section 5.2 step 14: the encoded header is the authenticated data.
	plaintext, err := k.direct.Open(sealed[:0], nonce[:], sealed, []byte(c.header))
	if err != nil {
		return nil, ErrMalformed
	}
	return plaintext, nil
}

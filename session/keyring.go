package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Keyring holds the keys of one realm: one seals, all open. It is safe for
// concurrent use.
type Keyring struct {
	now       func() time.Time
	keys      atomic.Pointer[[]*key] // the sealing key is chosen by sealing
	automatic *automaticKeys         // nil with configured secrets
}

// NewKeyring makes a keyring of configured secrets. The first seals, all open,
// so a new secret is put in front to rotate. Every secret must pass
// [CheckSecret]; all errors are reported at once. An empty realm means
// [DefaultRealm].
func NewKeyring(realm string, secrets ...[]byte) (*Keyring, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no secret was given")
	}
	var errs []error
	var keys []*key
	for i, secret := range secrets {
		var k *key
		err := CheckSecret(secret)
		if err == nil {
			k, err = newKey(secret, realm)
		}
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("secret %d: %w", i+1, err))
		case slices.ContainsFunc(keys, func(other *key) bool { return other.id == k.id }):
			errs = append(errs, fmt.Errorf("secret %d repeats an earlier one; write each secret once", i+1))
		default:
			keys = append(keys, k)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	ring := &Keyring{now: time.Now}
	ring.keys.Store(&keys)
	return ring, nil
}

// KeyIDs lists the "kid" of every key that opens, the sealing one first. They
// are not secret.
func (r *Keyring) KeyIDs() []string {
	var ids []string
	sealing, _ := r.sealing()
	if sealing != nil {
		ids = append(ids, sealing.id)
	}
	for _, k := range *r.keys.Load() {
		if k != sealing {
			ids = append(ids, k.id)
		}
	}
	return ids
}

// names reports whether a token names a key of the ring, as tokens of its own do.
func (r *Keyring) names(token string) bool {
	parts, ok := cutCompact(token)
	return ok && r.named(parts) != nil
}

// mayOpen reports whether a token names a key of the ring in any spelling of its header.
// It does not look for keys elsewhere.
func (r *Keyring) mayOpen(token string) bool {
	parts, ok := cutCompact(token)
	if !ok {
		return false
	}
	kid, ok := headerKeyID(parts.header)
	return ok && r.byID(kid) != nil
}

// named is the key that writes this protected header, or nil.
func (r *Keyring) named(parts compact) *key {
	for _, k := range *r.keys.Load() {
		if k.header == parts.header {
			return k
		}
	}
	return nil
}

// Seal encrypts the session into a token: a compact JWE (RFC 7516) with "dir"
// and "A256GCM". The error is a [*UserError] for a user that could never be
// opened again, else it means that no key is available.
func (r *Keyring) Seal(s *Session) (string, error) {
	token, _, err := r.seal(s)
	return token, err
}

func (r *Keyring) seal(s *Session) (token, keyID string, err error) {
	if s.userJSON == "" { // it was built by hand
		built := s.with(func(*Session) {})
		if err := built.setUser(s.User); err != nil {
			return "", "", err
		}
		s = built
	}
	k, err := r.sealing()
	if err != nil {
		return "", "", err
	}
	token, err = k.seal(encodeClaims(s))
	return token, k.id, err
}

// Open decrypts a token and checks its claims against the clock. The error is
// [ErrMalformed], [ErrUnknownKey], [ErrExpired] (with the session that it was)
// or, if the keys cannot be read, [ErrUnavailable].
func (r *Keyring) Open(ctx context.Context, token string) (*Session, error) {
	s, _, err := r.open(ctx, token, r.now())
	return s, err
}

// open also returns the key that opened the token.
func (r *Keyring) open(ctx context.Context, token string, now time.Time) (*Session, *key, error) {
	parts, ok := cutCompact(token)
	if !ok {
		return nil, nil, ErrMalformed
	}
	k, plaintext, err := r.decrypt(ctx, token, parts)
	if err != nil {
		return nil, nil, err
	}
	s, err := decodeClaims(plaintext, now)
	if err != nil && !errors.Is(err, ErrExpired) { // whoever sealed it has the key, and may learn why
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return s, k, err
}

func (r *Keyring) decrypt(ctx context.Context, token string, parts compact) (*key, []byte, error) {
	if k := r.named(parts); k != nil {
		plaintext, err := k.openDirect(parts, k.headerBytes)
		return k, plaintext, err
	}
	if !parts.canonical() {
		return nil, nil, ErrMalformed
	}
	k, err := r.find(ctx, parts.header)
	if err != nil {
		return nil, nil, err
	}
	plaintext, err := k.open(token)
	return k, plaintext, err
}

// find returns the key that a protected header names.
func (r *Keyring) find(ctx context.Context, header string) (*key, error) {
	kid, ok := headerKeyID(header)
	if !ok {
		return nil, ErrMalformed
	}
	if k := r.byID(kid); k != nil {
		return k, nil
	}
	if r.automatic == nil {
		return nil, ErrUnknownKey
	}
	// Another node may have rotated since this one looked.
	if err := r.reload(ctx); err != nil {
		return nil, err
	}
	if k := r.byID(kid); k != nil {
		return k, nil
	}
	return nil, ErrUnknownKey
}

func (r *Keyring) byID(kid string) *key {
	for _, k := range *r.keys.Load() {
		if k.id == kid {
			return k
		}
	}
	return nil
}

func (r *Keyring) sealing() (*key, error) {
	if r.automatic != nil {
		return r.automatic.sealing(r.now())
	}
	return (*r.keys.Load())[0], nil
}

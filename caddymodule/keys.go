package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// shareKeys finds the keyring of the configuration before: a storage that has lost the
// keys at a reload, or another one that has none, must sign nobody out.
func (r *realm) shareKeys() {
	if r.keysInUse == nil {
		r.keysInUse = shareValue(r, "keys of realm "+r.name, new(atomic.Pointer[session.Keyring]))
		r.keysBefore = r.keysInUse.Load()
	}
}

// giveKeysBack makes those of the configuration before the keys in use again, if this
// one ends and no other has followed: its load has failed.
func (r *realm) giveKeysBack() {
	if r.keysInUse != nil {
		r.keysInUse.CompareAndSwap(r.keys, r.keysBefore)
	}
}

// secrets resolves the configured secrets, or SESSION_SECRET; none means
// automatic keys.
func (r *realm) secrets() ([][]byte, error) {
	written := r.settings.Secret
	if len(written) == 0 {
		switch secret, ok := os.LookupEnv("SESSION_SECRET"); {
		case !ok:
			return nil, nil
		case secret == "":
			return nil, errors.New("SESSION_SECRET is set in the environment, but empty; give it a value, or unset it for keys that Caddy makes")
		}
		written = []string{"{env.SESSION_SECRET}"}
	}
	var secrets [][]byte
	var errs []error
	for i, value := range written {
		setting := "secret"
		if len(written) > 1 {
			setting = fmt.Sprintf("secret %d", i+1)
		}
		secret, err := readSecret(setting, value)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if slices.ContainsFunc(secrets, func(other []byte) bool { return bytes.Equal(other, secret) }) {
			errs = append(errs, fmt.Errorf("%s has the same value as an earlier one; write each secret once", setting))
		}
		secrets = append(secrets, secret)
	}
	return secrets, withPlaces(errors.Join(errs...), r.places)
}

func (r *realm) keyring(ctx context.Context) (*session.Keyring, error) {
	secrets, err := r.secrets()
	if err != nil {
		return nil, err
	}
	if len(secrets) > 0 {
		r.warnOfLiterals()
		return session.NewKeyring(r.name, secrets...)
	}
	if r.keys != nil { // and are maintained, though the rest of the manager could not be made
		return r.keys, nil
	}
	r.shareKeys()
	// The next configuration takes the keyring over, so these callbacks must not hold this
	// realm: each would keep the one before it in memory, and so all since the first.
	logger := r.logger
	keys, err := session.NewAutomaticKeyring(ctx, session.AutomaticKeys{
		Realm: r.name, Storage: readingStorage{r.app.storage(), new(hungReads)}, Before: r.keysBefore,
		Rotation: time.Duration(r.settings.KeyRotation), Lifetime: r.core().Expiry,
		Restored: func() {
			logger.Warn("session keys were missing in the storage and have been written back: the storage lost them, was restored from an older copy or was replaced, or a node's clock is ahead")
		},
	})
	if err != nil {
		return nil, err
	}
	r.keysInUse.Store(keys)
	r.keys = keys
	go keys.Maintain(r.app.ctx, func(err error) {
		if err != nil {
			logger.Error("session keys cannot be read from or written to the storage; Caddy goes on with those that it has", zap.Error(err))
		} else {
			logger.Info("session keys can be read and written again")
		}
	})
	return keys, nil
}

package caddymodule

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// Anybody can name a key that nobody has, and so have the keys read from the storage. Where
// that hangs, on a dead mount say, the request does not.
func TestStorageOfKeysThatHangsHoldsUpNoRequest(t *testing.T) {
	token := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM","kid":"AAAAAAAAAAA","typ":"session+jwt"}`)) +
		".." + strings.Repeat("A", 16) + ".AAAA." + strings.Repeat("A", 22)
	synctest.Test(t, func(t *testing.T) {
		storage := &hangingStorage{Storage: &certmagic.FileStorage{Path: t.TempDir()}, released: make(chan struct{})}
		keys, err := session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Realm: "default", Storage: readingStorage{storage, new(hungReads)}, Lifetime: time.Hour})
		require.NoError(t, err)
		open := func() error {
			_, err := keys.Open(context.WithoutCancel(t.Context()), token)
			return err
		}
		if err := open(); !errors.Is(err, session.ErrUnknownKey) {
			t.Errorf("of a key that nobody has: %v", err)
		}
		time.Sleep(time.Minute)
		storage.hang("load")
		for _, most := range []time.Duration{readTimeout, 0} {
			began := time.Now()
			if err := open(); !errors.Is(err, session.ErrUnavailable) || time.Since(began) > most {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		}
		storage.hang("")
		close(storage.released)
		time.Sleep(2 * readTimeout)
		if err := open(); !errors.Is(err, session.ErrUnknownKey) {
			t.Errorf("when the storage is well again: %v", err)
		}
	})
}

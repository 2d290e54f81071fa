package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/session-guard/caddy-session-guard/session"
)

// pool outlives one configuration: a reload must not bring back a session
// that was ended, nor read everything anew.
var pool = caddy.NewUsagePool()

// share takes over what the configuration before keeps at a place of the pool, or
// makes it. The realm gives it back when its configuration ends.
func (r *realm) share(place string, construct caddy.Constructor) (any, error) {
	value, _, err := pool.LoadOrNew(place, construct)
	if err == nil {
		r.shared = append(r.shared, place)
	}
	return value, err
}

// loadRevocation provisions the module that the settings name. It opens nothing,
// so it is safe while a configuration is only validated.
func (r *realm) loadRevocation(settings *Settings) error {
	if settings.Revocation == nil || r.revocationModule != nil {
		return nil
	}
	loading := Settings{Revocation: bytes.Clone(settings.Revocation)} // Caddy clears what it has loaded
	module, err := r.app.ctx.LoadModule(&loading, "Revocation")
	if err != nil {
		return fmt.Errorf("revocation of the session realm %s: %w", r.name, err)
	}
	known, ok := module.(RevocationModule)
	if !ok {
		return fmt.Errorf("revocation of the session realm %s: %T does not implement caddymodule.RevocationModule", r.name, module)
	}
	r.revocationModule = known
	return nil
}

// openRevocations opens the realm's revocations, or takes over those of the
// configuration before, if they are kept at the same place.
func (r *realm) openRevocations(ctx context.Context) (session.Revocations, error) {
	if r.revocations != nil {
		return r.revocations, nil
	}
	if r.revocationModule == nil {
		r.revocationModule = new(StorageRevocation)
	}
	storage := r.app.storage()
	place := fmt.Sprintf("revocations of realm %s in %s %s %s", r.name, storageName(storage),
		r.revocationModule.CaddyModule().ID, r.revocationModule.Place())
	before := keepersOf(r.name)
	value, err := r.share(place, func() (caddy.Destructor, error) {
		log, err := r.revocationModule.Open(r.name, storage)
		if err != nil {
			return nil, err
		}
		set := r.succeed(before)
		if log == nil {
			return tombstones{set, r.name, time.Now()}, nil
		}
		opened := newSharedRevocations(r.name, set, log, r.revocationModule.OutageRule())
		opened.home = r.home()
		return opened, nil
	})
	if err != nil {
		return nil, fmt.Errorf("revocation of the session realm %s: %w", r.name, err)
	}
	r.revocationPlace = place
	if set, ok := value.(*sharedRevocations); ok {
		r.revocationTerms = &terms{r.revocationModule, storage}
		set.use(r.revocationTerms)
		set.ready(ctx)
	}
	r.revocations = value.(session.Revocations)
	return r.revocations, nil
}

// storageName tells storages apart. One that has no name of its own may hold
// pointers, which differ after every reload, and passwords.
func storageName(storage certmagic.Storage) string {
	if named, ok := storage.(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("%T", storage)
}

// memory is a [session.Memory] in the pool.
type memory struct{ session.Memory }

// Destruct implements caddy.Destructor: no configuration has the realm any more.
func (m *memory) Destruct() error {
	m.EndConnections()
	return nil
}

// sharedMemory is what the configuration before has remembered of the realm's
// sessions.
func (r *realm) sharedMemory() (*session.Memory, error) {
	if r.memory != nil {
		return r.memory, nil
	}
	value, err := r.share("memory of realm "+r.name, func() (caddy.Destructor, error) { return new(memory), nil })
	if err != nil {
		return nil, err
	}
	r.memory = &value.(*memory).Memory
	return r.memory, nil
}

// automaticKeys is the keyring that is in use, in the pool.
type automaticKeys struct {
	atomic.Pointer[session.Keyring]
}

// Destruct implements caddy.Destructor.
func (*automaticKeys) Destruct() error { return nil }

// shareKeys finds the keyring of the configuration before: a storage that has lost the
// keys at a reload, or another one that has none, must sign nobody out.
func (r *realm) shareKeys() error {
	if r.keysInUse != nil {
		return nil
	}
	value, err := r.share("keys of realm "+r.name, func() (caddy.Destructor, error) { return new(automaticKeys), nil })
	if err != nil {
		return err
	}
	r.keysInUse = value.(*automaticKeys)
	r.keysBefore = r.keysInUse.Load()
	return nil
}

// giveKeysBack makes those of the configuration before the keys in use again, if this
// one ends and no other has followed: its load has failed.
func (r *realm) giveKeysBack() {
	if r.keysInUse != nil {
		r.keysInUse.CompareAndSwap(r.keys, r.keysBefore)
	}
}

// lookInterval is how often a node looks at what others have written. Where they
// tell it, a second is often enough for the rest.
func lookInterval(log RevocationLog) time.Duration {
	if log, ok := log.(PolledLog); ok {
		return log.Interval()
	}
	return time.Second
}

// untilNextLook leaves the rest of the interval for the look itself.
func untilNextLook(interval time.Duration) time.Duration { return interval - interval/4 }

// revokes reports whether ends of sessions are kept at all.
func (r *realm) revokes() bool {
	_, off := r.revocationModule.(*NoRevocation)
	return !off
}

func (r *realm) cleanup() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.ready.Load(); m != nil {
		m.Close()
	}
	if set, ok := r.revocations.(*sharedRevocations); ok {
		set.leave(r.revocationTerms)
	}
	r.giveKeysBack()
	var errs []error
	for _, place := range slices.Backward(r.shared) { // the list is kept where the revocations are
		_, err := pool.Delete(place)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

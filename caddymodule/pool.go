package caddymodule

import (
	"errors"
	"slices"

	"github.com/caddyserver/caddy/v2"

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
		r.pooled = append(r.pooled, place)
	}
	return value, err
}

// shareValue is share for what needs no opening: what is there already, or else the new one.
func shareValue[T any](r *realm, place string, preset T) T {
	value, _ := pool.LoadOrStore(place, preset)
	r.pooled = append(r.pooled, place)
	return value.(T)
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
func (r *realm) sharedMemory() *session.Memory {
	if r.memory == nil {
		r.memory = &shareValue(r, "memory of realm "+r.name, new(memory)).Memory
	}
	return r.memory
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
	for _, place := range slices.Backward(r.pooled) { // the list is kept where the revocations are
		_, err := pool.Delete(place)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

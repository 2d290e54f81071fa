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

package caddymodule

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/session-guard/caddy-session-guard/session"
)

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
		opened := newSharedRevocations(r.name, set, log, r.revocationModule.OutageRule(), before...)
		opened.home = r.home()
		if opened.goesOn {
			r.revocationsMoved = opened
		}
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

// revokes reports whether ends of sessions are kept at all.
func (r *realm) revokes() bool {
	_, off := r.revocationModule.(*NoRevocation)
	return !off
}

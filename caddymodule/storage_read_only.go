package caddymodule

import (
	"context"

	"github.com/caddyserver/certmagic"
)

// readOnlyStorage is a storage for a process that only answers questions: what
// would be written is forgotten. Keys that are made then open nothing and end with
// the process. Locks are not taken, since they are written too.
type readOnlyStorage struct{ certmagic.Storage }

// Store implements certmagic.Storage.
func (readOnlyStorage) Store(context.Context, string, []byte) error { return nil }

// Delete implements certmagic.Storage.
func (readOnlyStorage) Delete(context.Context, string) error { return nil }

// Lock implements certmagic.Locker.
func (readOnlyStorage) Lock(context.Context, string) error { return nil }

// Unlock implements certmagic.Locker.
func (readOnlyStorage) Unlock(context.Context, string) error { return nil }

// String tells it apart from the storage itself.
func (s readOnlyStorage) String() string { return "read-only " + storageName(s.Storage) }

// storage is where the app keeps what all nodes share.
func (a *App) storage() certmagic.Storage {
	if a.readOnly {
		return readOnlyStorage{a.ctx.Storage()}
	}
	return a.ctx.Storage()
}

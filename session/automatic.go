package session

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Storage is what automatic keys need of a storage that all nodes share. Any
// certmagic.Storage is one.
type Storage interface {
	// Lock waits for the named lock; Unlock frees it.
	Lock(ctx context.Context, name string) error
	Unlock(ctx context.Context, name string) error
	// Load returns [fs.ErrNotExist] for a key that was never stored.
	Load(ctx context.Context, key string) ([]byte, error)
	Store(ctx context.Context, key string, value []byte) error
}

// AutomaticKeys configures a keyring that makes its own secrets.
type AutomaticKeys struct {
	// Realm names the realm; empty means [DefaultRealm].
	Realm string
	// Storage keeps the secrets. Required.
	Storage Storage
	// Rotation is how long a key seals. Default: 30 days.
	Rotation time.Duration
	// Lifetime is how long a token may live after it was sealed (the expiry
	// setting). A key is kept that long after the last token it sealed.
	// Default: 7 days.
	Lifetime time.Duration
	// Before is the keyring that was in use until now, as after a reload of the
	// configuration. If it is an automatic one, its keys go back into a storage that
	// has lost them.
	Before *Keyring
	// Restored is called when keys have gone back into a storage that had lost them,
	// or in which an older copy of them was restored. It may be nil.
	Restored func()
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Random makes the secrets. Default: crypto/rand.
	Random io.Reader
}

const (
	// publishLead is how long a new key is known to all nodes before it seals.
	publishLead = 10 * time.Minute
	// reloadInterval is how soon after a look an unknown "kid" makes a node
	// look again, so that invented ones cannot flood the storage.
	reloadInterval = 5 * time.Second
	// reloadTimeout is how long requests wait for such a look.
	reloadTimeout = 5 * time.Second
	// maintenanceInterval is how long a node waits before it looks again unasked.
	// In a short rotation it looks four times, but leastMaintenance apart.
	maintenanceInterval = time.Minute
	leastMaintenance    = time.Second
)

// storedKey is a secret in the storage.
type storedKey struct {
	Secret []byte `json:"secret"`
	// SealsFrom is when the key begins to seal; it seals until the next one does.
	SealsFrom time.Time `json:"seals_from"`
	// Lifetime is the longest life of a token that it may have sealed.
	Lifetime time.Duration `json:"token_lifetime"`
}

func (k storedKey) is(other storedKey) bool { return bytes.Equal(k.Secret, other.Secret) }

type automaticKeys struct {
	AutomaticKeys
	// schedule is in the order of SealsFrom. It is read without a lock, so that
	// nobody who seals waits for the storage.
	schedule atomic.Pointer[[]scheduledKey]
	merging  sync.Mutex // held while the schedule changes

	mu     sync.Mutex // held while an unknown "kid" is looked up
	looked time.Time
	failed error // of the last such look
}

type scheduledKey struct {
	*key
	stored storedKey
}

// NewAutomaticKeyring makes a keyring whose keys are generated under the
// storage's lock, shared through the storage, rotated, and kept until the last
// token that they sealed is dead. It makes the first key if there is none, so do
// not call it where nothing may be written (validation). [Keyring.Maintain]
// keeps it current.
func NewAutomaticKeyring(ctx context.Context, config AutomaticKeys) (*Keyring, error) {
	if config.Rotation <= 0 {
		config.Rotation = DefaultKeyRotation
	}
	if config.Lifetime <= 0 {
		config.Lifetime = DefaultExpiry
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Random == nil {
		config.Random = rand.Reader
	}
	ring := &Keyring{now: config.Now, automatic: &automaticKeys{AutomaticKeys: config}}
	ring.keys.Store(&[]*key{})
	schedule := &[]scheduledKey{}
	if config.Before != nil && config.Before.automatic != nil {
		schedule = config.Before.automatic.schedule.Load()
	}
	ring.automatic.schedule.Store(schedule)
	ring.automatic.Before = nil // else all keyrings since the first would be kept
	if err := ring.refreshKeys(ctx); err != nil {
		return nil, err
	}
	return ring, nil
}

// Maintain looks for keys of other nodes and rotates, once a minute or more often
// where Rotation is a matter of minutes, until the context ends. It calls changed
// with the error when that begins to fail, and with nil when it works again.
func (r *Keyring) Maintain(ctx context.Context, changed func(error)) {
	if r.automatic == nil {
		return
	}
	ticker := time.NewTicker(min(maintenanceInterval, max(leastMaintenance, r.automatic.Rotation/4)))
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			err := r.refreshKeys(ctx)
			if was := failing; was != (err != nil) && ctx.Err() == nil {
				failing = !was
				changed(err)
			}
		}
	}
}

func (a *automaticKeys) storageKey() string {
	return "session/" + cmp.Or(a.Realm, DefaultRealm) + "/keys.json"
}

// reload reads the storage again unless that was done a moment ago. The look is
// for all requests, so it does not end with the one that asked for it.
func (r *Keyring) reload(ctx context.Context) error {
	a := r.automatic
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.now().Sub(a.looked) >= reloadInterval {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reloadTimeout)
		defer cancel()
		_, _, a.failed = r.load(ctx)
		a.looked = r.now()
	}
	return a.failed
}

// load reads the storage into the keyring. It returns what use does.
func (r *Keyring) load(ctx context.Context) ([]storedKey, bool, error) {
	a := r.automatic
	encoded, err := a.Storage.Load(ctx, a.storageKey())
	if errors.Is(err, fs.ErrNotExist) {
		return r.use(nil)
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w: reading keys: %w", ErrUnavailable, err)
	}
	var stored []storedKey
	if err := json.Unmarshal(encoded, &stored); err != nil || len(stored) == 0 {
		// Without %w: a decoding error may quote what it read. No keys are not what
		// was stored, and new ones would sign everybody out.
		return nil, false, a.damaged()
	}
	return r.use(stored)
}

// damaged says what to do, since Caddy does not start on such a file. The node does not
// put it right by itself: what is left of it may be all that there is of somebody's keys.
func (a *automaticKeys) damaged() error {
	return fmt.Errorf("%w: the stored keys at %s are damaged; restore the file or, while a node still serves with its keys, delete it: "+
		"that node writes them again within a minute, and without one everybody has to sign in anew", ErrUnavailable, a.storageKey())
}

// use makes the stored keys the keyring's own, and those that it has and needs. It
// returns them all, and whether the storage has lost some.
func (r *Keyring) use(stored []storedKey) (all []storedKey, lost bool, err error) {
	a := r.automatic
	for _, s := range stored {
		if len(s.Secret) != keySize {
			return nil, false, a.damaged()
		}
	}
	a.merging.Lock()
	defer a.merging.Unlock()
	before := *a.schedule.Load()
	all, lost = a.merge(stored, r.now())
	schedule := make([]scheduledKey, 0, len(all))
	keys := make([]*key, 0, len(all))
	for _, s := range all {
		var k *key
		if i := slices.IndexFunc(before, func(b scheduledKey) bool { return s.is(b.stored) }); i >= 0 {
			k = before[i].key
		} else if k, err = newKey(s.Secret, a.Realm); err != nil {
			return nil, false, err
		}
		schedule = append(schedule, scheduledKey{k, s})
		keys = append(keys, k)
	}
	slices.Reverse(keys) // the newest is asked for most
	r.keys.Store(&keys)
	a.schedule.Store(&schedule)
	return all, lost, nil
}

// merge adds to the stored keys those that this node knows and needs, and reports
// whether the storage has lost something. Without them a file that was lost, and made
// anew by a node that started, or one that is an older copy, would sign everybody out.
// A node that has just started knows none, unless it goes on with another configuration.
func (a *automaticKeys) merge(stored []storedKey, now time.Time) (all []storedKey, lost bool) {
	known := storedKeys(*a.schedule.Load())
	all = slices.Clone(stored)
	for _, k := range known {
		if i := slices.IndexFunc(all, k.is); i < 0 {
			all = append(all, k)
		} else if all[i].Lifetime < k.Lifetime {
			all[i].Lifetime, lost = k.Lifetime, true
		}
	}
	slices.SortFunc(all, func(a, b storedKey) int {
		return cmp.Or(a.SealsFrom.Compare(b.SealsFrom), bytes.Compare(a.Secret, b.Secret))
	})
	needed := make([]storedKey, 0, len(all))
	for i, k := range all {
		if !slices.ContainsFunc(stored, k.is) {
			// Another node may have retired it, by a clock that is a little ahead.
			if i+1 < len(all) && now.After(all[i+1].SealsFrom.Add(k.Lifetime+publishLead/2)) {
				continue
			}
			lost = true
		}
		needed = append(needed, k)
	}
	if !lost {
		return needed, false
	}
	// Until now, this node and one that started with the file may have sealed with keys
	// whose time was over.
	for _, keys := range [][]storedKey{known, stored} {
		if len(keys) == 0 {
			continue
		}
		i := slices.IndexFunc(needed, keys[sealingIndex(keys, now)].is)
		if i >= 0 && i+1 < len(needed) {
			needed[i].Lifetime = max(needed[i].Lifetime, now.Sub(needed[i+1].SealsFrom)+a.Lifetime)
		}
	}
	return needed, true
}

// refreshKeys reads the storage and, if a key is due, too old or lost, changes it
// under the storage's lock.
func (r *Keyring) refreshKeys(ctx context.Context) error {
	a := r.automatic
	keys, lost, err := r.load(ctx)
	if err != nil {
		return err
	}
	if _, changed, err := a.next(keys, r.now()); err != nil || !changed && !lost {
		return err
	}
	if err := a.Storage.Lock(ctx, a.storageKey()); err != nil {
		return fmt.Errorf("%w: locking keys: %w", ErrUnavailable, err)
	}
	defer func() { _ = a.Storage.Unlock(context.WithoutCancel(ctx), a.storageKey()) }()
	if keys, lost, err = r.load(ctx); err != nil { // another node may have been first
		return err
	}
	next, changed, err := a.next(keys, r.now())
	if err != nil || !changed && !lost {
		return err
	}
	encoded, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := a.Storage.Store(ctx, a.storageKey(), encoded); err != nil {
		return fmt.Errorf("%w: storing keys: %w", ErrUnavailable, err)
	}
	if lost && a.Restored != nil {
		a.Restored()
	}
	_, _, err = r.use(next)
	return err
}

// next returns the keys as they should be now and whether that is a change: the
// dead ones gone, a new one published in time, the lifetime known to the key
// that seals.
func (a *automaticKeys) next(stored []storedKey, now time.Time) ([]storedKey, bool, error) {
	keys := slices.Clone(stored)
	changed := false
	// A node that is late may seal a little longer with the key before.
	for len(keys) > 1 && now.After(keys[1].SealsFrom.Add(keys[0].Lifetime+publishLead)) {
		keys, changed = keys[1:], true
	}
	lead := min(publishLead, a.Rotation/2)
	last := len(keys) - 1
	// A key that is to seal later than a rotation plans was published by a clock that was
	// ahead. It would stop the rotation until then, so it takes the turn of the next one.
	for last >= 0 && keys[last].SealsFrom.After(now.Add(a.Rotation+publishLead)) {
		last--
	}
	switch due := last < 0 || !now.Before(keys[last].SealsFrom.Add(a.Rotation-lead)); {
	case due && last+1 < len(keys):
		keys[last+1].SealsFrom, changed = now.Add(lead), true
	case due:
		secret := make([]byte, keySize)
		if _, err := io.ReadFull(a.Random, secret); err != nil {
			return nil, false, err
		}
		from := now
		if last >= 0 {
			from = now.Add(lead)
		}
		keys, changed = append(keys, storedKey{Secret: secret, SealsFrom: from, Lifetime: a.Lifetime}), true
	}
	for i := range keys { // expiry may have been raised since the key was made
		retired := i+1 < len(keys) && now.After(keys[i+1].SealsFrom)
		if !retired && keys[i].Lifetime < a.Lifetime {
			keys[i].Lifetime, changed = a.Lifetime, true
		}
	}
	return keys, changed, nil
}

// storedKeys are the keys of a schedule as a storage has them.
func storedKeys(schedule []scheduledKey) []storedKey {
	keys := make([]storedKey, len(schedule))
	for i, k := range schedule {
		keys[i] = k.stored
	}
	return keys
}

// sealing returns the newest key that may already seal.
func (a *automaticKeys) sealing(now time.Time) (*key, error) {
	schedule := *a.schedule.Load()
	if len(schedule) == 0 {
		return nil, fmt.Errorf("%w: there is no key to seal with", ErrUnavailable)
	}
	return schedule[sealingIndex(storedKeys(schedule), now)].key, nil
}

// sealingIndex finds the newest key that may already seal. It is the first if none may:
// another node's clock is ahead.
func sealingIndex(keys []storedKey, now time.Time) int {
	for i, k := range slices.Backward(keys) {
		if !k.SealsFrom.After(now) {
			return i
		}
	}
	return 0
}

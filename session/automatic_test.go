package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// memoryStorage is a storage that nodes share.
type memoryStorage struct {
	mu     sync.Mutex
	files  map[string][]byte
	locks  map[string]chan struct{}
	broken error         // what every call returns
	gate   chan struct{} // if not nil, Load says so on it and waits until it is closed
	loads  int
	stores int
}

func newStorage() *memoryStorage {
	return &memoryStorage{files: map[string][]byte{}, locks: map[string]chan struct{}{}}
}

func (s *memoryStorage) lock(name string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locks[name] == nil {
		s.locks[name] = make(chan struct{}, 1)
	}
	return s.locks[name]
}

func (s *memoryStorage) Lock(ctx context.Context, name string) error {
	select {
	case s.lock(name) <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *memoryStorage) Unlock(_ context.Context, name string) error {
	<-s.lock(name)
	return nil
}

func (s *memoryStorage) Load(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		gate <- struct{}{}
		<-gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	if err := errors.Join(s.broken, ctx.Err()); err != nil {
		return nil, err
	}
	file, ok := s.files[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(file), nil
}

func (s *memoryStorage) Store(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	s.stores++
	s.files[key] = bytes.Clone(value)
	return nil
}

func (s *memoryStorage) set(change func(*memoryStorage)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *memoryStorage) loaded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

// node is one Caddy: its keyring and a manager on the bubble's clock.
type node struct {
	keys    *session.Keyring
	manager *session.Manager
}

func newNode(t *testing.T, storage *memoryStorage, change ...func(*session.AutomaticKeys)) node {
	t.Helper()
	config := session.AutomaticKeys{Storage: storage, Lifetime: 7 * day}
	for _, f := range change {
		f(&config)
	}
	keys, err := session.NewAutomaticKeyring(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	m := mustManager(t, session.Settings{MaxLifetime: session.NoMaxLifetime}, keys)
	return node{keys, m}
}

// maintained runs the node's maintenance until the test ends; an error fails it.
func (n node) maintained(t *testing.T) node {
	go n.keys.Maintain(t.Context(), func(err error) { t.Errorf("maintenance: %v", err) })
	return n
}

func (n node) token(t *testing.T) string {
	t.Helper()
	return strings.TrimPrefix(signIn(t, n.manager, alice()), "session=")
}

func TestAutomaticFirstKeyIsMadeOnceAndShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		nodes := make([]node, 8)
		var started sync.WaitGroup
		for i := range nodes {
			started.Go(func() { nodes[i] = newNode(t, storage) })
		}
		started.Wait()
		if storage.stores != 1 {
			t.Errorf("%d keys were stored by nodes that start together", storage.stores)
		}
		token := nodes[0].token(t)
		for i, n := range nodes {
			if _, err := n.keys.Open(t.Context(), token); err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		}
		if again := newNode(t, storage); again.keys.KeyIDs()[0] != nodes[0].keys.KeyIDs()[0] {
			t.Error("a restart made another key")
		}
	})
}

func TestAutomaticKeysOfRealmsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		shop := newNode(t, storage, func(c *session.AutomaticKeys) { c.Realm = "shop" })
		token := newNode(t, storage).token(t)
		if _, err := shop.keys.Open(t.Context(), token); !errors.Is(err, session.ErrUnknownKey) {
			t.Errorf("the realm shop says %v", err)
		}
		if len(storage.files) != 2 {
			t.Errorf("%d files", len(storage.files))
		}
	})
}

// A node that has not looked since another one rotated reads the storage again
// before it says no.
func TestAutomaticUnknownKeyIsLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		a := newNode(t, storage).maintained(t)
		b := newNode(t, storage) // without maintenance
		time.Sleep(31 * day)
		if _, err := b.keys.Open(t.Context(), a.token(t)); err != nil {
			t.Errorf("a token of the new key: %v", err)
		}
	})
}

func TestAutomaticInventedKeysCannotFloodTheStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		n := newNode(t, storage)
		e := goodEnvelope(time.Now())
		flood := func() int {
			before := storage.loaded()
			for i := range 1000 {
				e.header = `{"alg":"dir","enc":"A256GCM","kid":"invented` + strings.Repeat("x", i%9) + `","typ":"session+jwt"}`
				if _, err := n.keys.Open(t.Context(), e.seal()); !errors.Is(err, session.ErrUnknownKey) {
					t.Fatal(err)
				}
			}
			return storage.loaded() - before
		}
		if loads := flood(); loads > 1 {
			t.Errorf("1,000 invented kids made %d loads", loads)
		}
		time.Sleep(5 * time.Second)
		if loads := flood(); loads != 1 {
			t.Errorf("after 5 s they made %d loads, not 1", loads)
		}
	})
}

func TestAutomaticBrokenStorageFailsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		a, b := newNode(t, storage).maintained(t), newNode(t, storage)
		known := b.token(t)
		time.Sleep(31*day + time.Second) // at no tick of the maintenance
		unknown := a.token(t)
		storage.set(func(s *memoryStorage) { s.broken = errors.New("disk on fire") })
		_, err := b.keys.Open(t.Context(), unknown)
		if !errors.Is(err, session.ErrUnavailable) || session.IsAnonymity(err) {
			t.Errorf("an unknown key while the storage is broken: %v", err)
		}
		v, err := b.manager.Read(request("session=" + unknown))
		if err == nil || v.Result() != session.ResultError {
			t.Errorf("the manager says %s, %v", v.Result(), err)
		}
		for i, end := range []func(context.Context) error{v.EndOthers, v.EndAll, v.Delete} { // Delete is the last word
			if err := end(t.Context()); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("sign-out %d of nobody knows which session: %v", i, err)
			}
		}
		// Those whose key is known do not notice.
		if s, err := b.keys.Open(t.Context(), known); !errors.Is(err, session.ErrExpired) || s == nil {
			t.Errorf("a known key: %v, %v", s, err)
		}
		storage.set(func(s *memoryStorage) { s.broken = nil })
		time.Sleep(5 * time.Second)
		if _, err := b.keys.Open(t.Context(), unknown); err != nil {
			t.Errorf("after the repair: %v", err)
		}
		if _, err := session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Storage: brokenStorage{storage}}); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("a start on a broken storage: %v", err)
		}
	})
}

type brokenStorage struct{ *memoryStorage }

func (brokenStorage) Load(context.Context, string) ([]byte, error) { return nil, errBroken }

func TestAutomaticMaintenanceReportsAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		n := newNode(t, storage)
		var told []error
		ctx, stop := context.WithCancel(t.Context())
		go n.keys.Maintain(ctx, func(err error) { told = append(told, err) })
		for range 2 {
			storage.set(func(s *memoryStorage) { s.broken = errBroken })
			time.Sleep(3*time.Minute + time.Second)
			n.token(t) // the keys in memory go on sealing
			storage.set(func(s *memoryStorage) { s.broken = nil })
			time.Sleep(3 * time.Minute)
		}
		time.Sleep(31 * day)
		if len(n.keys.KeyIDs()) < 2 {
			t.Errorf("keys %q: it did not go on", n.keys.KeyIDs())
		}
		stop()
		synctest.Wait()
		if len(told) != 4 || !errors.Is(told[0], errBroken) || told[1] != nil || !errors.Is(told[2], errBroken) || told[3] != nil {
			t.Errorf("of two outages of three minutes it told %v", told)
		}
	})
}

func TestAutomaticDamagedFile(t *testing.T) {
	const secret = "bm90LXNvLXNlY3JldC1rZXktb2YtMzItYnl0ZXMtISE="
	for name, file := range map[string]string{
		"empty":            "",
		"half written":     `[{"secret":"` + secret,
		"not JSON":         "secret " + secret,
		"a short secret":   `[{"secret":"c2hvcnQ=","seals_from":"2000-01-01T00:00:00Z"}]`,
		"another type":     `[{"secret":["` + secret + `"]}]`,
		"not base64":       `[{"secret":"` + secret + `?"}]`,
		"not a list":       `{"secret":"` + secret + `"}`,
		"a wrong time":     `[{"secret":"` + secret + `","seals_from":"` + secret + `"}]`,
		"a key of nothing": `[{}]`,
		"a null":           `[null]`,
		"null":             `null`,
		"no keys":          `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				storage := newStorage()
				n := newNode(t, storage)
				token := n.token(t)
				for key := range storage.files {
					storage.files[key] = []byte(file)
				}
				_, err := session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Storage: storage})
				if !errors.Is(err, session.ErrUnavailable) || !strings.Contains(err.Error(), "are damaged; restore the file") {
					t.Errorf("a start on it: %v", err)
				}
				if err != nil && strings.Contains(err.Error(), secret[:12]) {
					t.Errorf("the error shows the secret: %v", err)
				}
				for _, left := range storage.files {
					if string(left) != file {
						t.Error("the file was overwritten; an operator may want to repair it")
					}
				}
				// A node that runs keeps its last good keys.
				var failed error
				ctx, stop := context.WithCancel(t.Context())
				go n.keys.Maintain(ctx, func(err error) { failed = err })
				time.Sleep(time.Minute + time.Second)
				stop()
				synctest.Wait()
				if failed == nil {
					t.Error("maintenance says nothing")
				}
				if _, err := n.keys.Open(t.Context(), token); err != nil {
					t.Errorf("a running node: %v", err)
				}
				// As the error says, it writes them again where the file was deleted.
				clear(storage.files)
				ctx, stop = context.WithCancel(t.Context())
				go n.keys.Maintain(ctx, func(error) {})
				time.Sleep(time.Minute + time.Second)
				stop()
				synctest.Wait()
				if _, err := newNode(t, storage).keys.Open(t.Context(), token); err != nil {
					t.Errorf("after the file was deleted: %v", err)
				}
			})
		})
	}
}

// A hanging storage, or another node that holds its lock, must not stop those
// who sign in or slide: the keys are in memory.
func TestAutomaticSlowStorageDoesNotStopSealing(t *testing.T) {
	storage := newStorage()
	n := newNode(t, storage)
	gate := make(chan struct{})
	storage.set(func(s *memoryStorage) { s.gate = gate })
	var looking sync.WaitGroup
	t.Cleanup(func() { close(gate); looking.Wait() })
	e := goodEnvelope(time.Now())
	e.header = strings.Replace(e.header, tokenKeyID(e.key), "invented", 1)
	looking.Go(func() { n.keys.Open(t.Context(), e.seal()) })
	<-gate // it has reached the storage
	sealed := make(chan struct{})
	go func() {
		defer close(sealed)
		signIn(t, n.manager, alice())
	}()
	select {
	case <-sealed:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody can sign in while the storage hangs")
	}
}

// A visitor who hangs up must not make the look fail for everybody else.
func TestAutomaticLookOutlivesItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newStorage()
		a, b := newNode(t, storage).maintained(t), newNode(t, storage)
		time.Sleep(31 * day)
		token := a.token(t)
		gone, hangUp := context.WithCancel(t.Context())
		hangUp()
		b.keys.Open(gone, token)
		if _, err := b.keys.Open(t.Context(), token); err != nil {
			t.Errorf("the next visitor: %v", err)
		}
	})
}

func TestAutomaticRandomnessFails(t *testing.T) {
	storage := newStorage()
	_, err := session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Storage: storage, Random: io.LimitReader(strings.NewReader("abc"), 3)})
	if err == nil || len(storage.files) != 0 {
		t.Errorf("a key of three bytes: %v, stored %d", err, len(storage.files))
	}
}

// lateStorage is a storage on which something happens just before its lock is got, and
// another thing while it is held.
type lateStorage struct {
	*memoryStorage
	beforeLock, stored func()
}

func (s *lateStorage) Lock(ctx context.Context, name string) error {
	if s.beforeLock != nil {
		s.beforeLock()
	}
	return s.memoryStorage.Lock(ctx, name)
}

func (s *lateStorage) Store(ctx context.Context, key string, value []byte) error {
	if s.stored != nil {
		defer s.stored()
	}
	return s.memoryStorage.Store(ctx, key, value)
}

func (s *lateStorage) Unlock(ctx context.Context, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.memoryStorage.Unlock(ctx, name)
}

// Of nodes that start at once on an empty storage, the one that gets the lock later takes the
// key of the first: else neither would open what the other seals.
func TestNodesThatStartAtOnceShareTheFirstKey(t *testing.T) {
	storage := newStorage()
	var first *session.Keyring
	late := &lateStorage{memoryStorage: storage}
	late.beforeLock = func() {
		var err error
		if first, err = session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Storage: storage}); err != nil {
			t.Fatal(err)
		}
	}
	second, err := session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Storage: late})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := first.KeyIDs(), second.KeyIDs(); len(a) != 1 || !slices.Equal(a, b) {
		t.Errorf("the first has the keys %q, the second %q", a, b)
	}
}

// A configuration that ends while it stores keys frees their lock: the other nodes, and the
// next configuration, would wait for it.
func TestLockOfTheKeysIsFreedByWhoGoes(t *testing.T) {
	storage := &lateStorage{memoryStorage: newStorage()}
	gone, cancel := context.WithCancel(t.Context())
	storage.stored = cancel
	if _, err := session.NewAutomaticKeyring(gone, session.AutomaticKeys{Storage: storage}); err != nil {
		t.Fatal(err)
	}
	waiting, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if err := storage.memoryStorage.Lock(waiting, "session/default/keys.json"); err != nil {
		t.Errorf("the lock is held: %v", err)
	}
}

// A key is kept for as long as a session lasts by default, if nobody says how long that is.
func TestAutomaticKeysLiveAsLongAsSessionsDoByDefault(t *testing.T) {
	storage := newStorage()
	if _, err := session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Storage: storage}); err != nil {
		t.Fatal(err)
	}
	var stored []struct {
		Lifetime time.Duration `json:"token_lifetime"`
	}
	if err := json.Unmarshal(storage.files["session/default/keys.json"], &stored); err != nil || len(stored) != 1 || stored[0].Lifetime != session.DefaultExpiry {
		t.Errorf("%v, stored %+v", err, stored)
	}
}

// A storage that does not answer holds up a request with an unknown key for seconds, and not
// for as long as it likes.
func TestLookForAnUnknownKeyTakesSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &silentStorage{memoryStorage: newStorage()}
		keys, err := session.NewAutomaticKeyring(t.Context(), session.AutomaticKeys{Storage: storage})
		if err != nil {
			t.Fatal(err)
		}
		m := mustManager(t, session.Settings{}, keys)
		time.Sleep(time.Minute)
		storage.silent = true
		began := time.Now()
		if _, err := m.Read(request("session=" + goodEnvelope(began).seal())); !errors.Is(err, session.ErrUnavailable) || time.Since(began) > 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// silentStorage answers no read while it is silent, until the reader gives up.
type silentStorage struct {
	*memoryStorage
	silent bool
}

func (s *silentStorage) Load(ctx context.Context, key string) ([]byte, error) {
	if s.silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.memoryStorage.Load(ctx, key)
}

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// current is the set of the configuration that runs.
func current(t *testing.T) *sharedRevocations {
	t.Helper()
	var found []*sharedRevocations
	for _, k := range keepersOf("default") {
		if set, ok := k.(*sharedRevocations); ok {
			found = append(found, set)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d sets are open, want 1", len(found))
	}
	return found[0]
}

// A reload that keeps the revocations elsewhere brings nobody back, and what could
// not be shared in the old place is shared in the new one.
func TestMovedRevocationsForgetNoSignOut(t *testing.T) {
	s := startRedis(t)
	folder := t.TempDir()
	load := func(revocation string) *sharedRevocations {
		t.Helper()
		config := fmt.Sprintf(`{"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
			"logging": {"logs": {"default": {"writer": {"output": "file", "filename": %q}}}},
			"apps": {"session": {"realms": {"default": {"revocation": %s}}}}}`, folder, filepath.Join(folder, "log"), revocation)
		require.NoError(t, caddy.Load([]byte(config), true))
		return current(t)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	earlier := time.Now().Add(-time.Hour)
	bobs := func(id string) *session.Session {
		return &session.Session{ID: id, User: session.User{"id": "bob"}, CreatedAt: earlier}
	}
	bob := session.Revocation{UserID: "bob", Except: "spared", Before: time.Now(), Until: time.Now().Add(time.Hour)}

	inStorage := load(`{"module": "storage"}`)
	for _, r := range []session.Revocation{ended("shared"), bob} {
		require.NoError(t, inStorage.Revoke(t.Context(), r))
	}
	kept := filepath.Join(folder, "session", "default", "revocations")
	require.NoError(t, os.Rename(kept, kept+".away"))
	if err := os.WriteFile(kept, nil, 0o600); err != nil { // so that it cannot be made anew
		t.Fatal(err)
	}
	require.Error(t, inStorage.Revoke(t.Context(), ended("pending")), "the storage is not broken")
	wantAll := func(set *sharedRevocations) {
		t.Helper()
		wantRevoked(t, set, annsSession("shared"), true)
		wantRevoked(t, set, annsSession("pending"), true)
		wantRevoked(t, set, annsSession("other"), false)
		wantRevoked(t, set, bobs("one"), true)
		wantRevoked(t, set, bobs("spared"), false)
	}

	inRedis := load(fmt.Sprintf(`{"module": "redis", "url": %q}`, s.url()))
	wantAll(inRedis)
	eventually(t, 10*time.Second, "what was pending is not shared in the new place", func() bool {
		return s.command("XLEN", "session:default:revocations") == "1"
	})
	require.NoError(t, os.Remove(kept))
	if err := os.Rename(kept+".away", kept); err != nil {
		t.Fatal(err)
	}
	wantAll(load(`{"module": "storage"}`))
	text, err := os.ReadFile(filepath.Join(folder, "log"))
	require.NoError(t, err)
	if warnings := strings.Count(string(text), "kept in another place"); warnings != 2 {
		t.Errorf("the log has %d warnings, want one for each move", warnings)
	}
	if strings.Contains(string(text), "lost with this process") {
		t.Error("the log says that something is lost")
	}
}

// Nobody is warned of a move that did not happen: the reload failed, or Redis only wants
// another user, who gets a client of their own.
func TestNoMoveIsWarnedOf(t *testing.T) {
	s := startRedis(t)
	for _, user := range []string{"one", "two"} {
		s.command("ACL", "SETUSER", user, "on", ">secret-of-"+user, "~*", "+@all")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	folder := t.TempDir()
	load := func(revocation, apps string) error {
		return caddy.Load(fmt.Appendf(nil, `{"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
			"logging": {"logs": {"default": {"writer": {"output": "file", "filename": %q}}}},
			"apps": {%s "session": {"realms": {"default": {"revocation": %s}}}}}`, folder, filepath.Join(folder, "log"), apps, revocation), true)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	as := func(user string) string {
		return fmt.Sprintf(`{"module": "redis", "url": "redis://%s:secret-of-%s@127.0.0.1:%s/0"}`, user, user, s.port)
	}
	var sets []*sharedRevocations
	for _, user := range []string{"one", "two"} {
		require.NoError(t, load(as(user), ""))
		sets = append(sets, current(t))
	}
	if sets[0] == sets[1] {
		t.Error("two users share a client")
	}
	for range 5 { // apps start in no order
		require.Error(t, load(`{"module": "storage"}`, fmt.Sprintf(`"http": {"servers": {"a": {"listen": [%q]}}},`, taken.Addr())), "the load did not fail")
	}
	if current(t) != sets[1] {
		t.Error("the revocations are not those of the configuration that runs")
	}
	text, err := os.ReadFile(filepath.Join(folder, "log"))
	require.NoError(t, err)
	if strings.Contains(string(text), "kept in another place") {
		t.Error("the log warns of a move:\n" + string(text))
	}
	if strings.Contains(string(text), "secret-of") {
		t.Error("the log shows a password")
	}
}

// A reload that would close auth routes on all nodes at once, since a Redis that was just
// named does not answer, refuses its password or has its port closed, is refused, and what
// held before goes on: the list, and what waits to be shared.
func TestMoveToAPlaceThatCannotBeReadIsRefused(t *testing.T) {
	s := startRedis(t)
	s.command("CONFIG", "SET", "requirepass", "right")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	folder := t.TempDir()
	load := func(root, revocation string) error {
		return caddy.Load(fmt.Appendf(nil, `{"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
			"logging": {"logs": {"default": {"writer": {"output": "file", "filename": %q}}}},
			"apps": {"session": {"realms": {"default": {"secret": ["kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA"], "revocation": %s}}}}}`, root, filepath.Join(folder, "log"), revocation), true)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	redis := func(user, address string) string {
		return fmt.Sprintf(`{"module": "redis", "url": "redis://%s@%s"}`, user, address)
	}
	good := redis(":right", "127.0.0.1:"+s.port)
	unusable := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(unusable, nil, 0o600))
	for _, before := range []string{`{"module": "storage"}`, good} {
		require.NoError(t, load(folder, before))
		set := current(t)
		require.NoError(t, set.Revoke(t.Context(), ended("one")))
		for name, move := range map[string]func() error{
			"no server":          func() error { return load(folder, redis("", closed.Addr().String())) },
			"the wrong password": func() error { return load(folder, redis(":wrong", "127.0.0.1:"+s.port)) },
			"no folder":          func() error { return load(unusable, `{"module": "storage"}`) },
		} {
			require.ErrorContains(t, move(), "a place that cannot be read", name)
			if current(t) != set || set.Status().Refusing {
				t.Errorf("%s: the revocations before do not go on", name)
			}
			wantRevoked(t, set, annsSession("one"), true)
			wantRevoked(t, set, annsSession("other"), false)
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "log"))
	require.NoError(t, err)
	if strings.Contains(string(text), "auth routes are closed") || strings.Count(string(text), "kept in another place") != 1 { // to the Redis that answers
		t.Errorf("the log tells of what did not happen:\n%s", text)
	}

	// Where nothing is good any more, a reload may try whatever it likes.
	s.kill()
	set := current(t)
	eventually(t, 10*time.Second, "the outage is not noticed", func() bool { return set.Status().Outage })
	set.mu.Lock()
	set.countGrace(time.Now().Add(-time.Hour))
	set.mu.Unlock()
	require.NoError(t, load(folder, redis("", closed.Addr().String())))
}

func TestServerOfARedisURL(t *testing.T) {
	for one, other := range map[string]string{
		"redis://a:b@h:1/0": "redis://h:1/0",
		"redis://:b@h:1/0?master_name=m&password=p&username=u": "redis://c:d@h:1/0?master_name=m",
	} {
		a, b := &RedisRevocation{url: one}, &RedisRevocation{url: other}
		if a.server() != b.server() || a.Place() == b.Place() {
			t.Errorf("%s and %s are not two clients of one server", one, other)
		}
	}
	if a, b := (&RedisRevocation{url: "redis://h:1/0"}), (&RedisRevocation{url: "redis://h:1/1"}); a.server() == b.server() {
		t.Error("two databases are one")
	}
}

// What a request of the configuration before ends after the move holds, and what it
// updates is known.
func TestLateSignOutHoldsInTheNewPlace(t *testing.T) {
	one, two := startRedis(t), startRedis(t)
	folder := t.TempDir()
	load := func(s *redisServer) *sharedRevocations {
		t.Helper()
		if err := caddy.Load(fmt.Appendf(nil, `{"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
			"apps": {"session": {"realms": {"default": {"revocation": {"module": "redis", "url": %q}}}}}}`, folder, s.url()), true); err != nil {
			t.Fatal(err)
		}
		return current(t)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	before := load(one)
	after := load(two)
	if err := before.Revoke(t.Context(), ended("late")); err != nil {
		t.Error("the sign-out is answered with ", err)
	}
	wantRevoked(t, after, annsSession("late"), true)
	now := time.Now()
	before.Update(session.Revocation{SessionID: "updated", Updated: now, Until: now.Add(time.Minute)})
	assert.True(t, after.UpdatedAfter("updated", now.Add(-time.Second)), "the new place does not know of the update")
	isInTwo := func() bool { return two.command("XLEN", "session:default:revocations") == "1" }
	eventually(t, 5*time.Second, "the sign-out is not shared in the new place", isInTwo)
}

// brokenLog takes nothing.
type brokenLog struct{ RevocationLog }

func (brokenLog) Append(context.Context, []session.Revocation) error { return errors.New("broken") }

func (brokenLog) Follow(ctx context.Context, _ func(session.Revocation), synced func()) error {
	synced()
	<-ctx.Done()
	return ctx.Err()
}

func (brokenLog) Close() error { return nil }

// Requests of a configuration that ends still sign out; run with -race.
func TestSignOutsWhileTheRevocationsClose(t *testing.T) {
	for range 50 {
		node := newSharedRevocations("closing", session.NewRevocationSet(time.Now), brokenLog{}, Outage{}.OutageRule())
		started := make(chan struct{})
		var signOuts sync.WaitGroup
		signOuts.Go(func() {
			close(started)
			for range 100 {
				_ = node.Revoke(t.Context(), ended("x")) // it cannot be shared
			}
		})
		<-started
		_ = node.Destruct()
		signOuts.Wait()
	}
}

// After a move, requests that the configuration before still answers have updates told in
// the new place, and hear of a sign-out that is not kept there yet that it is not done.
func TestRequestsOfTheConfigurationBeforeUseTheNewPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, after := newRememberingLog(), newRememberingLog()
		close(before.may)
		close(after.may)
		deaf := &deafLog{RevocationLog: after}
		deaf.deaf.Store(true)
		set := session.NewRevocationSet(time.Now)
		old := newSharedRevocations("default", set, before, Outage{}.OutageRule())
		heir := newSharedRevocations("default", set, deaf, Outage{}.OutageRule())
		old.ready(t.Context())
		heir.ready(t.Context())
		require.NoError(t, old.Destruct())
		old.heirs = []keeper{heir}

		require.ErrorIs(t, old.Revoke(t.Context(), ended("one")), session.ErrUnavailable)
		require.ErrorIs(t, old.Share(t.Context(), annsSession("one")), session.ErrUnavailable)
		old.Update(updatedNow("two"))
		deaf.deaf.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.NoError(t, old.Share(t.Context(), annsSession("one")))
		require.NoError(t, heir.Destruct())
		assert.Empty(t, before.all)
		told := map[string]bool{}
		for _, r := range after.all {
			told[r.SessionID] = true
		}
		assert.Equal(t, map[string]bool{"one": true, "two": true}, told)
	})
}

package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// listingNode is a node that lists sessions.
type listingNode struct {
	*session.Manager
	set     *sharedRevocations
	list    *sharedList
	storage *watchedStorage
}

// listingOn starts a node that shares its list where the log is kept.
func listingOn(t *testing.T, set *sharedRevocations, storage *watchedStorage) *listingNode {
	t.Helper()
	list := newSharedList("default", set.log.(PageStore), set)
	list.ready(t.Context())
	keys, err := session.NewKeyring("", []byte("kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA"))
	require.NoError(t, err)
	manager, err := session.NewManager(session.Settings{Revocations: set, List: list.List, Expiry: 2 * time.Hour, RefreshThreshold: time.Hour}, keys)
	require.NoError(t, err)
	return &listingNode{manager, set, list, storage}
}

func listingInFolder(t *testing.T, folder string) *listingNode {
	t.Helper()
	set, storage := nodeOn(t, folder, Outage{})
	return listingOn(t, set, storage)
}

func (n *listingNode) signIn(t *testing.T, user string) *session.Visitor {
	t.Helper()
	v, err := n.Read(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login", nil))
	require.NoError(t, err)
	require.NoError(t, v.Create(t.Context(), session.Login{User: session.User{"id": user}}))
	return v
}

func (n *listingNode) wantListed(t *testing.T, user string, want int) {
	t.Helper()
	if listed, err := n.Sessions(user); err != nil || len(listed) != want {
		t.Errorf("%s: %d sessions are listed, %v; want %d", user, len(listed), err, want)
	}
}

func (n *listingNode) stop(t *testing.T) {
	t.Helper()
	assert.NoError(t, n.list.Destruct())
	stop(t, n.set)
}

func TestListIsSharedAndSurvivesRestart(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, b := listingInFolder(t, folder), listingInFolder(t, folder)
		onA, onB := a.signIn(t, "ann"), b.signIn(t, "ann") // at once, so on one page
		time.Sleep(2 * time.Second)
		synctest.Wait()
		a.wantListed(t, "ann", 2)
		b.wantListed(t, "ann", 2)
		require.NoError(t, onA.Delete(t.Context()))
		time.Sleep(time.Second)
		synctest.Wait()
		a.wantListed(t, "ann", 1)
		b.wantListed(t, "ann", 1)
		bobs := b.signIn(t, "bob")
		b.stop(t) // the last word of a node that ends is heard
		a.stop(t)

		restarted := listingInFolder(t, folder)
		restarted.wantListed(t, "ann", 1)
		restarted.wantListed(t, "bob", 1)
		if listed, _ := restarted.Sessions("ann"); listed[0].SessionID != onB.Session().ID {
			t.Error("the wrong session is listed")
		}
		if listed, _ := restarted.Sessions("bob"); !listed[0].CreatedAt.Equal(bobs.Session().CreatedAt) {
			t.Errorf("listed %+v", listed[0])
		}
		restarted.stop(t)
	})
}

// No request waits for the storage, and a quiet site costs one listing a second.
func TestListCostsNoRequestAndLittleStorage(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := listingInFolder(t, folder)
		for range 30 {
			n.signIn(t, "ann")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		stored, lists, loads := n.storage.stores.Load(), n.storage.lists.Load(), n.storage.loads.Load()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n.storage.stores.Load() != stored || n.storage.loads.Load() != loads {
			t.Error("a quiet minute wrote or read")
		}
		if polls := n.storage.lists.Load() - lists; polls < 120 || polls > 170 { // of the list and of the revocations
			t.Errorf("%d listings in a quiet minute", polls)
		}
		if files := pageFiles(t, folder); len(files) != 1 {
			t.Errorf("one user's sessions are in %d files", len(files))
		}
		n.storage.full.Store(true)
		n.storage.unreadable.Store(true)
		before := time.Now()
		n.signIn(t, "bob")
		if waited := time.Since(before); waited != 0 {
			t.Errorf("a request waited %s", waited)
		}
		n.wantListed(t, "bob", 1)
		time.Sleep(10 * time.Second)
		n.storage.full.Store(false)
		n.storage.unreadable.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		n.stop(t)
		healed := listingInFolder(t, folder)
		healed.wantListed(t, "bob", 1)
		healed.stop(t)
	})
}

func pageFiles(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "session/default/list/*"))
	require.NoError(t, err)
	return files
}

// Personal data does not stay when the sessions are over.
func TestEndedSessionsLeaveTheStorage(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := listingInFolder(t, folder)
		n.signIn(t, "ann")
		time.Sleep(2 * time.Second)
		if len(pageFiles(t, folder)) != 1 {
			t.Fatal("nothing was stored")
		}
		time.Sleep(4 * time.Hour) // they live for two
		synctest.Wait()
		if files := pageFiles(t, folder); len(files) != 0 {
			t.Errorf("left: %v", files)
		}
		n.stop(t)
	})
}

// Nor does it after list off, whether the sessions expire or are ended. A node that has the
// list on loses nothing by it.
func TestListThatIsOffLeavesTheStorage(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		on := listingInFolder(t, folder)
		on.signIn(t, "ann")
		on.signIn(t, "bob")
		time.Sleep(2 * time.Second)
		set, _ := nodeOn(t, folder, Outage{})
		off := newFormerList("default", set.log.(PageStore), set)
		wantFiles := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if files := pageFiles(t, folder); len(files) != want {
				t.Errorf("%s: %d pages are left, want %d", when, len(files), want)
			}
		}
		wantFiles(2, "two nodes, one with the list on")
		time.Sleep(time.Hour)
		on.signIn(t, "bob") // until three hours after the start
		time.Sleep(90 * time.Minute)
		on.wantListed(t, "bob", 1)
		wantFiles(1, "after the end of ann's session")
		ann := on.signIn(t, "ann")
		time.Sleep(2 * time.Second)
		on.stop(t)
		wantFiles(2, "when no node has the list on any more")
		require.NoError(t, set.Revoke(t.Context(), session.Revocation{UserID: "ann", Before: time.Now(), Until: ann.Session().ExpiresAt}))
		time.Sleep(2 * time.Hour)
		wantFiles(0, "when all sessions have ended")
		_ = off.Destruct()
		stop(t, set)
	})
}

// What it finds at its start is deleted then.
func TestListThatIsOffIsSweptAtTheStart(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		on := listingInFolder(t, folder)
		on.signIn(t, "ann")
		on.signIn(t, "bob")
		ann := on.signIn(t, "ann")
		time.Sleep(2 * time.Second)
		on.stop(t)
		set, _ := nodeOn(t, folder, Outage{})
		sweep := func(want int) {
			t.Helper()
			off := newFormerList("default", set.log.(PageStore), set)
			synctest.Wait()
			if files := pageFiles(t, folder); len(files) != want {
				t.Errorf("%d pages are left, want %d", len(files), want)
			}
			_ = off.Destruct()
		}
		sweep(2)
		require.NoError(t, set.Revoke(t.Context(), session.Revocation{SessionID: ann.Session().ID, Until: ann.Session().ExpiresAt}))
		sweep(2) // there is another session on the page
		require.NoError(t, set.Revoke(t.Context(), session.Revocation{UserID: "ann", Before: time.Now(), Until: ann.Session().ExpiresAt}))
		sweep(1)
		time.Sleep(2 * time.Hour)
		sweep(0)
		stop(t, set)
	})
}

func TestLostListIsWrittenAgain(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := listingInFolder(t, folder)
		n.signIn(t, "ann")
		time.Sleep(2 * time.Second)
		require.NoError(t, os.RemoveAll(filepath.Join(folder, "session")))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		fresh := listingInFolder(t, folder)
		fresh.wantListed(t, "ann", 1)
		fresh.stop(t)
		n.stop(t)
	})
}

// A page that cannot be read neither ends a session nor hides what a node knows.
func TestDamagedPageIsAnOutageOfTheListAlone(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := listingInFolder(t, folder)
		v := n.signIn(t, "ann")
		time.Sleep(2 * time.Second)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "session/default/list/07-x"), []byte(`{"session":`), 0o600))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if !n.list.outage.Load() {
			t.Error("nobody is told")
		}
		n.wantListed(t, "ann", 1)
		wantRevoked(t, n.set, v.Session(), false)
		n.stop(t)
	})
}

func TestListOnRedis(t *testing.T) {
	s := startRedis(t)
	a, b := listingOn(t, s.node(), nil), listingOn(t, s.node(), nil)
	var signedIn sync.WaitGroup
	for range 20 {
		for _, n := range []*listingNode{a, b} {
			signedIn.Go(func() { n.signIn(t, "ann") })
		}
	}
	signedIn.Wait()
	onBoth := func() bool {
		onA, _ := a.Sessions("ann")
		onB, _ := b.Sessions("ann")
		return len(onA) == 40 && len(onB) == 40
	}
	eventually(t, 10*time.Second, "the nodes do not agree", onBoth)
	if lasts := s.command("TTL", "session:default:list"); strings.HasPrefix(lasts, "-") {
		t.Errorf("the list stays in Redis for ever: %s", lasts)
	}
	a.stop(t)
	b.stop(t)
	late := listingOn(t, s.node(), nil)
	late.wantListed(t, "ann", 40)
	late.stop(t)
}

// A page that could not be written is written as soon as it can be, and not after the five
// minutes that a mere use may wait.
func TestPageThatCouldNotBeWrittenIsWrittenSoon(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := listingInFolder(t, folder)
		n.storage.full.Store(true)
		n.signIn(t, "ann")
		time.Sleep(5 * time.Second)
		n.storage.full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if files := pageFiles(t, folder); len(files) != 1 {
			t.Errorf("%d pages are written", len(files))
		}
		n.stop(t)
	})
}

// The list in Redis lives as long as its last session, whichever page was written first.
func TestListInRedisLivesAsLongAsItsLastSession(t *testing.T) {
	s := startRedis(t)
	node := s.node()
	pages := node.log.(PageStore)
	for _, lasts := range []time.Duration{2 * time.Hour, 4 * time.Hour, time.Hour} {
		require.NoError(t, pages.StorePage(t.Context(), "00-"+lasts.String(), []byte("{}\n"), time.Now().Add(lasts)))
	}
	left, err := strconv.Atoi(strings.TrimSpace(s.command("TTL", "session:default:list")))
	require.NoError(t, err)
	if left < 3*3600+3000 || left > 4*3600 {
		t.Errorf("the list lives for %d seconds", left)
	}
	stop(t, node)
}

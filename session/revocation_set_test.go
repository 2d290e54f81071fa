package session_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

var setEpoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func sessionOf(id, user string, created time.Time) *session.Session {
	return &session.Session{ID: id, User: session.User{"id": user}, CreatedAt: created}
}

func isRevoked(t *testing.T, set session.Revocations, s *session.Session) bool {
	t.Helper()
	revoked, err := set.Revoked(s)
	if err != nil {
		t.Fatal(err)
	}
	return revoked
}

// Whatever the order in which nodes learn of revocations, they agree: a session
// has ended if any of them ends it.
func TestRevocationSetDoesNotDependOnOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	ids, users := []string{"s1", "s2", "s3"}, []string{"ann", "bob"}
	for range 2000 {
		var all []session.Revocation
		for range 1 + random.IntN(6) {
			r := session.Revocation{Before: setEpoch.Add(time.Duration(random.IntN(6)) * time.Minute), Until: setEpoch.Add(time.Hour)}
			switch random.IntN(8) {
			case 0:
				r.SessionID = ids[random.IntN(3)]
			case 1:
				r.Before = r.Before.Add(-2 * time.Minute) // everybody
			case 2, 3:
				r.UserID = users[random.IntN(2)]
			default:
				r.UserID, r.Except = users[random.IntN(2)], ids[random.IntN(3)]
			}
			all = append(all, r)
		}
		one, other := session.NewRevocationSet(func() time.Time { return setEpoch }), session.NewRevocationSet(func() time.Time { return setEpoch })
		for _, r := range all {
			one.Add(r)
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, r := range append(slices.Clone(all), all...) { // and twice
			other.Add(r)
		}
		for _, id := range ids {
			for minute := range 6 {
				s := sessionOf(id, users[0], setEpoch.Add(time.Duration(minute)*time.Minute))
				want := slices.ContainsFunc(all, func(r session.Revocation) bool { return ends(r, s) })
				if got := slices.ContainsFunc(all, func(r session.Revocation) bool { return r.Ends(s) }); got != want {
					t.Fatalf("%s created at minute %d: Ends is %t, want %t", id, minute, got, want)
				}
				if a, b := isRevoked(t, one, s), isRevoked(t, other, s); a != want || b != want {
					t.Fatalf("%s created at minute %d: %t and %t, want %t after %+v", id, minute, a, b, want, all)
				}
			}
		}
	}
}

// ends is what one revocation means, as its documentation says.
func ends(r session.Revocation, s *session.Session) bool {
	switch {
	case r.SessionID != "":
		return s.ID == r.SessionID
	case r.UserID != "":
		return s.User.ID() == r.UserID && s.ID != r.Except && s.CreatedAt.Before(r.Before)
	}
	return s.CreatedAt.Before(r.Before)
}

func TestRevocationSetForgetsWhatCanStopNothing(t *testing.T) {
	now := setEpoch
	set := session.NewRevocationSet(func() time.Time { return now })
	for i := range 10_000 {
		set.Add(session.Revocation{SessionID: strconv.Itoa(i), Until: now.Add(time.Hour)})
	}
	for i := range 100 {
		set.Add(session.Revocation{UserID: strconv.Itoa(i), Before: now, Until: now.Add(time.Hour)})
	}
	set.Add(session.Revocation{SessionID: "late", Until: now.Add(3 * time.Hour)})
	now = now.Add(time.Hour)
	set.Sweep()
	if sessions, users := set.Size(); sessions != 10_001 || users != 100 {
		t.Errorf("%d sessions and %d users to the end, want 10001 and 100", sessions, users)
	}
	now = now.Add(2 * time.Minute)
	set.Sweep()
	if sessions, users := set.Size(); sessions != 1 || users != 0 {
		t.Errorf("%d sessions and %d users afterwards, want 1 and 0", sessions, users)
	}
	if !isRevoked(t, set, sessionOf("late", "ann", setEpoch)) {
		t.Error("the sweep dropped one that is needed")
	}
}

// Nodes with other settings may keep one end for less long. It is kept for as long as any
// of them does, in whatever order they tell of it.
func TestRevocationSetKeepsAnEndForAsLongAsAnybody(t *testing.T) {
	for name, r := range map[string]session.Revocation{
		"a session": {SessionID: "s1"},
		"a user":    {UserID: "ann", Before: setEpoch.Add(time.Minute)},
	} {
		for _, hours := range [][]int{{1, 3}, {3, 1}, {1, 3, 1}} {
			now := setEpoch
			set := session.NewRevocationSet(func() time.Time { return now })
			for _, n := range hours {
				r.Until = setEpoch.Add(time.Duration(n) * time.Hour)
				set.Add(r)
			}
			now = setEpoch.Add(2 * time.Hour)
			set.Sweep()
			if !isRevoked(t, set, sessionOf("s1", "ann", setEpoch)) {
				t.Errorf("%s, for %d hours: it is forgotten after two", name, hours)
			}
			now = setEpoch.Add(4 * time.Hour)
			if set.Sweep(); isRevoked(t, set, sessionOf("s1", "ann", setEpoch)) {
				t.Errorf("%s, for %d hours: it is kept after four", name, hours)
			}
		}
	}
}

const million = 1_000_000

// largeSet holds a million sessions, or a million users, and a few of the other.
func largeSet(users bool) *session.RevocationSet {
	set := session.NewRevocationSet(func() time.Time { return setEpoch })
	until := setEpoch.Add(time.Hour)
	for i := range million {
		r := session.Revocation{SessionID: fmt.Sprintf("%022d", i), Until: until}
		if users {
			r = session.Revocation{UserID: fmt.Sprintf("user-%d", i), Before: setEpoch, Until: until}
		}
		set.Add(r)
	}
	set.Add(session.Revocation{SessionID: "one more", Until: until})
	set.Add(session.Revocation{UserID: "one more", Before: setEpoch, Until: until})
	return set
}

func TestMillionRevocationsTakeLittleMemory(t *testing.T) {
	for _, users := range []bool{false, true} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		set := largeSet(users)
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := float64(after.HeapAlloc-before.HeapAlloc) / million
		t.Logf("users %t: %.1f bytes an entry", users, each)
		if each > 64 {
			t.Errorf("users %t: %.1f bytes an entry, want at most 64", users, each)
		}
		s := sessionOf("AAAAAAAAAAAAAAAAAAAAAA", "somebody", setEpoch)
		if allocs := testing.AllocsPerRun(100, func() { _ = isRevoked(t, set, s) }); allocs != 0 {
			t.Errorf("users %t: a check allocates %v times", users, allocs)
		}
	}
}

func BenchmarkRevokedAmongMillion(b *testing.B) {
	for name, users := range map[string]bool{"sessions": false, "users": true} {
		set := largeSet(users)
		var visitors []*session.Session
		for i := range 4096 { // half of them revoked, spread over the set
			visitors = append(visitors, sessionOf(fmt.Sprintf("%022d", i*487), fmt.Sprintf("user-%d", i*487), setEpoch))
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := set.Revoked(visitors[i%len(visitors)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The order in which updates arrive does not matter.
func TestOlderUpdateThatArrivesLaterIsNoNews(t *testing.T) {
	now := noon
	set := session.NewRevocationSet(func() time.Time { return now })
	for _, age := range []time.Duration{0, time.Minute} {
		set.Update(session.Revocation{SessionID: "one", Updated: now.Add(-age), Until: now.Add(time.Hour - age)})
	}
	if !set.UpdatedAfter("one", now.Add(-time.Second)) {
		t.Error("the newer update is forgotten")
	}
	now = now.Add(59*time.Minute + 30*time.Second)
	set.Sweep()
	if !set.UpdatedAfter("one", noon.Add(-time.Second)) {
		t.Error("the newer update is forgotten with the older one")
	}
}

// Whose answer with an update never arrived goes on with the older cookie. Where nothing is
// ended or updated for days, nothing is swept, and still it is extended.
func TestUpdateIsForgottenWithoutASweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hooked(t, nil, nil, func(s *session.Settings) { s.Revocations = session.NewRevocationSet(time.Now) })
		cookie := signIn(t, m, alice())
		time.Sleep(time.Hour)
		if err := read(t, m, request(cookie)).Update(session.Change{User: session.User{"role": "admin"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(untilDue)
		v := read(t, m, request(cookie))
		if err := v.Slide(t.Context()); err != nil || len(setCookies(t, v)) == 0 {
			t.Errorf("%v, and the session is not extended", err)
		}
	})
}

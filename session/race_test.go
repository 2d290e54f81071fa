package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

func sentCookie(t testing.TB, v *session.Visitor) string {
	t.Helper()
	return strings.Join(cookiePairs(setCookies(t, v)), "; ")
}

// Two tabs: one updates, the other's request began before and ends after it.
func TestUpdateIsNotOverwrittenByAnOlderRefresh(t *testing.T) {
	for name, took := range map[string]time.Duration{"at once": 0, "after a minute": time.Minute, "after four minutes": 4 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			m, c := newManager(t)
			old := signIn(t, m, alice())
			c.Add(time.Hour)
			slow := read(t, m, request(old))
			fast := read(t, m, request(old))
			must(t, fast.Update(session.Change{User: session.User{"role": "admin"}}))
			sentCookie(t, fast)
			c.Add(took)
			signIn(t, m, alice()) // others go on, so that the memory is swept
			must(t, slow.Refresh(t.Context()))
			if role := slow.Session().User["role"]; role != "admin" {
				t.Errorf("after the slow refresh the role is %v", role)
			}
			if s := read(t, m, request(sentCookie(t, slow))).Session(); s == nil || s.User["role"] != "admin" {
				t.Errorf("the last cookie holds %v", s)
			}
		})
	}
}

// next-auth issue 8897. The refresh came first, the update second, and the refresh's answer arrives
// last: its Set-Cookie would put the older state into the browser.
func TestNextAuth8897LateAnswerDoesNotBringBackAnOlderSession(t *testing.T) {
	m, c := newManager(t)
	old := signIn(t, m, alice())
	c.Add(time.Hour)
	slow, fast := read(t, m, request(old)), read(t, m, request(old))
	must(t, slow.Refresh(t.Context()))
	must(t, fast.Update(session.Change{User: session.User{"role": "admin"}}))
	updated := sentCookie(t, fast)
	if updated == "" {
		t.Error("the update wrote no cookie")
	}
	if got := sentCookie(t, slow); got != updated {
		t.Errorf("the late refresh wrote %q, not what the update made", got)
	}
}

// The refresh was overtaken by an update whose answer never arrived, since its tab
// was closed.
func TestOvertakenAnswerBringsTheNewestToken(t *testing.T) {
	m, c := newManager(t)
	old := signIn(t, m, alice())
	c.Add(time.Hour)
	slow, lost := read(t, m, request(old)), read(t, m, request(old))
	must(t, slow.Refresh(t.Context()))
	must(t, lost.Update(session.Change{User: session.User{"role": "admin"}}))
	if s := read(t, m, request(sentCookie(t, slow))).Session(); s == nil || s.User["role"] != "admin" {
		t.Errorf("the browser holds %v", s)
	}
}

// Each change is newer than the one before, by a millisecond at least. Who changes a session more often than that must
// not end up with one that counts as from the future, and be signed out.
func TestChangingAllTheTimeSignsNobodyOut(t *testing.T) {
	m, _ := newManager(t)
	// So many changes were before.
	cookie := "session=" + sealClaims(noon, claims{"lastActivity": noon.Add(45 * time.Second).UnixMilli()})
	refused := 0
	for i := range 20_000 { // or it would be from the future
		v := read(t, m, request(cookie))
		if v.Session() == nil {
			t.Fatalf("after %d changes the cookie is %s", i, v.Result())
		}
		var err error
		if i%2 == 0 {
			err = v.Refresh(t.Context())
		} else {
			err = v.Update(session.Change{User: session.User{"name": fmt.Sprint(i)}})
		}
		switch {
		case errors.Is(err, session.ErrUnavailable):
			refused++
		case err != nil:
			t.Fatal(err)
		}
		if sent := sentCookie(t, v); sent != "" {
			cookie = sent
		}
	}
	if refused == 0 {
		t.Error("nothing was refused, so this tests nothing")
	}
}

func TestParallelUpdatesAreAllKept(t *testing.T) {
	m, c := newManager(t)
	old := signIn(t, m, alice())
	c.Add(time.Hour)
	const n = 50
	var requests sync.WaitGroup
	for i := range n {
		v := read(t, m, request(old))
		requests.Go(func() {
			if err := v.Update(session.Change{User: session.User{fmt.Sprint("field", i): i}}); err != nil {
				t.Error(err)
			}
			v.SetCookies(http.Header{})
		})
	}
	requests.Wait()
	if s := read(t, m, request(old)).Session(); len(s.User) != n+2 {
		t.Errorf("%d of %d updates are left", len(s.User)-2, n)
	}
}

// nextjs-auth0 issue 2335: a rolling answer in flight undoes the sign-out. Sign-out
// while a refresh is in flight: whatever the order, the session is dead
// and no late answer brings its cookie back.
func TestAuth0Issue2335TombstoneWinsOverARefreshInFlight(t *testing.T) {
	for name, refreshFirst := range map[string]bool{"refreshed before the sign-out": true, "refreshed after it": false} {
		t.Run(name, func(t *testing.T) {
			m, c := newManager(t)
			old := signIn(t, m, alice())
			c.Add(time.Hour)
			slow, out := read(t, m, request(old)), read(t, m, request(old))
			if refreshFirst {
				must(t, slow.Refresh(t.Context()))
			}
			must(t, out.Delete(t.Context()))
			if !refreshFirst {
				if err := slow.Refresh(t.Context()); err == nil {
					t.Error("a session that was ended could be refreshed")
				}
			}
			if got := sentCookie(t, slow); got != "" {
				t.Errorf("the late answer wrote %q", got)
			}
		})
	}
}

// next-auth pull request 13465: the same with an update.
func TestNextAuth13465TombstoneWinsOverAnUpdateInFlight(t *testing.T) {
	m, _ := newManager(t)
	cookie := signIn(t, m, alice())
	slow, out := read(t, m, request(cookie)), read(t, m, request(cookie))
	must(t, out.Delete(t.Context()))
	if err := slow.Update(session.Change{User: session.User{"a": 1}}); err == nil {
		t.Error("a session that was ended could be updated")
	}
	if got := sentCookie(t, slow); got != "" {
		t.Errorf("the late answer wrote %q", got)
	}
}

// code-dot-org pull request 61815. Sign-outs and refreshes of one session at the same moment, many times: the
// race detector and the end state look on.
func TestCodeDotOrg61815SignOutAmongRefreshes(t *testing.T) {
	m, c := newManager(t)
	for range 30 {
		cookie := signIn(t, m, alice())
		c.Add(time.Hour)
		lines := make([]string, 8)
		var requests sync.WaitGroup
		for i := range lines {
			v := read(t, m, request(cookie))
			requests.Go(func() {
				if i == 3 {
					if err := v.Delete(t.Context()); err != nil {
						t.Error(err)
					}
					return
				}
				_ = v.Refresh(t.Context()) // refused, or in time
				lines[i] = sentCookie(t, v)
			})
		}
		requests.Wait()
		for _, line := range append(lines, cookie) {
			if line != "" && read(t, m, request(line)).Session() != nil {
				t.Fatal("a token of the session that was ended opens")
			}
		}
	}
}

// Refreshes of two users must never be mixed up.
func TestTwoUsersAtOnce(t *testing.T) {
	m, c := newManager(t)
	users := []string{"an", "bo", "cy"}
	cookies := make([]string, len(users))
	for i, user := range users {
		cookies[i] = signIn(t, m, session.Login{User: session.User{"id": user}})
	}
	c.Add(6*day + time.Hour)
	var requests sync.WaitGroup
	for n := range 300 {
		i := n % len(users)
		requests.Go(func() {
			v, err := m.Read(request(cookies[i]))
			if err != nil || v.Session() == nil {
				t.Errorf("%v, %s", err, v.Result())
				return
			}
			if err := v.Slide(t.Context()); err != nil {
				t.Error(err)
			}
			s, _ := openToken(t, m, strings.TrimPrefix(sentCookie(t, v), "session="))
			if s == nil || s.User.ID() != users[i] || v.Session().User.ID() != users[i] {
				t.Errorf("%s got the session of %v", users[i], s)
			}
		})
	}
	requests.Wait()
}

// An app that seals tokens itself and uses an id twice gets its users no other's session.
func TestOneIDOfTwoUsersMixesNobodyUp(t *testing.T) {
	m, clock := newManager(t)
	tokenOf := func(user string) string {
		return sealClaims(clock.Now(), claims{"jti": "one-id", "user": claims{"id": user}})
	}
	ann, bob := tokenOf("ann"), tokenOf("bob")
	v := read(t, m, request("session="+bob))
	must(t, v.Refresh(t.Context()))
	late := read(t, m, request("session="+ann))
	if user := late.Session().User.ID(); user != "ann" {
		t.Errorf("the token of ann is read as %s", user)
	}
	if err := late.Refresh(t.Context()); err != nil || late.Session().User.ID() != "ann" {
		t.Errorf("ann is refreshed as %s, error %v", late.Session().User.ID(), err)
	}
	if both := read(t, m, request("session="+ann, "session="+bob)); both.Result() != session.ResultAmbiguous {
		t.Errorf("two users in one request are %s", both.Result())
	}
}

// Who plants a cookie of their own beside the victim's cannot keep a sign-out from ending it.
func TestSignOutWithTwoSessionsEndsBoth(t *testing.T) {
	m, _ := newManager(t)
	cookies := []string{signIn(t, m, alice()), signIn(t, m, session.Login{User: session.User{"id": "mallory"}})}
	v := read(t, m, request(cookies...))
	if v.Session() != nil || v.Result() != session.ResultAmbiguous {
		t.Fatal(v.Result())
	}
	must(t, v.Delete(t.Context()))
	for _, cookie := range cookies {
		if result := read(t, m, request(cookie)).Result(); result != session.ResultRevoked {
			t.Errorf("the session is %s", result)
		}
	}
}

func TestNoncesAndIDsNeverRepeat(t *testing.T) {
	const perGoroutine, goroutines = 2000, 16
	m, _ := newManager(t)
	var mu sync.Mutex
	nonces, ids := map[string]bool{}, map[string]bool{}
	var signedIn sync.WaitGroup
	for range goroutines {
		signedIn.Go(func() {
			for range perGoroutine {
				v := read(t, m, request())
				if err := v.Create(t.Context(), alice()); err != nil {
					t.Error(err)
					return
				}
				header := http.Header{}
				v.SetCookies(header)
				nonce := strings.Split(header.Get("Set-Cookie"), ".")[2]
				mu.Lock()
				nonces[nonce], ids[v.Session().ID] = true, true
				mu.Unlock()
			}
		})
	}
	signedIn.Wait()
	if n := perGoroutine * goroutines; len(nonces) != n || len(ids) != n {
		t.Errorf("%d nonces and %d ids of %d sign-ins", len(nonces), len(ids), n)
	}
}

// Of two users whose sessions an app has given one id, none is sent the other's token.
func TestOneIDOfTwoUsersSendsNobodyTheOthersToken(t *testing.T) {
	m, c := newManager(t)
	var visitors []*session.Visitor
	for _, user := range []string{"ann", "bob"} {
		v := read(t, m, request("session="+sealClaims(c.Now(), claims{"jti": "one-id", "user": claims{"id": user}})))
		must(t, v.Refresh(t.Context()))
		visitors = append(visitors, v)
	}
	for i, user := range []string{"ann", "bob"} {
		if sent := sentCookie(t, visitors[i]); sent != "" {
			if got := read(t, m, request(sent)).Session().User.ID(); got != user {
				t.Errorf("%s is sent the token of %s", user, got)
			}
		}
	}
}

// An update is remembered for its own five minutes, not for those of the sign-in before it.
func TestUpdateIsRememberedForFiveMinutes(t *testing.T) {
	m, c := newManager(t, func(s *session.Settings) { s.Revocations = forgetful{session.NewRevocationSet(s.Now)} })
	old := signIn(t, m, alice())
	c.Add(4 * time.Minute)
	must(t, read(t, m, request(old)).Update(session.Change{User: session.User{"role": "admin"}}))
	c.Add(2 * time.Minute)
	signIn(t, m, alice()) // others go on, so that the memory is swept
	if role := read(t, m, request(old)).Session().User["role"]; role != "admin" {
		t.Errorf("the cookie of before the update shows the role %v", role)
	}
}

// forgetful knows of no update.
type forgetful struct{ *session.RevocationSet }

func (forgetful) Update(session.Revocation) {}

// Of two sessions of one user, as of a cookie that was left under another path, a sign-out
// ends both, or the next request would come with the older one.
func TestSignOutWithTwoSessionsOfOneUserEndsBoth(t *testing.T) {
	m, c := newManager(t)
	older := signIn(t, m, alice())
	c.Add(time.Second)
	cookies := []string{older, signIn(t, m, alice())}
	v := read(t, m, request(cookies...))
	if err := v.Delete(t.Context()); err != nil || v.Result() != session.ResultAmbiguous {
		t.Fatal(err, v.Result())
	}
	for _, cookie := range cookies {
		if result := read(t, m, request(cookie)).Result(); result != session.ResultRevoked {
			t.Errorf("the session is %s", result)
		}
	}
}

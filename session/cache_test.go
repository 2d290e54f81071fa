package session_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// What is remembered says the same as what is opened anew, also when the session
// has ended meanwhile.
func TestSeenSessionEndsAsAnUnseenOneDoes(t *testing.T) {
	for name, size := range map[string]int{"cached": 0, "opened anew": session.NoCache} {
		t.Run(name, func(t *testing.T) {
			revocations := session.NewRevocationSet(func() time.Time { return noon })
			m, c := newManager(t, func(s *session.Settings) {
				s.CacheSize, s.Expiry, s.Revocations = size, time.Hour, revocations
			})
			kept, ended := signIn(t, m, alice()), signIn(t, m, alice())
			for range 3 {
				for _, cookie := range []string{kept, ended} {
					if v := read(t, m, request(cookie)); v.Result() != session.ResultOpened || v.Session().User.ID() != "alice" {
						t.Fatalf("it says %s", v.Result())
					}
				}
			}
			must(t, read(t, m, request(ended)).Delete(t.Context()))
			for range 2 {
				if v := read(t, m, request(ended)); v.Result() != session.ResultRevoked || v.Session() != nil {
					t.Errorf("after its end it says %s", v.Result())
				}
			}
			c.Add(time.Hour)
			for range 2 {
				if v := read(t, m, request(kept)); v.Result() != session.ResultExpired || v.Session() != nil {
					t.Errorf("after its expiry it says %s", v.Result())
				}
			}
			c.Add(-2 * time.Hour) // before the sign-in
			if v := read(t, m, request(kept)); v.Result() != session.ResultMalformed {
				t.Errorf("from the future it says %s", v.Result())
			}
		})
	}
}

// Only the exact bytes of a token are known: another spelling is opened, and
// refused, as if nothing had been remembered.
func TestCacheKnowsOnlyTheExactToken(t *testing.T) {
	m, _ := newManager(t)
	cookie := signIn(t, m, alice())
	read(t, m, request(cookie))
	for _, bent := range []string{cookie + "A", cookie[:len(cookie)-1], cookie + "=", strings.Replace(cookie, "..", ".A.", 1)} {
		if v := read(t, m, request(bent)); v.Result() != session.ResultMalformed {
			t.Errorf("a bent token says %s", v.Result())
		}
	}
}

func TestCacheSizeBelowZeroIsRefused(t *testing.T) {
	if err := (session.Settings{CacheSize: -2}).Validate(); err == nil || !strings.Contains(err.Error(), "cache_size") {
		t.Errorf("the error is %v", err)
	}
}

// Reading costs few allocations, and none of a hostile cookie costs more than a
// genuine one that was not seen before.
func TestReadAllocations(t *testing.T) {
	m, _ := newManager(t)
	uncached, _ := newManager(t, func(s *session.Settings) { s.CacheSize = session.NoCache })
	cookie := signIn(t, m, alice())
	read(t, m, request(cookie))
	count := func(m *session.Manager, r *http.Request) float64 {
		return testing.AllocsPerRun(100, func() { read(t, m, r) })
	}
	genuine := count(uncached, request(cookie))
	forged := request("session=" + bendCiphertext(strings.TrimPrefix(cookie, "session=")))
	for _, c := range []struct {
		name string
		r    *http.Request
		most float64
	}{
		{"anonymous", request("theme=dark; consent=1"), 1},
		{"seen", request("theme=dark; " + cookie), 3},
		{"malformed", request("session=" + strings.Repeat("a.", 2000)), 2},
		{"forged", forged, genuine},
	} {
		if n := count(m, c.r); n > c.most {
			t.Errorf("%s: %v allocations, at most %v are wanted", c.name, n, c.most)
		}
	}
}

// What the app is told of a session costs the memory of the text and no more.
func TestDataAllocations(t *testing.T) {
	m, _ := newManager(t)
	login := alice()
	login.AccessToken = "an access token"
	s := read(t, m, request(signIn(t, m, login))).Session()
	if n := testing.AllocsPerRun(100, func() { _ = s.DataWithoutTokens() }); n > 1 {
		t.Errorf("%v allocations, one is wanted", n)
	}
}

// heap is how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// One user who has a token made anew again and again fills no memory, whatever is in
// it: the cache is bounded in bytes too.
func TestMemoryOfTheCacheIsBounded(t *testing.T) {
	const size = 250
	type object = map[string]any
	for name, field := range map[string]any{
		"a long text":       strings.Repeat("x", 8_000),
		"a short text":      "x",
		"line breaks":       strings.Repeat("\n", 4_000),
		"numbers":           slices.Repeat([]any{json.Number("1")}, 900),
		"empty objects":     slices.Repeat([]any{object{}}, 400),
		"small objects":     slices.Repeat([]any{object{"": 0}}, 120),
		"objects":           slices.Repeat([]any{object{"a": 0, "b": 0, "c": 0, "d": 0, "e": 0, "f": 0, "g": 0, "h": 0, "i": 0}}, 50),
		"arrays":            slices.Repeat([]any{[]any{[]any{}}}, 400),
		"very many objects": slices.Repeat([]any{object{}}, 2_600),
	} {
		t.Run(name, func(t *testing.T) {
			m, c := newManager(t, func(s *session.Settings) { s.CacheSize = size })
			cookie := signIn(t, m, session.Login{User: session.User{"id": "alice", "field": field}})
			before := heap()
			for range 2 * size {
				c.Add(20 * time.Millisecond)
				v := read(t, m, request(cookie))
				must(t, v.Refresh(t.Context()))
				cookie = strings.Join(cookiePairs(setCookies(t, v)), "; ")
				for range 2 {
					read(t, m, request(cookie)).Session().Data()
				}
			}
			used := int(heap() - before)
			if most := size*4<<10 + 512<<10; used > most { // with the other memory of a manager
				t.Errorf("%d kB for %d tokens, at most %d are wanted", used>>10, m.CacheStats().Tokens, most>>10)
			}
			t.Logf("%d kB for %d tokens", used>>10, m.CacheStats().Tokens)
			runtime.KeepAlive(m)
		})
	}
}

// Of ordinary sessions it holds as many as it is told to. A very large one that it
// holds none of is opened anew, and costs the others nothing.
func TestCacheHoldsItsNumberOfOrdinarySessions(t *testing.T) {
	const size = 1_000
	m, _ := newManager(t, func(s *session.Settings) { s.CacheSize = size })
	for i := range size {
		read(t, m, request(signIn(t, m, session.Login{User: session.User{
			"id": fmt.Sprintf("user-%d", i), "name": "Alice Liddell", "email": "alice.liddell@wonderland.example", "role": "editor",
			"picture": "https://cdn.wonderland.example/avatars/7d1f8a3c.png", "locale": "en-GB", "teams": []any{"red", "white"},
			"plan": "pro", "emailVerified": true,
		}}))).Session().Data()
	}
	if n := m.CacheStats().Tokens; n != size {
		t.Errorf("it holds %d of %d", n, size)
	}
	large := signIn(t, m, session.Login{User: session.User{"id": "alice", "field": slices.Repeat([]any{map[string]any{}}, 2_600)}})
	for range 3 {
		if v := read(t, m, request(large)); v.Result() != session.ResultOpened {
			t.Errorf("a very large session says %s", v.Result())
		}
	}
	if n := m.CacheStats().Tokens; n != size {
		t.Errorf("then it holds %d of %d", n, size)
	}
}

// A remembered session takes at most 2 KiB beside its token, with what the app
// is told of it.
func TestMemoryOfARememberedSession(t *testing.T) {
	const sessions = 2_000
	sealing, _ := newManager(t)
	lines := manyCookies(t, sealing, sessions)
	m, _ := newManager(t)
	before := heap()
	for _, line := range lines {
		read(t, m, request("a="+strings.Repeat("long", 500)+"; "+line)).Session().Data()
	}
	each := (heap() - before) / sessions
	runtime.KeepAlive(m)
	token := uint64(len(strings.TrimPrefix(lines[0], "session=")))
	if each > token+2<<10 {
		t.Errorf("%d bytes for a token of %d", each, token)
	}
	t.Logf("%d bytes beside the token of %d", each-token, token)
}

// An event tells a token that is opened from one that was seen before.
func TestEventsTellSeenFromOpened(t *testing.T) {
	var told []session.Result
	m, _ := newManager(t, func(s *session.Settings) {
		s.Observe = func(e session.Event) {
			if e.Kind == session.EventRead {
				told = append(told, e.Result)
			}
		}
	})
	cookie := signIn(t, m, alice())
	told = nil
	for range 3 {
		read(t, m, request(cookie))
	}
	if want := []session.Result{session.ResultOpened, session.ResultSeen, session.ResultSeen}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

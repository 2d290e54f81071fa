package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// Redis is killed and started again: what was signed out before, during and
// after is known to every node.
func TestNothingIsLostWhenRedisIsKilled(t *testing.T) {
	for name, disk := range map[string]bool{"with its disk": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			s := startRedis(t)
			a, b := s.node(), s.node()
			require.NoError(t, a.Revoke(t.Context(), ended("before")))
			eventually(t, 5*time.Second, "before is lost", isEnded(t, b, "before"))
			s.kill()
			if !disk {
				require.NoError(t, os.RemoveAll(filepath.Join(s.folder, "appendonlydir")))
			}
			assert.Error(t, a.Revoke(t.Context(), ended("during")), "a sign-out without Redis was reported as done")
			again := time.Now()
			assert.Error(t, a.Revoke(t.Context(), ended("during too")), "a second sign-out without Redis was reported as done")
			if waited := time.Since(again); waited > outageTimeout {
				t.Errorf("a second sign-out waited %s for a server that is known to be gone", waited)
			}
			if !isEnded(t, a, "during")() {
				t.Error("the sign-out does not hold on its own node")
			}
			eventually(t, 10*time.Second, "the outage is not seen", func() bool { return b.Status().Outage })
			s.start()
			eventually(t, 10*time.Second, "during is lost", isEnded(t, b, "during"))
			eventually(t, 10*time.Second, "during too is lost", isEnded(t, b, "during too"))
			require.NoError(t, b.Revoke(t.Context(), ended("after")))
			eventually(t, 10*time.Second, "after is lost", isEnded(t, a, "after"))
			late := s.node()
			for _, id := range []string{"before", "during", "after"} {
				eventually(t, 5*time.Second, "a node that starts later does not know of "+id, isEnded(t, late, id))
			}
			stop(t, a, b, late)
		})
	}
}

// A Redis that crashes again and again, and keeps nothing, is given each revocation
// once after each crash.
func TestRevocationsDoNotMultiplyWithEachLossOfRedis(t *testing.T) {
	s := startRedis(t, "--appendonly", "no")
	node := s.node()
	const signOuts = "10"
	for i := range 10 {
		require.NoError(t, node.Revoke(t.Context(), ended(fmt.Sprint(i))))
	}
	for crash := range 4 {
		s.kill()
		eventually(t, 5*time.Second, "no outage", func() bool { return node.Status().Outage })
		s.start()
		eventually(t, 10*time.Second, "no end of the outage", func() bool { return !node.Status().Outage })
		if entries := s.command("XLEN", "session:default:revocations"); entries != signOuts {
			t.Fatalf("after crash %d there are %s entries, want %s", crash+1, entries, signOuts)
		}
	}
}

// An operator flushes Redis or restores an older copy, or it evicts the stream: no
// connection breaks, and no node that starts may let anybody in whose sign-out was lost.
func TestRedisStreamThatIsLostWhileNodesAreConnected(t *testing.T) {
	const day = 24 * time.Hour
	after := encode(entryOf(ended("after")))
	flush := []any{"FLUSHALL"}
	olderCopy := []any{"EVAL", "local all = redis.call('XRANGE', KEYS[1], '-', '+') for i = 2, #all do redis.call('XDEL', KEYS[1], all[i][1]) end return 1", 1, redisTestStream}
	for name, tc := range map[string]struct {
		loss     []any
		before   func(s *redisServer)
		wantLogs int
	}{
		"flushed": {flush, func(s *redisServer) { s.endedElsewhere("old", 2*time.Hour, day) }, 2},
		"and another node is first to append": {[]any{"EVAL", "redis.call('DEL', KEYS[1]) return redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])",
			1, redisTestStream, redisField, after}, func(s *redisServer) { s.endedElsewhere("old", 2*time.Hour, day) }, 2},
		"but for what is older": {olderCopy, func(s *redisServer) {
			s.endedElsewhere("older", 3*day, 30*day)
			s.endedElsewhere("old", 2*time.Hour, day)
		}, 2},
		"of a node that was restarted": {flush, func(s *redisServer) { s.endedElsewhere("new", time.Minute, day) }, 2},
		"but for what is older, and of that node": {olderCopy, func(s *redisServer) {
			s.endedElsewhere("old", 2*time.Hour, day)
			s.endedElsewhere("new", time.Minute, day)
		}, 2},
		"of nodes that run":                        {flush, func(*redisServer) {}, 0}, // what they have appended is there again
		"of nodes that run, but for what is older": {olderCopy, func(s *redisServer) { s.endedElsewhere("old", 2*time.Hour, day) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			logged := caddyLog(t)
			s := startRedis(t)
			tc.before(s)
			a, b := s.node(), s.node()
			for id, node := range map[string]*sharedRevocations{"a": a, "b": b} {
				require.NoError(t, node.Revoke(t.Context(), ended(id)))
			}
			wholeTurn(t, a, b)
			s.command(tc.loss...)
			wholeTurn(t, a, b)
			late := s.node()
			for _, id := range []string{"a", "b"} {
				if !isEnded(t, late, id)() {
					t.Errorf("a node that starts takes the ended session %s", id)
				}
			}
			eventually(t, 2*testPatience, "the log does not say that something was lost", func() bool {
				return strings.Count(logged(), "the shared revocations were lost") >= tc.wantLogs
			})
			stop(t, a, b, late)
			wantLosses(t, logged(), tc.wantLogs)
			for _, node := range []*sharedRevocations{a, b, late} { // of which it would be said later
				if missed := node.log.(*redisLog).missed; len(missed) > 0 {
					t.Errorf("a node waits for %d revocations", len(missed))
				}
			}
		})
	}
}

// Redis drops what can stop nothing any more, also what a node has read last.
func TestTrimmedRedisStreamIsNotLost(t *testing.T) {
	logged := caddyLog(t)
	s := startRedis(t)
	old := time.Now().Add(-30 * 24 * time.Hour)
	entry := encode(entryOf(session.Revocation{SessionID: "old", Until: old.Add(time.Hour)}))
	s.command("XADD", "session:default:revocations", fmt.Sprintf("%d-0", old.UnixMilli()), redisField, entry)
	a, b := s.node(), s.node()
	s.command("XTRIM", "session:default:revocations", "MAXLEN", 0)
	wholeTurn(t, a, b)
	require.NoError(t, a.Revoke(t.Context(), ended("new")))
	eventually(t, 5*time.Second, "the other node does not learn of a sign-out", isEnded(t, b, "new"))
	stop(t, a, b)
	if text := logged(); strings.Contains(text, "lost") {
		t.Errorf("the log says that something was lost:\n%s", text)
	}
}

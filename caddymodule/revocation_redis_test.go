package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
	"github.com/session-guard/caddy-session-guard/internal/programs"
	"github.com/session-guard/caddy-session-guard/session"
)

// redisServer is a real server that a test may kill.
type redisServer struct {
	t      *testing.T
	folder string
	port   string
	flags  []string // beside the usual ones
	server *exec.Cmd
}

// startRedis starts a server that keeps every write on its disk.
func startRedis(t *testing.T, flags ...string) *redisServer {
	t.Helper()
	return startRedisAt(t, freeport.For(t), flags...)
}

func startRedisAt(t *testing.T, port string, flags ...string) *redisServer {
	t.Helper()
	programs.Need(t, "redis-server", "revocation by Redis is not tested")
	s := &redisServer{t: t, folder: t.TempDir(), port: port, flags: flags}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *redisServer) url() string { return "redis://127.0.0.1:" + s.port + "/0" }

func (s *redisServer) start() {
	s.t.Helper()
	usual := []string{"--bind", "127.0.0.1", "--dir", s.folder, "--appendonly", "yes", "--appendfsync", "always", "--save", ""}
	if !slices.Contains(s.flags, "--tls-port") {
		usual = append(usual, "--port", s.port)
	}
	s.server = exec.Command("redis-server", append(usual, s.flags...)...)
	if err := s.server.Start(); err != nil {
		s.t.Fatal(err)
	}
	answers(s.t, s.port)
}

// answers waits until a server listens.
func answers(t *testing.T, port string) {
	t.Helper()
	eventually(t, 5*time.Second, "the server does not start", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// command asks the server, and returns its answer as text.
func (s *redisServer) command(words ...any) string {
	s.t.Helper()
	client, err := newRedisClient(s.url(), defaultRetries)
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	answer, err := client.Do(s.t.Context(), words...).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprint(answer)
}

func (s *redisServer) kill() {
	_ = s.server.Process.Kill()
	_ = s.server.Wait()
}

func eventually(t *testing.T, within time.Duration, otherwise string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
}

func (s *redisServer) node() *sharedRevocations { return nodeAt(s.t, s.url()) }

// nodeAt starts a node that shares what the URL names.
func nodeAt(t *testing.T, url string) *sharedRevocations {
	t.Helper()
	module := &RedisRevocation{URL: url}
	require.NoError(t, module.Provision(caddy.Context{}))
	log, err := module.Open("default", nil)
	require.NoError(t, err)
	log.(*redisLog).patience = testPatience
	node := startNode(t, log, module.OutageRule())
	return node
}

// testPatience is that of the nodes of tests, which all run.
const testPatience = 2 * time.Second

func isEnded(t *testing.T, node *sharedRevocations, id string) func() bool {
	return func() bool {
		revoked, err := node.Revoked(annsSession(id))
		require.NoError(t, err)
		return revoked
	}
}

func TestRedisTellsOtherNodesWithinHundredMilliseconds(t *testing.T) {
	s := startRedis(t)
	a, b := s.node(), s.node()
	var slowest time.Duration
	for i := range 50 {
		id := fmt.Sprint(i)
		require.NoError(t, a.Revoke(t.Context(), ended(id)))
		done := time.Now()
		eventually(t, 5*time.Second, "the other node never learns of it", isEnded(t, b, id))
		slowest = max(slowest, time.Since(done))
	}
	t.Logf("the slowest of 50 took %s", slowest)
	if slowest > 100*time.Millisecond {
		t.Errorf("the slowest took %s, want at most 100ms", slowest)
	}
	late := s.node()
	for i := range 50 {
		if !isEnded(t, late, fmt.Sprint(i))() {
			t.Errorf("a node that starts later does not know of %d", i)
		}
	}
	stop(t, a, b, late)
}

func TestRedisURLIsCheckedAndNeverShown(t *testing.T) {
	for _, written := range []string{"", "http://h/", "redis://u:s3cr3t-word@h:port/0", "redis://u:s3cr3t-word@h/x"} {
		err := (&RedisRevocation{URL: written}).Provision(caddy.Context{})
		if err == nil || strings.Contains(err.Error(), "s3cr3t-word") {
			t.Errorf("%q: %v", written, err)
		}
	}
	for _, option := range []string{"addr=h:6380&read_only=true", "addr=h:6380&route_randomly=true", "master_name=m&replica_only=true", "master_name=m&route_by_latency=true"} {
		err := (&RedisRevocation{URL: "redis://h:6379?" + option}).Provision(caddy.Context{})
		if err == nil || !strings.Contains(err.Error(), "replicas lag behind") {
			t.Errorf("%q: %v", option, err)
		}
	}
	for _, written := range []string{"rediss://u:p@h:6380/1", "redis://h:26379?master_name=m", "redis://h:6379?addr=h:6380"} {
		if err := (&RedisRevocation{URL: written}).Provision(caddy.Context{}); err != nil {
			t.Errorf("%q: %v", written, err)
		}
	}
}

// A password that was rotated, or a server that moved, counts from the next reload on.
func TestReloadReadsTheRedisURLAnew(t *testing.T) {
	first, second := startRedis(t), startRedis(t)
	storage := t.TempDir()
	file := filepath.Join(storage, "url")
	load := func(url string) {
		t.Helper()
		require.NoError(t, os.WriteFile(file, []byte(url+"\n"), 0o600))
		config := fmt.Sprintf(`{"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
			"apps": {"session": {"realms": {"default": {"revocation": {"module": "redis", "url": "{file.%s}"}}}}}}`, storage, file)
		require.NoError(t, caddy.Load([]byte(config), true))
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	load(first.url())
	load(second.url())
	pool.Range(func(place, value any) bool {
		if set, ok := value.(*sharedRevocations); ok {
			assert.NoError(t, set.Revoke(t.Context(), ended("one")))
		}
		if strings.Contains(place.(string), "redis://") {
			t.Errorf("the URL, which may hold a password, stands in the key %s", place)
		}
		return true
	})
	if got := second.command("XLEN", "session:default:revocations"); got != "1" {
		t.Errorf("the server that the file names now has %s entries, want 1", got)
	}
}

// A node that starts while Redis is away has read nothing yet of what is in it, and
// drops nothing from it when it is back.
func TestRedisKeepsWhatAStartingNodeHasNotRead(t *testing.T) {
	s := startRedis(t)
	const users = 300 // Redis drops whole blocks of a hundred
	old := time.Now().Add(-10 * 24 * time.Hour)
	for i := range users {
		entry := encode(entryOf(session.Revocation{UserID: fmt.Sprint(i), Before: old, Until: old.Add(30 * 24 * time.Hour)}))
		s.command("XADD", "session:default:revocations", fmt.Sprintf("%d-%d", old.UnixMilli(), i), redisField, entry)
	}
	s.kill()
	node := s.node()
	assert.Error(t, node.Revoke(t.Context(), ended("one")), "a sign-out without Redis was reported as done")
	s.start()
	eventually(t, 10*time.Second, "the sign-out is not shared", func() bool { return node.Status().Pending == 0 })
	assert.NoError(t, node.Revoke(t.Context(), ended("another")))
	starting := s.node()
	defer stop(t, node, starting)
	if known := starting.Status().Users; known != users {
		t.Errorf("a node that starts knows of %d users, want %d", known, users)
	}
}

// An app that shares the secret may seal a session that ends with the year 9999. Its
// sign-out drops no other one from the stream.
func TestRedisKeepsWhatEndedBeforeAnEndlessSession(t *testing.T) {
	s := startRedis(t)
	node := s.node()
	const others = 350 // Redis drops whole blocks of a hundred
	for i := range others {
		require.NoError(t, node.Revoke(t.Context(), ended(fmt.Sprint(i))))
	}
	for _, until := range []time.Time{time.Unix(253402300799, 0), time.Now().Add(time.Hour)} {
		require.NoError(t, node.Revoke(t.Context(), session.Revocation{SessionID: "endless", Until: until}))
	}
	stop(t, node)
	starting := s.node()
	defer stop(t, starting)
	if known := starting.Status().Sessions; known != others+1 {
		t.Errorf("a node that starts knows of %d ended sessions, want %d", known, others+1)
	}
}

// endedElsewhere appends what a node ended that does not run any more.
func (s *redisServer) endedElsewhere(id string, ago, until time.Duration) {
	s.t.Helper()
	entry := encode(entryOf(session.Revocation{SessionID: id, Until: time.Now().Add(until)}))
	s.command("XADD", redisTestStream, fmt.Sprintf("%d-0", time.Now().Add(-ago).UnixMilli()), redisField, entry)
}

const redisTestStream = "session:default:revocations"

// wholeTurn waits until nodes have read once more what is in Redis now.
func wholeTurn(t *testing.T, nodes ...*sharedRevocations) {
	t.Helper()
	for range 2 { // one may be under way
		start := time.Now()
		for _, node := range nodes {
			eventually(t, 5*time.Second, "the node does not read", func() bool {
				last := node.Status().LastSync
				return last != nil && last.After(start)
			})
		}
	}
}

// The stream is trimmed by what is needed for the longest, and by how much clocks differ.
func TestWhatRedisMayTrim(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	l := &redisLog{stream: "s", complete: true}
	id := func(back time.Duration) string { return fmt.Sprintf("%d-0", now.Add(-back-keptAfterEnd).UnixMilli()) }
	assert.Equal(t, id(time.Hour), l.oldestNeeded(session.Revocation{Until: now.Add(time.Hour)}, now))
	appended := now.Add(-time.Minute)
	require.NoError(t, l.take(redis.XMessage{
		ID:     fmt.Sprintf("%d-0", appended.UnixMilli()),
		Values: map[string]any{redisField: fmt.Sprintf(`{"session":"x","until":%d}`, appended.Add(7*24*time.Hour).UnixMilli())},
	}, func(session.Revocation) {}))
	assert.Equal(t, id(7*24*time.Hour), l.oldestNeeded(session.Revocation{Until: now.Add(time.Hour)}, now), "another node has one that lives longer")
	l.complete = false
	assert.Empty(t, l.oldestNeeded(session.Revocation{Until: now.Add(time.Hour)}, now))
	l.complete = true
	assert.Equal(t, "0-0", l.oldestNeeded(session.Revocation{Until: time.Unix(1<<55, 0)}, now), "one that never ends")
}

// A node that starts knows of all sign-outs before it takes its first session, however many
// there are.
func TestRedisIsReadToTheEndFirst(t *testing.T) {
	s := startRedis(t)
	node := s.node()
	log := node.log
	var all []session.Revocation
	for i := range 2*redisBatch + 500 {
		all = append(all, ended(strconv.Itoa(i)))
	}
	require.NoError(t, log.Append(t.Context(), all))
	stop(t, node)
	module := &RedisRevocation{url: s.url()}
	fresh, err := module.Open("default", nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	heard, known := 0, 0
	err = fresh.Follow(ctx, func(session.Revocation) { heard++ }, func() {
		if known == 0 {
			known = heard
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) || known != len(all) {
		t.Errorf("%v; %d of %d are known at first", err, known, len(all))
	}
	require.NoError(t, fresh.Close())
}

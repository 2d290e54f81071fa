package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/session-guard/caddy-session-guard/session"
)

func init() {
	caddy.RegisterModule(new(RedisRevocation))
	logging.Disable() // what fails is returned, and logged here once
}

// RedisRevocation keeps revocations in Redis or Valkey, for large fleets:
// other nodes learn of a sign-out within milliseconds.
type RedisRevocation struct {
	// The URL as go-redis reads it: `redis://user:password@host:6379/0`, with
	// `rediss` for TLS. With `?master_name=` the hosts are sentinels, with
	// `?addr=` they are nodes of a cluster. Options that read replicas are
	// refused, since replicas lag behind. Keep a password out of the
	// configuration with `{env.*}` or `{file.*}`. Required.
	URL string `json:"url"`

	Outage

	url string // with its placeholders resolved
}

// CaddyModule returns the Caddy module information.
func (*RedisRevocation) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "session.revocation.redis", New: func() caddy.Module { return new(RedisRevocation) }}
}

// Provision resolves the URL. It does not connect.
func (m *RedisRevocation) Provision(caddy.Context) error {
	resolved, err := resolveSecret(m.URL)
	if err != nil {
		return fmt.Errorf("url: %w", err)
	}
	m.url = strings.TrimSpace(resolved)
	client, err := newRedisClient(m.url, noRetries)
	if err != nil {
		return err
	}
	return errors.Join(client.Close(), m.validate())
}

// How often the client tries again, as its option MaxRetries has it.
const (
	defaultRetries = 0
	noRetries      = -1
)

// newRedisClient makes a client, which connects when it is first used. The error
// does not show the URL, which may hold a password.
func newRedisClient(written string, retries int) (redis.UniversalClient, error) {
	wrong := errors.New("url is not a Redis URL, or has an unknown option; write for example: redis://localhost:6379/0")
	parsed, err := url.Parse(written)
	if err != nil {
		return nil, wrong
	}
	dials := 0 // the client's default: five, each of five seconds where nothing answers
	if retries == noRetries {
		dials = 1
	}
	query := parsed.Query()
	for _, option := range []string{"read_only", "replica_only", "route_by_latency", "route_randomly"} {
		if query.Has(option) {
			return nil, fmt.Errorf("url must not have %s: replicas lag behind, which would look like lost sign-outs; remove it", option)
		}
	}
	switch {
	case query.Has("master_name"):
		options, err := redis.ParseFailoverURL(written)
		if err != nil {
			return nil, wrong
		}
		options.ContextTimeoutEnabled, options.MaxRetries, options.DialerRetries = true, retries, dials
		return redis.NewFailoverClient(options), nil
	case query.Has("addr"):
		options, err := redis.ParseClusterURL(written)
		if err != nil {
			return nil, wrong
		}
		options.ContextTimeoutEnabled, options.MaxRetries, options.DialerRetries = true, retries, dials
		// A master that is gone redirects nobody: else it would take the client a minute
		// to ask who serves in its place.
		options.ClusterStateReloadInterval = retryInterval
		return redis.NewClusterClient(options), nil
	}
	options, err := redis.ParseURL(written)
	if err != nil {
		return nil, wrong
	}
	options.ContextTimeoutEnabled, options.MaxRetries, options.DialerRetries = true, retries, dials
	return redis.NewClient(options), nil
}

// Open implements [RevocationModule].
func (m *RedisRevocation) Open(realm string, _ certmagic.Storage) (RevocationLog, error) {
	writer, err := newRedisClient(m.url, defaultRetries)
	if err != nil {
		return nil, err
	}
	// A retry would hide that the server was gone, and what it may have lost.
	reader, err := newRedisClient(m.url, noRetries)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &redisLog{writer: writer, reader: reader, realm: realm, stream: "session:" + realm + ":revocations", list: "session:" + realm + ":list",
		updates: "session:" + realm + ":updates", cursor: firstEntry, updateCursor: firstEntry, patience: patience}, nil
}

// Place implements [RevocationModule]. Another URL is another place, even if only
// the password differs; whether the list has moved is decided by server.
func (m *RedisRevocation) Place() string { return fmt.Sprintf("%x", sha256.Sum256([]byte(m.url))) }

// server is the URL without who asks it: the revocations of one server are the same for
// all of its users.
func (m *RedisRevocation) server() string {
	parsed, err := url.Parse(m.url)
	if err != nil {
		return m.Place()
	}
	parsed.User = nil
	query := parsed.Query()
	for _, option := range []string{"username", "password", "sentinel_username", "sentinel_password"} {
		query.Del(option)
	}
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

const (
	firstEntry = "0-0"
	// redisBlock is how long a read waits for something new.
	redisBlock = 500 * time.Millisecond
	redisBatch = 1000
	redisField = "revocation"
)

// redisLog is a stream: an ordered log of which a reader misses nothing, however
// long it was away.
type redisLog struct {
	writer, reader redis.UniversalClient
	realm          string
	stream         string
	list           string          // the hash that has the pages of the list
	updates        string          // the stream of updates
	cursor         string          // the last entry read; only Follow uses it, as what follows
	updateCursor   string          // the same, of the updates
	recent         []redisEntry    // read, of the last hour
	witnesses      [2]redisEntry   // read before that: the latest, and the one that is needed for the longest
	missed         map[string]bool // contents of recent entries that were lost
	missedSince    time.Time
	patience       time.Duration // until others have appended again what is missed

	mu       sync.Mutex
	longest  time.Duration // that an entry was ever needed
	complete bool          // all entries were read, so longest counts
	appended []appendedEntry
}

// appendedEntry is one that this node appended.
type appendedEntry struct {
	id         string
	at         time.Time
	revocation session.Revocation
}

// Append implements [RevocationLog].
func (l *redisLog) Append(ctx context.Context, all []session.Revocation) error {
	if !all[0].Updated.IsZero() {
		return l.appendUpdates(ctx, all)
	}
	now := time.Now()
	pipeline := l.writer.Pipeline()
	results := make([]*redis.StringCmd, 0, len(all))
	for _, r := range all {
		results = append(results, pipeline.XAdd(ctx, &redis.XAddArgs{
			Stream: l.stream, Values: []any{redisField, encode(entryOf(r))}, MinID: l.oldestNeeded(r, now), Approx: true,
		}))
	}
	if _, err := pipeline.Exec(ctx); err != nil {
		return fmt.Errorf("appending revocations to Redis: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, result := range results {
		l.appended = append(l.appended, appendedEntry{result.Val(), now, all[i]})
	}
	old := 0
	for old < len(l.appended) && now.Sub(l.appended[old].at) > remembered {
		old++
	}
	l.appended = l.appended[old:]
	return nil
}

// oldestNeeded is the id below which no entry can stop anything any more; empty while
// there may be entries that nobody here has read, and that are needed for longer.
func (l *redisLog) oldestNeeded(r session.Revocation, now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.needs(r.Until.Sub(now))
	if !l.complete {
		return ""
	}
	return fmt.Sprintf("%d-0", max(now.Add(-l.longest-keptAfterEnd).UnixMilli(), 0))
}

// Follow implements [RevocationLog].
func (l *redisLog) Follow(ctx context.Context, add func(session.Revocation), synced func()) error {
	if err := l.resume(ctx); err != nil {
		return err
	}
	for {
		streams, err := l.reader.XRead(ctx, &redis.XReadArgs{
			Streams: []string{l.stream, l.cursor}, Count: redisBatch, Block: redisBlock,
		}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("reading revocations from Redis: %w", err)
		}
		// Also when something was read: after a loss another node may have been first.
		gone, err := l.cursorGone(ctx)
		if err != nil {
			return err
		}
		if gone {
			if err := l.resume(ctx); err != nil {
				return err
			}
			continue
		}
		read := 0
		for _, stream := range streams {
			for _, message := range stream.Messages {
				if err := l.take(message, add); err != nil {
					return err
				}
				read++
			}
		}
		if err := l.takeUpdates(ctx, add); err != nil {
			return err
		}
		if read < redisBatch {
			l.setComplete(true)
			l.tellLosses()
			synced()
		}
	}
}

func (l *redisLog) setComplete(complete bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.complete = complete
}

func (l *redisLog) take(message redis.XMessage, add func(session.Revocation)) error {
	r, err := decodeRedisEntry(l.stream, message)
	if err != nil {
		return err
	}
	add(r)
	var milliseconds int64
	if _, err := fmt.Sscanf(message.ID, "%d-", &milliseconds); err != nil {
		return fmt.Errorf("the stream %s has an entry whose id is not a time: %s", l.stream, message.ID)
	}
	appended := time.UnixMilli(milliseconds)
	l.cursor = message.ID
	content, _ := message.Values[redisField].(string)
	delete(l.missed, content)
	l.recent = append(l.recent, redisEntry{message.ID, content, appended, r.Until})
	l.age()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.needs(r.Until.Sub(appended))
	return nil
}

// age makes witnesses of what no node appends again.
func (l *redisLog) age() {
	old := 0
	for old < len(l.recent) && time.Since(l.recent[old].appended) > remembered {
		l.witnesses[0] = l.recent[old]
		if !l.witnesses[0].until.Before(l.witnesses[1].until) {
			l.witnesses[1] = l.witnesses[0]
		}
		old++
	}
	l.recent = l.recent[old:]
}

// needs notes for how long an entry may be needed. An app that seals by itself may
// give a session an end so far off that what is reckoned with it overflows.
func (l *redisLog) needs(d time.Duration) {
	l.longest = max(l.longest, min(d, session.LongestDuration))
}

func decodeRedisEntry(stream string, message redis.XMessage) (session.Revocation, error) {
	text, _ := message.Values[redisField].(string)
	var entry logEntry
	if err := json.Unmarshal([]byte(text), &entry); err != nil {
		return session.Revocation{}, fmt.Errorf("the entry %s of the stream %s is damaged", message.ID, stream)
	}
	return entry.revocation(), nil
}

// Close implements [RevocationLog].
func (l *redisLog) Close() error { return errors.Join(l.writer.Close(), l.reader.Close()) }

// Interface guards
var (
	_ RevocationModule  = (*RedisRevocation)(nil)
	_ caddy.Provisioner = (*RedisRevocation)(nil)
)

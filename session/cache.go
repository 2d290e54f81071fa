package session

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"
)

// cacheShards keeps requests from waiting for one another. A cache too small to
// share out evenly has one shard.
const (
	cacheShards    = 16
	leastToBeSplit = 64 * cacheShards
)

// cache remembers what was opened, so that a session costs its decryption once
// and not at every request. It is keyed by the exact bytes of the token: good for
// successful opens only, never for who somebody is or whether a session was
// ended, since one session may have several tokens. Revocation is asked at every
// request, past the cache.
type cache struct {
	seed   maphash.Seed
	shards []cacheShard
}

// newCache makes a cache of at most size tokens; nil, which remembers nothing,
// for a size below one.
func newCache(size int) *cache {
	if size < 1 {
		return nil
	}
	shards := 1
	if size >= leastToBeSplit {
		shards = cacheShards
	}
	c := &cache{seed: maphash.MakeSeed(), shards: make([]cacheShard, shards)}
	for i := range c.shards {
		c.shards[i].init(size / shards)
	}
	return c
}

// opened is what the cache remembers of one token.
type opened struct {
	hash    uint64 // of the token, under the cache's seed
	token   string
	session *Session
	key     *key
	at      time.Time
	used    bool // since it was added or last spared
}

// get returns the session of a token, or nil. The key that opened it must be one
// of keys still. A clock that was set back makes the token be opened and checked
// again.
func (c *cache) get(token string, keys []*key, now time.Time) *Session {
	if c == nil {
		return nil
	}
	hash := maphash.String(c.seed, token)
	shard := c.shard(hash)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	known := shard.find(hash, token)
	if known == nil || now.Before(known.at) {
		shard.misses++
		return nil
	}
	if !slices.Contains(keys, known.key) {
		shard.forget(known)
		shard.misses++
		return nil
	}
	shard.hits++
	known.used = true
	return known.session
}

// add remembers what a token opened to.
func (c *cache) add(token string, s *Session, k *key, now time.Time) {
	if c == nil {
		return
	}
	hash := maphash.String(c.seed, token)
	shard := c.shard(hash)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	known, ok := shard.known[hash]
	if ok && known.token == token {
		known.session, known.key, known.at = s, k, now
		return
	}
	if ok { // two tokens with one hash; the newer one stays
		shard.forget(known)
	}
	if shard.admits(hash) {
		// A copy, since the token is a piece of the request's whole Cookie header.
		shard.add(&opened{hash: hash, token: strings.Clone(token), session: s, key: k, at: now})
	}
}

// forget drops a token whose session is over.
func (c *cache) forget(token string) {
	if c == nil {
		return
	}
	hash := maphash.String(c.seed, token)
	shard := c.shard(hash)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if known := shard.find(hash, token); known != nil {
		shard.forget(known)
	}
}

func (c *cache) shard(hash uint64) *cacheShard { return &c.shards[hash%uint64(len(c.shards))] }

// CacheStats count what the cache of opened tokens does.
type CacheStats struct {
	Tokens       int // in it now
	Hits, Misses uint64
}

// CacheStats returns the state of the cache of opened tokens; all zero without
// one.
func (m *Manager) CacheStats() CacheStats {
	var stats CacheStats
	if m.opened == nil {
		return stats
	}
	for i := range m.opened.shards {
		shard := &m.opened.shards[i]
		shard.mu.Lock()
		stats.Tokens += len(shard.known)
		stats.Hits += shard.hits
		stats.Misses += shard.misses
		shard.mu.Unlock()
	}
	return stats
}

// cacheShard takes every token while it has room. A full one takes only those that
// come a second time, each for the first one that was not used since the last
// round (the CLOCK algorithm). A flood of tokens that are used once thus pushes
// nobody out, and costs the cache a hash each.
type cacheShard struct {
	mu     sync.Mutex
	hits   uint64
	misses uint64

	known map[uint64]*opened // by the hash of the token
	queue ring
	door  doorkeeper
}

func (c *cacheShard) init(size int) {
	c.known = make(map[uint64]*opened)
	c.queue.size = size
	c.door.room = size
}

// find returns what is known of a token, or nil. That the hash is the same does
// not make it the token.
func (c *cacheShard) find(hash uint64, token string) *opened {
	if known, ok := c.known[hash]; ok && known.token == token {
		return known
	}
	return nil
}

// admits reports whether there is room for a token, or it has come before.
func (c *cacheShard) admits(hash uint64) bool { return !c.queue.full() || c.door.knows(hash) }

func (c *cacheShard) add(o *opened) {
	c.known[o.hash] = o
	for c.queue.full() {
		oldest := c.queue.oldest()
		if oldest.session == nil || !oldest.used {
			break
		}
		oldest.used = false
		c.queue.push(oldest)
	}
	if old, full := c.queue.push(o); full && old.session != nil {
		c.forget(old)
	}
}

// forget leaves the place in the queue until its turn comes.
func (c *cacheShard) forget(o *opened) {
	delete(c.known, o.hash)
	*o = opened{}
}

// ring is a queue of fixed size that grows to it as it is filled.
type ring struct {
	size  int
	items []*opened
	next  int // the oldest, once full
}

func (r *ring) full() bool      { return len(r.items) == r.size }
func (r *ring) oldest() *opened { return r.items[r.next] }

// push adds an item. A full ring gives the oldest one up for it.
func (r *ring) push(item *opened) (old *opened, full bool) {
	if !r.full() {
		r.items = append(r.items, item)
		return nil, false
	}
	old, r.items[r.next] = r.items[r.next], item
	r.next = (r.next + 1) % r.size
	return old, true
}

// doorkeeper remembers who came once: a Bloom filter that forgets everybody when it
// has seen as many as the cache holds, so that it takes fewer than two in a hundred
// for somebody else.
type doorkeeper struct {
	room int
	seen int
	bits []uint64
}

const doorkeeperBits = 16 // for each that it remembers

// knows reports whether a hash has come before, and remembers it.
func (d *doorkeeper) knows(hash uint64) bool {
	if d.bits == nil {
		d.bits = make([]uint64, 1+d.room*doorkeeperBits/64)
	}
	if d.seen == d.room {
		clear(d.bits)
		d.seen = 0
	}
	known := true
	for _, part := range [2]uint64{hash >> 32, hash / cacheShards} { // the shard was chosen by the rest
		word, bit := &d.bits[part/64%uint64(len(d.bits))], uint64(1)<<(part%64)
		known = known && *word&bit != 0
		*word |= bit
	}
	if !known {
		d.seen++
	}
	return known
}

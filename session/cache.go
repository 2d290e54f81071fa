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

// A cache has this many bytes for each token that it may hold: twice what an ordinary
// session takes. Else one user with a long field, who asks for a new token again and
// again, could fill the memory with them.
const (
	bytesEach  = 4 << 10
	leastBytes = 16 * bytesEach
	// mostOfOne is the largest token's share, well above what the app can be told
	// of a session.
	mostOfOne = 64 << 10
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
	size    int  // bytes, about
}

// sizeOf is about how much memory is kept for a token: more rather than less, with
// what the app will be told, which is only made when it is asked for.
func sizeOf(token string, s *Session) int {
	const (
		places = 700 // in the cache, and for the session's fields, ids and times
		texts  = 3   // the token, what was in it, and the same for the app
	)
	return places + texts*len(token) + sizeOfValues(map[string]any(s.User))
}

// sizeOfValues is what decoded JSON takes beside its text. A hostile value is many
// times as large as its text: an empty object is two bytes of that.
func sizeOfValues(value any) int {
	const (
		boxed = 16
		slot  = 2 * boxed // of an array that has grown to twice what it needs
	)
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 {
			return 3 * boxed
		}
		size := 3*boxed + 72*max(len(value), 4) // eight slots at a time, and up to half of them are empty
		for _, member := range value {
			size += sizeOfValues(member)
		}
		return size
	case []any:
		size := 2*boxed + slot*len(value)
		for _, item := range value {
			size += sizeOfValues(item)
		}
		return size
	}
	return boxed
}

// hash is what the token is found by.
func (c *cache) hash(token string) uint64 {
	if c == nil {
		return 0
	}
	return maphash.String(c.seed, token)
}

// get returns the session of a token, or nil. The key that opened it must be one
// of keys still. A clock that was set back makes the token be opened and checked
// again.
func (c *cache) get(token string, hash uint64, keys []*key, now time.Time) *Session {
	if c == nil {
		return nil
	}
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
func (c *cache) add(token string, hash uint64, s *Session, k *key, now time.Time) {
	if c == nil {
		return
	}
	size := sizeOf(token, s)
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
	if shard.admits(hash, size) {
		// A copy, since the token is a piece of the request's whole Cookie header.
		shard.add(&opened{hash: hash, token: strings.Clone(token), session: s, key: k, at: now, size: size})
	}
}

// forget drops a token whose session is over.
func (c *cache) forget(token string, hash uint64) {
	if c == nil {
		return
	}
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
// come a second time, each for the first ones that were not used since the last
// round (the CLOCK algorithm). A flood of tokens that are used once thus pushes
// nobody out, and costs the cache a hash each.
type cacheShard struct {
	mu     sync.Mutex
	hits   uint64
	misses uint64

	known map[uint64]*opened // by the hash of the token
	bytes int                // of what is known
	room  int                // for bytes
	queue ring
	door  doorkeeper
}

func (c *cacheShard) init(size int) {
	c.known = make(map[uint64]*opened)
	c.room = max(leastBytes, size*bytesEach)
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

// admits reports whether a token is not too large, and there is room for it or it has
// come before.
func (c *cacheShard) admits(hash uint64, size int) bool {
	if size > min(mostOfOne, c.room/4) {
		return false
	}
	return !c.queue.full() && c.bytes+size <= c.room || c.door.knows(hash)
}

func (c *cacheShard) add(o *opened) {
	var place **opened
	for c.bytes+o.size > c.room || place == nil && c.queue.full() {
		oldest := c.queue.turn()
		switch {
		case (*oldest).session == nil:
			place = oldest
		case (*oldest).used:
			(*oldest).used = false
		default:
			c.forget(*oldest)
			place = oldest
		}
	}
	c.known[o.hash] = o
	c.bytes += o.size
	if place == nil {
		c.queue.items = append(c.queue.items, o)
	} else {
		*place = o
	}
}

// forget leaves the place in the queue until its turn comes.
func (c *cacheShard) forget(o *opened) {
	delete(c.known, o.hash)
	c.bytes -= o.size
	*o = opened{}
}

// ring is a queue of at most size items, which nobody moves: the hand of a clock
// turns over them.
type ring struct {
	size  int
	items []*opened
	next  int // where the hand is, at the oldest
}

func (r *ring) full() bool { return len(r.items) == r.size }

// turn returns the place of the oldest item and moves the hand past it.
func (r *ring) turn() **opened {
	place := &r.items[r.next]
	r.next = (r.next + 1) % len(r.items)
	return place
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

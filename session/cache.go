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
	used    bool // again, since it was added or last spared
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
	// A copy, since the token is a piece of the request's whole Cookie header.
	shard.add(&opened{hash: hash, token: strings.Clone(token), session: s, key: k, at: now})
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

// cacheShard is an S3-FIFO queue (Yang et al., SOSP 2023): a token enters a
// tenth of the room, on trial, and moves into the rest when it is used again. A
// flood of tokens that are used once thus pushes out only one another.
type cacheShard struct {
	mu     sync.Mutex
	hits   uint64
	misses uint64

	known map[uint64]*opened // by the hash of the token
	trial ring
	main  ring
	gone  []uint64 // hashes of tokens that failed their trial: who comes back has passed it
}

func (c *cacheShard) init(size int) {
	trial := max(1, size/10)
	c.known = make(map[uint64]*opened)
	c.trial.size, c.main.size = trial, size-trial
}

// find returns what is known of a token, or nil. That the hash is the same does
// not make it the token.
func (c *cacheShard) find(hash uint64, token string) *opened {
	if known, ok := c.known[hash]; ok && known.token == token {
		return known
	}
	return nil
}

func (c *cacheShard) add(o *opened) {
	c.known[o.hash] = o
	if c.isBack(o.hash) {
		c.addToMain(o)
		return
	}
	old, full := c.trial.push(o)
	switch {
	case !full || old.session == nil:
	case c.main.size > 0 && (old.used || !c.main.full()):
		c.addToMain(old)
	default:
		c.dismiss(old)
	}
}

// addToMain lets a token in for the first one that was not used since the last
// round.
func (c *cacheShard) addToMain(o *opened) {
	o.used = false
	for c.main.full() {
		oldest := c.main.oldest()
		if oldest.session == nil || !oldest.used {
			break
		}
		oldest.used = false
		c.main.push(oldest)
	}
	if old, full := c.main.push(o); full && old.session != nil {
		c.forget(old)
	}
}

// forget leaves the place in the ring until its turn comes.
func (c *cacheShard) forget(o *opened) {
	delete(c.known, o.hash)
	*o = opened{}
}

// dismiss forgets a token that failed its trial, but for its hash. Each hash has one
// place, which it shares with others: the latest is remembered. A queue and an
// index would be exact, and cost more than they are worth.
func (c *cacheShard) dismiss(o *opened) {
	if c.gone == nil {
		c.gone = make([]uint64, max(1, c.main.size))
	}
	*c.place(o.hash) = o.hash
	c.forget(o)
}

// isBack reports whether a token failed its trial not long ago.
func (c *cacheShard) isBack(hash uint64) bool {
	if c.gone == nil || c.main.size == 0 {
		return false
	}
	place := c.place(hash)
	if *place != hash {
		return false
	}
	*place = 0
	return true
}

func (c *cacheShard) place(hash uint64) *uint64 {
	return &c.gone[hash/cacheShards%uint64(len(c.gone))] // the shard was chosen by the rest
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

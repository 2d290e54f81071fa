package session

import (
	"context"
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// shardCount spreads the entries over maps with locks of their own, so that a
// sweep of a million entries holds up no request for more than a moment.
const shardCount = 64

// sweepInterval is how often what can stop nothing any more is dropped.
const sweepInterval = time.Minute

// RevocationSet is a set in memory: it forgets when the process ends. The order
// in which revocations arrive does not matter, nor does it to see one twice.
//
// It keeps a 64-bit hash under a random seed of each id, not the id: a million
// entries then take little memory. That two ids share a hash, so that the end of
// one session ends another, has a chance of 1 in 10^13 for a session that is
// checked against a million entries.
type RevocationSet struct {
	now      func() time.Time
	seed     maphash.Seed
	shards   [shardCount]revocationShard
	users    atomic.Int64 // entries by user; mostly there are none
	everyone atomic.Int64 // milliseconds: sessions created before it have ended
	swept    atomic.Int64 // nanoseconds
}

type revocationShard struct {
	mu       sync.RWMutex
	sessions map[uint64]uint32 // session -> until, in seconds
	users    map[uint64]notBefore
	excepted map[uint64]exception // only users who ended all sessions but one
	updated  map[uint64]update    // only sessions that were updated a moment ago
}

// update says when a session was updated.
type update struct {
	at    int64  // milliseconds
	until uint32 // seconds
}

// notBefore says that sessions created before it have ended.
type notBefore struct {
	before int64  // milliseconds
	until  uint32 // seconds
}

// exception is the one session that the latest notBefore of a user leaves alone.
type exception struct {
	session uint64
	before  int64 // an earlier notBefore that does not leave it alone; milliseconds
}

// NewRevocationSet makes an empty set.
func NewRevocationSet(now func() time.Time) *RevocationSet {
	set := &RevocationSet{now: now, seed: maphash.MakeSeed()}
	for i := range set.shards {
		set.shards[i] = revocationShard{sessions: map[uint64]uint32{}, users: map[uint64]notBefore{}, excepted: map[uint64]exception{}, updated: map[uint64]update{}}
	}
	return set
}

func (set *RevocationSet) hash(id string) uint64 { return maphash.String(set.seed, id) }

func (set *RevocationSet) shard(hash uint64) *revocationShard { return &set.shards[hash%shardCount] }

// Revoked implements [Revocations]. It never fails.
func (set *RevocationSet) Revoked(s *Session) (bool, error) {
	created := s.CreatedAt.UnixMilli()
	if created < set.everyone.Load() {
		return true, nil
	}
	id := set.hash(s.ID)
	shard := set.shard(id)
	shard.mu.RLock()
	until, ended := shard.sessions[id]
	shard.mu.RUnlock()
	if ended && int64(until) >= set.now().Unix() {
		return true, nil
	}
	return set.users.Load() > 0 && set.userRevoked(set.hash(s.User.ID()), id, created), nil
}

func (set *RevocationSet) userRevoked(user, id uint64, created int64) bool {
	shard := set.shard(user)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	ended, ok := shard.users[user]
	if !ok || created >= ended.before {
		return false
	}
	spared, ok := shard.excepted[user]
	return !ok || spared.session != id || created < spared.before
}

// Revoke implements [Revocations].
func (set *RevocationSet) Revoke(_ context.Context, r Revocation) error {
	set.Add(r)
	return nil
}

// Add adds a revocation.
func (set *RevocationSet) Add(r Revocation) {
	set.Sweep()
	switch {
	case !r.Updated.IsZero():
		set.addUpdate(r)
	case r.SessionID != "":
		id := set.hash(r.SessionID)
		shard := set.shard(id)
		shard.mu.Lock()
		defer shard.mu.Unlock()
		shard.sessions[id] = max(shard.sessions[id], secondsOf(r.Until))
	case r.UserID != "":
		set.addUser(r)
	default:
		raise(&set.everyone, r.Before.UnixMilli())
	}
}

func (set *RevocationSet) addUpdate(r Revocation) {
	id := set.hash(r.SessionID)
	shard := set.shard(id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	known := shard.updated[id]
	shard.updated[id] = update{at: max(known.at, r.Updated.UnixMilli()), until: max(known.until, secondsOf(r.Until))}
}

// Update implements [Revocations].
func (set *RevocationSet) Update(r Revocation) { set.Add(r) }

// UpdatedAfter implements [Revocations].
func (set *RevocationSet) UpdatedAfter(sessionID string, moment time.Time) bool {
	id := set.hash(sessionID)
	shard := set.shard(id)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	known := shard.updated[id]
	return known.at > moment.UnixMilli() && int64(known.until) >= set.now().Unix()
}

func (set *RevocationSet) addUser(r Revocation) {
	user := set.hash(r.UserID)
	shard := set.shard(user)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	var except uint64
	if r.Except != "" {
		except = set.hash(r.Except)
	}
	set.users.Add(shard.addUser(user, notBefore{before: r.Before.UnixMilli(), until: secondsOf(r.Until)}, except))
}

// addUser returns how many users are new.
func (shard *revocationShard) addUser(user uint64, next notBefore, except uint64) (added int64) {
	known, isKnown := shard.users[user]
	if !isKnown {
		added = 1
	}
	next.until = max(known.until, next.until)
	spared, isSpared := shard.excepted[user]
	switch {
	case !isKnown:
		spared = exception{session: except}
	case isSpared && spared.session == except || !isSpared && except == 0: // the same again
	case next.before >= known.before: // what it spares had not been spared before
		spared = exception{session: except, before: known.before}
	default:
		spared.before = max(spared.before, next.before)
	}
	next.before = max(next.before, known.before)
	shard.users[user] = next
	if spared.session != 0 {
		shard.excepted[user] = spared
	} else {
		delete(shard.excepted, user)
	}
	return added
}

// Size returns how many entries the set holds: single sessions and users.
func (set *RevocationSet) Size() (sessions, users int) {
	for i := range set.shards {
		shard := &set.shards[i]
		shard.mu.RLock()
		sessions += len(shard.sessions)
		shard.mu.RUnlock()
	}
	return sessions, int(set.users.Load())
}

// Sweep drops what can stop nothing any more, at most once a minute.
func (set *RevocationSet) Sweep() {
	now := set.now()
	swept := set.swept.Load()
	if now.UnixNano()-swept < int64(sweepInterval) || !set.swept.CompareAndSwap(swept, now.UnixNano()) {
		return
	}
	for i := range set.shards {
		set.users.Add(-set.shards[i].sweep(secondsOf(now)))
	}
}

// sweep returns how many users it dropped. Maps never shrink, so one that lost
// most of its entries is made anew.
func (shard *revocationShard) sweep(now uint32) (users int64) {
	shard.mu.Lock()
	defer shard.mu.Unlock()
	shard.sessions = sweepMap(shard.sessions, func(until uint32) bool { return until < now })
	shard.updated = sweepMap(shard.updated, func(u update) bool { return u.until < now })
	before := len(shard.users)
	shard.users = sweepMap(shard.users, func(n notBefore) bool { return n.until < now })
	maps.DeleteFunc(shard.excepted, func(user uint64, _ exception) bool {
		_, ok := shard.users[user]
		return !ok
	})
	return int64(before - len(shard.users))
}

func sweepMap[V any](m map[uint64]V, dead func(V) bool) map[uint64]V {
	before := len(m)
	maps.DeleteFunc(m, func(_ uint64, v V) bool { return dead(v) })
	if len(m) == before || len(m) > before/4 {
		return m
	}
	kept := make(map[uint64]V, len(m))
	maps.Copy(kept, m)
	return kept
}

// secondsOf is a moment in seconds, rounded up; those that 32 bits cannot hold
// are the last one, in 2106.
func secondsOf(t time.Time) uint32 {
	return uint32(min(max(t.Add(time.Second-1).Unix(), 0), 1<<32-1))
}

// Interface guards
var _ Revocations = (*RevocationSet)(nil)

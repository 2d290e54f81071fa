package session

import (
	"errors"
	"fmt"
	"hash/maphash"
	"testing"
	"time"
)

var cacheNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// visit reads a token as a request does and reports whether the cache knew it.
func visit(c *cache, token string, k *key) bool {
	if c.get(token, c.hash(token), []*key{k}, cacheNow) != nil {
		return true
	}
	c.add(token, c.hash(token), &Session{ID: token}, k, cacheNow)
	return false
}

func (c *cache) count() int {
	n := 0
	for i := range c.shards {
		n += len(c.shards[i].known)
	}
	return n
}

func TestCacheIsBounded(t *testing.T) {
	for _, size := range []int{1, 2, 9, 100, 10_000} {
		c, k := newCache(size), new(key)
		for i := range 3 * size {
			visit(c, fmt.Sprint(i), k)
			if n := c.count(); n > size {
				t.Fatalf("cache_size %d holds %d", size, n)
			}
		}
		if n := c.count(); n < size*9/10 {
			t.Errorf("cache_size %d holds only %d of many", size, n)
		}
		places := 0
		for i := range c.shards {
			s := &c.shards[i]
			places += cap(s.queue.items)
			if bits := 64 * len(s.door.bits); bits > doorkeeperBits*size+64 {
				t.Errorf("cache_size %d remembers with %d bits", size, bits)
			}
		}
		if places > 3*size+32 {
			t.Errorf("cache_size %d takes %d places", size, places)
		}
	}
}

// All visitors of a site that fits are known, in whatever order they come.
func TestCacheHoldsASiteThatFits(t *testing.T) {
	c, k := newCache(10_000), new(key)
	const visitors = 8_000
	for range 2 {
		for i := range visitors {
			visit(c, fmt.Sprint(i), k)
		}
	}
	known := 0
	for i := range visitors {
		if visit(c, fmt.Sprint(i), k) {
			known++
		}
	}
	// A shard may get a few more than its part.
	if known < visitors*95/100 {
		t.Errorf("%d of %d are known", known, visitors)
	}
}

// A flood of tokens that are used once does not push out who comes back.
func TestCacheIsFairUnderAFloodOfOneOffTokens(t *testing.T) {
	c, k := newCache(1_000), new(key)
	const regulars = 400
	hits, visits := 0, 0
	for round := range 20 {
		for i := range regulars {
			hit := visit(c, fmt.Sprint("regular ", i), k)
			if round >= 2 {
				visits++
				if hit {
					hits++
				}
			}
		}
		for i := range 5_000 {
			visit(c, fmt.Sprint("flood ", round, " ", i), k)
		}
	}
	if hits < visits*9/10 {
		t.Errorf("%d of %d visits of regulars were known", hits, visits)
	}
	// When the regulars leave, others take their places.
	for range 4 {
		for i := range regulars {
			visit(c, fmt.Sprint("new regular ", i), k)
		}
	}
	for i := range regulars {
		if !visit(c, fmt.Sprint("new regular ", i), k) {
			t.Fatalf("the new regular %d is not known", i)
		}
	}
}

// A cache that is full in bytes, though not in number, takes only who comes a second time:
// a flood of large tokens pushes nobody out either. What is too large it never takes.
func TestCacheTakesLargeTokensAsItHasRoom(t *testing.T) {
	const size = 100
	shard := &newCache(size).shards[0]
	if shard.room != size*bytesEach {
		t.Fatalf("it has room for %d bytes", shard.room)
	}
	hash := uint64(0)
	comes := func(bytes, times int) bool {
		hash += 1 << 40
		for range times - 1 {
			shard.admits(hash, bytes)
		}
		return shard.admits(hash, bytes)
	}
	if !comes(mostOfOne, 1) || comes(mostOfOne+1, 2) {
		t.Errorf("the largest token that it takes is not one of %d bytes", mostOfOne)
	}
	shard.add(&opened{hash: 1, session: new(Session), size: shard.room - 1000})
	if !comes(1000, 1) {
		t.Error("it has room, and does not take what comes")
	}
	if comes(1001, 1) {
		t.Error("it is full, and takes what comes once")
	}
	if !comes(1001, 2) {
		t.Error("it does not take what comes again")
	}
	small := &newCache(1).shards[0]
	if most := leastBytes / 4; !small.admits(1, most) || small.admits(2, most+1) || small.admits(2, most+1) {
		t.Errorf("one token may take other than %d of %d bytes", most, small.room)
	}
}

// Who came once is known when it comes again, and hardly anybody is taken for
// somebody else.
func TestDoorkeeperKnowsWhoCameBefore(t *testing.T) {
	const room = 10_000
	d, seed := doorkeeper{room: room}, maphash.MakeSeed()
	hash := func(i int) uint64 { return maphash.Comparable(seed, i) }
	strangers := 0
	for i := range room {
		if d.knows(hash(i)) {
			strangers++
		}
	}
	if strangers > room*2/100 {
		t.Errorf("%d of %d were taken for somebody else", strangers, room)
	}
	d = doorkeeper{room: room}
	for _, again := range []bool{false, true} {
		for i := range room / 2 {
			if known := d.knows(hash(i)); again && !known {
				t.Fatalf("%d came before and is not known", i)
			}
		}
	}
}

func TestCacheForgets(t *testing.T) {
	c, k := newCache(10), new(key)
	visit(c, "a", k)
	if c.get("a", c.hash("a"), []*key{new(key)}, cacheNow) != nil {
		t.Error("it outlived its key")
	}
	if c.get("a", c.hash("a"), []*key{k}, cacheNow) != nil {
		t.Error("a key that went came back")
	}
	visit(c, "b", k)
	if c.get("b", c.hash("b"), []*key{k}, cacheNow.Add(-time.Second)) != nil {
		t.Error("a clock that was set back was not noticed")
	}
	c.forget("b", c.hash("b"))
	if c.get("b", c.hash("b"), []*key{k}, cacheNow) != nil {
		t.Error("it was not forgotten")
	}
	if newCache(0) != nil || newCache(NoCache) != nil {
		t.Error("a cache of no size")
	}
	visit(nil, "c", k) // switched off: nothing to see, nothing to break
	(*cache)(nil).forget("c", 0)
}

// A hash is not a token: another token with the same hash is not known by it, and
// takes its place.
func TestCacheTellsTokensOfOneHashApart(t *testing.T) {
	c, k := newCache(10), new(key)
	hash := maphash.String(c.seed, "b")
	c.shards[0].add(&opened{hash: hash, token: "a", session: &Session{ID: "a"}, key: k, at: cacheNow})
	c.forget("b", c.hash("b")) // nothing of b is known
	if c.count() != 1 || c.get("b", c.hash("b"), []*key{k}, cacheNow) != nil {
		t.Fatal("a token passed for another one")
	}
	visit(c, "b", k)
	if s := c.get("b", c.hash("b"), []*key{k}, cacheNow); s == nil || s.ID != "b" || c.count() != 1 {
		t.Errorf("%v, %d are known", s, c.count())
	}
	for i := range 100 {
		visit(c, fmt.Sprint(i), k)
	}
	if n := c.count(); n > 10 {
		t.Errorf("%d are known", n)
	}
}

// FuzzOpenDirect: what go-jose and the direct way make of a token is the same.
func FuzzOpenDirect(f *testing.F) {
	k, err := newKey([]byte("q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f"), "")
	if err != nil {
		f.Fatal(err)
	}
	for _, plaintext := range []string{`{}`, `{"user":{"id":"alice"}}`, "x"} {
		token, err := k.seal([]byte(plaintext))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(token, 0, byte(0))
		for i := range len(token) {
			f.Add(token, i, byte(1))
		}
	}
	f.Fuzz(func(t *testing.T, token string, at int, change byte) {
		if at >= 0 && at < len(token) {
			token = token[:at] + string(token[at]^change) + token[at+1:]
		}
		parts, ok := cutCompact(token)
		if !ok || parts.header != k.header {
			return
		}
		want, wantErr := []byte(nil), ErrMalformed
		if parts.canonical() {
			want, wantErr = k.open(token)
		}
		got, gotErr := k.openDirect(parts, []byte(parts.header))
		if string(got) != string(want) || !errors.Is(gotErr, wantErr) {
			t.Errorf("%q: directly %q, %v; by go-jose %q, %v", token, got, gotErr, want, wantErr)
		}
	})
}

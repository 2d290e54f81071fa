package routes

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync/atomic"
)

// memory remembers what was said of paths that come again and again, as most do. To say
// it takes a fiftieth of what the proxy does with a request, since hardly any of that code
// is in the processor's cache then. What is remembered is found by the exact path and
// query, and nothing but these had a say in it.
type memory struct {
	seed   maphash.Seed
	places [memoryPlaces]place
}

const (
	memoryPlaces = 1024
	// mostRemembered bounds the bytes of path and query.
	mostRemembered = 256
)

// place is where all of some hashes are remembered, one at a time.
type place struct {
	known atomic.Pointer[remembered]
	came  atomic.Uint64 // the hash of what came last and was not known: many come only once, and cost no memory
}

type remembered struct {
	path, query string
	match       Match
}

// match decides an escaped path.
func (m *memory) match(t *Table, path, query string) Match {
	hash := maphash.String(m.seed, path)
	if query != "" {
		hash = bits.RotateLeft64(hash, 1) ^ maphash.String(m.seed, query)
	}
	place := &m.places[hash%memoryPlaces]
	if known := place.known.Load(); known != nil && known.path == path && known.query == query {
		return known.match
	}
	again := place.came.Swap(hash) == hash
	if again { // they are pieces of the whole request line
		path, query = strings.Clone(path), strings.Clone(query)
	}
	j := judgement{table: t, query: query}
	match := j.verdict(path, "")
	if again {
		place.known.Store(&remembered{path, query, match})
	}
	return match
}

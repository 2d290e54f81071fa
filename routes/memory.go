package routes

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// memory remembers what was said of paths that come again and again, as most do. To say
// it takes a fiftieth of what the proxy does with a request, since hardly any of that code
// is in the processor's cache then. What is remembered is found by the exact path, and
// nothing but the path had a say in it.
type memory struct {
	seed   maphash.Seed
	places [memoryPlaces]place
}

const (
	memoryPlaces = 1024
	// mostRemembered bounds the bytes of a path.
	mostRemembered = 256
)

// place is where all paths of some hashes are remembered, one at a time.
type place struct {
	known atomic.Pointer[remembered]
	came  atomic.Uint64 // the hash of the last path that was not known: many come only once, and cost no memory
}

type remembered struct {
	path  string
	match Match
}

// match decides an escaped path.
func (m *memory) match(t *Table, path, query string) Match {
	hash := maphash.String(m.seed, path)
	place := &m.places[hash%memoryPlaces]
	if known := place.known.Load(); known != nil && known.path == path {
		return known.match
	}
	again := place.came.Swap(hash) == hash
	if again {
		path = strings.Clone(path) // it is a piece of the whole request line
	}
	j := judgement{table: t, query: query}
	match := j.verdict(path, "")
	if again && !j.asksQuery {
		place.known.Store(&remembered{path, match})
	}
	return match
}

package caddymodule

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// readTimeout is how long one read of the storage may take.
const readTimeout = 30 * time.Second

// errNoAnswer says that the storage hangs.
var errNoAnswer = errors.New("the storage does not answer")

// readingStorage is a storage whose reads are given up when they hang. A file system does
// so on a dead mount or a FIFO, and minds no context: whoever waits for it would read
// nothing any more, though the storage has long been well. What such a call says in the
// end is not heard. A write is not given up: it might be done much later, over a newer
// one.
type readingStorage struct {
	certmagic.Storage
	hung *hungReads
}

// hungReads counts reads that have not returned. Each keeps a thread of the system, so
// while there are any the next one is tried later and later: however long a storage
// hangs, there are few.
type hungReads struct {
	mu    sync.Mutex
	count int
	again time.Time
}

// begin reports whether a read may be tried.
func (h *hungReads) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count > 0 && time.Now().Before(h.again) {
		return false
	}
	h.count++
	return true
}

func (h *hungReads) returned() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
}

// givenUp puts the next read off: not after the first one that hangs, then for about as
// long as it took until now. While the process ends no other one is worth a try.
func (h *hungReads) givenUp(ending bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wait := readTimeout<<min(max(h.count-1, 0), 16) - readTimeout // two weeks are enough
	if ending {
		wait = readTimeout
	}
	h.again = time.Now().Add(wait)
}

// reading reads from the storage until that takes too long. A deadline does not end it:
// it may be short, and the storage only slow.
func reading[T any](ctx context.Context, s readingStorage, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if !s.hung.begin() {
		return none, errNoAnswer
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := read()
		s.hung.returned() // before whoever hears the answer begins the next read
		answered <- answer{value, err}
	}()
	timeout, ending := time.NewTimer(readTimeout), false
	defer timeout.Stop()
	unwanted := ctx.Done()
	for {
		select {
		case a := <-answered:
			return a.value, a.err
		case <-unwanted:
			unwanted = nil
			if ending = errors.Is(ctx.Err(), context.Canceled); ending {
				timeout.Reset(lastAttempt / 2)
			}
		case <-timeout.C:
			s.hung.givenUp(ending)
			return none, errNoAnswer
		}
	}
}

// List implements certmagic.Storage.
func (s readingStorage) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	return reading(ctx, s, func() ([]string, error) { return s.Storage.List(ctx, path, recursive) })
}

// Stat implements certmagic.Storage.
func (s readingStorage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	return reading(ctx, s, func() (certmagic.KeyInfo, error) { return s.Storage.Stat(ctx, key) })
}

// Load implements certmagic.Storage.
func (s readingStorage) Load(ctx context.Context, key string) ([]byte, error) {
	return reading(ctx, s, func() ([]byte, error) { return s.Storage.Load(ctx, key) })
}

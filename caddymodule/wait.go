package caddymodule

import (
	"context"
	"sync"
	"time"
)

// awaitFirst waits for a first attempt, but holds no start up for long.
func awaitFirst(ctx context.Context, first <-chan struct{}) {
	select {
	case <-first:
	case <-ctx.Done():
	case <-time.After(appendTimeout):
	}
}

// waitAtMost waits for goroutines, and reports whether they have ended.
func waitAtMost(group *sync.WaitGroup, d time.Duration) bool {
	ended := make(chan struct{})
	go func() {
		group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-time.After(d):
		return false
	}
}

// sleep waits, and reports whether the context is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

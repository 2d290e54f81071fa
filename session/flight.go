package session

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// flights let all who ask a hook about one session at the same time share one call.
type flights struct {
	endUnwatched bool // a call ends once nobody waits for it any more; else it is carried through

	mu   sync.Mutex
	open map[sessionState]*flight
}

type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int
	value   *sealedSession // nil where the hook only says whether
	err     error
}

// do returns what the call returns to everybody who asks for the key until then.
// The call gets a context of its own, so that one impatient client does not end it
// for the others and none of them sees values of another's request.
func (f *flights) do(ctx context.Context, key sessionState, call func(context.Context) (*sealedSession, error)) (*sealedSession, error) {
	f.mu.Lock()
	shared, ok := f.open[key]
	if !ok {
		callContext, cancel := context.WithTimeout(context.Background(), MaxHookTime)
		shared = &flight{done: make(chan struct{}), cancel: cancel}
		if f.open == nil {
			f.open = make(map[sessionState]*flight)
		}
		f.open[key] = shared
		go f.run(callContext, key, shared, call)
	}
	shared.waiting++
	f.mu.Unlock()
	select {
	case <-shared.done:
		return shared.value, shared.err
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if shared.waiting--; shared.waiting == 0 && f.endUnwatched {
		shared.cancel()
		f.land(key, shared) // who comes now does not get an error of the past
	}
	return nil, fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrHookFailed, ctx.Err())
}

func (f *flights) run(ctx context.Context, key sessionState, shared *flight, call func(context.Context) (*sealedSession, error)) {
	defer func() {
		if thrown := recover(); thrown != nil { // net/http does not catch it here
			shared.err = fmt.Errorf("%w: %w: it panicked: %v\n%s", ErrUnavailable, ErrHookFailed, thrown, debug.Stack())
		}
		f.mu.Lock()
		f.land(key, shared)
		f.mu.Unlock()
		shared.cancel()
		close(shared.done)
	}()
	shared.value, shared.err = call(ctx)
}

func (f *flights) land(key sessionState, shared *flight) {
	if f.open[key] == shared {
		delete(f.open, key)
	}
}

package caddymodule

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// Update implements [session.Revocations]. No request waits for it. Of several of a
// session the newest says all.
func (s *sharedRevocations) Update(r session.Revocation) {
	s.Add(r)
	s.mu.Lock()
	if heirs := s.heirs; len(heirs) > 0 {
		s.mu.Unlock()
		for _, heir := range heirs {
			heir.Update(r)
		}
		return
	}
	if r.Updated.After(s.updates[r.SessionID].Updated) {
		s.updates[r.SessionID] = r
	}
	s.mu.Unlock()
	select {
	case s.updated <- struct{}{}:
	default: // shareUpdates is about to look
	}
}

// shareUpdates shares updates until the context ends. In an outage it keeps them for as
// long as they are worth anything. It waits a little after each time, so that
// updates gather: each time makes a file, which every node reads.
func (s *sharedRevocations) shareUpdates(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.updated:
		}
		for s.shareUpdatesOnce(ctx) != nil && sleep(ctx, retryInterval) { // retry logs that the log is broken
		}
		sleep(ctx, lookInterval(s.log)/8) // well within the rest that a look leaves
	}
}

func (s *sharedRevocations) shareUpdatesOnce(ctx context.Context) error {
	now := time.Now()
	s.mu.Lock()
	maps.DeleteFunc(s.updates, func(_ string, r session.Revocation) bool { return r.Until.Before(now) })
	batch := slices.Collect(maps.Values(s.updates))
	s.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	if err := s.log.Append(ctx, batch); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range batch {
		if s.updates[r.SessionID] == r {
			delete(s.updates, r.SessionID)
		}
	}
	return nil
}

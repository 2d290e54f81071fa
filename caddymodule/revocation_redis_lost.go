package caddymodule

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/session-guard/caddy-session-guard/session"
)

// cursorGone reports whether the stream does not have any more what was read last. No
// connection breaks when an operator flushes a server, or when it evicts the stream.
func (l *redisLog) cursorGone(ctx context.Context) (bool, error) {
	if l.cursor == firstEntry {
		return false, nil
	}
	missing, err := l.missing(ctx, []string{l.cursor})
	return missing[l.cursor], err
}

// resume finds out, after a break, what the server has lost: it appends again
// what this node had appended, and reads everything anew.
func (l *redisLog) resume(ctx context.Context) error {
	l.setComplete(false)
	l.mu.Lock()
	appended := l.appended
	l.mu.Unlock()
	l.age()
	ids := []string{l.cursor, cmp.Or(l.witnesses[0].id, l.cursor), cmp.Or(l.witnesses[1].id, l.cursor)}
	for _, entry := range appended {
		ids = append(ids, entry.id)
	}
	missing, err := l.missing(ctx, ids)
	if err != nil {
		return err
	}
	var lost []session.Revocation
	for _, entry := range appended {
		if missing[entry.id] {
			lost = append(lost, entry.revocation)
		}
	}
	if len(lost) > 0 {
		if err := l.Append(ctx, lost); err != nil {
			return err
		}
		l.forget(missing)
	}
	if !missing[l.cursor] {
		return nil
	}
	l.lose(missing)
	l.cursor = firstEntry // ids may begin anew
	return nil
}

// redisEntry is what is known of an entry of the stream.
type redisEntry struct {
	id, content     string
	appended, until time.Time
}

// lose notes what the stream does not have any more, as a whole or since an older copy
// of it. What can stop nothing any more may have been trimmed.
func (l *redisLog) lose(missing map[string]bool) {
	now := time.Now()
	old := slices.ContainsFunc(l.witnesses[:], func(witness redisEntry) bool { return missing[witness.id] && now.Before(witness.until) })
	if l.missed == nil {
		l.missed = make(map[string]bool)
	}
	if old {
		logLoss(l.realm, l.stream)
		clear(l.missed)
	} else {
		for _, entry := range l.recent {
			if now.Before(entry.until) {
				l.missed[entry.content] = true
			}
		}
	}
	l.missedSince, l.recent, l.witnesses = now, nil, [2]redisEntry{}
}

// tellLosses says it once nodes have had the time to append again what they can.
func (l *redisLog) tellLosses() {
	if len(l.missed) > 0 && time.Since(l.missedSince) > l.patience {
		logLoss(l.realm, l.stream)
		clear(l.missed)
	}
}

// forget drops entries that were appended again, under new ids: else each loss
// would double what the next one brings back.
func (l *redisLog) forget(ids map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Whoever reads the slice meanwhile has no lock.
	l.appended = slices.DeleteFunc(slices.Clone(l.appended), func(e appendedEntry) bool { return ids[e.id] })
}

// missing says which of the ids the stream does not hold.
func (l *redisLog) missing(ctx context.Context, ids []string) (map[string]bool, error) {
	pipeline := l.reader.Pipeline()
	found := make(map[string]*redis.XMessageSliceCmd)
	for _, id := range ids {
		found[id] = pipeline.XRange(ctx, l.stream, id, id)
	}
	if _, err := pipeline.Exec(ctx); err != nil {
		return nil, fmt.Errorf("reading revocations from Redis: %w", err)
	}
	missing := make(map[string]bool)
	for id, entries := range found {
		missing[id] = len(entries.Val()) == 0
	}
	return missing, nil
}

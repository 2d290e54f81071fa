package caddymodule

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/session-guard/caddy-session-guard/session"
)

// keptRedisUpdates is how long the server keeps updates: longer than they are
// worth anything.
const keptRedisUpdates = 10 * time.Minute

// appendUpdates writes updates into a stream of their own, which keeps minutes:
// there may be many, and revocations stay for weeks.
func (l *redisLog) appendUpdates(ctx context.Context, all []session.Revocation) error {
	oldest := fmt.Sprintf("%d-0", time.Now().Add(-keptRedisUpdates).UnixMilli())
	_, err := l.writer.Pipelined(ctx, func(pipeline redis.Pipeliner) error {
		for _, r := range all {
			pipeline.XAdd(ctx, &redis.XAddArgs{Stream: l.updates, Values: []any{redisField, encode(entryOf(r))}, MinID: oldest, Approx: true})
		}
		pipeline.Expire(ctx, l.updates, keptRedisUpdates)
		return nil
	})
	if err != nil {
		return fmt.Errorf("appending updates to Redis: %w", err)
	}
	return nil
}

// takeUpdates reads the updates that are new. The stream vanishes when there are
// none, and its ids go by the server's clock, so they still grow.
func (l *redisLog) takeUpdates(ctx context.Context, add func(session.Revocation)) error {
	messages, err := l.reader.XRange(ctx, l.updates, "("+l.updateCursor, "+").Result()
	if err != nil {
		return fmt.Errorf("reading updates from Redis: %w", err)
	}
	for _, message := range messages {
		l.updateCursor = message.ID
		r, err := decodeRedisEntry(l.updates, message)
		if err != nil {
			warnOfDamagedUpdates(l.realm, l.updates+" "+message.ID)
			continue
		}
		add(r)
	}
	return nil
}

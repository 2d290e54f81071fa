package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/redis/go-redis/v9"
)

// listKey is the key of a page in Caddy's storage; empty means their folder.
func (l *storageLog) listKey(name string) string { return path.Join(path.Dir(l.folder), "list", name) }

// listReading is the storage for a read of the list, which may hang.
func (l *storageLog) listReading() readingStorage {
	polled := l.polled.Load()
	return readingStorage{polled.storage, &polled.hungOfList}
}

// Pages implements [PageStore].
func (l *storageLog) Pages(ctx context.Context) ([]string, error) {
	keys, err := l.listReading().List(ctx, l.listKey(""), false)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = path.Base(key)
	}
	return names, nil
}

// LoadPage implements [PageStore].
func (l *storageLog) LoadPage(ctx context.Context, name string) ([]byte, error) {
	content, err := l.listReading().Load(ctx, l.listKey(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

// StorePage implements [PageStore].
func (l *storageLog) StorePage(ctx context.Context, name string, content []byte, _ time.Time) error {
	return l.current().Store(ctx, l.listKey(name), content)
}

// DeletePage implements [PageStore].
func (l *storageLog) DeletePage(ctx context.Context, name string) error {
	err := l.current().Delete(ctx, l.listKey(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Pages implements [PageStore]. The pages are the fields of one hash.
func (l *redisLog) Pages(ctx context.Context) ([]string, error) {
	names, err := l.reader.HKeys(ctx, l.list).Result()
	if err != nil {
		return nil, fmt.Errorf("reading from Redis: %w", err)
	}
	return names, nil
}

// LoadPage implements [PageStore].
func (l *redisLog) LoadPage(ctx context.Context, name string) ([]byte, error) {
	content, err := l.reader.HGet(ctx, l.list, name).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading from Redis: %w", err)
	}
	return content, nil
}

// StorePage implements [PageStore].
func (l *redisLog) StorePage(ctx context.Context, name string, content []byte, until time.Time) error {
	_, err := l.writer.TxPipelined(ctx, func(pipeline redis.Pipeliner) error {
		pipeline.HSet(ctx, l.list, name, content)
		// NX and GT together: the hash lives as long as its last session.
		pipeline.ExpireNX(ctx, l.list, time.Until(until))
		pipeline.ExpireGT(ctx, l.list, time.Until(until))
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing to Redis: %w", err)
	}
	return nil
}

// DeletePage implements [PageStore].
func (l *redisLog) DeletePage(ctx context.Context, name string) error {
	if err := l.writer.HDel(ctx, l.list, name).Err(); err != nil {
		return fmt.Errorf("writing to Redis: %w", err)
	}
	return nil
}

package caddymodule

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

const (
	// updateSuffix marks a file of updates, "<milliseconds>-<random>.updates": the
	// moment after which it is worth nothing.
	updateSuffix = ".updates"
	// keptUpdates is how long such a file stays after that: more than clocks differ.
	keptUpdates = 5 * time.Minute
)

// appendUpdates writes updates into a file of their own, which is gone after
// minutes: there may be many, and revocations stay for weeks.
func (l *storageLog) appendUpdates(ctx context.Context, all []session.Revocation) error {
	var content []byte
	var until time.Time
	for _, r := range all {
		content = appendLine(content, entryOf(r))
		until = later(until, r.Until)
	}
	name := fmt.Sprintf("%d-%s%s", until.UnixMilli(), strings.ToLower(rand.Text()), updateSuffix)
	if err := l.current().Store(ctx, l.key(name), content); err != nil {
		return fmt.Errorf("storing updates: %w", err)
	}
	return nil
}

// lookAtUpdates reads files of updates that are new and deletes old ones. They
// are never changed, so each is read once; a damaged one again, since it may still be
// being written, on a storage that shows half of a file.
func (l *storageLog) lookAtUpdates(ctx context.Context, storage certmagic.Storage, present map[string]bool, add func(session.Revocation)) error {
	maps.DeleteFunc(l.updateFiles, func(name string, _ bool) bool { return !present[name] })
	for name := range present {
		if !strings.HasSuffix(name, updateSuffix) {
			continue
		}
		if err := l.lookAtUpdate(ctx, storage, name, add); err != nil {
			return fmt.Errorf("reading updates: %s: %w", l.key(name), err)
		}
	}
	return nil
}

func (l *storageLog) lookAtUpdate(ctx context.Context, storage certmagic.Storage, name string, add func(session.Revocation)) error {
	number, _, _ := strings.Cut(name, "-")
	until, err := strconv.ParseInt(number, 10, 64)
	if err != nil || time.Now().After(time.UnixMilli(until).Add(keptUpdates)) {
		l.remove(ctx, storage, name)
		return nil
	}
	if l.updateFiles[name] {
		return nil
	}
	content, err := storage.Load(ctx, l.key(name))
	if errors.Is(err, fs.ErrNotExist) { // another node was first to delete it
		return nil
	}
	if err != nil {
		return err
	}
	whole := eachLine(content, func(entry logEntry) { add(entry.revocation()) }) == nil
	if _, warned := l.updateFiles[name]; !whole && !warned {
		warnOfDamagedUpdates(l.realm, l.key(name))
	}
	l.updateFiles[name] = whole
	return nil
}

// warnOfDamagedUpdates says what a damaged update means. It is no reason to read no
// revocations any more: it matters for minutes, and only to requests that overlap.
func warnOfDamagedUpdates(realm, place string) {
	revocationLogger(realm).Warn("an entry of session updates is damaged and is passed over; no sign-out is lost, but a session may lose a change that was made at the same moment on another node",
		zap.String("place", place))
}

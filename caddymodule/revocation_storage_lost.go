package caddymodule

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/certmagic"
)

// storeAgain writes again what the storage has lost of what this node wrote in the last
// hour, and reports whether there was any.
func (l *storageLog) storeAgain(ctx context.Context, storage certmagic.Storage, lost func(writtenFile) bool) (stored bool, err error) {
	if !l.mu.TryLock() { // a write that hangs must not keep anybody from reading
		return false, nil
	}
	defer l.mu.Unlock()
	now := time.Now()
	for _, file := range slices.Concat(l.closed, []writtenFile{l.open}) {
		if !lost(file) || !now.Before(file.until) {
			continue
		}
		if err := storage.Store(ctx, l.key(file.name), file.content); err != nil {
			return false, fmt.Errorf("storing revocations: %w", err)
		}
		stored = true
	}
	return stored, nil
}

// suspect is the name of a closed file of this node's, each in turn, that is looked at
// although it never changes: an older copy may have been put in its place.
func (l *storageLog) suspect() string {
	if !l.mu.TryLock() {
		return ""
	}
	defer l.mu.Unlock()
	if len(l.closed) == 0 {
		return ""
	}
	l.looks++
	return l.closed[l.looks%len(l.closed)].name
}

// miss notes that a file has lost what was known of it.
func (l *storageLog) miss(name string, known logFile) {
	now := time.Now()
	if _, ok := l.missed[name]; !ok && now.Before(known.until) {
		l.missed[name] = missedFile{known, now}
	}
}

// tellLosses says so once nodes have had the time to write again what they can.
func (l *storageLog) tellLosses() {
	lost, now := false, time.Now()
	for name, file := range l.missed {
		back := l.files[name].entries >= file.entries || !now.Before(file.until)
		if back || now.Sub(file.since) > patience {
			delete(l.missed, name)
			lost = lost || !back
		}
	}
	if lost {
		logLoss(l.realm, l.folder)
	}
}

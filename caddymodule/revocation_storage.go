package caddymodule

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// StorageRevocation keeps revocations in Caddy's storage. They survive a restart,
// and every node that shares the storage reads them. It is the default.
type StorageRevocation struct {
	// How soon a node learns what other nodes have written; it polls a little
	// more often. Default: 1s.
	PollInterval caddy.Duration `json:"poll_interval,omitempty"`

	Outage
}

// CaddyModule returns the Caddy module information.
func (*StorageRevocation) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "session.revocation.storage", New: func() caddy.Module { return new(StorageRevocation) }}
}

// Validate implements caddy.Validator.
func (m *StorageRevocation) Validate() error {
	return errors.Join(checkInterval("poll_interval", m.PollInterval, "1s"), m.validate())
}

// Open implements [RevocationModule].
func (m *StorageRevocation) Open(realm string, storage certmagic.Storage) (RevocationLog, error) {
	log := &storageLog{
		realm: realm, folder: "session/" + realm + "/revocations", node: strings.ToLower(rand.Text()),
		files: map[string]logFile{}, missed: map[string]missedFile{}, updateFiles: map[string]bool{}, deleted: map[string]time.Time{}, changed: make(chan struct{}, 1),
	}
	log.polled.Store(m.polled(storage))
	return log, nil
}

// Place implements [RevocationModule]: it is Caddy's storage.
func (*StorageRevocation) Place() string { return "" }

const (
	// A file is closed when it has this many entries or bytes. Every sign-out
	// writes its node's open file anew, and the others read it anew.
	maxFileEntries = 500
	maxFileSize    = 64 << 10
	// keptAfterEnd is how long a file outlives its last entry: more than clocks differ.
	keptAfterEnd = 24 * time.Hour
	// patience is how long nodes wait for another to write again what is lost of its own
	// before they say so: it may be frozen, or cut off.
	patience = time.Minute
	// markerFile is always there, so a storage that cannot be written is noticed
	// before anybody signs out.
	markerFile = "version"
)

// storageLog is a folder in Caddy's storage. Each node appends to a file of its
// own, "<node>-<number>.jsonl", so nobody needs a lock. A closed file never
// changes again, so a look costs one listing and one Stat for each open file. Of the
// closed ones that a node could write again it also looks at one.
type storageLog struct {
	realm        string
	folder, node string
	files        map[string]logFile // what Follow has read, by name
	missed       map[string]missedFile
	looks        int
	updateFiles  map[string]bool      // files of updates that were read; false: damaged, to be read again
	deleted      map[string]time.Time // when that was last tried, of files that are still there
	warned       bool                 // that files cannot be deleted

	polled  atomic.Pointer[polled]
	changed chan struct{} // so that Follow looks at once

	mu     sync.Mutex
	number int
	open   writtenFile
	closed []writtenFile // in the last hour, in case the storage loses them
}

// polled is what the current configuration says of the folder.
type polled struct {
	storage    certmagic.Storage
	interval   time.Duration
	hung       hungReads // while it follows
	hungOfList hungReads
}

func (m *StorageRevocation) polled(storage certmagic.Storage) *polled {
	return &polled{storage: storage, interval: cmp.Or(time.Duration(m.PollInterval), time.Second)}
}

// logFile is what is known of a file.
type logFile struct {
	modified time.Time
	size     int64
	entries  int
	until    time.Time // the end of its last entry
}

func (f logFile) closed() bool { return f.entries >= maxFileEntries || f.size >= maxFileSize }

// missedFile is what was known of a file that is gone, or has less in it now, though it
// can still stop something. No node deletes such a file.
type missedFile struct {
	logFile
	since time.Time
}

// writtenFile is a file that this node has written.
type writtenFile struct {
	logFile
	name    string
	content []byte
}

// logEntry is a line of a file.
type logEntry struct {
	Session string `json:"session,omitempty"`
	User    string `json:"user,omitempty"`
	Except  string `json:"except,omitempty"`
	Before  int64  `json:"before,omitempty"`  // milliseconds
	Until   int64  `json:"until"`             // milliseconds
	Updated int64  `json:"updated,omitempty"` // milliseconds
}

func entryOf(r session.Revocation) logEntry {
	e := logEntry{Session: r.SessionID, User: r.UserID, Except: r.Except, Until: r.Until.UnixMilli()}
	switch {
	case !r.Updated.IsZero():
		e.Updated = r.Updated.UnixMilli()
	case r.SessionID == "":
		e.Before = r.Before.UnixMilli()
	}
	return e
}

func (e logEntry) revocation() session.Revocation {
	r := session.Revocation{SessionID: e.Session, UserID: e.User, Except: e.Except, Until: time.UnixMilli(e.Until)}
	switch {
	case e.Updated != 0:
		r.Updated = time.UnixMilli(e.Updated)
	case e.Session == "":
		r.Before = time.UnixMilli(e.Before)
	}
	return r
}

// Interval implements [PolledLog].
func (l *storageLog) Interval() time.Duration { return l.polled.Load().interval }

// Use implements [PolledLog].
func (l *storageLog) Use(module RevocationModule, storage certmagic.Storage) {
	if module, ok := module.(interface {
		polled(certmagic.Storage) *polled // also of a module that embeds StorageRevocation
	}); ok {
		l.polled.Store(module.polled(storage))
	}
	select {
	case l.changed <- struct{}{}:
	default: // Follow is about to look
	}
}

func (l *storageLog) current() certmagic.Storage { return l.polled.Load().storage }

func (l *storageLog) key(name string) string { return path.Join(l.folder, name) }

func (l *storageLog) ownFile() string { return fmt.Sprintf("%s-%d.jsonl", l.node, l.number) }

// Append implements [RevocationLog].
func (l *storageLog) Append(ctx context.Context, all []session.Revocation) error {
	if !all[0].Updated.IsZero() {
		return l.appendUpdates(ctx, all)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	// After its last entry has ended, others may delete the file.
	if l.open.closed() || l.open.entries > 0 && now.After(l.open.until) {
		l.number, l.closed, l.open = l.number+1, append(l.closed, l.open), writtenFile{}
	}
	l.closed = slices.DeleteFunc(l.closed, func(f writtenFile) bool { return now.Sub(f.modified) > remembered })
	next := l.open
	next.name, next.modified, next.content = l.ownFile(), now, bytes.Clone(l.open.content)
	for _, r := range all {
		next.content = appendLine(next.content, entryOf(r))
		next.entries++
		next.until = later(next.until, r.Until)
	}
	next.size = int64(len(next.content))
	if err := l.current().Store(ctx, l.key(next.name), next.content); err != nil {
		// It may have been written all the same, and read as closed: never again.
		l.number++
		return fmt.Errorf("storing revocations: %w", err)
	}
	l.open = next
	return nil
}

// Follow implements [RevocationLog].
func (l *storageLog) Follow(ctx context.Context, add func(session.Revocation), synced func()) error {
	for {
		if err := l.look(ctx, add); err != nil {
			return err
		}
		synced()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.changed:
		case <-time.After(untilNextLook(l.Interval())):
		}
	}
}

// look reads what has changed since the last look.
func (l *storageLog) look(ctx context.Context, add func(session.Revocation)) error {
	polled := l.polled.Load()
	storage := readingStorage{polled.storage, &polled.hung}
	keys, err := storage.List(ctx, l.folder, false)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listing revocations: %w", err)
	}
	present := make(map[string]bool, len(keys))
	for _, key := range keys {
		present[path.Base(key)] = true
	}
	if !present[markerFile] {
		if err := storage.Store(ctx, l.key(markerFile), []byte("1\n")); err != nil {
			return fmt.Errorf("storing revocations: %w", err)
		}
	}
	if _, err := l.storeAgain(ctx, storage, func(f writtenFile) bool { return !present[f.name] }); err != nil {
		return err
	}
	for name, file := range l.files {
		if !present[name] {
			l.miss(name, file)
			delete(l.files, name)
		}
	}
	maps.DeleteFunc(l.deleted, func(name string, _ time.Time) bool { return !present[name] })
	if err := l.lookAtUpdates(ctx, storage, present, add); err != nil {
		return err
	}
	suspect := l.suspect()
	for name := range present {
		if !strings.HasSuffix(name, ".jsonl") {
			l.tidy(ctx, storage, name)
			continue
		}
		if err := l.read(ctx, storage, name, name == suspect, add); err != nil {
			return fmt.Errorf("reading revocations: %s: %w", l.key(name), err)
		}
	}
	l.tellLosses()
	return nil
}

// deleteEvery is how often it is tried to delete a file that stays.
const deleteEvery = time.Hour

// remove deletes a file that can stop nothing any more. If the storage does not let it,
// the file takes room and does no other harm, so that is no outage.
func (l *storageLog) remove(ctx context.Context, storage certmagic.Storage, name string) {
	if tried, ok := l.deleted[name]; ok && time.Since(tried) < deleteEvery {
		return
	}
	l.deleted[name] = time.Now()
	err := storage.Delete(ctx, l.key(name))
	if err == nil || errors.Is(err, fs.ErrNotExist) || l.warned {
		return
	}
	l.warned = true
	revocationLogger(l.realm).Warn("old files of revocations cannot be deleted and pile up; allow Caddy to delete in its storage",
		zap.String("key", l.key(name)), zap.Error(err))
}

// tidy deletes what a file system keeps of a write whose process was killed: a file with
// a number for a name, which was to be renamed once it was whole.
func (l *storageLog) tidy(ctx context.Context, storage certmagic.Storage, name string) {
	if strings.Trim(name, "0123456789") != "" {
		return
	}
	if info, err := storage.Stat(ctx, l.key(name)); err == nil && time.Since(info.Modified) > time.Hour { // no write takes that long
		l.remove(ctx, storage, name)
	}
}

// read reads a file if it has changed, and deletes it when it can stop nothing. A closed
// file has changed only if it is suspect.
func (l *storageLog) read(ctx context.Context, storage certmagic.Storage, name string, suspect bool, add func(session.Revocation)) error {
	known := l.files[name]
	if known.entries > 0 && time.Now().After(known.until.Add(keptAfterEnd)) {
		l.remove(ctx, storage, name)
		return nil
	}
	if known.closed() && !suspect {
		return nil
	}
	info, err := storage.Stat(ctx, l.key(name))
	if _, missed := l.missed[name]; err == nil && !missed && info.Size == known.size && info.Modified.Equal(known.modified) {
		return nil
	}
	var content []byte
	if err == nil {
		content, err = storage.Load(ctx, l.key(name))
	}
	if errors.Is(err, fs.ErrNotExist) { // it was deleted meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	stored, err := l.storeAgain(ctx, storage, func(f writtenFile) bool { return f.name == name && len(content) < len(f.content) })
	if stored || err != nil { // the next look reads it
		return err
	}
	read := logFile{modified: info.Modified, size: info.Size}
	err = eachLine(content, func(entry logEntry) {
		r := entry.revocation()
		add(r)
		read.entries++
		read.until = later(read.until, r.Until)
	})
	if err != nil {
		return errors.New("this file of revocations is damaged; restore it, or delete it and revoke everybody's sessions")
	}
	if read.entries < known.entries {
		l.miss(name, known)
	}
	l.files[name] = read
	return nil
}

// Close implements [RevocationLog].
func (*storageLog) Close() error { return nil }

// Interface guards
var (
	_ RevocationModule = (*StorageRevocation)(nil)
	_ caddy.Validator  = (*StorageRevocation)(nil)
	_ PolledLog        = (*storageLog)(nil)
)

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

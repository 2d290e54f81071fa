package caddymodule

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// sweepListEvery is how often sessions that have ended are dropped.
const sweepListEvery = time.Hour

// sharedList keeps the list of sessions in step with the other nodes, outside of
// any request. Each node writes all that it knows of a page under a new name
// ("<page>-<random>") and then deletes what it had read of that page. So nobody
// needs a lock: what two nodes write at once stands side by side until the next
// write, and what a storage has lost is written again.
type sharedList struct {
	*session.List
	realm    string
	pages    PageStore
	interval func() time.Duration // as the current configuration has it
	cancel   context.CancelFunc
	done     sync.WaitGroup
	first    chan struct{} // closed after the first attempt to read the list
	outage   atomic.Bool

	read  [session.ListPages]map[string]bool // names of what was read, by page; only sync uses it
	swept time.Time
}

func newSharedList(realm string, pages PageStore, revocations *sharedRevocations) *sharedList {
	ctx, cancel := context.WithCancel(context.Background())
	l := &sharedList{
		List: session.NewList(time.Now, revocations), realm: realm, pages: pages,
		interval: func() time.Duration { return lookInterval(revocations.log) },
		cancel:   cancel, first: make(chan struct{}), swept: time.Now(),
	}
	l.done.Go(func() { l.run(ctx) })
	return l
}

// run keeps the list in step until the context ends.
func (l *sharedList) run(ctx context.Context) {
	l.try(ctx)
	close(l.first)
	for sleep(ctx, untilNextLook(l.interval())) {
		l.try(ctx)
	}
}

func (l *sharedList) try(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, max(appendTimeout, l.interval()))
	defer cancel()
	err := l.sync(ctx)
	if was := l.outage.Swap(err != nil); was == (err != nil) {
		return
	}
	logger := caddy.Log().Named("session.list").With(zap.String("realm", l.realm))
	if err != nil {
		logger.Error("the list of sessions (list on) cannot be shared; each node shows only what it knows", zap.Error(err))
	} else {
		logger.Info("the list of sessions is shared again")
	}
}

// sync reads what others have written and writes what they do not know.
func (l *sharedList) sync(ctx context.Context) error {
	names, err := l.pages.Pages(ctx)
	if err != nil {
		return fmt.Errorf("reading the list of sessions: %w", err)
	}
	var present [session.ListPages]map[string]bool
	for _, name := range names {
		if page, ok := pageNumber(name); ok {
			if present[page] == nil {
				present[page] = make(map[string]bool)
			}
			present[page][name] = true
		}
	}
	for page := range session.ListPages {
		if !maps.Equal(present[page], l.read[page]) {
			if err := l.readPage(ctx, page, present[page]); err != nil {
				return fmt.Errorf("reading the list of sessions: %w", err)
			}
		}
	}
	if time.Since(l.swept) >= sweepListEvery {
		l.swept = time.Now()
		l.Sweep()
	}
	for _, page := range l.Due() {
		if err := l.writePage(ctx, page); err != nil {
			l.NotWritten(page)
			return fmt.Errorf("writing the list of sessions: %w", err)
		}
	}
	return nil
}

// pageNumber is the page that a name belongs to.
func pageNumber(name string) (int, bool) {
	number, _, _ := strings.Cut(name, "-")
	page, err := strconv.Atoi(number)
	return page, err == nil && page >= 0 && page < session.ListPages
}

func (l *sharedList) readPage(ctx context.Context, page int, names map[string]bool) error {
	var written []session.Listed
	for _, name := range slices.Sorted(maps.Keys(names)) {
		content, err := l.pages.LoadPage(ctx, name)
		if err != nil {
			return err
		}
		if content == nil { // another node has just written it anew
			return nil
		}
		listed, err := decodePage(name, content)
		if err != nil {
			return err
		}
		written = append(written, listed...)
	}
	l.Merge(page, written)
	l.read[page] = names
	return nil
}

func (l *sharedList) writePage(ctx context.Context, page int) error {
	content, until := encodePage(l.Page(page))
	now := map[string]bool{}
	if len(content) > 0 {
		name := fmt.Sprintf("%02d-%s", page, strings.ToLower(rand.Text()))
		if err := l.pages.StorePage(ctx, name, content, until); err != nil {
			return err
		}
		now[name] = true
	}
	for name := range l.read[page] {
		// One that stays is no reason to write the page anew, now and every second: it
		// is deleted with the next change.
		if err := l.pages.DeletePage(ctx, name); err != nil {
			now[name] = true
		}
	}
	l.read[page] = now
	return nil
}

// ready waits until the list was read, or could not be.
func (l *sharedList) ready(ctx context.Context) { awaitFirst(ctx, l.first) }

// Destruct implements caddy.Destructor: it shares what was not shared yet.
func (l *sharedList) Destruct() error {
	l.cancel()
	if waitAtMost(&l.done, lastAttempt) { // else the store hangs
		ctx, cancel := context.WithTimeout(context.Background(), lastAttempt)
		defer cancel()
		l.try(ctx)
	}
	return nil
}

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// formerList deletes what a list that is off now has left, since it is personal data:
// each page once all of its sessions have ended. A node that still keeps the list loses
// nothing by that, and would write again what it misses.
type formerList struct {
	realm  string
	pages  PageStore
	list   *session.List // empty: it tells which sessions have ended
	cancel context.CancelFunc
}

func newFormerList(realm string, pages PageStore, revocations *sharedRevocations) *formerList {
	ctx, cancel := context.WithCancel(context.Background())
	l := &formerList{realm, pages, session.NewList(time.Now, revocations), cancel}
	go l.run(ctx)
	return l
}

// run sweeps now and every hour until the context ends.
func (l *formerList) run(ctx context.Context) {
	failed := false
	for {
		err := l.sweep(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			caddy.Log().Named("session.list").Warn("the list of sessions is off, but what remains of it cannot be deleted; Caddy tries again every hour",
				zap.String("realm", l.realm), zap.Error(err))
		}
		failed = err != nil
		if !sleep(ctx, sweepListEvery) {
			return
		}
	}
}

func (l *formerList) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, retryTimeout)
	defer cancel()
	names, err := l.pages.Pages(ctx)
	if err != nil {
		return err
	}
	var errs []error // a page that is damaged, or cannot be read, keeps no other one
	for _, name := range names {
		if _, ok := pageNumber(name); ok {
			errs = append(errs, l.sweepPage(ctx, name))
		}
	}
	return errors.Join(errs...)
}

func (l *formerList) sweepPage(ctx context.Context, name string) error {
	content, err := l.pages.LoadPage(ctx, name)
	if err != nil {
		return fmt.Errorf("the page %s: %w", name, err)
	}
	listed, err := decodePage(name, content)
	if err != nil || slices.ContainsFunc(listed, l.list.IsLive) {
		return err
	}
	return l.pages.DeletePage(ctx, name)
}

// Destruct implements caddy.Destructor.
func (l *formerList) Destruct() error {
	l.cancel()
	return nil
}

// sweepFormerList sees to it that a list that is off leaves nothing where it was kept.
func (r *realm) sweepFormerList() error {
	set, ok := r.revocations.(*sharedRevocations)
	if !ok || r.app.readOnly {
		return nil
	}
	pages, ok := set.log.(PageStore)
	place := "former list in " + r.revocationPlace
	if !ok || slices.Contains(r.pooled, place) {
		return nil
	}
	_, err := r.share(place, func() (caddy.Destructor, error) { return newFormerList(r.name, pages, set), nil })
	return err
}

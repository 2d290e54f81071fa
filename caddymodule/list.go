package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// PageStore is also implemented by a [RevocationLog] beside which the list of
// sessions (`list on`) can be kept: named pages that all nodes read and write. It
// is safe for concurrent use.
type PageStore interface {
	// Pages returns the names of the pages. It is asked every second, so it must
	// be cheap.
	Pages(ctx context.Context) ([]string, error)
	// LoadPage returns the content of a page; nil if it is gone.
	LoadPage(ctx context.Context, name string) ([]byte, error)
	// StorePage writes a page under a name that was never used before. Its content
	// is worth nothing after the given moment.
	StorePage(ctx context.Context, name string, content []byte, until time.Time) error
	// DeletePage deletes a page; it is no error if it is gone.
	DeletePage(ctx context.Context, name string) error
}

// listEntry is a line of a page.
type listEntry struct {
	User string `json:"user"`
	userSession
}

func (e listEntry) listed() session.Listed {
	return session.Listed{
		SessionID: e.Session, UserID: e.User, CreatedAt: time.UnixMilli(e.CreatedAt), LastSeen: time.UnixMilli(e.LastSeen),
		ExpiresAt: time.UnixMilli(e.ExpiresAt), UserAgent: e.UserAgent, Address: e.Address,
	}
}

// encodePage returns the lines of a page and the end of its last session.
func encodePage(listed []session.Listed) (content []byte, until time.Time) {
	for _, entry := range listed {
		content = appendLine(content, listEntry{entry.UserID, userSessionOf(entry)})
		until = later(until, entry.ExpiresAt)
	}
	return content, until
}

// decodePage reads the lines of a page.
func decodePage(name string, content []byte) (listed []session.Listed, err error) {
	if err := eachLine(content, func(entry listEntry) { listed = append(listed, entry.listed()) }); err != nil {
		return nil, fmt.Errorf("the page %s of the list of sessions is damaged; delete it", name)
	}
	return listed, nil
}

// CheckList reports a list where nothing is kept. The settings of other places
// may still name another revocation.
func (s *Settings) CheckList() error {
	if !s.List.or(false) || s.Revocation == nil {
		return nil
	}
	var named struct {
		Module string `json:"module"`
	}
	if err := json.Unmarshal(s.Revocation, &named); err == nil && named.Module == "off" {
		return errors.New("list on needs a place to keep the list; remove revocation off, or write list off")
	}
	return nil
}

// openList opens the realm's list of sessions, or takes over that of the
// configuration before.
func (r *realm) openList(ctx context.Context) (*session.List, error) {
	if r.list != nil {
		return r.list, nil
	}
	if !r.settings.List.or(false) {
		return nil, r.sweepFormerList()
	}
	set, ok := r.revocations.(*sharedRevocations)
	if !ok {
		return nil, errors.New("list on needs a place to keep the list; remove revocation off, or write list off")
	}
	pages, ok := set.log.(PageStore)
	if !ok {
		return nil, fmt.Errorf("%s cannot keep a list of sessions; write list off", r.revocationModule.CaddyModule().ID)
	}
	place := "list in " + r.revocationPlace
	value, err := r.share(place, func() (caddy.Destructor, error) {
		return newSharedList(r.name, pages, set), nil
	})
	if err != nil {
		return nil, fmt.Errorf("list of the session realm %s: %w", r.name, err)
	}
	list := value.(*sharedList)
	list.ready(ctx)
	r.list = list.List
	return r.list, nil
}

// Interface guards
var (
	_ PageStore = (*storageLog)(nil)
	_ PageStore = (*redisLog)(nil)
)

package session

import (
	"cmp"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// ListPages is how many pages a [List] has. All sessions of a user are on one
	// page; nodes share a list page by page.
	ListPages = 64
	// maxListedOfUser bounds the sessions that are listed of one user, and
	// maxListedOfPage those of all users of a page: about 100,000 in all.
	maxListedOfUser = 50
	maxListedOfPage = 1562
	fullPage        = maxListedOfPage * 9 / 10 // which is what making room leaves
	// seenInterval is how exact LastSeen is on the node that saw the session.
	seenInterval = time.Minute
)

// Listed is what a [List] keeps of a live session. UserAgent and Address are
// personal data, and what the client said: data to show, never to trust.
type Listed struct {
	SessionID string
	UserID    string
	CreatedAt time.Time
	// LastSeen is when a request last came with the session; see [List].
	LastSeen  time.Time
	ExpiresAt time.Time
	// UserAgent is the header of the latest noted request, at most 200 bytes.
	UserAgent string
	// Address is the network that it came from: "192.0.2.0/24" or
	// "2001:db8:1::/48". It is empty if the address is unknown.
	Address string
}

// List knows the live sessions of every user, so that a user can see where they
// are signed in. It holds about 100,000 sessions, and 50 of one user; those that
// were not seen for the longest time give way. It is a memory only: no session
// ends because it is not listed. It is safe for concurrent use.
type List struct {
	now         func() time.Time
	revocations Revocations
	pages       [ListPages]listPage
}

// listPage is the part of a list that some users share.
type listPage struct {
	mu      sync.RWMutex
	users   map[string]map[string]Listed // user id -> session id
	count   int
	unknown bool      // it holds a session of which the other nodes are to know at once
	due     time.Time // when they are told what else they do not know; zero for never
}

// NewList makes an empty list. It leaves out sessions that the revocations say
// have ended.
func NewList(now func() time.Time, revocations Revocations) *List {
	l := &List{now: now, revocations: revocations}
	for i := range l.pages {
		l.pages[i].users = make(map[string]map[string]Listed)
	}
	return l
}

// pageOf is the same on every node.
func (l *List) pageOf(userID string) *listPage {
	return &l.pages[crc32.ChecksumIEEE([]byte(userID))%ListPages]
}

// see notes that a request came with the session.
func (l *List) see(s *Session, clientOf func() client) {
	now := l.now()
	user := s.User.ID()
	p := l.pageOf(user)
	p.mu.RLock()
	known, ok := p.users[user][s.ID]
	p.mu.RUnlock()
	hasClient := known.UserAgent != "" || known.Address != ""
	if ok && hasClient && now.Sub(known.LastSeen) < seenInterval && s.ExpiresAt.Sub(known.ExpiresAt) < seenInterval {
		return
	}
	c := clientOf()
	next := Listed{
		SessionID: s.ID, UserID: user, CreatedAt: s.CreatedAt, LastSeen: now,
		ExpiresAt: s.ExpiresAt, UserAgent: c.userAgent, Address: c.address,
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok {
		l.tell(p, next)
	}
	wait := shareInterval
	if ok && next.ExpiresAt.After(known.ExpiresAt) { // else they take it for expired
		wait = min(wait, known.ExpiresAt.Sub(now)/2)
	}
	p.tellBy(now.Add(wait))
	l.put(p, next)
}

// put adds an entry, or the newer of two of one session, and keeps the bounds.
func (l *List) put(p *listPage, next Listed) {
	known, ok := p.users[next.UserID][next.SessionID]
	if ok {
		next = newerOf(known, next)
	} else {
		p.count++
	}
	sessions := p.users[next.UserID]
	if sessions == nil {
		sessions = make(map[string]Listed)
		p.users[next.UserID] = sessions
	}
	sessions[next.SessionID] = next
	if len(sessions) > maxListedOfUser {
		l.sweepUser(p, next.UserID)
		for len(sessions) > maxListedOfUser {
			p.drop(slices.MinFunc(slices.Collect(maps.Values(sessions)), lessRecent))
		}
	}
	if p.count > maxListedOfPage {
		l.makeRoom(p)
	}
}

// newerOf merges what two nodes know of one session.
func newerOf(a, b Listed) Listed {
	if b.LastSeen.Before(a.LastSeen) {
		a, b = b, a
	}
	b.ExpiresAt = later(a.ExpiresAt, b.ExpiresAt)
	if b.UserAgent == "" && b.Address == "" {
		b.UserAgent, b.Address = a.UserAgent, a.Address
	}
	return b
}

// makeRoom drops what has ended, and if that is not enough a tenth of the page,
// so that a full page is not sorted at every sign-in.
func (l *List) makeRoom(p *listPage) {
	l.sweepPage(p)
	if p.count <= maxListedOfPage {
		return
	}
	all := p.all()
	slices.SortFunc(all, lessRecent)
	for _, entry := range all[:max(len(all)-fullPage, 0)] {
		p.drop(entry)
	}
}

func (p *listPage) all() []Listed {
	all := make([]Listed, 0, p.count)
	for _, sessions := range p.users {
		for _, entry := range sessions {
			all = append(all, entry)
		}
	}
	return all
}

func (p *listPage) drop(entry Listed) {
	sessions := p.users[entry.UserID]
	if _, ok := sessions[entry.SessionID]; !ok {
		return
	}
	p.count--
	if delete(sessions, entry.SessionID); len(sessions) == 0 {
		delete(p.users, entry.UserID)
	}
}

// lessRecent orders by LastSeen, the same on every node.
func lessRecent(a, b Listed) int {
	return cmp.Or(a.LastSeen.Compare(b.LastSeen), cmp.Compare(a.SessionID, b.SessionID))
}

// IsLive reports whether a session can still be used, as far as this node knows.
func (l *List) IsLive(entry Listed) bool {
	if !l.now().Before(entry.ExpiresAt) {
		return false
	}
	// In an outage nobody can tell: what this node knows counts.
	ended, err := l.revocations.Revoked(&Session{ID: entry.SessionID, User: User{"id": entry.UserID}, CreatedAt: entry.CreatedAt})
	return err != nil || !ended
}

func (l *List) sweepUser(p *listPage, userID string) (dropped int) {
	for _, entry := range p.users[userID] {
		if !l.IsLive(entry) {
			p.drop(entry)
			dropped++
		}
	}
	return dropped
}

func (l *List) sweepPage(p *listPage) (dropped int) {
	for userID := range p.users {
		dropped += l.sweepUser(p, userID)
	}
	return dropped
}

// Of returns the live sessions of a user, the one that was seen last first.
func (l *List) Of(userID string) []Listed {
	p := l.pageOf(userID)
	p.mu.RLock()
	defer p.mu.RUnlock()
	var live []Listed
	for _, entry := range p.users[userID] {
		if l.IsLive(entry) {
			live = append(live, entry)
		}
	}
	slices.SortFunc(live, func(a, b Listed) int { return lessRecent(b, a) })
	return live
}

// Size returns how many sessions are listed.
func (l *List) Size() int {
	size := 0
	for i := range l.pages {
		p := &l.pages[i]
		p.mu.RLock()
		size += p.count
		p.mu.RUnlock()
	}
	return size
}

// noteInList tells the list, if there is one, of the visitor's session. A slide is not told
// before it is sent, since it may be taken back.
func (v *Visitor) noteInList(s *Session) {
	if v.request != nil && s != nil {
		v.manager.settings.List.see(s, v.client)
	}
}

// FromBackEnd says that the request is a back end's, which acts for the user: the
// list then keeps neither its address nor its user agent.
func (v *Visitor) FromBackEnd() { v.backEnd = true }

// ErrNoList means that no list of sessions is kept.
var ErrNoList = errors.New("no list of sessions is kept")

// Sessions returns the live sessions of a user, the one that was seen last first.
// The error is [ErrNoList] where none are listed.
func (m *Manager) Sessions(userID string) ([]Listed, error) {
	if m.settings.List == nil {
		return nil, ErrNoList
	}
	var live []Listed
	for _, entry := range m.settings.List.Of(userID) {
		// It may have been listed under a longer max_lifetime, as a token may have been sealed.
		entry.ExpiresAt = m.settings.clip(entry.CreatedAt, entry.ExpiresAt)
		if m.settings.Now().Before(entry.ExpiresAt) {
			live = append(live, entry)
		}
	}
	return live, nil
}

// Sessions returns the live sessions of the visitor's user, the one that was seen
// last first. The error is [ErrNoSession] for an anonymous visitor and
// [ErrNoList] where none are listed.
func (v *Visitor) Sessions() ([]Listed, error) {
	if v.session == nil {
		return nil, ErrNoSession
	}
	return v.manager.Sessions(v.session.User.ID())
}

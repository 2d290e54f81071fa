package session

import "time"

// shareInterval is how long what is only a newer LastSeen may wait before the
// other nodes are told.
const shareInterval = 5 * time.Minute

// tellBy makes the page due then, or earlier if it is.
func (p *listPage) tellBy(due time.Time) {
	if p.due.IsZero() || due.Before(p.due) {
		p.due = due
	}
}

// Merge adds what other nodes have written on a page. What this node knows and
// they have not written makes the page due, in five minutes if it is an older session
// and the list is full.
func (l *List) Merge(page int, written []Listed) {
	p := &l.pages[page]
	p.mu.Lock()
	defer p.mu.Unlock()
	found := make(map[string]bool)
	for _, entry := range written {
		if l.pageOf(entry.UserID) != p {
			continue
		}
		found[entry.SessionID] = true
		if l.IsLive(entry) {
			l.put(p, entry)
		}
	}
	for _, entry := range p.all() {
		if !p.unknown && !found[entry.SessionID] && l.IsLive(entry) {
			l.tell(p, entry)
		}
	}
}

// tell makes the page due for a session of which the other nodes do not know: at once,
// but where sessions give way to others only if it is new. Those that gave way are seen
// again all the time.
func (l *List) tell(p *listPage, entry Listed) {
	full := p.count >= fullPage || len(p.users[entry.UserID]) >= maxListedOfUser
	if now := l.now(); full && now.Sub(entry.CreatedAt) >= seenInterval {
		p.tellBy(now.Add(shareInterval))
		return
	}
	p.unknown = true
}

// Due returns the pages that hold a session of which the other nodes are to know at once,
// or have held something else to tell them for five minutes. They learn that a session
// lives longer before it would leave their list.
func (l *List) Due() []int {
	var due []int
	for i := range l.pages {
		p := &l.pages[i]
		p.mu.RLock()
		if p.unknown || !p.due.IsZero() && !l.now().Before(p.due) {
			due = append(due, i)
		}
		p.mu.RUnlock()
	}
	return due
}

// Page returns the live sessions of a page, to be written where the other nodes
// read them. The page is no longer due. If it could not be written, call
// [List.NotWritten].
func (l *List) Page(page int) []Listed {
	p := &l.pages[page]
	p.mu.Lock()
	defer p.mu.Unlock()
	l.sweepPage(p)
	p.unknown, p.due = false, time.Time{}
	return p.all()
}

// NotWritten makes a page due again.
func (l *List) NotWritten(page int) {
	p := &l.pages[page]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unknown = true
}

// Sweep drops what has ended. Pages that lost something are due in five minutes,
// so that it does not stay where they are written.
func (l *List) Sweep() {
	for i := range l.pages {
		p := &l.pages[i]
		p.mu.Lock()
		if l.sweepPage(p) > 0 {
			p.tellBy(l.now().Add(shareInterval))
		}
		p.mu.Unlock()
	}
}

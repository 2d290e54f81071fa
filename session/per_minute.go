package session

import (
	"sync"
	"time"
)

// mostEnds is how often within a minute a user may end the other sessions on a node:
// each end is kept by every node for as long as a session may live.
const mostEnds = 60

// perMinute counts what users do within a minute. The minute is the same for all, so
// whoever came in one that is over is forgotten with it.
type perMinute struct {
	mu    sync.Mutex
	began time.Time
	count map[string]int // by user id
}

// again counts one more for the user and returns 0. A user who has had most of them
// already is not counted, and it returns how long to wait.
func (p *perMinute) again(user string, most int, now time.Time) (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.began).Abs() >= time.Minute || len(p.count) >= mostRecent { // or the clock was set back
		p.began, p.count = now, make(map[string]int)
	}
	if p.count[user] >= most {
		return p.began.Add(time.Minute).Sub(now)
	}
	p.count[user]++
	return 0
}

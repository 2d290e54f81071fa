package session

import (
	"sync"
	"time"
)

// maxVerdicts bounds the memory for what hooks said; each takes about 250 bytes.
const maxVerdicts = 100_000

// verdicts remember for a while what a hook said of a session: of the state that
// it was asked about, and of one state of each session only.
type verdicts struct {
	mu       sync.Mutex
	sessions map[string]verdict // by session id
	order    []addition         // oldest first
}

type verdict struct {
	of        sessionState
	err       error
	at, until time.Time
}

// get returns what is remembered. A clock that was set back makes the hook be
// asked again.
func (v *verdicts) get(of sessionState, now time.Time) (err error, known bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.sessions[of.id]
	if !ok || found.of != of || now.Before(found.at) || !now.Before(found.until) {
		return nil, false
	}
	return found.err, true
}

func (v *verdicts) remember(of sessionState, err error, now time.Time, lasting time.Duration) {
	if lasting <= 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sessions == nil {
		v.sessions = make(map[string]verdict)
	}
	now = now.Round(0) // by the wall clock: the other stands still while a machine sleeps
	v.sessions[of.id] = verdict{of: of, err: err, at: now, until: now.Add(lasting)}
	v.order = append(v.order, addition{of.id, now})
	v.sweep(now)
}

// forget is for a session that has ended.
func (v *verdicts) forget(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.sessions, id)
}

// sweep drops what is over, and the oldest of what is too much.
func (v *verdicts) sweep(now time.Time) {
	for len(v.order) > 0 {
		oldest := v.order[0]
		found, ok := v.sessions[oldest.id]
		current := ok && found.at.Equal(oldest.at)
		if current && now.Before(found.until) && len(v.order) <= maxVerdicts {
			return
		}
		if current {
			delete(v.sessions, oldest.id)
		}
		v.order = v.order[1:]
	}
	v.order = nil
}

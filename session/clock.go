package session

import (
	"sort"
	"time"
)

// clockSkew is how far ahead of this node's clock a moment in the past may lie,
// since the node that sealed it has a clock of its own. Expiry has no leeway.
const clockSkew = 60 * time.Second

// mostAhead is how far LastActivity may run ahead of the clock, by the millisecond
// that each change adds at least: nobody opens a token of which it is further ahead
// than clockSkew.
const mostAhead = clockSkew - 10*time.Second

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// soonest is the first good millisecond at or after from. The present one may not be good:
// a node whose clock runs ahead may have ended or updated sessions "before" a moment that
// has not come yet. It is false if there is none within mostAhead, since no node opens a
// token that is further ahead.
func soonest(from, now time.Time, good func(time.Time) bool) (time.Time, bool) {
	if good(from) {
		return from, true
	}
	steps := max(0, int(now.Add(mostAhead).Sub(from)/time.Millisecond))
	after := func(step int) time.Time { return from.Add(time.Duration(step) * time.Millisecond) }
	step := sort.Search(steps+1, func(step int) bool { return good(after(step)) })
	return after(step), step <= steps
}

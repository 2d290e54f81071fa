package caddymodule

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// countGrace counts the grace from a moment on.
func (s *sharedRevocations) countGrace(since time.Time) {
	if s.ended { // a look may have been under way
		return
	}
	s.since = since
	over := since.Add(time.Duration(s.outage.Load().OutageGrace))
	if s.status.LastSync != nil {
		s.staleFrom.Store(int64(s.awake(over)))
		s.staleWall.Store(int64(byWall(s.started, over)))
	}
	s.closing.Reset(time.Until(over))
}

// stale reports whether the log was never read, or the grace is over. It asks the clock:
// of a process that was frozen, requests run before any timer. It asks both clocks: on
// Linux the monotonic one stands still while a machine sleeps, and the wall clock may be
// set back. One that is set ahead is taken for a sleep, until the next look.
func (s *sharedRevocations) stale() bool {
	now := time.Now()
	return int64(s.awake(now)) >= s.staleFrom.Load() || int64(byWall(s.started, now)) >= s.staleWall.Load()
}

// longestOutage is for how long a node may accept and refresh sessions that were ended
// elsewhere since its last look. A look that hangs until the grace is almost over and
// then fails has it counted anew.
func (s *sharedRevocations) longestOutage() time.Duration {
	outage := s.outage.Load()
	if outage.OnOutage != "closed" {
		return session.LongestDuration
	}
	bounded := func(d time.Duration) time.Duration { return min(d, session.LongestDuration/2) }
	return bounded(lookInterval(s.log)) + 2*bounded(time.Duration(outage.OutageGrace))
}

// byWall is the time from a moment to another by the wall clock.
func byWall(from, to time.Time) time.Duration { return to.Round(0).Sub(from.Round(0)) }

func (s *sharedRevocations) synced() {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteGraceOver() // a process that was frozen may look before its timers fire
	closed := s.toldClosed
	s.toldClosed, s.toldBroken, s.reason = false, false, nil
	s.status.LastSync = &now
	// Until the next look nothing is wrong. A look that never ends is an outage.
	s.countGrace(now.Add(lookInterval(s.log)))
	if s.status.Outage {
		message := "the shared revocations can be read again"
		if closed {
			message += ", so auth routes are open again"
		}
		s.logger().Info(message)
	}
	s.status.Outage = false
}

func (s *sharedRevocations) broken(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason = err
	if s.toldBroken {
		return
	}
	s.toldBroken = true
	// A look that hung is an outage from where it began, and must not open again what has
	// been closed.
	if !s.stale() && !errors.Is(err, errNoAnswer) {
		s.countGrace(time.Now())
	}
	s.beginOutage()
	outage := s.outage.Load()
	message := "the shared revocations cannot be read"
	if outage.OnOutage == "closed" && s.stale() && !s.toldClosed {
		s.toldClosed = true
		message += ", so auth routes are closed"
		if s.status.LastSync == nil {
			message += ": this node has never read them, so there is no grace"
		}
	}
	s.logger().Error(message, zap.Error(err),
		zap.String("on_outage", outage.OnOutage), zap.Duration("outage_grace", time.Duration(outage.OutageGrace)))
}

func (s *sharedRevocations) beginOutage() {
	if !s.status.Outage {
		s.status.Outage = true
		s.status.Outages++
	}
}

func (s *sharedRevocations) graceOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteGraceOver()
}

// noteGraceOver says that the grace is over, if it is. No error may have told of the
// outage: a look hangs, or the process was frozen. Or it has another reason by now: a
// server that ends a connection may refuse the next one for a password.
func (s *sharedRevocations) noteGraceOver() {
	outage := s.outage.Load()
	now := time.Now()
	if s.ended || max(now.Sub(s.since), byWall(s.since, now)) < time.Duration(outage.OutageGrace) { // it was counted anew meanwhile
		return
	}
	const message = "the shared revocations could not be read for longer than outage_grace"
	switch {
	case outage.OnOutage == "closed" && !s.toldClosed:
		s.toldClosed = true
		s.logger().Error(message+", so auth routes are closed", zap.Error(s.reason))
	case outage.OnOutage != "closed" && !s.status.Outage:
		s.logger().Error(message, zap.Error(s.reason))
	}
	s.beginOutage()
}

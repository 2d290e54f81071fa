package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

const (
	// appendTimeout bounds how long a sign-out waits for the log.
	appendTimeout = 5 * time.Second
	// outageTimeout takes its place while the log cannot be read, when a write will
	// hardly succeed.
	outageTimeout = time.Second
	// lastAttempt bounds each step of the end. A service manager may wait five
	// seconds for all of them (deploy/caddy.service).
	lastAttempt = time.Second
	// retryInterval is how soon a broken log is tried again.
	retryInterval = time.Second
	// retryTimeout bounds an attempt to append what an outage left, which may
	// be much and for which nobody waits.
	retryTimeout = 30 * time.Second
	// remembered is how long a node remembers what it appended, so that it can
	// append it again where it was lost: a Redis that is killed loses what it has
	// not written to its disk, an hour's at its default settings.
	remembered = time.Hour
)

// sharedRevocations are the revocations of a realm: a set in memory that every
// request asks, and a log that the nodes share. It outlives a configuration.
type sharedRevocations struct {
	*session.RevocationSet
	realm  string
	home   string // as an operator sees the place
	log    RevocationLog
	outage atomic.Pointer[Outage] // of the latest configuration
	cancel context.CancelFunc
	done   sync.WaitGroup

	first     chan struct{} // closed after the first attempt to read the log
	unread    error         // of that attempt, once it is over
	goesOn    bool          // from another place that was good, so its grace holds until the first attempt
	closing   *time.Timer   // fires when an outage has lasted for the grace
	started   time.Time
	awake     func(time.Time) time.Duration // since started, without what the machine slept
	staleFrom atomic.Int64                  // when the grace is over, in nanoseconds awake; zero if the log was never read
	staleWall atomic.Int64                  // the same by the wall clock, in nanoseconds since started

	mu         sync.Mutex
	terms      []*terms  // of the configurations that use this, the latest last
	since      time.Time // the grace counts from here
	toldClosed bool      // it has been logged that auth routes are closed
	toldBroken bool      // the error of this outage has been logged
	reason     error     // the latest error of this outage
	ended      bool      // Destruct has run

	heirs   []keeper                      // in another place, once this ends
	pending []session.Revocation          // not durable yet
	failed  error                         // why the last attempt to append them failed
	updates map[string]session.Revocation // not shared yet, by session
	updated chan struct{}                 // there is one
	status  revocationStatus
	writing chan struct{} // holds one while somebody appends
}

// revocationStatus is what the admin API shows.
type revocationStatus struct {
	Sessions int        `json:"sessions"`
	Users    int        `json:"users"`
	Pending  int        `json:"pending"`
	Outage   bool       `json:"outage"`
	Refusing bool       `json:"refusing"`
	Outages  int        `json:"outages"`
	LastSync *time.Time `json:"last_sync,omitempty"`
}

// terms are what a configuration says of revocations that outlive it.
type terms struct {
	module  RevocationModule
	storage certmagic.Storage
}

// newSharedRevocations follows a log. Those of the configuration before, in another place,
// have the same set.
func newSharedRevocations(realm string, set *session.RevocationSet, log RevocationLog, outage Outage, before ...keeper) *sharedRevocations {
	ctx, cancel := context.WithCancel(context.Background())
	now := time.Now()
	s := &sharedRevocations{
		RevocationSet: set, realm: realm, log: log,
		cancel: cancel, first: make(chan struct{}), updated: make(chan struct{}, 1),
		writing: make(chan struct{}, 1), started: now, since: now, updates: map[string]session.Revocation{},
	}
	s.outage.Store(&outage)
	s.awake = func(now time.Time) time.Duration { return now.Sub(s.started) }
	s.closing = time.AfterFunc(time.Duration(outage.OutageGrace), s.graceOver)
	for _, k := range before {
		s.goOn(k.good())
	}
	s.done.Go(func() { s.follow(ctx) })
	s.done.Go(func() { s.retry(ctx) })
	s.done.Go(func() { s.shareUpdates(ctx) })
	return s
}

// goOn takes over what the set was known to be good at, if it was: what other nodes end in
// the new place is missed no longer than in an outage.
func (s *sharedRevocations) goOn(read, since time.Time, good bool) {
	if !good {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goesOn, s.status.LastSync = true, &read
	s.countGrace(since)
}

// use applies the terms of a configuration: those of the latest one hold.
func (s *sharedRevocations) use(t *terms) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.terms = append(s.terms, t)
	s.apply(t)
}

// leave takes back the terms of a configuration that ends. If it was the latest,
// since its load failed, those of the one before hold again.
func (s *sharedRevocations) leave(t *terms) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.terms = slices.DeleteFunc(s.terms, func(other *terms) bool { return other == t })
	if len(s.terms) > 0 {
		s.apply(s.terms[len(s.terms)-1])
	}
}

func (s *sharedRevocations) apply(t *terms) {
	outage := t.module.OutageRule()
	s.outage.Store(&outage)
	if log, ok := s.log.(PolledLog); ok {
		log.Use(t.module, t.storage)
	}
	s.countGrace(s.since)
}

// logger is Caddy's current one, since this outlives a configuration.
func (s *sharedRevocations) logger() *zap.Logger { return revocationLogger(s.realm) }

func revocationLogger(realm string) *zap.Logger {
	return caddy.Log().Named("session.revocation").With(zap.String("realm", realm))
}

// Revoked implements [session.Revocations].
func (s *sharedRevocations) Revoked(of *session.Session) (bool, error) {
	revoked, err := s.RevocationSet.Revoked(of)
	if err == nil && !revoked && s.stale() && s.outage.Load().OnOutage == "closed" {
		return false, session.ErrStale
	}
	return revoked, err
}

// Revoke implements [session.Revocations]. The revocation holds on this node at
// once. If it cannot be made durable it is kept and tried again, and the error
// says so. While that fails, nobody waits: retry is at it, and who ends several
// sessions does not pay for the outage with each.
func (s *sharedRevocations) Revoke(ctx context.Context, r session.Revocation) error {
	s.Add(r)
	s.mu.Lock()
	if heirs := s.heirs; len(heirs) > 0 { // a request that the configuration before still answers
		s.mu.Unlock()
		return revokeIn(ctx, heirs, r)
	}
	s.pending = append(s.pending, r)
	s.mu.Unlock()
	return s.share(ctx)
}

// Share implements [session.Sharer].
func (s *sharedRevocations) Share(ctx context.Context, of *session.Session) error {
	s.mu.Lock()
	heirs := s.heirs
	kept := slices.ContainsFunc(s.pending, func(r session.Revocation) bool { return r.Ends(of) })
	s.mu.Unlock()
	for _, heir := range heirs {
		if heir, ok := heir.(session.Sharer); ok {
			if err := heir.Share(ctx, of); err != nil {
				return err
			}
		}
	}
	if !kept {
		return nil
	}
	return s.share(ctx)
}

// share makes what is pending durable.
func (s *sharedRevocations) share(ctx context.Context) error {
	s.mu.Lock()
	err, timeout := s.failed, appendTimeout
	if s.status.Outage {
		timeout = outageTimeout
	}
	s.mu.Unlock()
	if err == nil {
		// A sign-out does not end halfway because the browser went away.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		err = s.flush(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w: the revocation takes effect on this node, and will be shared as soon as possible: %w", session.ErrUnavailable, err)
	}
	return nil
}

// flush appends what is pending. Those who wait for their turn mostly find their
// revocation written together with another's.
func (s *sharedRevocations) flush(ctx context.Context) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done(): // the log does not answer whoever appends
		s.appended(0, ctx.Err())
		return ctx.Err()
	}
	s.mu.Lock()
	batch := s.pending
	s.mu.Unlock()
	var err error
	if len(batch) > 0 {
		err = s.log.Append(ctx, batch)
	}
	s.appended(len(batch), err)
	return err
}

// appended notes how an attempt to append the first that are pending ended.
func (s *sharedRevocations) appended(count int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err != nil {
		return
	}
	if s.pending = s.pending[count:]; len(s.pending) == 0 {
		s.pending = nil
	}
}

// retry shares what could not be shared at once.
func (s *sharedRevocations) retry(ctx context.Context) {
	failed := false
	for sleep(ctx, retryInterval) {
		err := s.attempt(ctx)
		switch {
		case err != nil && !failed && ctx.Err() == nil:
			s.logger().Error("revocations cannot be stored; they take effect on this node, and Caddy tries again every second", zap.Error(err))
		case err == nil && failed:
			s.logger().Info("all revocations have been stored")
		}
		failed = err != nil
		s.Sweep()
	}
}

func (s *sharedRevocations) attempt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, retryTimeout)
	defer cancel()
	return s.flush(ctx)
}

// follow reads the log until the context ends.
func (s *sharedRevocations) follow(ctx context.Context) {
	var once sync.Once
	attempted := func(err error) {
		once.Do(func() {
			s.unread = err
			close(s.first)
		})
	}
	defer attempted(nil)
	for {
		err := s.log.Follow(ctx, s.Add, func() {
			s.synced()
			attempted(nil)
		})
		if ctx.Err() != nil {
			return
		}
		s.broken(err)
		attempted(err)
		if !sleep(ctx, retryInterval) {
			return
		}
	}
}

// Status is a snapshot for the admin API.
func (s *sharedRevocations) Status() revocationStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.status
	status.Pending = len(s.pending)
	status.Refusing = s.outage.Load().OnOutage == "closed" && s.stale()
	status.Sessions, status.Users = s.Size()
	return status
}

// ready waits until the log was read, or could not be.
func (s *sharedRevocations) ready(ctx context.Context) { awaitFirst(ctx, s.first) }

// Destruct implements caddy.Destructor: it makes a last attempt to share what is
// pending, and leaves all to the revocations that follow these in another place. A
// log that hangs may not hold it up: what is lost has to be said before the process
// is killed.
func (s *sharedRevocations) Destruct() error {
	s.cancel()
	waitAtMost(&s.done, lastAttempt)
	s.mu.Lock()
	s.ended = true
	s.closing.Stop()
	if !s.stale() { // for requests that are still being answered
		s.staleFrom.Store(math.MaxInt64)
		s.staleWall.Store(math.MaxInt64)
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), lastAttempt)
	defer cancel()
	heirs := s.bequeath()
	if err := s.flush(ctx); err != nil && !heirs {
		s.logger().Error("revocations could not be stored and are lost with this process: these sessions are valid again", zap.Int("count", s.Status().Pending), zap.Error(err))
	}
	return errors.Join(s.shareUpdatesOnce(ctx), s.log.Close())
}

// logLoss tells the operator that a log has lost what nodes had read in it.
func logLoss(realm, place string) {
	command := "caddy session revoke --all"
	if realm != session.DefaultRealm { // which the command acts on unless it is told
		command += " --realm " + realm
	}
	revocationLogger(realm).Error("the shared revocations were lost; running nodes still know them and have stored their own of the last hour again, "+
		"but a node that starts accepts sessions that were ended earlier, or by a node that was restarted since. End everybody's sessions with "+command, zap.String("place", place))
}

// Interface guards
var (
	_ session.Revocations = (*sharedRevocations)(nil)
	_ session.Sharer      = (*sharedRevocations)(nil)
)

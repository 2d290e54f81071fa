package caddymodule

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// hesitantLog appends what it is given once it may, and remembers it.
type hesitantLog struct {
	RevocationLog
	may      chan struct{}
	began    chan struct{}
	appended []string
}

func (l *hesitantLog) Append(ctx context.Context, all []session.Revocation) error {
	l.began <- struct{}{}
	<-l.may
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, r := range all {
		l.appended = append(l.appended, r.SessionID)
	}
	return nil
}

func (*hesitantLog) Follow(ctx context.Context, _ func(session.Revocation), synced func()) error {
	synced()
	<-ctx.Done()
	return ctx.Err()
}

func (*hesitantLog) Close() error { return nil }

// A sign-out that comes while another is being written is written too, also if its browser
// went away.
func TestSignOutWhileAnotherIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &hesitantLog{may: make(chan struct{}), began: make(chan struct{}, 10)}
		node := startNode(t, log, Outage{})
		gone, leave := context.WithCancel(t.Context())
		answered := make(chan error, 2)
		go func() { answered <- node.Revoke(gone, ended("first")) }()
		<-log.began
		go func() { answered <- node.Revoke(t.Context(), ended("second")) }()
		synctest.Wait()
		leave()
		close(log.may)
		require.NoError(t, <-answered)
		require.NoError(t, <-answered)
		time.Sleep(2 * retryInterval)
		require.NoError(t, node.Destruct())
		assert.Equal(t, []string{"first", "second"}, log.appended)
	})
}

// An update that nobody could be told of in time is dropped, or an outage would fill the
// memory.
func TestUpdatesThatAreWorthNothingAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &hesitantLog{may: make(chan struct{}), began: make(chan struct{}, 10)}
		close(log.may)
		node := startNode(t, log, Outage{})
		node.Update(session.Revocation{SessionID: "one", Updated: time.Now().Add(-time.Hour), Until: time.Now().Add(-time.Minute)})
		time.Sleep(2 * retryInterval)
		require.NoError(t, node.Destruct())
		assert.Empty(t, log.appended)
		assert.Empty(t, node.updates)
	})
}

// What has ended takes no memory.
func TestEndedRevocationsAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &hesitantLog{may: make(chan struct{}), began: make(chan struct{}, 10)}
		close(log.may)
		node := startNode(t, log, Outage{})
		node.Add(session.Revocation{SessionID: "one", Until: time.Now().Add(time.Minute)})
		assert.Equal(t, 1, node.Status().Sessions)
		time.Sleep(3 * time.Hour)
		assert.Zero(t, node.Status().Sessions)
		require.NoError(t, node.Destruct())
	})
}

// The lag is the time since the last look, not since the start.
func TestRevocationLagIsOfTheLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &hesitantLog{may: make(chan struct{}), began: make(chan struct{}, 10)}
		node := startNode(t, log, Outage{})
		time.Sleep(time.Hour)
		node.synced()
		assert.Zero(t, lagOf(t, node))
		close(log.may)
		require.NoError(t, node.Destruct())
	})
}

// collected gives out what one node of shared revocations says of itself.
type collected struct{ *sharedRevocations }

func (c collected) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

func (c collected) Collect(to chan<- prometheus.Metric) { c.collect(to) }

func lagOf(t *testing.T, node *sharedRevocations) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(collected{node}))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == "caddy_session_revocation_lag_seconds" {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no lag")
	return 0
}

// Of updates of a session that come while others are being told, the newest is told, in
// whichever order they come: by an older one a node would take its older state for good.
func TestUpdatesThatComeWhileOthersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newRememberingLog()
		node := startNode(t, log, Outage{})
		at := func(after time.Duration) session.Revocation {
			now := time.Now().Truncate(time.Second)
			return session.Revocation{SessionID: "one", Updated: now.Add(after), Until: now.Add(time.Hour)}
		}
		first, newest, older := at(0), at(3*time.Second), at(2*time.Second)
		node.Update(first)
		<-log.began
		node.Update(newest)
		node.Update(older)
		close(log.may)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Equal(t, []session.Revocation{first, newest}, log.all)
		require.NoError(t, node.Destruct())
	})
}

// A log that answers nobody who appends costs one sign-out its timeout. Those after it are
// kept, and do not wait.
func TestSignOutsDoNotWaitForALogThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newRememberingLog()
		node := startNode(t, log, Outage{})
		hanging := make(chan error, 1)
		go func() { hanging <- node.Revoke(t.Context(), ended("first")) }()
		<-log.began
		for i, want := range []time.Duration{appendTimeout, 0, 0} {
			began := time.Now()
			require.ErrorIs(t, node.Revoke(t.Context(), ended(strconv.Itoa(i))), session.ErrUnavailable)
			assert.Equal(t, want, time.Since(began), "sign-out %d", i)
		}
		close(log.may)
		<-hanging
		time.Sleep(2 * retryInterval)
		synctest.Wait()
		require.NoError(t, node.Destruct())
		assert.Len(t, log.all, 4)
	})
}

package caddymodule

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// sealsWarning is when a key has sealed so much that it should be replaced. With
// random nonces AES-GCM must not seal more than 2^32 times with one key (NIST SP
// 800-38D section 8.3); this is a sixteenth of it.
const sealsWarning = 1 << 28

// metrics are the counters of all realms. They outlive a configuration, so that a
// reload does not reset them. Every label has a closed set of values: those of
// the configuration, of this program and of the keys that open, nothing that a client
// sends.
type metrics struct {
	decisions *prometheus.CounterVec
	ambiguous *prometheus.CounterVec
	reads     *prometheus.CounterVec
	changes   *prometheus.CounterVec
	handoffs  *prometheus.CounterVec
	hooks     *prometheus.HistogramVec

	mu    sync.Mutex
	seals map[[2]string]uint64 // by realm and key id
	keys  map[string]string    // the key that sealed last, by realm
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "caddy", Subsystem: "session", Name: name, Help: help},
			append([]string{"realm"}, labels...))
	}
	return &metrics{
		decisions: counter("decisions_total", "Decisions of the guard by type of the rule, kind of the request and outcome.", "rule", "kind", "decision"),
		ambiguous: counter("ambiguous_paths_total", "Requests whose path may be read in several ways that differ in what they need.", "rule"),
		reads:     counter("reads_total", "Requests by what became of their session cookies.", "result"),
		changes:   counter("changes_total", "Sessions created, refreshed, updated, deleted and revoked.", "change"),
		handoffs:  counter("handoffs_total", "Answers of the app with a handoff, by kind and whether it was carried out.", "kind", "outcome"),
		hooks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "caddy", Subsystem: "session", Name: "hook_duration_seconds",
			Help: "Calls of hooks by outcome.", Buckets: prometheus.DefBuckets,
		}, []string{"realm", "hook", "outcome"}),
		seals: map[[2]string]uint64{}, keys: map[string]string{},
	}
}

// metricsName is the name of the metrics in the usage pool.
const metricsName = "metrics"

// provisionMetrics takes over the metrics of the configuration before and gives
// them out in the registry of this one.
func (a *App) provisionMetrics() error {
	value, _ := pool.LoadOrStore(metricsName, newMetrics())
	a.metrics = value.(*metrics)
	return a.ctx.GetMetricsRegistry().Register(collector{metrics: a.metrics, app: a})
}

// decisionLabels are the labels of a decision within a realm.
type decisionLabels struct {
	rule     routes.Type
	kind     routes.Kind
	decision decision
}

func (r *realm) countDecision(v *visit) {
	labels := decisionLabels{v.match.Type, v.kind, v.decision}
	if v.match.Bad {
		labels.rule = "none"
	}
	r.decisions.of(labels, func() prometheus.Counter {
		return r.app.metrics.decisions.WithLabelValues(r.name, string(labels.rule), string(labels.kind), string(labels.decision))
	}).Inc()
	if v.match.Ambiguous {
		r.app.metrics.ambiguous.WithLabelValues(r.name, string(v.match.Type)).Inc()
	}
}

// countRead counts a request by what became of its session cookies.
func (r *realm) countRead(result session.Result) {
	r.reads.of(result, func() prometheus.Counter {
		return r.app.metrics.reads.WithLabelValues(r.name, string(result))
	}).Inc()
}

// counters remembers the counters of a vector that every request counts in. The
// vector looks each label up by hashing it, which costs a request a hundredth of what
// the proxy does. The labels have a closed set of values, so few are remembered.
type counters[Labels comparable] struct {
	known atomic.Pointer[map[Labels]prometheus.Counter]
}

func (c *counters[Labels]) of(labels Labels, find func() prometheus.Counter) prometheus.Counter {
	known := c.known.Load()
	if known != nil {
		if counter, ok := (*known)[labels]; ok {
			return counter
		}
	}
	more := map[Labels]prometheus.Counter{labels: find()}
	if known != nil {
		maps.Copy(more, *known)
	}
	c.known.Store(&more) // what another request has added meanwhile is found again
	return more[labels]
}

// handoff counts what the app asked for on one answer.
func (m *metrics) handoff(realm string, h session.Handoff, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	for kind, asked := range map[string]bool{
		"delete": h.Delete, "set": h.Set != nil, "update": h.Update != nil,
		"sealed":  !h.Empty() && !h.Delete && h.Set == nil && h.Update == nil, // a cookie of the app's own
		"invalid": err != nil && h.Empty(),
	} {
		if asked {
			m.handoffs.WithLabelValues(realm, kind, outcome).Inc()
		}
	}
}

// sealed counts one use of a key. It returns the number of its uses, and whether
// it has just taken over from another key.
func (m *metrics) sealed(realm, key string) (uses uint64, tookOver bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.keys[realm]
	m.keys[realm] = key
	m.seals[[2]string{realm, key}]++
	return m.seals[[2]string{realm, key}], last != "" && last != key
}

var (
	sealsDescription       = describe("key_seals", "Tokens that this process has sealed with a key. AES-GCM allows 2^32 with one key.", "key")
	cacheTokensDescription = describe("cache_tokens", "Opened tokens in the cache.")
	cacheHitsDescription   = describe("cache_requests_total", "Tokens looked up in the cache, by result.", "result")
	lagDescription         = describe("revocation_lag_seconds", "Time since the shared revocations were last read, or since this node began to try if they never were.")
	outagesDescription     = describe("revocation_outages_total", "How often the shared revocations could not be read any more.")
	pendingDescription     = describe("revocation_pending", "Revocations that could not be shared yet.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("caddy_session_"+name, help, append([]string{"realm"}, labels...), nil)
}

// collector gives out the metrics of one configuration.
type collector struct {
	*metrics
	app *App
}

func (c collector) vectors() []prometheus.Collector {
	return []prometheus.Collector{c.decisions, c.ambiguous, c.reads, c.changes, c.handoffs, c.hooks}
}

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, vector := range c.vectors() {
		vector.Describe(to)
	}
	for _, description := range []*prometheus.Desc{sealsDescription, cacheTokensDescription, cacheHitsDescription, lagDescription, outagesDescription, pendingDescription} {
		to <- description
	}
}

// Collect implements prometheus.Collector. After a load that failed, Caddy's admin API
// goes on with the registry of the configuration that did not start, so the one that
// serves is asked.
func (c collector) Collect(to chan<- prometheus.Metric) {
	serving := c.app
	if active, err := activeApp(); err == nil {
		serving = active
	}
	for _, vector := range c.vectors() {
		vector.Collect(to)
	}
	serving.mu.Lock()
	defer serving.mu.Unlock()
	for name, r := range serving.realms {
		manager := r.ready.Load()
		if manager == nil {
			continue
		}
		c.collectSeals(to, name, manager.Keys().KeyIDs())
		stats := manager.CacheStats()
		to <- prometheus.MustNewConstMetric(cacheTokensDescription, prometheus.GaugeValue, float64(stats.Tokens), name)
		to <- prometheus.MustNewConstMetric(cacheHitsDescription, prometheus.CounterValue, float64(stats.Hits), name, "hit")
		to <- prometheus.MustNewConstMetric(cacheHitsDescription, prometheus.CounterValue, float64(stats.Misses), name, "miss")
		if set, ok := manager.Settings().Revocations.(*sharedRevocations); ok {
			set.collect(to)
		}
	}
}

// collectSeals leaves out keys that were rotated away. What they have sealed still
// counts if an operator takes one back.
func (m *metrics) collectSeals(to chan<- prometheus.Metric, realm string, keys []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		if seals := m.seals[[2]string{realm, key}]; seals > 0 {
			to <- prometheus.MustNewConstMetric(sealsDescription, prometheus.GaugeValue, float64(seals), realm, key)
		}
	}
}

func (s *sharedRevocations) collect(to chan<- prometheus.Metric) {
	status := s.Status()
	last := s.started // so that a node that never read them is seen too
	if status.LastSync != nil {
		last = *status.LastSync
	}
	to <- prometheus.MustNewConstMetric(lagDescription, prometheus.GaugeValue, time.Since(last).Seconds(), s.realm)
	to <- prometheus.MustNewConstMetric(outagesDescription, prometheus.CounterValue, float64(status.Outages), s.realm)
	to <- prometheus.MustNewConstMetric(pendingDescription, prometheus.GaugeValue, float64(status.Pending), s.realm)
}

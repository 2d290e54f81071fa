package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/session-guard/caddy-session-guard/session"
)

func init() {
	caddy.RegisterModule(new(NoRevocation))
	caddy.RegisterModule(new(StorageRevocation))
}

// RevocationModule is a module of the namespace session.revocation: it says
// where the ends of sessions are kept, so that they outlive a restart and every
// node learns of them.
type RevocationModule interface {
	caddy.Module
	// Open opens the log of a realm. A nil log means that nothing is kept.
	// storage is Caddy's own.
	Open(realm string, storage certmagic.Storage) (RevocationLog, error)
	// Place names where the log is, beside Caddy's storage, and shows no password.
	// A configuration that names the same place as the one before takes over its
	// log, which is not opened anew.
	Place() string
	// OutageRule says what holds while the log cannot be read.
	OutageRule() Outage
}

// RevocationLog keeps revocations where all nodes read them. It is safe for
// concurrent use.
type RevocationLog interface {
	// Append returns nil only when the revocations are durable. If they tell of
	// updates (Updated is set; then it is of all), they need not be: it is enough
	// that the nodes that run now learn of them, and they are worth nothing after
	// Until.
	Append(ctx context.Context, all []session.Revocation) error
	// Follow calls add with every revocation in the log, whoever appended it,
	// and with each new one soon after. It calls synced whenever all that was in
	// the log a moment ago has been added. It returns when the context ends or
	// the log cannot be read; called again, it goes on where it was.
	Follow(ctx context.Context, add func(session.Revocation), synced func()) error
	// Close gives connections back.
	Close() error
}

// PolledLog is what a [RevocationLog] also implements if it looks now and then at what
// others have written, as one in Caddy's storage does.
type PolledLog interface {
	// Interval is how often it looks.
	Interval() time.Duration
	// Use takes the settings and the storage of another configuration that names the
	// same place, since the storage of the one before may be closed.
	Use(module RevocationModule, storage certmagic.Storage)
}

// Outage says what a node does while it cannot read the shared revocations.
type Outage struct {
	// `closed`: after outage_grace nobody passes an `auth` route (503), since a
	// session may have been ended elsewhere; on other routes visitors are
	// anonymous. `open`: sessions stay valid, except those that this node knows
	// to be revoked. Default: `closed`.
	OnOutage string `json:"on_outage,omitempty"`

	// How long an outage may last before on_outage applies. Default: 1m.
	OutageGrace caddy.Duration `json:"outage_grace,omitempty"`
}

// OutageRule implements part of [RevocationModule].
func (o Outage) OutageRule() Outage {
	o.OnOutage = cmp.Or(o.OnOutage, "closed")
	o.OutageGrace = cmp.Or(o.OutageGrace, caddy.Duration(time.Minute))
	return o
}

func (o Outage) validate() error {
	return errors.Join(oneOf("on_outage", o.OnOutage, "closed", "open"), checkInterval("outage_grace", o.OutageGrace, "1m"))
}

// NoRevocation shares and stores nothing: a sign-out removes the cookie. The node
// that answered it refuses a copy of the cookie for a minute. After that, and on
// every other node at once, a copy is good until it expires.
type NoRevocation struct{}

// CaddyModule returns the Caddy module information.
func (*NoRevocation) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "session.revocation.off", New: func() caddy.Module { return new(NoRevocation) }}
}

// Open implements [RevocationModule].
func (*NoRevocation) Open(string, certmagic.Storage) (RevocationLog, error) { return nil, nil }

// Place implements [RevocationModule].
func (*NoRevocation) Place() string { return "" }

// OutageRule implements [RevocationModule].
func (*NoRevocation) OutageRule() Outage { return Outage{}.OutageRule() }

// lateAnswers is how long a node without revocations still remembers a sign-out,
// so that an answer that was on its way does not bring the session back.
const lateAnswers = time.Minute

// tombstones are the revocations of a realm that wants none.
type tombstones struct {
	*session.RevocationSet
	realm string
	since time.Time
}

// Revoke implements [session.Revocations].
func (t tombstones) Revoke(ctx context.Context, r session.Revocation) error {
	r.Until = time.Now().Add(lateAnswers)
	return t.RevocationSet.Revoke(ctx, r)
}

// Destruct implements caddy.Destructor; memory needs no closing.
func (tombstones) Destruct() error { return nil }

// Interface guards
var (
	_ RevocationModule    = (*NoRevocation)(nil)
	_ session.Revocations = tombstones{}
)

// lookInterval is how often a node looks at what others have written. Where they
// tell it, a second is often enough for the rest.
func lookInterval(log RevocationLog) time.Duration {
	if log, ok := log.(PolledLog); ok {
		return log.Interval()
	}
	return time.Second
}

// untilNextLook leaves the rest of the interval for the look itself.
func untilNextLook(interval time.Duration) time.Duration { return interval - interval/4 }

package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/session-guard/caddy-session-guard/session"
)

// MatchSession matches requests of signed-in visitors, for any directive of Caddy.
// It reads the session cookie itself, so it works before the guard and without
// one; behind the guard it takes what the guard has found. An invalid cookie does
// not match. If keys, storage or the hook `validate` fail, the request ends with
// an error, even under `not`; in front of the guard also one for a static file or
// a sign-out.
//
// Caches must be told that the answer depends on the visitor. The guard does so
// for all that passes through it except files below /_next/static/:
// `Vary: Cookie`, and for signed-in visitors `Cache-Control: private`. Without a
// guard, and where a directive like `redir` answers before it, add `header Vary Cookie`
// and `header Cache-Control private` for all visitors.
//
// In an expression it is `session('user.role', 'admin')` or
// `session('authenticated')`, for sessions of the default realm.
type MatchSession struct {
	// The realm whose sessions count. A named one must be defined by the global
	// option `session <name>`. Default: `default`.
	Realm string `json:"realm,omitempty"`

	// Conditions on the session, all of which must hold. Default: none, so that
	// every session matches.
	Require []Requirement `json:"require,omitempty"`

	// Where the matcher was written, for messages ("Caddyfile:7").
	Source string `json:"source,omitempty"`

	realm *realm
}

// CaddyModule returns the Caddy module information.
func (MatchSession) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.session", New: func() caddy.Module { return new(MatchSession) }}
}

// Provision finds the realm and checks the conditions.
func (m *MatchSession) Provision(ctx caddy.Context) error {
	var errs []error
	for _, requirement := range m.Require {
		errs = append(errs, requirement.check(""))
	}
	if err := errors.Join(append(errs, m.findRealm(ctx))...); err != nil {
		if m.Source != "" {
			err = fmt.Errorf("%w, at %s", err, m.Source)
		}
		return fmt.Errorf("matcher session: %w", err)
	}
	return nil
}

func (m *MatchSession) findRealm(ctx caddy.Context) error {
	app, err := appOf(ctx)
	if err == nil {
		m.realm, err = app.use(m.Realm)
	}
	return err
}

// MatchWithError implements caddyhttp.RequestMatcherWithError.
func (m *MatchSession) MatchWithError(r *http.Request) (bool, error) {
	manager, err := m.manager(r)
	if err != nil {
		return false, answerError(err)
	}
	var visitor *session.Visitor
	if visit := m.realm.visitOf(r); visit != nil {
		visitor = visit.visitor
	} else if visitor, err = m.read(manager, r); err != nil {
		return false, answerError(err)
	}
	s := visitor.Session()
	return s != nil && allHold(m.Require, s, manager.Settings().Now()), nil
}

func (m *MatchSession) manager(r *http.Request) (*session.Manager, error) {
	if r.Context().Value(explaining{}) != nil {
		return m.realm.managerToExplain(r)
	}
	return m.realm.manager(r.Context())
}

// read reads the session of a request that no guard has seen yet.
func (m *MatchSession) read(manager *session.Manager, r *http.Request) (*session.Visitor, error) {
	if r.Context().Value(explaining{}) != nil {
		return manager.Peek(r)
	}
	visitor, err := manager.Read(r)
	m.realm.markCounted(r)
	if err != nil {
		return visitor, err
	}
	return visitor, visitor.Validate(r.Context())
}

// UnmarshalCaddyfile sets the matcher up from Caddyfile tokens. Several lines
// must all hold:
//
//	session authenticated
//	session fresh <duration>
//	session <field> <value>...
//	session {
//		realm <name>
//		authenticated
//		fresh <duration>
//		<field> <value>...
//	}
func (m *MatchSession) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	var errs []error
	realms := make(map[string]bool)
	for d.Next() {
		if m.Source == "" { // without the folder, which `caddy adapt` need not show
			m.Source = fmt.Sprintf("%s:%d", filepath.Base(d.File()), d.Line())
		}
		args := d.RemainingArgs()
		if len(args) > 0 {
			if err := m.add(args); err != nil {
				errs = append(errs, d.WrapErr(err))
			}
		}
		lines, realm := 0, ""
		for d.NextBlock(0) {
			lines++
			if err := m.addLine(append([]string{d.Val()}, d.RemainingArgs()...), &realm); err != nil {
				errs = append(errs, d.WrapErr(err))
			}
		}
		if len(args) == 0 && lines == 0 {
			errs = append(errs, d.Err("the matcher session says nothing; write for example: session authenticated, or session user.role admin"))
		}
		m.Realm = cmp.Or(realm, m.Realm)
		realms[cmp.Or(realm, session.DefaultRealm)] = true
	}
	if len(realms) > 1 { // the requirements are one list, so each realm would be asked those of the other
		errs = append(errs, d.Errf("the lines of one matcher session ask the realms %s; write a matcher for each, and a handle for one inside that for the other",
			strings.Join(slices.Sorted(maps.Keys(realms)), " and ")))
	}
	return errors.Join(errs...)
}

func (m *MatchSession) addLine(words []string, realm *string) error {
	if words[0] != "realm" {
		return m.add(words)
	}
	if len(words) != 2 || *realm != "" {
		return errors.New("realm takes one name and stands once; write for example: realm admin")
	}
	*realm = words[1]
	return nil
}

// add adds one condition: authenticated, fresh <duration> or <field> <value>...
func (m *MatchSession) add(words []string) error {
	requirement := Requirement{Field: words[0], Values: words[1:]}
	switch words[0] {
	case "authenticated":
		if len(words) > 1 {
			return errors.New("authenticated takes no value; write: session authenticated")
		}
		return nil
	case "fresh":
		if len(words) != 2 {
			return errors.New("fresh takes one duration; write for example: session fresh 15m")
		}
		duration, err := caddy.ParseDuration(words[1])
		if err != nil || duration <= 0 {
			return fmt.Errorf("%q is not a duration above zero; write for example: session fresh 15m", words[1])
		}
		requirement = Requirement{Fresh: caddy.Duration(duration)}
	}
	if err := requirement.check(""); err != nil {
		return fmt.Errorf("matcher session: %w", err)
	}
	m.Require = append(m.Require, requirement)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchSession)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchSession)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchSession)(nil)
	_ caddyfile.Unmarshaler             = (*MatchSession)(nil)
)

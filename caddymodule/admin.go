package caddymodule

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

func init() {
	caddy.RegisterModule(new(Admin))
}

// Admin is the part of Caddy's admin API for sessions.
//
//	GET  /session           the realms and the state of their revocations
//	GET  /session/users/ID  the live sessions of a user (percent-encoded), with list on
//	POST /session/revoke    {"session": id}, {"user": id} or {"all": true}, and "realm"
//	POST /session/explain   {"method": m, "url": u, "headers": {name: [value]}, "from": address}
type Admin struct{}

// CaddyModule returns the Caddy module information.
func (*Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.session", New: func() caddy.Module { return new(Admin) }}
}

// Routes implements caddy.AdminRouter.
func (a *Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/session", Handler: only(http.MethodGet, a.showStatus)},
		{Pattern: usersPath, Handler: only(http.MethodGet, a.showUser)},
		{Pattern: "/session/revoke", Handler: only(http.MethodPost, a.revoke)},
		{Pattern: "/session/explain", Handler: only(http.MethodPost, a.explain)},
	}
}

func apiError(status int, err error) error { return caddy.APIError{HTTPStatus: status, Err: err} }

// only refuses other methods.
func only(method string, handle caddy.AdminHandlerFunc) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != method {
			w.Header().Set("Allow", method)
			return apiError(http.StatusMethodNotAllowed, errors.New("the method is not allowed; use "+method))
		}
		return handle(w, r)
	})
}

// activeApp is the app of the configuration that runs now.
func activeApp() (*App, error) {
	module, err := caddy.ActiveContext().AppIfConfigured("session")
	app, ok := module.(*App)
	if err != nil || !ok {
		return nil, apiError(http.StatusNotFound, errors.New("no site of this Caddy uses sessions"))
	}
	return app, nil
}

// realmFor is a realm that the running configuration uses. The error is a caddy.APIError.
func realmFor(ctx context.Context, name string) (*realm, *session.Manager, error) {
	app, err := activeApp()
	if err != nil {
		return nil, nil, err
	}
	realm, err := app.realmInUse(name)
	if err != nil {
		return nil, nil, apiError(http.StatusNotFound, err)
	}
	manager, err := realm.manager(ctx)
	if err != nil {
		return nil, nil, apiError(http.StatusServiceUnavailable, err)
	}
	return realm, manager, nil
}

// realmStatus is what GET /session says of a realm.
type realmStatus struct {
	Revocation string            `json:"revocation"`
	Shared     *revocationStatus `json:"shared,omitempty"`
	List       *listStatus       `json:"list,omitempty"`
}

func (a *Admin) showStatus(w http.ResponseWriter, r *http.Request) error {
	app, err := activeApp()
	if err != nil {
		return err
	}
	status := make(map[string]realmStatus)
	for _, realm := range app.realmsInUse() {
		if _, err := realm.manager(r.Context()); err != nil {
			return apiError(http.StatusServiceUnavailable, err)
		}
		status[realm.name] = realm.status()
	}
	return writeAdmin(w, map[string]any{"realms": status})
}

// listStatus is what GET /session says of a list of sessions.
type listStatus struct {
	Sessions int `json:"sessions"`
}

func (r *realm) status() realmStatus {
	status := realmStatus{Revocation: r.revocationModule.CaddyModule().ID.Name()}
	if set, ok := r.revocations.(*sharedRevocations); ok {
		status.Shared = new(set.Status())
	}
	if r.list != nil {
		status.List = &listStatus{Sessions: r.list.Size()}
	}
	return status
}

// revokeRequest is the body of POST /session/revoke.
type revokeRequest struct {
	Realm   string `json:"realm,omitempty"`
	Session string `json:"session,omitempty"`
	User    string `json:"user,omitempty"`
	All     bool   `json:"all,omitempty"`
}

// check reports what is wrong. Exactly one kind must be named, so that an empty
// variable in a script does not end everybody's sessions.
func (q revokeRequest) check() error {
	named := slices.DeleteFunc([]bool{q.Session != "", q.User != "", q.All}, func(given bool) bool { return !given })
	if len(named) != 1 {
		return errors.New("name exactly one of session, user and all")
	}
	if _, err := hex.DecodeString(q.Session); err == nil && len(q.Session) == 2*hashedIDLength {
		return errors.New("this is the hash of a session's id, as in logs and events, and the id cannot be derived from it; revoke by user instead")
	}
	if strings.Contains(q.Session, "..") { // a compact JWE with "dir" has two dots after its header
		return errors.New("this is a whole token, not a session's id; `caddy session open` shows the id that is in it")
	}
	return nil
}

func (a *Admin) revoke(w http.ResponseWriter, r *http.Request) error {
	asked, err := readRevokeRequest(w, r)
	if err != nil {
		return err
	}
	realm, manager, err := realmFor(r.Context(), asked.Realm)
	if err != nil {
		return err
	}
	if !realm.revokes() {
		return apiError(http.StatusConflict, fmt.Errorf("revocation is off in the session realm %s", realm.name))
	}
	err = asked.perform(r, manager)
	if _, impossible := errors.AsType[*session.UserError](err); impossible {
		return apiError(http.StatusBadRequest, err)
	}
	realm.app.metrics.changes.WithLabelValues(realm.name, string(session.EventRevoked)).Inc()
	fields := realm.logFields(asked.Session, asked.User)
	if asked.All {
		fields = append(fields, zap.Bool("all", true))
	}
	if err != nil {
		fields = append(fields, zap.Bool("pending", true)) // it holds here, and is shared later
	}
	realm.logger.Info("sessions were revoked by the admin API", fields...)
	if err != nil {
		return apiError(http.StatusServiceUnavailable, err)
	}
	return writeAdmin(w, map[string]bool{"revoked": true})
}

func (q revokeRequest) perform(r *http.Request, manager *session.Manager) error {
	switch {
	case q.Session != "":
		return manager.RevokeSession(r.Context(), q.Session)
	case q.User != "":
		return manager.RevokeUser(r.Context(), q.User, "")
	}
	return manager.RevokeEveryone(r.Context())
}

// maxRevokeBody bounds the body of POST /session/revoke, in bytes.
const maxRevokeBody = 64 << 10

// readRevokeRequest reads a request to revoke. The error is a caddy.APIError.
func readRevokeRequest(w http.ResponseWriter, r *http.Request) (asked revokeRequest, err error) {
	// CSRF: a page of another site must ask before it may send this type (CORS), and the admin API does not answer it.
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return asked, apiError(http.StatusBadRequest, errors.New("the body must be application/json; send the header Content-Type: application/json"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRevokeBody))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return asked, apiError(http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d bytes", maxRevokeBody))
	}
	if err == nil {
		asked, err = decodeRevokeRequest(body)
	}
	if err != nil {
		return asked, apiError(http.StatusBadRequest, err)
	}
	return asked, nil
}

// decodeRevokeRequest is as strict as the session API: of two members with one
// name, nobody knows which one was meant.
func decodeRevokeRequest(body []byte) (asked revokeRequest, err error) {
	members, err := session.DecodeObject(body)
	if err != nil {
		return asked, fmt.Errorf("the body must be one JSON object such as {\"user\": \"ann\"}: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		known := false
		switch name {
		case "realm":
			asked.Realm, known = members[name].(string)
		case "session":
			asked.Session, known = members[name].(string)
		case "user":
			asked.User, known = members[name].(string)
		case "all":
			asked.All, known = members[name].(bool)
		}
		if !known {
			return asked, fmt.Errorf("the body has a member %q that is unknown or of another type; session, user and realm are strings, and all is a boolean", name)
		}
	}
	return asked, asked.check()
}

func writeAdmin(w http.ResponseWriter, value any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(value)
}

// Interface guards
var _ caddy.AdminRouter = (*Admin)(nil)

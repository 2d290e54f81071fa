// Package sessionapi is the session API: JSON over HTTP for the browser that
// holds a session, and for back ends that create one. It is plain net/http.
//
//	GET    <path>  the session, or null; slides it when due
//	POST   <path>  refreshes the session now
//	PATCH  <path>  changes fields of the user that client_update allows
//	DELETE <path>  signs out
//	DELETE <path>/all     ends every session of the user
//	DELETE <path>/others  ends every session of the user but this one
//	GET    <path>/list    the live sessions of the user, where they are listed
//	POST   <path>  with "Authorization: Bearer <api_key>": creates a session
//
// A refusal is a problem (RFC 9457) that says what was wrong. A token travels in
// Set-Cookie alone, never in a body.
package sessionapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// Config configures a [Handler].
type Config struct {
	// Manager reads and changes the sessions. Required.
	Manager *session.Manager

	// Path is the path of the API as the browser sends it. Default: DefaultPath.
	Path string

	// APIKeys may create sessions; each must pass [session.CheckSecret] and fit
	// into a header. Default: none, so that no request creates a session.
	APIKeys [][]byte

	// TrustedOrigins may change the session from another origin, for example
	// "https://admin.example.com". No CORS header is sent to them. Default: none.
	TrustedOrigins []string

	// NoRevocation says that no end of a session is kept, so that <path>/all and
	// <path>/others do not exist (404).
	NoRevocation bool

	// Over reports whether the configuration has ended, so that APIKeys may have been
	// taken back. Default: it has not.
	Over func() bool

	// Met is told whom the cookies of a request say is there, before the answer.
	// Default: nobody is told.
	Met func(*http.Request, *session.Visitor)
}

// Handler serves the session API. It is safe for concurrent use.
type Handler struct {
	manager  *session.Manager
	settings session.Settings
	path     Path
	keys     apiKeys
	origins  originCheck
	revokes  bool
	over     func() bool                           // never nil
	met      func(*http.Request, *session.Visitor) // never nil
}

// New checks the configuration, as [Config.Check] does, and makes a handler.
func New(config Config) (*Handler, error) {
	if config.Manager == nil {
		return nil, errors.New("session_api needs a session manager")
	}
	settings := config.Manager.Settings()
	keys, origins, err := config.admission(settings.IsSecure)
	if err != nil {
		return nil, err
	}
	if config.Over == nil {
		config.Over = func() bool { return false }
	}
	if config.Met == nil {
		config.Met = func(*http.Request, *session.Visitor) {}
	}
	return &Handler{
		manager: config.Manager, settings: settings, path: PathOf(config.Path), keys: keys, origins: origins, revokes: !config.NoRevocation, over: config.Over, met: config.Met,
	}, nil
}

// Check reports everything that is wrong with Path, APIKeys and TrustedOrigins at once,
// each with what to write instead.
func (c Config) Check() error {
	_, _, err := c.admission(nil)
	return err
}

// admission is what decides who may ask for what.
func (c Config) admission(isSecure func(*http.Request) bool) (apiKeys, originCheck, error) {
	pathErr := CheckPath(cmp.Or(c.Path, DefaultPath))
	if pathErr != nil {
		pathErr = fmt.Errorf("path %w", pathErr)
	}
	keys, keysErr := newAPIKeys(c.APIKeys)
	origins, originsErr := newOriginCheck(c.TrustedOrigins, isSecure)
	return keys, origins, errors.Join(pathErr, keysErr, originsErr)
}

// Serves reports whether the request is for the API; see [Path.Serves].
func (h *Handler) Serves(r *http.Request) bool { return h.path.Serves(r) }

// Asks reports which hooks are asked because of a request of a signed-in visitor, for
// somebody who explains it. Due is whether a session that is used would be refreshed.
func (h *Handler) Asks(r *http.Request, due bool) (validator, refresher bool) {
	asked, refusal := h.admit(r)
	if refusal != nil {
		return false, false
	}
	return asked.validates(), asked == refresh || asked == show && due && slides(r)
}

// ServeHTTP answers a request for which [Handler.Serves] is true. It always
// writes the whole answer. An error means broken machinery and is only for the
// log: the client has been told 503, and nothing was granted.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	setHeaders(w.Header())
	asked, refusal := h.admit(r)
	if refusal != nil {
		if visitor, err := h.manager.Peek(r); err == nil {
			visitor.ClearInvalid(w.Header())
		}
		writeProblem(w, r, refusal)
		return nil
	}
	visitor, err := h.manager.Read(r)
	h.met(r, visitor)
	if err != nil && !asked.endsUnread() {
		return writeError(w, r, err)
	}
	s, err := h.perform(asked, visitor, w, r)
	visitor.ClearInvalid(w.Header())
	visitor.SetCookies(w.Header())
	if err = cmp.Or(err, visitor.Lost()); err != nil {
		return writeError(w, r, err)
	}
	switch asked {
	case list:
		writeList(w, r, visitor, h.settings.Now())
	case create:
		h.writeSession(w, r, http.StatusCreated, s)
	case remove, endAll:
		write(w, r, http.StatusOK, mediaTypeJSON, []byte(`{"session":null}`))
	default:
		h.writeSession(w, r, http.StatusOK, s)
	}
	return nil
}

// admit finds out what is asked, and refuses whoever may not ask it, before
// anything of the request but its header is looked at.
func (h *Handler) admit(r *http.Request) (operation, *problem) {
	if isEarly(r) && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return 0, &problem{status: http.StatusTooEarly, detail: "The request came before the TLS handshake was complete, so it may be a replay. Send it again."}
	}
	if asked, ok := h.path.below(r); ok {
		return h.admitBelow(r, asked)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return show, nil
	case http.MethodPost:
		if isBearer(r) {
			return create, h.keys.check(r)
		}
		return refresh, h.origins.check(r)
	case http.MethodPatch:
		return update, h.origins.check(r)
	case http.MethodDelete:
		return remove, h.origins.check(r)
	}
	const allowed = "GET, HEAD, POST, PATCH, DELETE"
	return 0, &problem{status: http.StatusMethodNotAllowed, detail: "The session API supports " + allowed + ".", allow: allowed}
}

// isEarly reports whether a request came in early data (0-RTT), which anyone who recorded it
// can send again (RFC 8470): in HTTP/3 here, or at a proxy in front, which says so by
// Early-Data with any value (section 5.1). A client, or that proxy, repeats by itself a
// request that was refused with 425.
func isEarly(r *http.Request) bool {
	return len(r.Header["Early-Data"]) > 0 || r.ProtoMajor >= 3 && r.TLS != nil && !r.TLS.HandshakeComplete
}

// admitBelow is admit for a path below the API's own.
func (h *Handler) admitBelow(r *http.Request, asked operation) (operation, *problem) {
	if asked == list {
		return h.admitList(r)
	}
	if !h.revokes {
		return 0, &problem{status: http.StatusNotFound, detail: "Other sessions cannot be ended here: revocation is off."}
	}
	if r.Method != http.MethodDelete {
		return 0, &problem{status: http.StatusMethodNotAllowed, detail: "Sessions are ended with DELETE.", allow: http.MethodDelete}
	}
	return asked, h.origins.check(r)
}

// perform does what is asked, if the session is still good where it must be, and returns
// the session to show. The error is a [*problem] or one of package session.
func (h *Handler) perform(asked operation, visitor *session.Visitor, w http.ResponseWriter, r *http.Request) (*session.Session, error) {
	if asked.validates() {
		ctx := r.Context()
		if asked.ends() { // also if the browser hangs up, as where its page goes elsewhere at once
			ctx = context.WithoutCancel(ctx)
		}
		if err := visitor.Validate(ctx); err != nil && !asked.endsUnread() {
			return nil, err
		}
	}
	if asked.needsSession() && visitor.Session() == nil { // before a body is read
		return nil, session.ErrNoSession
	}
	var err error
	switch asked {
	case show:
		return h.show(visitor, r)
	case refresh:
		err = h.refresh(visitor, w, r)
	case create:
		err = h.create(visitor, w, r)
	case update:
		err = h.update(visitor, w, r)
	case remove:
		err = visitor.Delete(r.Context())
	case endAll:
		err = visitor.EndAll(r.Context())
	case endOthers:
		err = visitor.EndOthers(r.Context())
	}
	return visitor.Session(), err
}

// slides reports whether this site's own pages make the request on purpose: another
// site, or a prefetch, must not keep a session alive (OWASP ASVS 3.5.3).
func slides(r *http.Request) bool { return !isCrossSite(r) && !isPrefetch(r) }

// show returns the session and slides it when due.
func (h *Handler) show(visitor *session.Visitor, r *http.Request) (*session.Session, error) {
	if !slides(r) {
		visitor.Forgo() // nor send along what a parallel request slid
		return visitor.Session(), nil
	}
	err := visitor.Slide(r.Context())
	if err != nil && session.IsAnonymity(err) { // signed out since it was read
		return nil, nil
	}
	if _, tooLarge := errors.AsType[*session.TooLargeError](err); tooLarge {
		err = nil // sealed under other settings; it is good as it is until it expires
	}
	return visitor.Session(), err
}

// refresh moves the session's end. Nothing can be said with it: a body is
// refused rather than ignored, since whoever sends one expects it to count.
func (h *Handler) refresh(visitor *session.Visitor, w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	if len(body) > 0 {
		if _, err := decodeBody(r, body); err != nil {
			return err
		}
		return badRequest("A refresh takes no body. Use PATCH to change the user.")
	}
	return visitor.Refresh(r.Context())
}

// update replaces the fields of the user that a browser may change.
func (h *Handler) update(visitor *session.Visitor, w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	members, err := decodeBody(r, body, "user")
	if err != nil {
		return err
	}
	user, err := userOf(members)
	if err != nil {
		return err
	}
	names, err := memberNames(body, "user")
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == "id" {
			return forbidden("user.id cannot change.")
		}
		if !slices.Contains(h.settings.ClientUpdate, name) {
			return forbidden("user." + shortened(name) + " may not be changed from the browser: client_update does not name it.")
		}
	}
	if len(user) == 0 {
		return visitor.Refresh(r.Context())
	}
	// Else a browser would keep its session alive without ever asking the Refresher.
	return visitor.Update(session.Change{User: user, KeepsEnd: h.settings.Refresher != nil})
}

// longBody is how long a body may take before what was checked of its header counts no more.
const longBody = 5 * time.Second

// create signs a user in for a back end.
func (h *Handler) create(visitor *session.Visitor, w http.ResponseWriter, r *http.Request) error {
	began := h.settings.Now()
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	// A body may come for ever, and its key may have leaked.
	if h.settings.Now().Sub(began) > longBody && h.over() {
		return &problem{status: http.StatusServiceUnavailable, detail: "The configuration was replaced before the body had come. Try again."}
	}
	members, err := decodeBody(r, body, "user", "accessToken", "refreshToken")
	if err != nil {
		return err
	}
	if _, err := userOf(members); err != nil {
		return err
	}
	login, err := session.LoginOf(members)
	switch _, ofUser := errors.AsType[*session.UserError](err); {
	case ofUser:
		return err
	case err != nil:
		return badRequest(err.Error() + ".")
	}
	visitor.FromBackEnd()
	return visitor.Create(r.Context(), login)
}

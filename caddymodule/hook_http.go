package caddymodule

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

func init() {
	caddy.RegisterModule(new(HTTPHook))
}

// HTTPHook calls the app, or another service, by POST with a JSON body; nothing
// else of the client's request is sent. Redirects are not followed, and an answer
// may have at most 64 KiB.
//
// `validate` sends the session, as X-Session-Data has it, tokens included. 2xx is
// a yes, 401 and 403 end the session, and anything else is an outage.
//
// `on_refresh` sends the same. A 2xx answer holds the session's new `user`,
// `accessToken` and `refreshToken`: a member that is left out stays, a token that
// is null is removed, and `user` replaces the whole user, whose id cannot change.
// An empty body changes nothing. 401 and 403 end the session; after anything else
// it stays as it is and is refreshed later.
//
// `authorize` sends `method`, `uri` (as the client sent it), `rule`, `kind` and
// `session`. With 2xx the request passes; a redirect or 4xx is the answer to the
// client; after anything else nobody passes (503).
type HTTPHook struct {
	// The URL, with http or https and without placeholders. Browsers must not
	// reach it: it should not be a path of a public site.
	URL string `json:"url,omitempty"`

	// How long a call may take, at most 30s. Default: 2s, and 10s in `on_refresh`,
	// since with a lost answer the new refresh token may be lost, and the old one
	// is used up.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	client *http.Client
}

const (
	defaultHookTimeout    = 2 * time.Second
	defaultRefreshTimeout = 10 * time.Second
	// maxHookAnswer is far above any session, which has 12 KiB at most.
	maxHookAnswer = 64 << 10
	// idleHookConnection is below the five seconds after which Node.js closes an
	// idle connection, so that no call meets one that is being closed.
	idleHookConnection = 4 * time.Second
	// leastHookTime is the shortest timeout. Whoever writes a number of seconds in JSON has
	// written nanoseconds.
	leastHookTime = time.Millisecond
	// silentHookConnection is how long a connection of HTTP/2 may be silent before it is
	// asked whether it is alive.
	silentHookConnection = time.Second
)

// CaddyModule returns the Caddy module information.
func (*HTTPHook) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "session.hooks.http", New: func() caddy.Module { return new(HTTPHook) }}
}

// Validate implements caddy.Validator.
func (h *HTTPHook) Validate() error {
	var errs []error
	u, err := url.Parse(h.URL)
	switch {
	case strings.ContainsAny(h.URL, "{}"):
		errs = append(errs, fmt.Errorf("the URL %q has a placeholder, which is not resolved here; write the URL itself", h.URL))
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "":
		// The error of url.Parse may show a password.
		errs = append(errs, errors.New("the value is not an http or https URL; write for example: http://localhost:3000/hooks/session"))
	case u.User != nil:
		errs = append(errs, errors.New("the URL has a user name or password, which the configuration would show; leave it out, "+
			"and let only Caddy reach the URL"))
	}
	if timeout := time.Duration(h.Timeout); timeout != 0 && timeout < leastHookTime || timeout > session.MaxHookTime {
		errs = append(errs, fmt.Errorf("the timeout %s is not between %s and %s; write for example: 2s", timeout, leastHookTime, session.MaxHookTime))
	}
	return errors.Join(errs...)
}

// Provision makes the client, which takes no proxy from the environment and
// follows no redirect: a session must not be sent elsewhere.
func (h *HTTPHook) Provision(caddy.Context) error {
	h.client = &http.Client{
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: defaultRefreshTimeout}).DialContext,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        idleHookConnection,
			MaxResponseHeaderBytes: maxHookAnswer,
			// A connection of HTTP/2 that has gone dead would take all calls until the
			// kernel gives it up, a quarter of an hour later. When it is left, so are all its
			// calls, also those that came while it was asked. So it may take as long to answer
			// as a call, and longer than a service that is only busy pauses.
			HTTP2: &http.HTTP2Config{
				SendPingTimeout: silentHookConnection,
				PingTimeout:     max(cmp.Or(time.Duration(h.Timeout), defaultRefreshTimeout), defaultHookTimeout),
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return nil
}

// Cleanup implements caddy.CleanerUpper.
func (h *HTTPHook) Cleanup() error {
	h.client.CloseIdleConnections()
	return nil
}

// ask posts a body and reads the answer.
func (h *HTTPHook) ask(ctx context.Context, timeout time.Duration, body []byte) (*Refusal, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(time.Duration(h.Timeout), timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header["Content-Type"] = []string{"application/json"}
	request.Header["User-Agent"] = []string{"caddy-session-guard"}
	response, err := h.client.Do(request)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // the URL may have a key in its query
		}
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the connection itself, which ends with no timeout.
		return nil, errors.New("the answer has the status 101")
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxHookAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(answer) > maxHookAnswer {
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxHookAnswer)
	}
	return &Refusal{Status: response.StatusCode, Header: response.Header, Body: answer}, nil
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

// askOf asks about a session.
func (h *HTTPHook) askOf(ctx context.Context, timeout time.Duration, s *session.Session) ([]byte, error) {
	answer, err := h.ask(ctx, timeout, s.AppendJSON(nil, true))
	switch {
	case err != nil:
		return nil, err
	case isSuccess(answer.Status):
		return answer.Body, nil
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return nil, session.ErrRefused
	}
	return nil, fmt.Errorf("the answer has the status %d", answer.Status)
}

// ValidateSession implements [session.Validator].
func (h *HTTPHook) ValidateSession(ctx context.Context, s *session.Session) error {
	_, err := h.askOf(ctx, defaultHookTimeout, s)
	return err
}

// RefreshSession implements [session.Refresher].
func (h *HTTPHook) RefreshSession(ctx context.Context, s *session.Session) (session.Login, error) {
	body, err := h.askOf(ctx, defaultRefreshTimeout, s)
	if err != nil {
		return session.Login{}, err
	}
	return replacementOf(s, body)
}

// replacementOf decodes what the session holds from now on. The times of a session
// may stand there, so that an app may send back what it was given, but say nothing.
func replacementOf(s *session.Session, body []byte) (session.Login, error) {
	login := session.Login{User: s.User, AccessToken: s.AccessToken, RefreshToken: s.RefreshToken}
	if len(bytes.TrimSpace(body)) == 0 {
		return login, nil
	}
	members, err := session.DecodeObject(body)
	if err != nil {
		return login, fmt.Errorf("the answer: %w", err)
	}
	for name := range members {
		switch name {
		case "user", "accessToken", "refreshToken", "expiresAt", "expiryDate", "createdAt", "lastActivity":
		default:
			return login, fmt.Errorf("the answer has the unknown member %+.40q; the known ones are user, accessToken and refreshToken", name)
		}
	}
	change, err := session.ChangeOf(members)
	if err != nil {
		return login, fmt.Errorf("the answer: %w", err)
	}
	if change.User != nil {
		login.User = change.User
	}
	login.AccessToken = *cmp.Or(change.AccessToken, &login.AccessToken)
	login.RefreshToken = *cmp.Or(change.RefreshToken, &login.RefreshToken)
	return login, nil
}

// AuthorizeRequest implements [Authorizer].
func (h *HTTPHook) AuthorizeRequest(ctx context.Context, asked Authorization) (*Refusal, error) {
	body, err := json.Marshal(struct {
		Method  string          `json:"method"`
		URI     string          `json:"uri"`
		Rule    string          `json:"rule"`
		Kind    string          `json:"kind"`
		Session json.RawMessage `json:"session"`
	}{asked.Method, asked.URI, asked.Rule, asked.Kind, asked.Session.AppendJSON(nil, true)})
	if err != nil {
		return nil, err
	}
	answer, err := h.ask(ctx, defaultHookTimeout, body)
	switch {
	case err != nil:
		return nil, err
	case isSuccess(answer.Status):
		return nil, nil
	}
	return answer, nil
}

// Interface guards
var (
	_ caddy.Provisioner  = (*HTTPHook)(nil)
	_ caddy.Validator    = (*HTTPHook)(nil)
	_ caddy.CleanerUpper = (*HTTPHook)(nil)
	_ session.Validator  = (*HTTPHook)(nil)
	_ session.Refresher  = (*HTTPHook)(nil)
	_ Authorizer         = (*HTTPHook)(nil)
)

package caddymodule

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A call takes as long as its timeout says, or else as the documentation does.
func TestHookTimeouts(t *testing.T) {
	ann := &session.Session{User: session.User{"id": "ann"}}
	for name, tc := range map[string]struct {
		call  func(context.Context, *HTTPHook) error
		byDoc time.Duration
	}{
		"validate":   {func(ctx context.Context, h *HTTPHook) error { return h.ValidateSession(ctx, ann) }, 2 * time.Second},
		"on_refresh": {func(ctx context.Context, h *HTTPHook) error { _, err := h.RefreshSession(ctx, ann); return err }, 10 * time.Second},
		"authorize": {func(ctx context.Context, h *HTTPHook) error {
			_, err := h.AuthorizeRequest(ctx, Authorization{Session: ann})
			return err
		}, 2 * time.Second},
	} {
		for written, want := range map[time.Duration]time.Duration{0: tc.byDoc, 50 * time.Millisecond: 50 * time.Millisecond, 20 * time.Second: 20 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				h := &HTTPHook{URL: "http://hook.test/", Timeout: caddy.Duration(written), client: &http.Client{
					Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}),
				}}
				started := time.Now()
				require.ErrorIs(t, tc.call(t.Context(), h), context.DeadlineExceeded, name)
				assert.Equal(t, want, time.Since(started), name)
			})
		}
	}
}

// What counts as which answer is at every bound as the documentation says.
func TestHookAnswersByStatus(t *testing.T) {
	ann := &session.Session{User: session.User{"id": "ann"}}
	answer := &http.Response{}
	h := &HTTPHook{URL: "http://hook.test/", client: &http.Client{
		Transport:     roundTripper(func(*http.Request) (*http.Response, error) { return answer, nil }),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	r := newRealm(&App{logger: zap.NewNop(), metrics: newMetrics()}, "default")
	for status, want := range map[int]struct{ validate, authorize string }{
		200: {"yes", "yes"}, 201: {"yes", "yes"}, 202: {"yes", "yes"}, 204: {"yes", "yes"}, 299: {"yes", "yes"},
		101: {"outage", "outage"}, 300: {"outage", "no"}, 302: {"outage", "no"}, 304: {"outage", "outage"}, 308: {"outage", "no"}, 400: {"outage", "no"},
		401: {"no", "no"}, 403: {"no", "no"}, 404: {"outage", "no"}, 499: {"outage", "no"}, 500: {"outage", "outage"}, 503: {"outage", "outage"},
	} {
		said := func() *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("no"))}
		}
		answer = said()
		err := validateMeter{r.meter("validate"), h}.ValidateSession(t.Context(), ann)
		got := "outage"
		if err == nil {
			got = "yes"
		} else if errors.Is(err, session.ErrRefused) {
			got = "no"
		}
		assert.Equal(t, want.validate, got, "validate: %d", status)
		answer = said()
		refusal, err := authorizeMeter{r.meter("authorize"), h}.AuthorizeRequest(t.Context(), Authorization{Session: ann})
		got = "outage"
		if err == nil {
			got = "yes"
			if refusal != nil {
				got = "no"
				assert.Equal(t, status, refusal.Status)
			}
		}
		assert.Equal(t, want.authorize, got, "authorize: %d", status)
	}
}

// An answer that breaks off is none, and one may be as large as the documentation says.
func TestHookAnswersBySize(t *testing.T) {
	ann := &session.Session{User: session.User{"id": "ann"}, RefreshToken: "rt"}
	ask := func(body io.Reader) error {
		h := &HTTPHook{URL: "http://hook.test/", client: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body)}, nil
		})}}
		_, err := h.RefreshSession(t.Context(), ann)
		return err
	}
	require.NoError(t, ask(strings.NewReader(`{}`+strings.Repeat(" ", maxHookAnswer-2))))
	require.Error(t, ask(strings.NewReader(`{}`+strings.Repeat(" ", maxHookAnswer-1))))
	require.Error(t, ask(io.MultiReader(strings.NewReader(" "), errorReader{})), "it breaks off where an empty body would change nothing")
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What on_refresh leaves out stays, null removes a token, and an app may send back the times
// that it was sent.
func TestWhatOnRefreshReplaces(t *testing.T) {
	before := &session.Session{User: session.User{"id": "ann", "role": "admin"}, AccessToken: "at", RefreshToken: "rt"}
	for body, want := range map[string]session.Login{
		"":                        {User: before.User, AccessToken: "at", RefreshToken: "rt"},
		" \r\n\t":                 {User: before.User, AccessToken: "at", RefreshToken: "rt"},
		`{}`:                      {User: before.User, AccessToken: "at", RefreshToken: "rt"},
		`{"user":{"id":"ann"}}`:   {User: session.User{"id": "ann"}, AccessToken: "at", RefreshToken: "rt"},
		`{"accessToken":"at-2"}`:  {User: before.User, AccessToken: "at-2", RefreshToken: "rt"},
		`{"refreshToken":"rt-2"}`: {User: before.User, AccessToken: "at", RefreshToken: "rt-2"},
		`{"accessToken":null}`:    {User: before.User, RefreshToken: "rt"},
		`{"refreshToken":null}`:   {User: before.User, AccessToken: "at"},
		`{"lastActivity":1}`:      {User: before.User, AccessToken: "at", RefreshToken: "rt"},
		`{"createdAt":1}`:         {User: before.User, AccessToken: "at", RefreshToken: "rt"},
		`{"expiresAt":1}`:         {User: before.User, AccessToken: "at", RefreshToken: "rt"},
		`{"expiryDate":"2026"}`:   {User: before.User, AccessToken: "at", RefreshToken: "rt"},
	} {
		login, err := replacementOf(before, []byte(body))
		require.NoError(t, err, body)
		assert.Equal(t, want, login, body)
	}
}

// The session must go nowhere but to the hook: not by a proxy that the environment names. Nor
// must its answer take more memory than it may.
func TestHookClient(t *testing.T) {
	h := &HTTPHook{URL: "http://hook.test/"}
	require.NoError(t, h.Provision(caddy.Context{}))
	transport := h.client.Transport.(*http.Transport)
	assert.Nil(t, transport.Proxy)
	assert.True(t, transport.DisableCompression)
	assert.Less(t, transport.IdleConnTimeout, 5*time.Second)
	assert.NotZero(t, transport.IdleConnTimeout)

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Much", strings.Repeat("x", 2*maxHookAnswer))
	}))
	t.Cleanup(server.Close)
	h.URL = server.URL
	t.Cleanup(func() { _ = h.Cleanup() })
	require.Error(t, h.ValidateSession(t.Context(), &session.Session{User: session.User{"id": "ann"}}))
}

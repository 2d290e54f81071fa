package caddymodule

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An answer without a body and without a status, as Caddy's header directive alone
// makes it, carries a handoff too: the login is not lost.
func TestHandoffOnAnEmptyAnswer(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	err := b.guard.ServeHTTP(w, b.request("/", ""), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("X-Session-Set", base64.RawURLEncoding.EncodeToString([]byte(`{"user":{"id":"bob"}}`)))
		return nil
	}))
	require.NoError(t, err)
	assert.Empty(t, w.Header()["X-Session-Set"])
	assert.True(t, strings.HasPrefix(w.Header().Get("Set-Cookie"), "session=ey"), w.Header())
	assert.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))
}

package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the hook answers stays the hook's: one that somebody compiled in may return the same
// refusal to all, and it may say nothing of the connection.
func TestRefusalOfACompiledHookIsNotChanged(t *testing.T) {
	b := newBench(t)
	refusal := &Refusal{Status: http.StatusTeapot, Header: http.Header{"X-Session-Set": {"e30"}, "Set-Cookie": {"session=x", "seen=1"}, "X-Why": {"tea"}}, Body: []byte("no")}
	for _, name := range notTheHooks {
		refusal.Header[name] = []string{"x"}
	}
	kept := refusal.Header.Clone()
	b.guard.authorizer = authorizer(func() (*Refusal, error) { return refusal, nil })
	for range 2 {
		w := httptest.NewRecorder()
		require.NoError(t, b.guard.ServeHTTP(w, b.request("/dashboard", b.cookie), nil))
		assert.Equal(t, http.Header{
			"Set-Cookie": {"seen=1"}, "X-Why": {"tea"}, "Content-Length": {"2"}, "Cache-Control": {"private, no-store"}, "Vary": {"Cookie"},
		}, w.Header())
		assert.Equal(t, kept, refusal.Header)
	}
}

package caddymodule_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/stretchr/testify/assert"
)

func init() { caddy.RegisterModule(new(eventRecorder)) }

// heard are the events of the test that runs.
var heard struct {
	sync.Mutex
	events []caddy.Event
}

// eventRecorder is an event handler of Caddy that remembers.
type eventRecorder struct{}

func (*eventRecorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.test_recorder", New: func() caddy.Module { return new(eventRecorder) }}
}

func (*eventRecorder) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (*eventRecorder) Handle(_ context.Context, e caddy.Event) error {
	heard.Lock()
	defer heard.Unlock()
	heard.events = append(heard.events, e)
	return nil
}

func TestEventsOfASession(t *testing.T) {
	heard.events = nil
	s := serve(t, guarded, "events {\n on create test_recorder\n on update test_recorder\n on delete test_recorder\n }")
	cookie := s.signIn(ada)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Session-Update", handoff(`{"user":{"name":"Ada L."}}`))
	})
	s.request("POST", "/profile", "Cookie", cookie)
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Delete", "1") })
	s.request("POST", "/sign-out", "Cookie", cookie)

	heard.Lock()
	defer heard.Unlock()
	var names []string
	for _, e := range heard.events {
		names = append(names, e.Name())
		assert.Equal(t, "session", string(e.Origin().CaddyModule().ID))
		assert.Equal(t, "default", e.Data["realm"])
		assert.Equal(t, "ada", e.Data["user_id"])
		assert.Len(t, e.Data["session"], 16)
		assert.Len(t, e.Data, 3, "nothing else of the user")
	}
	assert.Equal(t, []string{"create", "update", "delete"}, names)
}

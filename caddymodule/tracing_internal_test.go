package caddymodule

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/session-guard/caddy-session-guard/routes"
)

func TestSpanHasTheDecision(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	ctx, span := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("test").Start(t.Context(), "request")
	g := &Guard{GuardConfig: GuardConfig{Rules: []Rule{{Type: "auth", Patterns: []string{"/dashboard/*"}}}}}
	v := &visit{
		request: httptest.NewRequestWithContext(ctx, "GET", "/dashboard", nil), kind: routes.Document,
		match: routes.Match{Type: routes.Auth}, decision: decisionLogin,
	}
	g.trace(v)
	span.End()
	require.Len(t, recorder.Ended(), 1)
	assert.ElementsMatch(t, []attribute.KeyValue{
		attribute.String("session_guard.rule", "auth /dashboard/*"),
		attribute.String("session_guard.kind", "document"),
		attribute.String("session_guard.decision", "login"),
	}, recorder.Ended()[0].Attributes())

	v.request = httptest.NewRequest("GET", "/dashboard", nil)
	assert.NotPanics(t, func() { g.trace(v) }, "without a span")
}

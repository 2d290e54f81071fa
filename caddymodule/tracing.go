package caddymodule

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// trace adds the decision to Caddy's span, if the request is traced.
func (g *Guard) trace(v *visit) {
	span := trace.SpanFromContext(v.request.Context())
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(
		attribute.String("session_guard.rule", g.ruleName(v.match)),
		attribute.String("session_guard.kind", string(v.kind)),
		attribute.String("session_guard.decision", string(v.decision)),
	)
}

package caddymodule

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"
)

// A session API whose configuration was replaced knows that: its keys may have been taken back.
func TestAPIOfAFormerConfiguration(t *testing.T) {
	ctx, replace := caddy.NewContext(caddy.Context{Context: t.Context()})
	api := &API{realm: newRealm(&App{ctx: ctx, logger: zap.NewNop()}, "default")}
	over := api.config(nil).Over
	assert.False(t, over())
	replace()
	assert.True(t, over())
}

package caddymodule

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestRotationAndWornKeysAreLogged(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	r := newRealm(&App{logger: zap.New(core), metrics: newMetrics()}, "default")
	r.sealed("first")
	r.sealed("first")
	assert.Zero(t, logs.Len())
	r.sealed("second")
	assert.Equal(t, "a new key now seals sessions", logs.All()[0].Message)
	assert.Equal(t, "second", logs.All()[0].ContextMap()["key"])
	r.app.metrics.seals[[2]string{"default", "second"}] = sealsWarning - 1
	r.sealed("second")
	r.sealed("second")
	assert.Equal(t, 2, logs.Len(), "the warning comes once")
	assert.Equal(t, zapcore.WarnLevel, logs.All()[1].Level)
}

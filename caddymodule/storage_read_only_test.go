package caddymodule

import (
	"testing"

	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process that only answers questions changes nothing.
func TestReadOnlyStorage(t *testing.T) {
	storage := &certmagic.FileStorage{Path: t.TempDir()}
	require.NoError(t, storage.Store(t.Context(), "a", []byte("1")))
	s := readOnlyStorage{storage}
	require.NoError(t, s.Store(t.Context(), "a", []byte("2")))
	require.NoError(t, s.Store(t.Context(), "b", []byte("2")))
	require.NoError(t, s.Delete(t.Context(), "a"))
	content, err := s.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "1", string(content))
	assert.False(t, s.Exists(t.Context(), "b"))
	require.NoError(t, storage.Lock(t.Context(), "l"))
	require.NoError(t, s.Lock(t.Context(), "l"))
	require.NoError(t, s.Unlock(t.Context(), "l"))
	require.NoError(t, storage.Unlock(t.Context(), "l"))
}

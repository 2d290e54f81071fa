// Package freeport finds ports for servers that a test or a benchmark starts, and
// that cannot be told to choose their own.
package freeport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Ports come from a range below those that the system gives to connections, or a
// connection may take one before its server listens. All are even. Whoever claims
// one listens on the odd port above it for as long, so that no other test, of this
// process or another, claims it too.
const (
	lowest   = 12000
	highest  = 22000
	attempts = 100
)

// busDistance is how far above its own port the node of a Redis cluster has its
// bus.
const busDistance = 10000

var errNoneFree = errors.New("no port is free")

// Claim returns a port of 127.0.0.1 on which nobody listens, nor on the one 10000
// above it. No other claim returns it until the context ends.
func Claim(ctx context.Context) (string, error) {
	for range attempts {
		port := lowest + 2*rand.IntN((highest-lowest)/2)
		claim, err := listen(ctx, port+1)
		if err != nil {
			continue
		}
		if isFree(ctx, port) && isFree(ctx, port+busDistance) {
			context.AfterFunc(ctx, func() { _ = claim.Close() })
			return strconv.Itoa(port), nil
		}
		_ = claim.Close()
	}
	return "", errNoneFree
}

// For returns a port that is the test's until it ends.
func For(t testing.TB) string {
	t.Helper()
	port, err := Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func isFree(ctx context.Context, port int) bool {
	listener, err := listen(ctx, port)
	return err == nil && listener.Close() == nil
}

func listen(ctx context.Context, port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

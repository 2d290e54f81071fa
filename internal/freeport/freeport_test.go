package freeport

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"
)

// Two servers that were given one port are tests that fail once in a thousand runs.
func TestNoPortIsGivenTwice(t *testing.T) {
	given := map[string]bool{}
	for range 1000 {
		port := For(t)
		if given[port] {
			t.Fatalf("port %s was given twice", port)
		}
		given[port] = true
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPortIsFreeAgainWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	given, err := Claim(ctx)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(given)
	if err != nil {
		t.Fatal(err)
	}
	if isFree(t.Context(), port+1) {
		t.Fatal("nothing keeps others from claiming the port")
	}
	cancel()
	for deadline := time.Now().Add(5 * time.Second); !isFree(t.Context(), port+1); {
		if time.Now().After(deadline) {
			t.Fatal("the claim outlives its context")
		}
	}
}

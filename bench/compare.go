package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// page is what the app answers with.
var page = []byte("<!doctype html><title>Page</title>" + strings.Repeat("<p>Some text.</p>", 60))

// probe is one case of the comparison.
type probe struct {
	name   string
	port   int
	path   string
	cookie func(i int) string // of the i-th request
	bare   int                // the case that it is compared with
}

// result is what one case cost.
type result struct {
	name      string
	cpu       time.Duration // of Caddy per request, the median over the rounds
	ratio     float64       // to the bare proxy, the median of the rounds' ratios
	perSecond float64       // the median
}

// compare measures every case in every round, one after the other, in an order
// that changes from round to round.
func compare(ctx context.Context, o options) ([]result, error) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }))
	defer app.Close()
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-User", "ada") }))
	defer auth.Close()
	random := make([]byte, 32)
	_, _ = rand.Read(random) // it never fails
	secret := base64.StdEncoding.EncodeToString(random)
	cookies, err := sealCookies(ctx, secret, o.sessions)
	if err != nil {
		return nil, err
	}
	c, p, err := startCaddy(ctx, o.caddy, secret, app.Listener.Addr().String(), auth.Listener.Addr().String())
	if err != nil {
		return nil, err
	}
	defer c.stop()
	probes := cases(p, cookies)
	cpu, perSecond := make([][]time.Duration, len(probes)), make([][]float64, len(probes))
	for round := -1; round < o.rounds; round++ { // the first warms up
		for turn := range probes {
			i := (turn + max(round, 0)) % len(probes)
			spent, took, err := measure(ctx, c, probes[i], o.requests)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", probes[i].name, err)
			}
			if round >= 0 {
				cpu[i] = append(cpu[i], spent/time.Duration(o.requests))
				perSecond[i] = append(perSecond[i], float64(o.requests)/took.Seconds())
			}
		}
	}
	results := make([]result, len(probes))
	for i, probe := range probes {
		ratios := make([]float64, o.rounds)
		for round := range ratios {
			ratios[round] = float64(cpu[i][round]) / float64(cpu[probe.bare][round])
		}
		results[i] = result{probe.name, median(cpu[i]), median(ratios), median(perSecond[i])}
	}
	return results, nil
}

func measure(ctx context.Context, c *caddy, p probe, requests int) (cpu, took time.Duration, err error) {
	before, err := c.cpu()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := load(ctx, p.port, requests, p.path, p.cookie); err != nil {
		return 0, 0, err
	}
	took = time.Since(start)
	after, err := c.cpu()
	return after - before, took, err
}

// cases are the cases of the comparison.
func cases(p ports, cookies []string) []probe {
	const open, guarded = "/blog/a-post", "/dashboard/settings"
	const seenSessions = 100
	none := func(int) string { return "" }
	seen := func(i int) string { return cookies[i%seenSessions] }
	var position atomic.Int64 // goes on from round to round
	unseen := func(int) string { return cookies[int(position.Add(1))%len(cookies)] }
	forged := func(i int) string { return forge(cookies[i%len(cookies)]) }
	malformed := func(int) string { return "session=" + strings.Repeat("AbC.", 100) }
	return []probe{
		{"bare proxy, no cookie", p.bare, open, none, 0},
		{"bare proxy, with the cookie", p.bare, guarded, seen, 1},
		{"guard, anonymous", p.guard, open, none, 0},
		{"guard, session seen before", p.guard, guarded, seen, 1},
		{"guard, session never seen before", p.guard, guarded, unseen, 1},
		{"guard, forged cookie", p.guard, open, forged, 1},
		{"guard, malformed cookie", p.guard, open, malformed, 1},
		{"forward_auth to a minimal Go service", p.forwardAuth, guarded, seen, 1},
	}
}

// forge changes the authentication tag of a token.
func forge(cookie string) string {
	at := len(cookie) - 10
	other := byte('A')
	if cookie[at] == other {
		other = 'B'
	}
	return cookie[:at] + string(other) + cookie[at+1:]
}

// sealCookies signs n users in.
func sealCookies(ctx context.Context, secret string, n int) ([]string, error) {
	keys, err := session.NewKeyring("", []byte(secret))
	if err != nil {
		return nil, err
	}
	manager, err := session.NewManager(session.Settings{}, keys)
	if err != nil {
		return nil, err
	}
	cookies := make([]string, n)
	for i := range cookies {
		visitor, err := manager.Read(httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		if err != nil {
			return nil, err
		}
		login := session.Login{User: session.User{"id": fmt.Sprintf("user-%d", i), "name": "Ada Lovelace", "email": "ada@example.com", "role": "admin"}}
		if err := visitor.Create(ctx, login); err != nil {
			return nil, err
		}
		header := http.Header{}
		visitor.SetCookies(header)
		cookies[i], _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
	}
	return cookies, nil
}

func median[T int | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
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
	app    *server            // whose CPU time counts too, or nil
	most   limit              // where there is one
}

// price is what a request cost in one round.
type price struct {
	cpu       time.Duration
	memory    float64 // bytes that Caddy allocated
	perSecond float64
}

// result is what one case cost: the medians over the rounds. Ratios are to the
// bare proxy in the same round.
type result struct {
	name string
	price
	ratio       float64 // of the CPU time
	memoryRatio float64
	most        limit
}

// compare measures every case in every round, one after the other, in an order
// that changes from round to round.
func compare(ctx context.Context, o options, machine *machineLoad) ([]result, error) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }))
	defer app.Close()
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-User", "ada") }))
	defer auth.Close()
	random := make([]byte, 32)
	_, _ = rand.Read(random) // it never fails
	secret := base64.StdEncoding.EncodeToString(random)
	cookies, told, err := signIn(ctx, secret, o.sessions)
	if err != nil {
		return nil, err
	}
	next, nextPort, err := startNextjs(ctx, o.nextjs, secret)
	if err != nil {
		return nil, err
	}
	if next != nil {
		defer next.stop()
	}
	folder, err := os.MkdirTemp("", "caddy-session-guard-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	c, p, err := startCaddy(ctx, o, folder, secret, told, app.Listener.Addr().String(), auth.Listener.Addr().String(), fmt.Sprintf("127.0.0.1:%d", nextPort))
	if err != nil {
		return nil, err
	}
	defer c.stop()
	probes := cases(p, cookies, next)
	prices := make([][]price, len(probes))
	for round := -1; round < o.rounds; round++ { // the first warms up
		for turn := range probes {
			i := (turn + max(round, 0)) % len(probes)
			one, err := measure(ctx, c, probes[i], p.metrics, o.requests)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", probes[i].name, err)
			}
			if round >= 0 {
				prices[i] = append(prices[i], one)
			}
		}
		machine.note()
	}
	results := make([]result, len(probes))
	for i, probe := range probes {
		results[i] = summarize(probe, prices[i], prices[probe.bare])
	}
	return results, nil
}

// summarize takes the medians of what a case cost in each round, and of their
// ratios to the bare proxy's.
func summarize(p probe, prices, bare []price) result {
	middle := func(value func(i int) float64) float64 {
		values := make([]float64, len(prices))
		for i := range values {
			values[i] = value(i)
		}
		return median(values)
	}
	return result{
		name: p.name, most: p.most,
		price: price{
			cpu:       time.Duration(middle(func(i int) float64 { return float64(prices[i].cpu) })),
			memory:    middle(func(i int) float64 { return prices[i].memory }),
			perSecond: middle(func(i int) float64 { return prices[i].perSecond }),
		},
		ratio:       middle(func(i int) float64 { return float64(prices[i].cpu) / float64(bare[i].cpu) }),
		memoryRatio: middle(func(i int) float64 { return prices[i].memory / bare[i].memory }),
	}
}

func measure(ctx context.Context, c *server, p probe, metrics, requests int) (price, error) {
	memoryBefore, err := allocated(ctx, metrics)
	if err != nil {
		return price{}, err
	}
	before, err := spent(c, p.app)
	if err != nil {
		return price{}, err
	}
	start := time.Now()
	if err := load(ctx, p.port, requests, p.path, p.cookie); err != nil {
		return price{}, err
	}
	took := time.Since(start)
	after, err := spent(c, p.app)
	if err != nil {
		return price{}, err
	}
	memory, err := allocated(ctx, metrics)
	return price{
		cpu: (after - before) / time.Duration(requests), memory: (memory - memoryBefore) / float64(requests),
		perSecond: float64(requests) / took.Seconds(),
	}, err
}

// spent is the CPU time of the processes up to now.
func spent(servers ...*server) (sum time.Duration, err error) {
	for _, s := range servers {
		if s == nil {
			continue
		}
		cpu, err := s.cpu()
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// cases are the cases of the comparison.
func cases(p ports, cookies []string, next *server) []probe {
	const open, guarded = "/blog/a-post", "/dashboard/settings"
	const seenSessions = 100
	none := func(int) string { return "" }
	seen := func(i int) string { return cookies[i%seenSessions] }
	var position atomic.Int64 // goes on from round to round
	unseen := func(int) string { return cookies[int(position.Add(1))%len(cookies)] }
	forged := func(i int) string { return forge(cookies[i%len(cookies)]) }
	malformed := func(int) string { return "session=" + strings.Repeat("AbC.", 100) }
	probes := []probe{
		{"bare proxy, no cookie", p.bare, open, none, 0, nil, limit{}},
		{"bare proxy, with the cookie", p.bare, guarded, seen, 1, nil, limit{}},
		{"bare proxy that sends the same headers as the guard", p.sameHeaders, guarded, seen, 1, nil, limit{}},
		{"guard, anonymous", p.guard, open, none, 0, nil, limit{1.4, 1.13}},
		{"guard, session seen before", p.guard, guarded, seen, 1, nil, limit{1.5, 1.12}},
		{"guard, session never seen before", p.guard, guarded, unseen, 1, nil, limit{1.8, 1.22}},
		{"guard, forged cookie", p.guard, open, forged, 1, nil, limit{1.5, 1.1}},
		{"guard, malformed cookie", p.guard, open, malformed, 1, nil, limit{1.5, 1.1}},
		{"forward_auth to a minimal Go service", p.forwardAuth, guarded, seen, 1, nil, limit{}},
	}
	if next == nil {
		return probes
	}
	const checked = "/checked/settings" // by proxy.ts
	bare := len(probes)
	return append(probes,
		probe{"Next.js: bare proxy", p.bareNext, guarded, seen, bare, next, limit{}},
		probe{"Next.js: guard, session seen before", p.guardNext, guarded, seen, bare, next, limit{}},
		probe{"Next.js: its own check in proxy.ts with jose", p.bareNext, checked, seen, bare, next, limit{}},
	)
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

// signIn signs n users in. It returns their cookies, and what an app is told of the
// first one.
func signIn(ctx context.Context, secret string, n int) (cookies []string, told string, err error) {
	keys, err := session.NewKeyring("", []byte(secret))
	if err != nil {
		return nil, "", err
	}
	manager, err := session.NewManager(session.Settings{}, keys)
	if err != nil {
		return nil, "", err
	}
	cookies = make([]string, n)
	for i := range cookies {
		visitor, err := manager.Read(httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		if err != nil {
			return nil, "", err
		}
		login := session.Login{User: session.User{"id": fmt.Sprintf("user-%d", i), "name": "Ada Lovelace", "email": "ada@example.com", "role": "admin"}}
		if err := visitor.Create(ctx, login); err != nil {
			return nil, "", err
		}
		header := http.Header{}
		visitor.SetCookies(header)
		cookies[i], _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
		if i == 0 {
			told = visitor.Session().Data()
		}
	}
	return cookies, told, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

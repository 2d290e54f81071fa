package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// point is what one decision costs with n rules, sessions or revocations.
type point struct {
	n    int
	cost time.Duration
}

// series is one line of the plot.
type series struct {
	name   string
	points []point
}

// scaling measures in this process how the cost of a decision grows.
func scaling(ctx context.Context) ([]series, error) {
	rules, sessions, revocations := series{name: "rules"}, series{name: "sessions in use"}, series{name: "revocations"}
	for _, n := range []int{10, 100, 1_000, 10_000, 100_000} {
		if n <= 10_000 { // a site with more has other problems
			cost, err := matchCost(n)
			if err != nil {
				return nil, err
			}
			rules.points = append(rules.points, point{n, cost})
		}
		cost, err := readCost(ctx, n, 0)
		if err != nil {
			return nil, err
		}
		sessions.points = append(sessions.points, point{n, cost})
		if cost, err = readCost(ctx, 100, n); err != nil {
			return nil, err
		}
		revocations.points = append(revocations.points, point{n, cost})
	}
	return []series{sessions, revocations, rules}, nil
}

func matchCost(n int) (time.Duration, error) {
	config := routes.Config{Default: routes.Hybrid}
	for i := range n {
		config.Rules = append(config.Rules, routes.Rule{Type: routes.Auth, Patterns: []string{fmt.Sprintf("/section%d/*", i)}})
	}
	table, err := routes.Compile(config)
	if err != nil {
		return 0, err
	}
	paths := make([]string, 64)
	for i := range paths {
		paths[i] = fmt.Sprintf("/section%d/a/page", i*n/len(paths))
	}
	return cost(func(i int) { table.Match(paths[i%len(paths)], "", "") }), nil
}

// readCost is what reading the cookie costs with so many sessions in turn.
func readCost(ctx context.Context, sessions, revocations int) (time.Duration, error) {
	const secret = "Zk3vQx81LmTr6WnYc0HdPbE9sJg5UaFo" // seals nothing but what is measured here
	cookies, _, err := signIn(ctx, secret, sessions)
	if err != nil {
		return 0, err
	}
	keys, err := session.NewKeyring("", []byte(secret))
	if err != nil {
		return 0, err
	}
	ended := session.NewRevocationSet(time.Now)
	for i := range revocations {
		until := time.Now().Add(time.Hour)
		if err := ended.Revoke(ctx, session.Revocation{SessionID: fmt.Sprintf("an-ended-session-%06d", i), Until: until}); err != nil {
			return 0, err
		}
	}
	manager, err := session.NewManager(session.Settings{Revocations: ended}, keys)
	if err != nil {
		return 0, err
	}
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	line := []string{""}
	request.Header["Cookie"] = line
	read := func(i int) {
		line[0] = cookies[i%len(cookies)]
		if visitor, readErr := manager.Read(request); readErr != nil || visitor.Session() == nil {
			err = fmt.Errorf("session %d does not open: %w", i, readErr)
		}
	}
	for i := range cookies {
		read(i)
	}
	return cost(read), err
}

// cost is the least of several rounds: what disturbs a round only adds to it.
func cost(step func(i int)) time.Duration {
	const rounds, steps = 15, 20_000
	best := time.Duration(1<<63 - 1)
	i := 0
	for range rounds {
		start := time.Now()
		for range steps {
			step(i)
			i++
		}
		best = min(best, time.Since(start)/steps)
	}
	return best
}

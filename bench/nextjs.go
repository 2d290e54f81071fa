package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// startNextjs starts the app of bench/nextjs. Without a script there is none, and
// the cases that need it are left out.
func startNextjs(ctx context.Context, script, secret string) (*server, int, error) {
	if script == "" {
		return nil, 0, nil
	}
	if _, err := os.Stat(script); err != nil {
		return nil, 0, fmt.Errorf("the app of bench/nextjs is not built: %w; run `make bench`, or leave it out with -nextjs ''", err)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, 0, err
	}
	command := exec.CommandContext(ctx, "node", script)
	command.Env = append(os.Environ(), "NODE_ENV=production", "SESSION_SECRET="+secret, "HOSTNAME=127.0.0.1", "PORT="+strconv.Itoa(port))
	app, err := start(ctx, command, port)
	return app, port, err
}

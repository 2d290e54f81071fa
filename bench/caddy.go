package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ports are where the sites of one Caddy process listen.
type ports struct{ bare, guard, forwardAuth int }

// config is the Caddyfile of the comparison.
func (p ports) config(storage, app, auth string) string {
	return fmt.Sprintf(`{
	admin off
	auto_https off
	persist_config off
	storage file_system %s
	log {
		level ERROR
	}
}
http://127.0.0.1:%d {
	reverse_proxy %[5]s
}
http://127.0.0.1:%[3]d {
	session_guard {
		secret {env.SESSION_SECRET}
		public /login /register
		auth /dashboard/* /admin/* /settings/*
		default hybrid
	}
	reverse_proxy %[5]s
}
http://127.0.0.1:%[4]d {
	forward_auth %[6]s {
		uri /auth
		copy_headers X-User
	}
	reverse_proxy %[5]s
}
`, storage, p.bare, p.guard, p.forwardAuth, app, auth)
}

// caddy is a running Caddy.
type caddy struct{ command *exec.Cmd }

// startCaddy starts Caddy and waits until it serves.
func startCaddy(ctx context.Context, binary, secret, app, auth string) (*caddy, ports, error) {
	folder, err := os.MkdirTemp("", "caddy-session-guard-bench")
	if err != nil {
		return nil, ports{}, err
	}
	var p ports
	for _, port := range []*int{&p.bare, &p.guard, &p.forwardAuth} {
		if *port, err = freePort(ctx); err != nil {
			return nil, p, err
		}
	}
	caddyfile := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(caddyfile, []byte(p.config(folder, app, auth)), 0o600); err != nil {
		return nil, p, err
	}
	command := exec.CommandContext(ctx, binary, "run", "--config", caddyfile)
	command.Env = append(os.Environ(), "SESSION_SECRET="+secret, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, p, fmt.Errorf("%w; run `make build` first", err)
	}
	c := &caddy{command}
	for range 100 {
		if conn, err := dial(ctx, p.guard); err == nil {
			return c, p, conn.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.stop()
	return nil, p, errors.New("the Caddy that was started does not answer")
}

func (c *caddy) stop() {
	_ = c.command.Process.Kill()
	_ = c.command.Wait()
}

// cpu is the CPU time of the process up to now: the sum over its threads, in
// nanoseconds (proc_pid_schedstat), since /proc/<pid>/stat counts in hundredths
// of a second.
func (c *caddy) cpu() (time.Duration, error) {
	tasks := filepath.Join("/proc", strconv.Itoa(c.command.Process.Pid), "task")
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return 0, fmt.Errorf("%w; the comparison needs Linux", err)
	}
	var sum time.Duration
	for _, thread := range threads {
		line, err := os.ReadFile(filepath.Join(tasks, thread.Name(), "schedstat"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has ended
		}
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(string(line), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

func freePort(ctx context.Context) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(port)
	return n, errors.Join(err, listener.Close())
}

func dial(ctx context.Context, port int) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

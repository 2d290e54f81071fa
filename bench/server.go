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

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// ports are where the sites of one Caddy process listen.
type ports struct{ bare, sameHeaders, guard, forwardAuth, bareNext, guardNext, metrics int }

// config is the Caddyfile of the comparison. told is an X-Session-Data.
func (p ports) config(storage, told, app, auth, next string, proxyLog bool) string {
	const guard = `session_guard {
		secret {env.SESSION_SECRET}
		public /login /register
		auth /dashboard/* /admin/* /settings/*
		default hybrid
	}
	`
	const forwardAuth = `forward_auth %s {
		uri /auth
		copy_headers X-User
	}
	`
	// What Caddy's own directives send to the app and to the browser is then, byte
	// for byte, what the guard has it send.
	const sameHeaders = `header {
		Cache-Control private
		Vary Cookie
	}
	request_header Cookie theme=dark
	request_header X-Session-Realm default
	request_header X-Session-User user-0
	request_header X-Session-Data %s
	`
	var b strings.Builder
	exclude := ""
	if !proxyLog {
		exclude = "\n\t\texclude http.handlers.reverse_proxy"
	}
	fmt.Fprintf(&b, `{
	admin off
	auto_https off
	persist_config off
	storage file_system %s
	log {
		level ERROR%s
	}
}
`, storage, exclude)
	site := func(port int, before, to string) {
		fmt.Fprintf(&b, "http://127.0.0.1:%d {\n\t%sreverse_proxy %s\n}\n", port, before, to)
	}
	site(p.bare, "", app)
	site(p.sameHeaders, fmt.Sprintf(sameHeaders, told), app)
	site(p.guard, guard, app)
	site(p.forwardAuth, fmt.Sprintf(forwardAuth, auth), app)
	site(p.bareNext, "", next)
	site(p.guardNext, guard, next)
	fmt.Fprintf(&b, "http://127.0.0.1:%d {\n\tmetrics\n}\n", p.metrics)
	return b.String()
}

// startCaddy starts Caddy with the sites of the comparison. It writes into the folder.
func startCaddy(ctx context.Context, o options, folder, secret, told, app, auth, next string) (*server, ports, error) {
	var p ports
	var err error
	for _, port := range []*int{&p.bare, &p.sameHeaders, &p.guard, &p.forwardAuth, &p.bareNext, &p.guardNext, &p.metrics} {
		if *port, err = freePort(ctx); err != nil {
			return nil, p, err
		}
	}
	caddyfile := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(caddyfile, []byte(p.config(folder, told, app, auth, next, o.proxyLog)), 0o600); err != nil {
		return nil, p, err
	}
	command := exec.CommandContext(ctx, o.caddy, "run", "--config", caddyfile)
	command.Env = append(os.Environ(), "SESSION_SECRET="+secret, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	c, err := start(ctx, command, p.guard)
	if err != nil {
		err = fmt.Errorf("%w; run `make build` first", err)
	}
	return c, p, err
}

// server is a running process that serves.
type server struct{ command *exec.Cmd }

// start starts a process and waits until it serves at a port.
func start(ctx context.Context, command *exec.Cmd, port int) (*server, error) {
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &server{command}
	for range 100 {
		if conn, err := dial(ctx, port); err == nil {
			return s, conn.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("%s was started, but does not answer", command.Path)
}

func (s *server) stop() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
}

// cpu is the CPU time of the process up to now: the sum over its threads, in
// nanoseconds (proc_pid_schedstat), since /proc/<pid>/stat counts in hundredths
// of a second.
func (s *server) cpu() (time.Duration, error) {
	tasks := filepath.Join("/proc", strconv.Itoa(s.command.Process.Pid), "task")
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
	port, err := freeport.Claim(ctx)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}

func dial(ctx context.Context, port int) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

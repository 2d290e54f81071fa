package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
	"github.com/session-guard/caddy-session-guard/internal/programs"
)

// buildFlags are those of the Makefile, so that nothing is compiled twice.
var buildFlags = []string{"-trimpath", "-tags=nobadger,nomysql,nopgx", "-ldflags", "-s -w"}

var buildCaddy = sync.OnceValues(func() (string, error) {
	binary, err := filepath.Abs("../.bin/caddy-e2e")
	if err != nil {
		return "", err
	}
	return binary, run("..", "go", append(append([]string{"build"}, buildFlags...), "-o", binary, "./cmd/caddy")...)
})

const clientDir = "../client"

// buildClient builds the npm package, unless it is built already.
var buildClient = sync.OnceValue(func() error {
	sources, err := newest(clientDir)
	if err != nil {
		return err
	}
	if built, err := os.Stat(filepath.Join(clientDir, "dist/index.js")); err == nil && built.ModTime().After(sources) {
		return nil
	}
	if err := run(clientDir, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
		return err
	}
	return run(clientDir, "npm", "run", "build")
})

// caddyBinary builds Caddy with this module.
func caddyBinary(t *testing.T) string {
	t.Helper()
	// go test keeps a result as long as what the test has looked at stays the same.
	// This test runs a binary, so it looks at what the binary is made of.
	if _, err := newest("..", ".go", ".mod", ".sum"); err != nil {
		t.Fatal(err)
	}
	binary, err := buildCaddy()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// newest is the time of the latest change below a folder, of the files with one
// of the endings. What builds have made is left out.
func newest(root string, endings ...string) (time.Time, error) {
	var latest time.Time
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // made and gone, as editors and builds do
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			switch entry.Name() {
			case "node_modules", "dist", ".next", ".next-cache-components", ".build", ".git", ".bin":
				return fs.SkipDir
			}
			return nil
		case len(endings) > 0 && !hasEnding(path, endings):
			return nil
		}
		info, err := os.Stat(path)
		if err == nil && info.ModTime().After(latest) {
			latest = info.ModTime()
		}
		return nil
	})
	return latest, err
}

func hasEnding(path string, endings []string) bool {
	for _, ending := range endings {
		if strings.HasSuffix(path, ending) {
			return true
		}
	}
	return false
}

// needNode skips a test that needs Node.js on a machine without it; in CI that is
// a failure.
func needNode(t *testing.T) {
	t.Helper()
	for _, name := range []string{"node", "npm"} {
		programs.Need(t, name, "a real Next.js app is not tested")
	}
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NEXT_TELEMETRY_DISABLED=1")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s in %s: %w\n%s", name, strings.Join(args, " "), dir, err, output)
	}
	return nil
}

// process is a server that runs until the test ends.
type process struct {
	mutex  sync.Mutex
	output bytes.Buffer
}

// Write implements io.Writer for the output of the process.
func (p *process) Write(b []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.output.Write(b)
}

// log is everything that the process has written so far.
func (p *process) log() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.output.String()
}

// start runs a server and waits until it answers at the address. When the test
// ends, the server ends, with everything that it started.
func start(t *testing.T, cmd *exec.Cmd, address string) *process {
	t.Helper()
	p := &process{}
	cmd.Stdout, cmd.Stderr = p, p
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		if t.Failed() {
			t.Logf("the last lines of %s:\n%s", filepath.Base(cmd.Path), tail(p.log(), 4000))
		}
	})
	deadline := time.Now().Add(60 * time.Second)
	for {
		connection, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			connection.Close()
			return p
		}
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", cmd.Path, p.log())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer at %s:\n%s", cmd.Path, address, p.log())
		}
	}
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// startNext serves a built Next.js app and returns its port.
func startNext(t *testing.T, dir string, environment ...string) string {
	t.Helper()
	port := freeport.For(t)
	cmd := exec.Command("node", "node_modules/next/dist/bin/next", "start", "--hostname", "127.0.0.1", "--port", port)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "NEXT_TELEMETRY_DISABLED=1", "NODE_ENV=production"), environment...)
	start(t, cmd, "127.0.0.1:"+port)
	return port
}

// startCaddy runs Caddy with a Caddyfile, a storage of its own and the
// environment, and waits for the port that PORT names.
func startCaddy(t *testing.T, caddyfile, port string, environment ...string) *process {
	t.Helper()
	cmd := exec.Command(caddyBinary(t), "run", "--adapter", "caddyfile", "--config", caddyfile)
	home := t.TempDir()
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "SESSION_") })
	cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home, "PORT="+port)
	cmd.Env = append(cmd.Env, environment...)
	return start(t, cmd, "127.0.0.1:"+port)
}

// page reads an answer whole.
func page(t *testing.T, response *http.Response, err error) (*http.Response, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

package sessionguard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/internal/programs"
)

func TestDeployedCaddyfileIsValid(t *testing.T) {
	t.Setenv("SITE", "app.example.com")
	validate(t, read(t, "deploy/Caddyfile"))
}

// The image must bring the Caddy that this module is tested with, built with the Go that it needs.
func TestDockerfileNamesTheVersionsOfTheModule(t *testing.T) {
	module, dockerfile := read(t, "go.mod"), read(t, "deploy/Dockerfile")
	version := func(text, pattern string) string {
		match := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if match == nil {
			t.Fatalf("nothing matches %s", pattern)
		}
		return match[1]
	}
	if module, image := version(module, `github\.com/caddyserver/caddy/v2 v(\S+)`), version(dockerfile, `FROM caddy:(\S+)-alpine`); module != image {
		t.Errorf("go.mod requires Caddy %s, the Dockerfile starts from %s", module, image)
	}
	if module, image := version(module, `(?m)^go (\d+\.\d+)`), version(dockerfile, `FROM golang:(\S+)-alpine`); module != image {
		t.Errorf("go.mod requires Go %s, the Dockerfile builds with %s", module, image)
	}
}

// A package that the builder does not get would break the image's build, which no test here can run.
func TestImageGetsEveryPackageThatItBuilds(t *testing.T) {
	listed, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.ImportPath}}{{end}}{{end}}", "./cmd/caddy").Output()
	if err != nil {
		t.Fatal(err)
	}
	ignore := read(t, "deploy/Dockerfile.dockerignore")
	packages := strings.Fields(string(listed))
	if len(packages) < 5 {
		t.Fatalf("the module's packages are %q", packages)
	}
	for _, path := range packages {
		folder, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "github.com/session-guard/caddy-session-guard"), "/"), "/")
		if folder != "" && !strings.Contains(ignore, "\n!"+folder+"\n") {
			t.Errorf("deploy/Dockerfile.dockerignore keeps %s from the builder: add !%s", path, folder)
		}
	}
}

func TestSystemdUnit(t *testing.T) {
	unit := read(t, "deploy/caddy.service")
	for line := range strings.Lines(unit) {
		if strings.HasPrefix(line, "Exec") && strings.Contains(line, "--environ") {
			t.Errorf("%s prints a SESSION_SECRET into the journal", strings.TrimSpace(line))
		}
	}
	analyze := programs.Need(t, "systemd-analyze", "nothing checks the unit's syntax: install Debian's package systemd")
	// systemd-analyze wants to see the program; this machine need not have Caddy in /usr/bin.
	path := filepath.Join(t.TempDir(), "caddy.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(unit, "/usr/bin/caddy", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", path).CombinedOutput()
	if err != nil || len(output) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, output)
	}
}

// The commands of docs/deployment.md must run on a machine that never had Caddy. Here its root is another folder,
// and what would make users and services does nothing.
func TestCommandsOfASystemdServiceRunOnAFreshMachine(t *testing.T) {
	commands := regexp.MustCompile("(?ms)^```sh\n(install --mode 0755 caddy .*?)^```$").FindStringSubmatch(read(t, "docs/deployment.md"))
	if commands == nil {
		t.Fatal("docs/deployment.md does not say how to install the service")
	}
	root, clone := t.TempDir(), t.TempDir()
	for _, folder := range []string{"usr/bin", "etc/systemd/system"} { // which every such machine has
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(clone, "deploy"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(clone, "caddy"):                "#!/bin/sh\necho \"a secret of $*\"\n",
		filepath.Join(clone, "deploy/caddy.service"): read(t, "deploy/caddy.service"),
		filepath.Join(root, "usr/bin/useradd"):       "#!/bin/sh\n",
		filepath.Join(root, "usr/bin/systemctl"):     "#!/bin/sh\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell := exec.CommandContext(t.Context(), "sh", "-e", "-c", regexp.MustCompile(` /(etc|usr)/`).ReplaceAllString(commands[1], " $$ROOT/$1/"))
	shell.Dir = clone
	shell.Env = append(os.Environ(), "ROOT="+root, "PATH="+filepath.Join(root, "usr/bin")+":"+os.Getenv("PATH"))
	if output, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	secret := filepath.Join(root, "etc/caddy/session_secret")
	if text := read(t, secret); text != "a secret of session keygen\n" {
		t.Errorf("the secret is %q", text)
	}
	if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret's file is %v, %v, but only root may read it", info, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package sessionguard_test

import (
	"strings"
	"testing"
)

// The core must be usable, and auditable, without Caddy: see the arrows in the package documentation.
func TestCoreDoesNotImportCaddy(t *testing.T) {
	forbidden := []string{"github.com/caddyserver/", "go.uber.org/zap"}
	for _, core := range []string{"./session", "./routes", "./sessionapi"} {
		dependencies := strings.Fields(goCommand(t, "list", "-deps", core))
		if len(dependencies) < 2 {
			t.Errorf("%s: go list printed %q, which cannot be all of its dependencies", core, dependencies)
		}
		for _, dependency := range dependencies {
			for _, prefix := range forbidden {
				if strings.HasPrefix(dependency, prefix) {
					t.Errorf("%s depends on %s", core, dependency)
				}
			}
		}
	}
}

// Pattern matching and path reading is kept to the standard library, so that it can be reviewed on its own.
func TestRoutesImportOnlyTheStandardLibrary(t *testing.T) {
	const listForeign = `{{if and (not .Standard) (not (eq .ImportPath "github.com/session-guard/caddy-session-guard/routes"))}}{{.ImportPath}}{{end}}`
	if foreign := strings.Fields(goCommand(t, "list", "-deps", "-f", listForeign, "./routes")); len(foreign) > 0 {
		t.Errorf("routes depends on %q", foreign)
	}
}

// What is random here is a key, an id or a nonce, so nothing that is built takes it from
// math/rand (the class of CVE-2024-21495).
func TestNothingImportsPredictableRandomness(t *testing.T) {
	listed := strings.Split(strings.TrimSpace(goCommand(t, "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}} {{.Imports}}{{end}}`, "./caddymodule", "./caddyfile", "./cmd/caddy")), "\n")
	ours := 0
	for _, line := range listed {
		if !strings.HasPrefix(line, "github.com/session-guard/") {
			continue
		}
		ours++
		if strings.Contains(line, "math/rand") {
			t.Errorf("math/rand is imported: %s", line)
		}
	}
	if ours < 5 {
		t.Errorf("only %d packages were looked at", ours)
	}
}

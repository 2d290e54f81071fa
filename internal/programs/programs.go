// Package programs finds the programs that some tests need beside Go.
package programs

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns where a program is. Without it the test fails if CI is set in the
// environment, and elsewhere it is skipped and says what was therefore not tested.
func Need(t testing.TB, name, untested string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed, so %s", name, untested)
		}
		t.Skipf("%s is not installed, so %s", name, untested)
	}
	return path
}

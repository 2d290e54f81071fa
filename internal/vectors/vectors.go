// Package vectors finds public test data (Wycheproof, JSONTestSuite, lists of attacks),
// which is not part of this repository: it lies in ../shared/vectors, seen from the root
// of the project.
package vectors

import (
	"os"
	"path/filepath"
	"testing"
)

// Path is where a file or folder of the test data is. Without it the test fails if CI is
// set in the environment, and elsewhere says that it was skipped. A test of the package in
// a folder of the root calls it.
func Path(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("../../shared/vectors", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI needs the public test data in ../shared/vectors: %v", err)
		}
		t.Skipf("not tested: the public test data in ../shared/vectors/%s is not on this machine", name)
	}
	return path
}

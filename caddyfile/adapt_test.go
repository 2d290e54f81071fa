package caddyfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddytest"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/session-guard/caddy-session-guard/caddyfile"
)

// Each file in testdata/adapt has a Caddyfile, a line of dashes, and what comes
// of it: JSON, or what the error must say, one part on each line and in that
// order.
func TestAdapt(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, expected, ok := strings.Cut(string(text), "----------\n")
			expected = strings.TrimSpace(expected)
			if !ok || expected == "" {
				t.Fatal("the file does not say what it expects")
			}
			if strings.HasPrefix(expected, "{") {
				if !caddytest.CompareAdapt(t, file, input, "caddyfile", expected) {
					t.Error("the JSON differs")
				}
				return
			}
			adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), nil)
			if err == nil {
				t.Fatalf("no error, but %s", adapted)
			}
			rest := err.Error()
			for part := range strings.Lines(expected) {
				part = strings.TrimSpace(part)
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Fatalf("the error is\n%v\nand lacks, after what was found before,\n%s", err, part)
				}
				rest = after
			}
		})
	}
}

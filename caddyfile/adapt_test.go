package caddyfile_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddytest"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/session-guard/caddy-session-guard/caddyfile"
)

var placeAtEnd = regexp.MustCompile(`(?m)at Caddyfile:\d+$`)

// Each file in testdata/adapt has a Caddyfile, a line of dashes, and what comes
// of it: JSON, or what the error must say, one part on each line and in that
// order, with the place of each error at the end of a line. Further errors, such as
// those that only follow from the first, are none that it expects.
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
			if places := placeAtEnd.FindAllString(err.Error(), -1); len(places) != len(placeAtEnd.FindAllString(expected, -1)) {
				t.Errorf("the errors are at %q:\n%v", places, err)
			}
		})
	}
}

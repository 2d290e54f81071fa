package sessionguard_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// A reader copies what the documentation shows, so each Caddyfile in it must start.
// A fence that says "caddyfile site" holds the inside of one site block.
var snippetFence = regexp.MustCompile("(?ms)^```caddyfile( site)?\n(.*?)^```$")

func TestEveryCaddyfileInTheDocumentationIsValid(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	t.Setenv("SESSION_SECRET_OLD", "Qe7u2iOa5Ys8Dg1Hj4Kl6Zx9Cv3Bn0Mw")
	folder := t.TempDir() // what systemd, or the reader, would have put in place
	for name, secret := range map[string]string{"session_secret": "Ty6bN2mKq8Wd4Lr0Sv5Zx1Cj7Hf3PgUe", "session_secret_new": "Wb5nT8qLx2Rm7Kd1Yc9Vf4Hs6Jg3ZaPe"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	secrets := strings.NewReplacer("/run/credentials/caddy.service/", folder+"/", "/etc/caddy/session_secret", folder+"/session_secret")
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "client/*.md", "examples/*/*.md"} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, matches...)
	}
	if !slices.Contains(pages, "README.md") {
		t.Fatalf("the pages are %q; README.md is missing", pages)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		snippets := snippetFence.FindAllSubmatchIndex(text, -1)
		if page == "README.md" && len(snippets) == 0 {
			t.Error("README.md shows no Caddyfile")
		}
		for _, snippet := range snippets {
			line := 1 + bytes.Count(text[:snippet[0]], []byte("\n"))
			configuration := secrets.Replace(string(text[snippet[4]:snippet[5]]))
			if snippet[2] >= 0 {
				configuration = "localhost {\n" + configuration + "}\n"
			}
			t.Run(fmt.Sprintf("%s:%d", page, line), func(t *testing.T) {
				validate(t, configuration)
			})
		}
	}
}

func TestExampleIsValidAndFormatted(t *testing.T) {
	example, err := os.ReadFile("Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	validate(t, string(example))
	if formatted := caddyfile.Format(example); !bytes.Equal(example, formatted) {
		t.Error("Caddyfile.example is not formatted: run caddy fmt --overwrite on it")
	}
}

// validate adapts and provisions a Caddyfile without starting it. Warnings count: nobody should copy a deprecated line.
func validate(t *testing.T, configuration string) {
	t.Helper()
	adapted, warnings, err := adapt(configuration)
	if err != nil {
		t.Fatalf("adapt: %v", err)
	}
	for _, warning := range warnings {
		if warning.Message != "Caddyfile input is not formatted; run 'caddy fmt --overwrite' to fix inconsistencies" {
			t.Errorf("adapt warns: %s", warning)
		}
	}
	caddy.DefaultStorage.Path = t.TempDir() // never the storage of whoever runs the tests
	var config caddy.Config
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Errorf("validate: %v", err)
	}
}

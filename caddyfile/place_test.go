package caddyfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

func TestErrorInImportedFileNamesThatFile(t *testing.T) {
	folder := t.TempDir()
	shared := filepath.Join(folder, "settings.caddy")
	if err := os.WriteFile(shared, []byte("hybrid /\nexpiry soon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	input := ":80 {\n\tsession_guard {\n\t\tauth blog\n\t\timport settings.caddy\n\t}\n}\n"
	_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": filepath.Join(folder, "Caddyfile")})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"blog" does not begin with a slash`, "Caddyfile:3", `"soon" is not a duration`, shared + ":2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %s:\n%v", want, err)
		}
	}
}

// The adapted configuration is copied around and read in other places, so it
// names the file without the folders of this machine.
func TestSourceHasNoFolder(t *testing.T) {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(":80 {\n\tsession_guard {\n\t\tauth /a\n\t}\n}\n"),
		map[string]any{"filename": "/home/alice/Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"source":"Caddyfile:2"`, `"source":"Caddyfile:3"`} {
		if !strings.Contains(string(adapted), want) {
			t.Errorf("%s lacks %s", adapted, want)
		}
	}
	if strings.Contains(string(adapted), "alice") {
		t.Errorf("the folder is in %s", adapted)
	}
}

func TestErrorNeverShowsASecret(t *testing.T) {
	for _, line := range []string{
		"secret hunter2", "secret hunter2 other-hunter2", "secret a{hunter2}b", "secret {http.hunter2}", "secret hunter2 {\n x\n}",
		"secret {env.A}\nsecret hunter2", "secret my-hunter2 your-hunter2-your-hunter2-your-hunter2", "secret {env.A} {env.A} hunter2",
	} {
		for _, word := range []string{"secret", "api_key"} {
			directive := map[string]string{"secret": "session_guard", "api_key": "session_api"}[word]
			input := ":80 {\n" + directive + " {\n" + strings.ReplaceAll(line, "secret", word) + "\n}\n}\n"
			_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), nil)
			if err == nil {
				t.Errorf("no error for\n%s", input)
			} else if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the secret: %v", err)
			}
		}
	}
}

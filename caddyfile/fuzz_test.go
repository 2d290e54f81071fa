package caddyfile_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/session-guard/caddy-session-guard/caddymodule"
)

// place is how an error names file and line.
var place = regexp.MustCompile(`Caddyfile:\d+`)

// Whatever stands in our blocks, it is either refused with file and line, or
// makes one configuration that is the same when it is read back.
func FuzzCaddyfile(f *testing.F) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		f.Fatalf("found %d files: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		input, _, _ := strings.Cut(string(text), "----------\n")
		if _, inner, found := strings.Cut(input, "{\n\tsession {\n"); found {
			f.Add("session", inner[:strings.LastIndex(inner, "\n\t}")+1])
		}
		for _, directive := range []string{"session_guard", "session_api"} {
			if _, inner, found := strings.Cut(input, ":80 {\n\t"+directive+" {\n"); found {
				f.Add(directive, inner[:strings.LastIndex(inner, "\n\t}")+1])
			}
		}
	}
	f.Fuzz(func(t *testing.T, directive, inner string) {
		var input string
		switch directive {
		case "session":
			input = "{\n\tsession {\n" + inner + "\n\t}\n}\n"
		case "session_guard", "session_api":
			input = ":80 {\n\t" + directive + " {\n" + inner + "\n\t}\n}\n"
		default:
			return
		}
		if readsFilesOrEnvironment(inner) || !staysInside(input) {
			return
		}
		first, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), nil)
		if err != nil {
			if !place.MatchString(err.Error()) {
				t.Fatalf("the error does not say where: %v", err)
			}
			return
		}
		second, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), nil)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("the second reading differs (%v):\n%s\n%s", err, first, second)
		}
		checkReadsBack(t, first)
	})
}

// readsFilesOrEnvironment keeps the fuzzer from what is not ours to test.
func readsFilesOrEnvironment(inner string) bool {
	return strings.Contains(inner, "import") || strings.Contains(inner, "{$")
}

// staysInside reports whether the braces of the input leave it one block with
// one directive, so that every error is ours or the parser's.
func staysInside(input string) bool {
	blocks, err := caddyfile.Parse("Caddyfile", []byte(input))
	return err == nil && len(blocks) == 1 && len(blocks[0].Segments) == 1
}

// checkReadsBack reads our modules as Caddy does, which refuses unknown members,
// and writes them again.
func checkReadsBack(t *testing.T, adapted []byte) {
	t.Helper()
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []struct{ Handle []json.RawMessage }
				}
			}
			Session json.RawMessage
		}
	}
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	if config.Apps.Session != nil {
		checkSame(t, new(caddymodule.App), config.Apps.Session)
	}
	for _, server := range config.Apps.HTTP.Servers {
		for _, route := range server.Routes {
			for _, handler := range route.Handle {
				var members map[string]json.RawMessage
				if err := json.Unmarshal(handler, &members); err != nil {
					t.Fatal(err)
				}
				name := string(members["handler"])
				delete(members, "handler")
				rest, err := json.Marshal(members)
				if err != nil {
					t.Fatal(err)
				}
				switch name {
				case `"session_guard"`:
					checkSame(t, new(caddymodule.Guard), rest)
				case `"session_api"`:
					checkSame(t, new(caddymodule.API), rest)
				default:
					t.Errorf("unexpected handler %s", name)
				}
			}
		}
	}
}

func checkSame(t *testing.T, module any, written []byte) {
	t.Helper()
	if err := caddy.StrictUnmarshalJSON(written, module); err != nil {
		t.Fatalf("%T: %v in\n%s", module, err, written)
	}
	again, err := json.Marshal(module)
	if err != nil {
		t.Fatal(err)
	}
	var before, after any
	if err := json.Unmarshal(written, &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &after); err != nil {
		t.Fatal(err)
	}
	sorted := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if sorted(before) != sorted(after) {
		t.Errorf("%T was\n%s\nand is\n%s", module, written, again)
	}
}

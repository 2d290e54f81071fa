package sessionguard_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/session-guard/caddy-session-guard"
)

// xcaddyDescription is xcaddy.json: what the plugin is, then its build in the JSON shape of xcaddy.Builder.
type xcaddyDescription struct {
	Name          string   `json:"name"`
	Description   string   `json:"description"`
	License       string   `json:"license"`
	GoModule      string   `json:"go_module"`
	GoVersion     string   `json:"go_version"`
	Modules       []string `json:"modules"`
	Directives    []string `json:"directives"`
	GlobalOptions []string `json:"global_options"`

	CaddyVersion string `json:"caddy_version"`
	Plugins      []struct {
		ModulePath string `json:"module_path"`
		Version    string `json:"version"`
	} `json:"plugins"`
	Replacements []struct {
		Old string `json:"old"`
		New string `json:"new"`
	} `json:"replacements"`
}

func readXcaddyDescription(t *testing.T) xcaddyDescription {
	t.Helper()
	file, err := os.Open("xcaddy.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	var description xcaddyDescription
	if err := decoder.Decode(&description); err != nil {
		t.Fatalf("xcaddy.json: %v", err)
	}
	return description
}

// goCommand returns what the go command prints.
func goCommand(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Stderr = t.Output()
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(output)
}

func TestXcaddyDescriptionAgreesWithGoMod(t *testing.T) {
	var goMod struct {
		Module  struct{ Path string }
		Go      string
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal([]byte(goCommand(t, "mod", "edit", "-json")), &goMod); err != nil {
		t.Fatal(err)
	}
	description := readXcaddyDescription(t)

	if description.GoModule != goMod.Module.Path {
		t.Errorf("go_module is %q; go.mod says %q", description.GoModule, goMod.Module.Path)
	}
	if description.GoVersion != goMod.Go {
		t.Errorf("go_version is %q; go.mod says %q", description.GoVersion, goMod.Go)
	}
	for _, require := range goMod.Require {
		if require.Path == "github.com/caddyserver/caddy/v2" && description.CaddyVersion != require.Version {
			t.Errorf("caddy_version is %q; go.mod requires %q", description.CaddyVersion, require.Version)
		}
	}
	if len(description.Plugins) != 1 || description.Plugins[0].ModulePath != goMod.Module.Path {
		t.Errorf("plugins are %v; want this module alone", description.Plugins)
	}
	for _, replacement := range description.Replacements {
		plugin := description.Plugins[0]
		if want := plugin.ModulePath + "@" + plugin.Version; replacement.Old != want {
			t.Errorf("the replacement is for %q; the plugin is %q", replacement.Old, want)
		}
	}
	if description.Name == "" || description.Description == "" || description.License != "MIT" {
		t.Errorf("name, description and license are %q, %q, %q", description.Name, description.Description, description.License)
	}
}

func TestXcaddyDescriptionNamesEveryRegisteredModule(t *testing.T) {
	description := readXcaddyDescription(t)
	var registered []string
	for _, id := range caddy.Modules() {
		info, err := caddy.GetModule(id)
		if err != nil {
			t.Fatal(err)
		}
		if isOurs(info.New(), description.GoModule) {
			registered = append(registered, id)
		}
	}
	slices.Sort(registered)
	if !slices.Equal(description.Modules, registered) {
		t.Errorf("modules are %q; registered are %q", description.Modules, registered)
	}
}

// isOurs reports whether the type of module is declared in a package of the Go module goModule.
func isOurs(module caddy.Module, goModule string) bool {
	declared := reflect.TypeOf(module)
	if declared.Kind() == reflect.Pointer {
		declared = declared.Elem()
	}
	return strings.HasPrefix(declared.PkgPath(), goModule+"/")
}

func TestXcaddyDescriptionNamesOnlyKnownDirectives(t *testing.T) {
	description := readXcaddyDescription(t)
	configurations := map[string]string{}
	for _, directive := range description.Directives {
		configurations[directive] = "localhost {\n\t" + directive + "\n}\n"
	}
	for _, option := range description.GlobalOptions {
		configurations[option] = "{\n\t" + option + "\n}\n"
	}
	if len(configurations) == 0 {
		t.Fatal("xcaddy.json names no directive")
	}
	for _, name := range slices.Sorted(maps.Keys(configurations)) {
		if _, _, err := adapt(configurations[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// adapt turns a Caddyfile into Caddy's JSON.
func adapt(configuration string) ([]byte, []caddyconfig.Warning, error) {
	return caddyconfig.GetAdapter("caddyfile").Adapt([]byte(configuration), map[string]any{"filename": "Caddyfile"})
}

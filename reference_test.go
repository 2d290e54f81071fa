package sessionguard_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

var updateReference = flag.Bool("update", false, "write docs/configuration.md anew from the doc comments")

// referenceSections are the structs whose doc comments are the reference, in its order.
var referenceSections = []struct{ title, structure, intro string }{
	{"session_guard", "GuardConfig", "The directive `session_guard`; in JSON the handler `http.handlers.session_guard`."},
	{"Rules", "Rule", "The lines `public`, `auth` and `hybrid` of `session_guard`; in JSON the members of `rules`."},
	{"require", "Requirement", "The lines `require <field> <value>...` and `require fresh <duration>` of an `auth` rule."},
	{"Session settings", "Settings", "The global option `session [<realm>]`, or for the default realm also `session_guard`; in JSON the members of `realms` of the app `session`."},
	{"validate", "ValidateHook", "The line `validate` of the session settings; in JSON the member of that name."},
	{"session.hooks.http", "HTTPHook", "The hook of `validate`, `on_refresh` and `authorize` in a Caddyfile; in JSON `{\"module\": \"http\", …}`. " +
		"Hooks of your own are modules of `session.hooks`, and are written in JSON."},
	{"revocation", "Outage", "What every shared `revocation` has."},
	{"revocation storage", "StorageRevocation", ""},
	{"revocation redis", "RedisRevocation", ""},
	{"session_api", "API", "The directive `session_api`; in JSON the handler `http.handlers.session_api`."},
	{"Matcher session", "MatchSession", "The request matcher `session`; in JSON `http.matchers.session`."},
}

// The doc comments are the one source of the reference, for the website of Caddy too.
func TestReferenceIsCurrent(t *testing.T) {
	const file = "docs/configuration.md"
	generated := reference(t)
	if *updateReference {
		if err := os.WriteFile(file, []byte(generated), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != generated {
		t.Errorf("%s is not what the doc comments say; run: go test . -run Reference -update", file)
	}
}

func reference(t *testing.T) string {
	t.Helper()
	structures := documentedStructures(t)
	var text strings.Builder
	text.WriteString("# Configuration reference\n\n" +
		"Every setting. Caddyfile and JSON use the same names; `true` and `false` are written `on` and `off` in a Caddyfile. Only JSON has `rules`, `type`, `patterns`, `field`, `values` and `hook`, and in a guard `session`.\n" +
		"This page is made from the comments in the source code; do not edit it.\n")
	for _, section := range referenceSections {
		structure, ok := structures[section.structure]
		if !ok {
			t.Errorf("there is no struct %s", section.structure)
			continue
		}
		fmt.Fprintf(&text, "\n## %s\n\n", section.title)
		if section.intro != "" {
			fmt.Fprintf(&text, "%s\n\n", section.intro)
		}
		fmt.Fprintf(&text, "%s\n\n| Name | Meaning |\n|---|---|\n", withoutName(paragraph(structure.doc), section.structure))
		for _, field := range structure.fields {
			if field.doc == "" {
				t.Errorf("%s.%s has no comment", section.structure, field.name)
			}
			fmt.Fprintf(&text, "| `%s` | %s |\n", field.name, strings.ReplaceAll(paragraph(field.doc), "|", `\|`))
		}
	}
	return text.String()
}

type structure struct {
	doc    string
	fields []documentedField
}

type documentedField struct{ name, doc string }

// documentedStructures reads the structs of the Caddy modules with the comments of their JSON fields.
func documentedStructures(t *testing.T) map[string]structure {
	t.Helper()
	files, err := filepath.Glob("caddymodule/*.go")
	if err != nil {
		t.Fatal(err)
	}
	structures := make(map[string]structure)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			declaration, ok := node.(*ast.GenDecl)
			if !ok || declaration.Tok != token.TYPE {
				return true
			}
			for _, spec := range declaration.Specs {
				typed := spec.(*ast.TypeSpec)
				if fields, ok := typed.Type.(*ast.StructType); ok {
					structures[typed.Name.Name] = structure{declaration.Doc.Text(), jsonFields(fields)}
				}
			}
			return false
		})
	}
	return structures
}

func jsonFields(of *ast.StructType) []documentedField {
	var fields []documentedField
	for _, field := range of.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, _ := strconv.Unquote(field.Tag.Value)
		name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if name != "" && name != "-" && name != "source" && name != "sources" { // which nobody writes by hand
			fields = append(fields, documentedField{name, field.Doc.Text()})
		}
	}
	return fields
}

// withoutName drops the Go name with which a doc comment begins.
func withoutName(comment, name string) string {
	rest := strings.TrimPrefix(comment, name+" ")
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "is "), "are ")
	return strings.ToUpper(rest[:1]) + rest[1:]
}

// paragraph makes one line of a comment, so that it fits into a table.
func paragraph(comment string) string {
	paragraphs := strings.Split(strings.TrimSpace(comment), "\n\n")
	for i, lines := range paragraphs {
		paragraphs[i] = strings.ReplaceAll(lines, "\n", " ")
	}
	return strings.Join(paragraphs, " ")
}

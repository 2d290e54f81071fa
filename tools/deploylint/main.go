// Command deploylint reads the files of deploy/ as their own tools do: the Dockerfile by
// BuildKit's parser and linter, the Compose file by Compose's loader. It prints what is
// wrong and exits with 1.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	folder := os.Args[1]
	failed := false
	for name, check := range map[string]func(string) error{"Dockerfile": dockerfile, "compose.yaml": compose} {
		if err := check(filepath.Join(folder, name)); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Join(folder, name), err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func dockerfile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		return err
	}
	var problem error
	_, _, err = instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: func(rule, description, _, message string, location []parser.Range) {
		problem = fmt.Errorf("%s: %s (%s)", rule, message, description)
	}}))
	if err != nil {
		return err
	}
	return problem
}

func compose(path string) error {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithEnv([]string{"APP_IMAGE=registry.example.com/app:1", "SITE=app.example.com"}))
	if err != nil {
		return err
	}
	_, err = options.LoadProject(context.Background())
	return err
}

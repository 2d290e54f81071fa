package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// secretPlaceholder finds the placeholders that a secret value is allowed to
// have. Their names are no secret; what stands around them may be.
var secretPlaceholder = regexp.MustCompile(`\{(env|file)\.[^{}]+\}`)

// anyPlaceholder finds any, but not what a backslash makes text.
var anyPlaceholder = regexp.MustCompile(`(?:^|[^\\])\{[^{}]+\}`)

// readSecret resolves the value of a setting and checks that nobody can guess it.
// The error names a placeholder that is to blame, and nothing else of the value.
func readSecret(setting, value string) ([]byte, error) {
	// {system.hostname} is known to others, and {time.now} another at every load.
	if anyPlaceholder.MatchString(secretPlaceholder.ReplaceAllString(value, "")) {
		return nil, fmt.Errorf("%s has a placeholder other than {env.NAME} and {file./path/of/the/file}; write one of these", setting)
	}
	resolved, err := resolveSecret(value)
	if err != nil {
		return nil, fmt.Errorf("%s %w", setting, err)
	}
	err = session.CheckSecret([]byte(resolved))
	if namesFile(resolved) {
		err = errors.New("it is the name of a file, which others can guess; write {file./path/of/the/file} to read the secret from there")
	}
	if err != nil {
		if placeholder := secretPlaceholder.FindString(value); placeholder != "" && placeholder == value {
			setting += " " + placeholder
		}
		return nil, fmt.Errorf("%s is not safe: %w", setting, err)
	}
	return []byte(resolved), nil
}

// namesFile reports whether a secret is a path, as of a container's secret, that was meant to
// be read. A random one in base64 may begin with a slash too, but no file has its name.
func namesFile(secret string) bool {
	if strings.HasPrefix(secret, "file:") || strings.HasPrefix(secret, "/run/secrets/") {
		return true
	}
	name, rooted := strings.CutPrefix(secret, "/")
	if !rooted {
		return false
	}
	_, err := fs.Stat(os.DirFS("/"), name)
	return err == nil
}

// resolveSecret replaces {env.*} and {file.*} in a secret value at start. The
// error names the placeholder that has no value and nothing else of the value.
func resolveSecret(value string) (string, error) {
	resolved, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err == nil {
		return resolved, nil
	}
	for _, placeholder := range secretPlaceholder.FindAllString(value, -1) {
		if _, err := caddy.NewReplacer().ReplaceOrErr(placeholder, true, true); err != nil {
			instead := "create that file, with the secret in it"
			if strings.HasPrefix(placeholder, "{env.") {
				instead = "set the variable in the environment of the running Caddy, which a reload does not change"
			}
			return "", fmt.Errorf("%s resolves to nothing; %s", placeholder, instead)
		}
	}
	return "", errors.New("has a placeholder that resolves to nothing; write {env.NAME} or {file./path/of/the/file}")
}

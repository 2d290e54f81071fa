package caddyfile

import (
	"os"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/caddymodule"
)

// The syntax that docs/reference.md shows has every word, with the values that it takes.
func TestReferenceShowsTheSyntax(t *testing.T) {
	text, err := os.ReadFile("../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Caddyfile syntax\n")
	if !found {
		t.Fatal("the page has no such section")
	}
	shown := make(map[string]bool)
	for line := range strings.Lines(section) {
		shown[strings.TrimSuffix(strings.TrimSpace(line), " {")] = true
	}
	words := append(guardWords(new(caddymodule.Guard), nil), apiWords(new(caddymodule.API), nil)...)
	words = append(words, settingWords(new(caddymodule.Settings))...)
	words = append(words, requireWords(new(caddymodule.Rule))...)
	words = append(words, outageWords(new(caddymodule.Outage))...)
	for _, w := range words {
		usage, _, _ := strings.Cut(w.usage, " [{")
		for i, form := range strings.Split(usage, " | ") {
			if i > 0 {
				form = w.name() + " " + form
			}
			if !shown[form] {
				t.Errorf("docs/reference.md does not show %q", form)
			}
		}
	}
}

package routes

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// nextjsTarget is a line of testdata/nextjs/targets.jsonl: a request that was
// sent to a real Next.js through Caddy, and what came back.
type nextjsTarget struct {
	Target      string            `json:"target"` // one code point is one raw byte
	Method      string            `json:"method"`
	Headers     map[string]string `json:"headers"`
	Class       string            `json:"class"`
	Variant     string            `json:"variant"`
	Forwarded   *string           `json:"forwarded"`
	MustProtect bool              `json:"must_protect"`
	MustPass    bool              `json:"must_pass"`
	ClosesBy    string            `json:"closes_by"`
	NextStatus  int               `json:"next_status"`
}

func readTargets(t testing.TB) []nextjsTarget {
	t.Helper()
	file, err := os.Open("testdata/nextjs/targets.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var targets []nextjsTarget
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var target nextjsTarget
		if err := json.Unmarshal(lines.Bytes(), &target); err != nil {
			t.Fatal(err)
		}
		targets = append(targets, target)
	}
	if len(targets) < 1000 {
		t.Fatalf("only %d targets", len(targets))
	}
	return targets
}

// url parses the target as a net/http server does.
func (n nextjsTarget) url() (*url.URL, error) {
	raw := make([]byte, 0, len(n.Target))
	for _, r := range n.Target {
		raw = append(raw, byte(r))
	}
	return url.ParseRequestURI(string(raw))
}

// nextjsConfig holds the rules under which the targets were sent.
func nextjsConfig(variant string) Config {
	config := Config{
		Rules: []Rule{
			{Type: Hybrid, Patterns: []string{"/api/public"}},
			{Type: Auth, Patterns: []string{"/dashboard/*", "/legacy/*", "/files/*", "/api/*", "/admin/*", "/photo/*", "/blogs/*"}},
		},
		Locales: []string{"en", "ar"},
		Actions: []string{},
	}
	if variant == "basepath" {
		config.BasePath = "/base"
	}
	return config
}

// An auth rule that begins with the base path, as the browser's address bar has it,
// protects what it does without.
func TestNextjsTargetsUnderRulesWithTheBasePath(t *testing.T) {
	config := nextjsConfig("basepath")
	for i, pattern := range config.Rules[1].Patterns {
		config.Rules[1].Patterns[i] = config.BasePath + pattern
	}
	table := compile(t, config)
	protected := 0
	for _, target := range readTargets(t) {
		if target.Variant != "basepath" || !target.MustProtect || target.ClosesBy != "path" && target.ClosesBy != "image-url" {
			continue
		}
		u, err := target.url()
		if err != nil {
			continue
		}
		protected++
		if m := table.MatchURL(u, ""); !m.Bad && m.Type != Auth {
			t.Errorf("%s %s: passes, but it must be protected: %+v", target.Class, target.Target, m)
		}
	}
	if protected < 3 {
		t.Errorf("only %d targets", protected)
	}
}

func TestNextjsTargets(t *testing.T) {
	tables := make(map[string]*Table)
	protected, passed := 0, 0
	for _, target := range readTargets(t) {
		table := tables[target.Variant]
		if table == nil {
			var err error
			if table, err = Compile(nextjsConfig(target.Variant)); err != nil {
				t.Fatal(err)
			}
			tables[target.Variant] = table
		}
		u, err := target.url()
		if err != nil {
			if target.Forwarded != nil {
				t.Errorf("%s: %v, although Caddy forwarded it", target.Target, err)
			}
			continue
		}
		m := table.MatchURL(u, "")
		stopped := m.Bad || m.Type == Auth
		if header := target.Headers["Next-Action"]; header != "" && target.Method == http.MethodPost {
			stopped = stopped || !table.ActionAllowed(u.EscapedPath(), header)
		}
		switch {
		case target.MustPass && stopped:
			t.Errorf("%s %s %s: stopped, but it must pass: %+v", target.Class, target.Variant, target.Target, m)
		case target.MustPass:
			passed++
		case target.MustProtect && !strings.HasPrefix(target.ClosesBy, "config-") && target.ClosesBy != "locale-config":
			if !stopped {
				t.Errorf("%s %s %s: passes, but it must be protected: %+v", target.Class, target.Variant, target.Target, m)
			}
			protected++
		}
	}
	if protected < 450 || passed != 6 {
		t.Errorf("%d targets had to be protected and %d had to pass, which is not what the fixture has", protected, passed)
	}
}

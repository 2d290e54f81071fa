package e2e

import (
	"bytes"
	"cmp"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

const bypassDir = "bypass-app"

// bypassSite is the app with marked secrets, in one variant: behind the rules and
// its build, behind the rules alone, and open.
type bypassSite struct {
	dir                       string // of the build
	guarded, rules, unguarded string // ports
}

func startBypass(t *testing.T, version, variant string) *bypassSite {
	t.Helper()
	needNode(t)
	if _, err := newest(bypassDir); err != nil { // for go test's cache; build.sh looks itself
		t.Fatal(err)
	}
	if err := run(bypassDir, "./build.sh", version, variant); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(filepath.Join(bypassDir, ".build", version+"-"+variant))
	if err != nil {
		t.Fatal(err)
	}
	s := &bypassSite{dir: dir, guarded: freeport.For(t), rules: freeport.For(t), unguarded: freeport.For(t)}
	t.Setenv("BYPASS_VARIANT", variant) // next start reads next.config.mjs again
	serve := func() string { return startNext(t, dir) }
	if variant == "minimal" {
		serve = func() string { return startMinimal(t, dir) }
	}
	app := serve()
	unguardedApp := app
	if variant == "minimal" { // it answers from its memory for a second, whatever the next request's headers
		unguardedApp = serve()
	}
	startCaddy(t, "bypass.caddyfile", s.guarded, "RULES_PORT="+s.rules, "UNGUARDED_PORT="+s.unguarded,
		"APP_PORT="+app, "UNGUARDED_APP_PORT="+unguardedApp, "NEXT_BUILD="+filepath.Join(dir, ".next"), "RULES_OF_VARIANT="+cmp.Or(rulesOfVariant[variant], "default hybrid"),
		"FIRST_RULES_OF_VARIANT="+firstRulesOfVariant[variant])
	return s
}

// versions are the versions of Next.js to test: the newest, or those of
// BYPASS_VERSIONS.
func versions() []string {
	if list := os.Getenv("BYPASS_VERSIONS"); list != "" {
		return strings.Fields(list)
	}
	return []string{"16.4"}
}

// measuredActions are the ids of the bypass app's actions when the shared targets
// were measured. Another build has other ids.
var measuredActions = map[string]string{
	"40d7c0e6ab00169003b8c46d06dd03ea7cca2d7352": "readReport",
	"40468884f53442dcfbb442c77de90c56f495a88747": "renameReport",
	"408ab3c8fb3ecb5f3563b10c4a9128bdfd72ae4055": "go",
}

// withActions puts the ids of this build in the place of the measured ones.
func withActions(t *testing.T, probes []probe, dir string) []probe {
	t.Helper()
	ids := actionIDs(t, dir)
	var changes []string
	for measured, name := range measuredActions {
		if ids[name] == "" {
			t.Fatalf("the build has no action %s", name)
		}
		changes = append(changes, measured, ids[name])
	}
	replacer := strings.NewReplacer(changes...)
	for i, p := range probes {
		for name, value := range p.Headers {
			p.Headers[name] = replacer.Replace(value)
		}
		probes[i].Body = replacer.Replace(p.Body)
	}
	return probes
}

// TestNoWayAround sends anonymous requests that were built to get around a guard,
// and looks for the app's secrets in every byte that comes back.
func TestNoWayAround(t *testing.T) {
	for _, version := range versions() {
		t.Run("Next.js "+version, func(t *testing.T) {
			s := startBypass(t, version, "main")
			t.Run("measured targets", func(t *testing.T) { testMeasured(t, s, version) })
			t.Run("generated targets", func(t *testing.T) { testGenerated(t, s) })
			t.Run("Server Actions render ahead", func(t *testing.T) { testRenderAhead(t, s, version) })
			if version != "14.2" { // where no such action was seen to run
				t.Run("Server Actions as arguments", func(t *testing.T) { testActionAsArgument(t, s) })
			}
		})
	}
}

func testMeasured(t *testing.T, s *bypassSite, version string) {
	probes := withActions(t, sharedProbes(t, "main"), s.dir)
	open := 0
	sendAll(t, s.unguarded, probes, func(r reply) {
		if r.secret() {
			open++
		}
	})
	// This many of these targets are secrets without a guard, or nothing is tested here.
	if least := map[string]int{"16.4": 350}[version]; open < max(least, 100) {
		t.Fatalf("without a guard only %d of %d targets gave a secret away", open, len(probes))
	}
	passed := 0
	sendAll(t, s.guarded, probes, func(r reply) {
		if r.secret() {
			t.Errorf("%s %q %v: a secret came through (%d)", r.probe.Method, r.probe.Target, r.probe.Headers, r.status)
		}
		if r.probe.MustPass {
			passed++
			if r.status != http.StatusOK || !strings.Contains(string(r.body), "PUBLIC-MARK") {
				t.Errorf("%s must pass, but got %d", r.probe.Target, r.status)
			}
		}
	})
	if passed == 0 {
		t.Error("there was no target that must pass")
	}
	// Without the build, the rules alone close everything but what only a build knows.
	sendAll(t, s.rules, probes, func(r reply) {
		switch r.probe.ClosesBy {
		case "config-rewrite", "config-interception", "locale-config":
			return
		case "action-rule":
			// Without the build, Caddy cannot know which action a login page owns: an action
			// that is called there must check the session itself.
			if path, _, _ := strings.Cut(r.probe.Target, "?"); strings.HasSuffix(path, "/login") {
				return
			}
		}
		if r.secret() {
			t.Errorf("rules alone, %s %q %v: a secret came through (%d)", r.probe.Method, r.probe.Target, r.probe.Headers, r.status)
		}
	})
	t.Logf("%d of %d targets are secrets without a guard", open, len(probes))
}

func testGenerated(t *testing.T, s *bypassSite) {
	count := 20_000
	if text := os.Getenv("BYPASS_TARGETS"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatalf("BYPASS_TARGETS must be a number: %v", err)
		}
	}
	// The first tenth without a guard shows that these targets are worth sending.
	open := 0
	sendAll(t, s.unguarded, generate(1, true, count/10), func(r reply) {
		if r.secret() {
			open++
		}
	})
	if open < count/10/20 {
		t.Fatalf("without a guard only %d of %d targets gave a secret away", open, count/10)
	}
	for seed, port := range map[uint64]string{1: s.guarded, 2: s.rules} {
		statuses := map[int]int{}
		sendAll(t, port, generate(seed, port == s.guarded, count/2), func(r reply) {
			statuses[r.status]++
			if port == s.rules && bytes.Contains(r.raw, []byte("SECRET-MARK-locale-dashboard")) {
				return // the folder [locale] takes any first segment for a locale, which only the build shows
			}
			if r.secret() {
				t.Errorf("seed %d, %s %q %v: a secret came through (%d)", seed, r.probe.Method, r.probe.Target, r.probe.Headers, r.status)
			}
		})
		t.Logf("seed %d: %d targets, answers by status %v; without a guard %d of the first %d are secrets", seed, count/2, statuses, open, count/10)
	}
}

func generate(seed uint64, withAliases bool, count int) []probe {
	g := newGenerator(seed, withAliases)
	probes := make([]probe, count)
	for i := range probes {
		probes[i] = g.probe()
	}
	return probes
}

// testRenderAhead calls a public action that redirects where the client says.
// Next.js fetches that page from itself, around Caddy, and puts it into the answer.
func testRenderAhead(t *testing.T, s *bypassSite, version string) {
	field := "_1_next"
	if version == "14.2" {
		field = "1_next" // as the React of its time wrote it
	}
	call := func(port, target string) (*http.Response, string) {
		t.Helper()
		b := newBrowser(t, "http://127.0.0.1:"+port)
		contentType, content := multipartBody(t, map[string]string{field: target, "0": `["$K1"]`})
		return b.action("/login", actionIDs(t, s.dir)["go"], contentType, content)
	}
	for _, target := range []string{"/dashboard", "/en/dashboard", "/dashboard/settings", "/dashboard?x=1#y"} {
		if _, body := call(s.unguarded, target); !strings.Contains(body, "SECRET-MARK") {
			t.Errorf("%s: without a guard the answer no longer holds the page, so this tests nothing", target)
		}
		for _, port := range []string{s.guarded, s.rules} {
			response, body := call(port, target)
			// The target stands in a header, for the browser to load it through the guard.
			if body != "" || response.Header.Get("Content-Type") != "text/plain" || !strings.HasPrefix(response.Header.Get("X-Action-Redirect"), target) {
				t.Errorf("%s: got %d %q to %q with %d bytes", target, response.StatusCode, response.Header.Get("Content-Type"),
					response.Header.Get("X-Action-Redirect"), len(body))
			}
		}
	}
	if _, body := call(s.guarded, "/blog"); !strings.Contains(body, "PUBLIC-MARK") {
		t.Error("/blog: the page of an open target was dropped too")
	}
}

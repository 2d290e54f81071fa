package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// rulesOfVariant are the directives that the guard in front of a variant needs
// besides the rules, where it cannot read the build.
var rulesOfVariant = map[string]string{
	"basepath":   "default hybrid\nbase_path /base",
	"parameters": "auth /blog/members/*\nhybrid / /login /blog/* /feed/*\ndefault auth",
}

// firstRulesOfVariant are those that come before the rules of all variants.
var firstRulesOfVariant = map[string]string{
	"parameters": "auth /api/store/private/*\nhybrid /api/store/*",
}

// variants are the variants of the bypass app to test: the one with the Pages
// Router's i18n setting, or those of BYPASS_VARIANTS.
func variants() []string {
	if list := os.Getenv("BYPASS_VARIANTS"); list != "" {
		return strings.Fields(list)
	}
	return []string{"i18n"}
}

// startMinimal serves a build as an adapter's hosting does.
func startMinimal(t *testing.T, dir string) string {
	t.Helper()
	port := freeport.For(t)
	cmd := exec.Command("node", "serve.mjs", "127.0.0.1", port)
	cmd.Dir = dir
	start(t, cmd, "127.0.0.1:"+port)
	return port
}

// measuredVersion is the version of Next.js on which the targets of the variants
// were measured. Others need not serve a secret, or a page, for each of them.
const measuredVersion = "16.4"

// TestNoWayAroundVariants sends the measured targets to the apps that they were
// measured on: with a base path, with trailing slashes, with i18n in the Pages
// Router, with validated locales, and behind an adapter.
func TestNoWayAroundVariants(t *testing.T) {
	for _, version := range versions() {
		for _, variant := range variants() {
			t.Run(version+"/"+variant, func(t *testing.T) { wantNoWayAroundVariant(t, version, variant) })
		}
	}
}

func wantNoWayAroundVariant(t *testing.T, version, variant string) {
	s := startBypass(t, version, variant)
	probes := sharedProbes(t, variant)
	if variant == "minimal" {
		probes = append(probes, trustingHeaders()...)
	}
	secrets := 0
	sendAll(t, s.unguarded, probes, func(r reply) {
		switch {
		case r.probe.MustProtect && r.secret():
			secrets++
		case r.probe.MustProtect && version == measuredVersion:
			t.Errorf("%s %v: without a guard this is no secret (%d), so it tests nothing", r.probe.Target, r.probe.Headers, r.status)
		}
	})
	if secrets == 0 {
		t.Error("there was no secret to protect")
	}
	check := func(r reply) { checkVariant(t, r, version == measuredVersion) }
	sendAll(t, s.guarded, probes, check)
	sendAll(t, s.rules, probes, func(r reply) {
		if !strings.HasPrefix(r.probe.ClosesBy, "config-") && r.probe.ClosesBy != "locale-config" { // only the build knows
			check(r)
		}
	})
	t.Logf("%d targets, %d of which lead to a secret without a guard", len(probes), secrets)
}

// checkVariant looks for a secret in the answer, and for the page where it was
// measured to be open to everybody.
func checkVariant(t *testing.T, r reply, measured bool) {
	t.Helper()
	if r.secret() {
		t.Errorf("%s %q %v: a secret came through (%d)", r.probe.Method, r.probe.Target, r.probe.Headers, r.status)
	}
	if measured && strings.HasPrefix(r.probe.Serves, "public:") && r.probe.NextStatus == http.StatusOK && !strings.Contains(string(r.body), "PUBLIC-MARK") {
		t.Errorf("%s is open, but got %d", r.probe.Target, r.status)
	}
}

// trustingHeaders choose the page of an adapter's server, whatever the path.
func trustingHeaders() []probe {
	var probes []probe
	for _, name := range []string{"x-matched-path", "X-Matched-Path", "X-MATCHED-PATH"} {
		for _, target := range []string{"/login", "/", "/blog", "/login?nxtPid=1"} {
			probes = append(probes, probe{
				Method: http.MethodGet, Target: target, Headers: map[string]string{name: "/dashboard"}, MustProtect: true, ClosesBy: "header-strip",
			})
		}
	}
	return probes
}

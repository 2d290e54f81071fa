package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCaddyfileCommand holds what `npx caddy-session-guard caddyfile` prints to
// what Caddy says of it.
func TestCaddyfileCommand(t *testing.T) {
	needNode(t)
	if err := installExample(); err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Abs(filepath.Join(exampleDir, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	for name, configuration := range map[string]string{
		"nothing":  `{}`,
		"the main": `{ middleware: { routes: [route.public("/login"), route.auth(patterns.dashboard), route.hybrid("/")], homePath: "/dashboard" } }`,
		"every setting": `{
			session: { secretKey: process.env.MY_SECRET, sessionExpiry: 60 * 60 * 24 * 45, refreshThreshold: 5400, cookieName: "id", autoRefresh: false,
				secureCookie: true, sameSite: "strict", clientUpdate: ["name", "image"], forwardCookie: true },
			middleware: { routes: [route.public("/sign in"), route.auth("/orgs/*/settings"), route.auth("/blog*"), route.hybrid("*")], defaultType: "auth",
				loginPath: "/sign-in", homePath: "/orgs", locales: ["en", "pt-BR"] },
		}`,
		"a named realm": `{ session: { realm: "shop", sessionExpiry: 7200 }, middleware: { routes: [route.auth("/orders/*")], loginPath: "/enter" } }`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
			source := "import { NextAuthSession, patterns, route } from \"caddy-session-guard\";\nexport const { getSession } = NextAuthSession(" + configuration + ");\nvoid [patterns, route];\n"
			write(t, filepath.Join(dir, "package.json"), `{"type":"module"}`)
			write(t, filepath.Join(dir, "auth.ts"), source)
			write(t, filepath.Join(dir, "next.config.mjs"), `export default { basePath: "/shop" };`)
			command := exec.Command("node", filepath.Join(modules, "caddy-session-guard/dist/cli/main.js"), "caddyfile", "auth.ts")
			command.Dir = dir
			command.Env = append(os.Environ(), "MY_SECRET=q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f")
			printed, err := command.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, printed)
			}
			// What is printed stands in the site's block, apart from the global options of a named realm.
			options, site, found := strings.Cut(string(printed), "session_api")
			if !found {
				t.Fatalf("it prints no session_api:\n%s", printed)
			}
			if !strings.Contains(site, "\tbase_path /shop\n") {
				t.Errorf("it prints no base_path:\n%s", printed)
			}
			caddyfile := filepath.Join(dir, "Caddyfile")
			write(t, caddyfile, options+"\nlocalhost {\nsession_api"+site+"}\n")
			for _, action := range []string{"adapt", "validate"} {
				validate := exec.Command(caddyBinary(t), action, "--adapter", "caddyfile", "--config", caddyfile)
				validate.Env = append(os.Environ(), "MY_SECRET=q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f", "SESSION_SECRET=q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f", "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
				if output, err := validate.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", action, err, output)
				}
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

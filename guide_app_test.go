package sessionguard_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
	"github.com/session-guard/caddy-session-guard/internal/programs"
)

// The app that docs/guides.md shows for other frameworks signs in and out, behind the Caddyfile beside it.
func TestAppOfTheGuide(t *testing.T) {
	node := programs.Need(t, "node", "the app of the guide is not tried")
	_, section, _ := strings.Cut(read(t, "docs/guides.md"), "\n## An app in another framework\n")
	section, _, _ = strings.Cut(section, "\n## ")
	app := regexp.MustCompile("(?ms)^```js\n// app.mjs\n(.*?)^```$").FindStringSubmatch(section)
	site := snippetFence.FindStringSubmatch(section)
	if app == nil || site == nil || !strings.Contains(app[1], ".listen(3000,") || !strings.Contains(app[1], "https://app.example.com") {
		t.Fatal("docs/guides.md shows no app with its Caddyfile")
	}
	port := freeport.For(t)
	guarded := &rotatingSite{&exampleSite{t: t}, t.TempDir(), "127.0.0.1:" + port}
	t.Cleanup(func() { _ = caddy.Stop() })
	guarded.load("{\n}\n" + site[2])
	file := filepath.Join(t.TempDir(), "app.mjs")
	source := strings.NewReplacer("https://app.example.com", guarded.url, ".listen(3000,", ".listen("+port+",").Replace(app[1])
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), node, file)
	command.Stdout, command.Stderr = t.Output(), t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	waitFor(t, guarded.app)

	ask := func(method, path, origin, cookie string) (*http.Response, string) {
		request := httptest.NewRequestWithContext(t.Context(), method, guarded.url+path, nil)
		request.RequestURI = ""
		request.Header.Set("Accept", "text/html")
		request.Header.Set("Origin", origin)
		request.Header.Set("Cookie", cookie)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
	if response, _ := ask(http.MethodPost, "/login", "https://evil.example", ""); response.StatusCode != http.StatusForbidden || len(response.Cookies()) != 0 {
		t.Errorf("a form of another site: got %d and the cookies %v", response.StatusCode, response.Cookies())
	}
	const login = "/login?return_to=%2Fdashboard%2Fa"
	signedIn, _ := ask(http.MethodPost, login, guarded.url, "")
	if signedIn.StatusCode != http.StatusSeeOther || signedIn.Header.Get("Location") != login || len(signedIn.Cookies()) != 1 {
		t.Fatalf("signing in: got %d, %q and the cookies %v", signedIn.StatusCode, signedIn.Header.Get("Location"), signedIn.Cookies())
	}
	cookie := signedIn.Cookies()[0].Name + "=" + signedIn.Cookies()[0].Value
	if response, _ := ask(http.MethodGet, login, guarded.url, cookie); response.Header.Get("Location") != "/dashboard/a" {
		t.Errorf("from the login page the user goes to %q", response.Header.Get("Location"))
	}
	if _, page := ask(http.MethodGet, "/dashboard/a", guarded.url, cookie); page != "Hello, Ada." {
		t.Errorf("the user sees %q", page)
	}
	ask(http.MethodPost, "/logout", guarded.url, cookie)
	if response, _ := ask(http.MethodGet, "/dashboard/a", guarded.url, cookie); response.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("after signing out, the dashboard answers %d", response.StatusCode)
	}
}

// waitFor waits until somebody listens at an address.
func waitFor(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = connection.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

package sessionguard_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// globalOptions is the first block of a Caddyfile.
var globalOptions = regexp.MustCompile(`(?ms)^\{\n(.*?)^\}$`)

// Caddy's proxy logs the headers to the app when an answer breaks off, which any
// visitor can do. The log settings that people copy keep the session out of it.
func TestLogOfABrokenAnswerShowsNoSession(t *testing.T) {
	for _, file := range []string{"Caddyfile.example", "deploy/Caddyfile"} {
		t.Run(file, func(t *testing.T) {
			options := globalOptions.FindStringSubmatch(read(t, file))
			if options == nil || strings.Count(options[1], "\tlog {\n") != 1 {
				t.Fatalf("%s has no log settings", file)
			}
			logged := logOfABrokenAnswer(t, options[1])
			if !strings.Contains(logged, "aborting with incomplete response") {
				t.Fatalf("the proxy did not log that the answer broke off:\n%s", logged)
			}
			for _, secret := range []string{"X-Session-Data", "X-Session-User"} {
				if strings.Contains(logged, secret) {
					t.Errorf("the log shows %s:\n%s", secret, logged)
				}
			}
		})
	}
}

// Without its log the proxy shows no session at any level, and everything else is
// logged as before.
func TestProxyWithoutLogShowsNoSession(t *testing.T) {
	options := globalOptions.FindStringSubmatch(read(t, "docs/performance.md"))
	if options == nil {
		t.Fatal("docs/performance.md has no log settings")
	}
	for _, level := range []string{"INFO", "DEBUG"} {
		logged := logOfABrokenAnswer(t, strings.Replace(options[1], "\tlog {\n", "\tlog {\n\t\tlevel "+level+"\n", 1))
		if !strings.Contains(logged, `"msg":"handled request"`) {
			t.Fatalf("the request is not in the log:\n%s", logged)
		}
		for _, secret := range []string{"X-Session-Data", "X-Session-User", "http.handlers.reverse_proxy"} {
			if strings.Contains(logged, secret) {
				t.Errorf("the log shows %s:\n%s", secret, logged)
			}
		}
	}
}

// logOfABrokenAnswer lets an event stream of a signed-in visitor break off, and
// returns what Caddy with these global options logs of it.
func logOfABrokenAnswer(t *testing.T, options string) string {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("X-Session-Set", base64.RawURLEncoding.EncodeToString([]byte(`{"user":{"id":"ada"},"accessToken":"at-secret"}`)))
			return
		}
		if r.Header.Get("X-Session-User") == "" {
			t.Error("the visitor is not signed in")
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(app.Close)
	logFile, address := filepath.Join(t.TempDir(), "caddy.log"), "127.0.0.1:"+freeport.For(t)
	adapted, _, err := adapt(fmt.Sprintf("{\n%s\tadmin off\n\tpersist_config off\n\tstorage file_system %s\n}\n"+
		"http://%s {\n\tbind 127.0.0.1\n\tlog\n\tsession_guard {\n\t\tauth /events\n\t\tdefault hybrid\n\t}\n\treverse_proxy %s\n}\n",
		strings.Replace(options, "\tlog {\n", "\tlog {\n\t\toutput file "+logFile+"\n", 1), t.TempDir(), address, app.Listener.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	site := &exampleSite{t, "http://" + address}
	cookie := site.post("/login", "", "", "same-origin").Cookies()[0]
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, site.url+"/events", nil)
	request.RequestURI = ""
	request.AddCookie(cookie)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Fatal("the answer is whole")
	}
	return read(t, logFile)
}

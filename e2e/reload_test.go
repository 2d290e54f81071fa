package e2e

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// TestReloadUnderTraffic reloads the configuration while visitors keep asking:
// every request is answered, and everybody stays signed in. A connection that
// ends before any answer is opened again, as browsers do: while a port changes
// hands, plain Caddy ends some as well.
func TestReloadUnderTraffic(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sign-in" {
			w.Header().Set("X-Session-Set", base64.RawURLEncoding.EncodeToString([]byte(`{"user":{"id":"jonas"}}`)))
		}
		_, _ = io.WriteString(w, r.Header.Get("X-Session-User"))
	}))
	t.Cleanup(app.Close)
	_, appPort, _ := strings.Cut(strings.TrimPrefix(app.URL, "http://"), ":")
	port, admin := freeport.For(t), freeport.For(t)
	startCaddy(t, "reload.caddyfile", port, "APP_PORT="+appPort, "ADMIN_PORT="+admin)
	site := "http://127.0.0.1:" + port

	stop := make(chan struct{})
	var answered, repeated atomic.Int64
	var visitors sync.WaitGroup
	end := sync.OnceFunc(func() { close(stop); visitors.Wait() })
	defer end()
	for range 16 {
		b := newBrowser(t, site)
		b.client.Transport = &http.Transport{} // a connection of its own
		b.open("/sign-in")
		visitors.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				response, err := b.client.Get(site + "/dashboard")
				for range 5 {
					if err == nil {
						break
					}
					repeated.Add(1)
					response, err = b.client.Get(site + "/dashboard")
				}
				if err != nil {
					t.Errorf("a request was dropped: %v", err)
					return
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK || string(body) != "jonas" {
					t.Errorf("a visitor was logged out: %d %q %v", response.StatusCode, body, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	config, err := os.ReadFile("reload.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		before := answered.Load()
		reload(t, admin, config)
		for answered.Load() < before+16 && !t.Failed() {
			<-time.After(time.Millisecond) // there is traffic between the reloads
		}
	}
	end()
	t.Logf("%d requests were answered during 100 reloads, %d of them repeated", answered.Load(), repeated.Load())
}

// reload has Caddy load a configuration, although nothing has changed. The admin
// API changes hands as well, so a connection that ends before any answer is opened
// again.
func reload(t *testing.T, admin string, config []byte) {
	t.Helper()
	load := func() (*http.Response, error) {
		request, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:"+admin+"/load", bytes.NewReader(config))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "text/caddyfile")
		request.Header.Set("Cache-Control", "must-revalidate")
		return http.DefaultClient.Do(request)
	}
	response, err := load()
	for range 5 {
		if err == nil {
			break
		}
		response, err = load()
	}
	if response, body := page(t, response, err); response.StatusCode != http.StatusOK {
		t.Fatalf("the reload failed: %d %s", response.StatusCode, body)
	}
}

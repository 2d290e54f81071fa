package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// bench is a guard without a server around it, and the cookie of somebody who is
// signed in.
type bench struct {
	guard  *Guard
	cookie string
}

func newBench(t testing.TB) bench {
	t.Helper()
	keys, err := session.NewKeyring("", []byte("q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f"))
	require.NoError(t, err)
	guard := &Guard{logger: zap.NewNop(), realm: newRealm(&App{logger: zap.NewNop(), metrics: newMetrics()}, "default"), GuardConfig: GuardConfig{
		Rules: []Rule{{Type: "public", Patterns: []string{"/login"}}, {Type: "auth", Patterns: []string{"/dashboard/*"}}}, Default: "hybrid",
	}}
	manager, err := session.NewManager(guard.realm.core(), keys)
	require.NoError(t, err)
	guard.realm.ready.Store(manager)
	table, err := routes.Compile(guard.RoutesConfig())
	require.NoError(t, err)
	guard.table.Store(table)
	visitor, err := manager.Read(httptest.NewRequest(http.MethodGet, "/", nil))
	require.NoError(t, err)
	login := session.Login{User: session.User{"id": "ada", "name": "Ada Lovelace", "role": "admin"}, AccessToken: "at", RefreshToken: "rt"}
	require.NoError(t, visitor.Create(t.Context(), login))
	header := http.Header{}
	visitor.SetCookies(header)
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	return bench{guard, cookie}
}

// request is a browser's request as Caddy hands it to a handler.
func (b bench) request(path, cookie string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for name, value := range map[string]string{
		"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en,ar;q=0.8", "Accept-Encoding": "gzip, br",
		"User-Agent": "Mozilla/5.0", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin",
	} {
		r.Header.Set(name, value)
	}
	if cookie != "" {
		r.Header.Set("Cookie", "theme=dark; "+cookie)
	}
	return prepare(r)
}

// prepare gives the request what Caddy's server gives it.
func prepare(r *http.Request) *http.Request {
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), discard{}, new(caddyhttp.Server))
}

// discard is a response writer that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// decide is the decision alone, for an anonymous visitor.
func (b bench) decide(t testing.TB, r *http.Request) func() {
	v := &visit{request: r}
	return func() {
		v.table = b.guard.table.Load()
		v.route()
		if v.decision = b.guard.decideRequest(v); v.decision != decisionPass {
			t.Fatal(v.decision)
		}
	}
}

// decideSignedIn is a signed-in decision with all headers and placeholders.
func (b bench) decideSignedIn(t testing.TB, r *http.Request) func() {
	before := r.Header.Clone()
	return func() {
		r.Header["Cookie"] = before["Cookie"] // the guard removes it
		v, err := b.guard.look(r)
		if err != nil || v.session == nil || v.decision != decisionPass {
			t.Fatal(err, v)
		}
		b.guard.setPlaceholders(v)
		b.guard.identify(v)
	}
}

// The guard's own work costs no memory for an anonymous visitor, and little for
// a session that was seen before.
func TestGuardAllocations(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/blog/a-post", "/", "/login"} {
		if n := testing.AllocsPerRun(100, b.decide(t, b.request(path, ""))); n != 0 {
			t.Errorf("%s: an anonymous decision costs %v allocations", path, n)
		}
	}
	if n := testing.AllocsPerRun(100, b.decideSignedIn(t, b.request("/dashboard/settings", b.cookie))); n > 12 {
		t.Errorf("a decision for a session that was seen before costs %v allocations, at most 12 are wanted", n)
	}
}

// Names of headers are compared without memory of their own, however long and
// however they are spelled.
func TestCleaningAllocations(t *testing.T) {
	b := newBench(t)
	r := b.request("/", "")
	for _, name := range []string{"X-Request-Id", "X-Forwarded-For", "X_Forwarded_For", "Forward-Me", "Location-Hint"} {
		r.Header[name] = []string{"x"}
	}
	r.Header["Connection"] = []string{"keep-alive, Upgrade", "HTTP2-Settings"}
	table := b.guard.table.Load()
	if n := testing.AllocsPerRun(100, func() { cleanRequest(r, table, false) }); n != 0 {
		t.Errorf("cleaning costs %v allocations", n)
	}
	long := "X-" + strings.Repeat("Long-", 1000)
	r.Header[long], r.Header["X-Middleware-"+long], r.Header["Forwarded"] = []string{"x"}, []string{"x"}, []string{"x"}
	cleanRequest(r, table, false)
	if r.Header[long] == nil || r.Header["X-Middleware-"+long] != nil || r.Header["Forwarded"] != nil {
		t.Error("long names are mistaken")
	}
}

var (
	contentType   = []string{"text/html; charset=utf-8"}
	contentLength = []string{"34"}
	date          = []string{"Mon, 02 Mar 2026 12:00:00 GMT"}
)

func BenchmarkGuard(b *testing.B) {
	bench := newBench(b)
	page := []byte("<!doctype html><title>Page</title>")
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error { // as an app answers
		header := w.Header()
		header["Content-Type"], header["Content-Length"], header["Date"] = contentType, contentLength, date
		w.WriteHeader(http.StatusOK)
		_, err := w.Write(page)
		return err
	})
	b.Run("decide/anonymous", func(b *testing.B) {
		step := bench.decide(b, bench.request("/blog/a-post", ""))
		b.ReportAllocs()
		for b.Loop() {
			step()
		}
	})
	b.Run("decide/seen", func(b *testing.B) {
		r := bench.request("/dashboard/settings", bench.cookie)
		step := bench.decideSignedIn(b, r)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			renew(r, i)
			step()
		}
	})
	for name, cookie := range map[string]string{"anonymous": "", "seen": bench.cookie, "invalid": bench.cookie[:len(bench.cookie)-9] + "AAAAAAAAA"} {
		b.Run("through/"+name, func(b *testing.B) {
			r := bench.request("/blog/a-post", cookie)
			before := r.Header.Clone()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				renew(r, i)
				r.Header["Cookie"] = before["Cookie"]
				if err := bench.guard.ServeHTTP(discard{http.Header{}}, r, next); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// renew gives the request a new replacer now and then: it collects one provider a
// request.
func renew(r *http.Request, i int) {
	if i%64 == 0 {
		*r = *prepare(r.WithContext(context.Background()))
	}
}

func (b bench) with(t *testing.T, change func(*session.Settings)) {
	t.Helper()
	settings := b.guard.realm.core()
	change(&settings)
	manager, err := session.NewManager(settings, b.guard.realm.ready.Load().Keys())
	require.NoError(t, err)
	b.guard.realm.ready.Store(manager)
}

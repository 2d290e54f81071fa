package sessionguard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// Forms on other sites may not sign visitors in or out (login CSRF and logout CSRF).
func TestExampleRefusesFormsOfOtherSites(t *testing.T) {
	site := startExample(t)
	cookie := site.signIn("Ada Lovelace")
	for _, path := range []string{"/login", "/logout", "/"} {
		for _, signedIn := range []bool{false, true} {
			if signedIn && path == "/login" {
				continue // the guard has sent this visitor home already
			}
			cookies := ""
			if signedIn {
				cookies = cookie
			}
			response := site.post(path, "name=Mallory", cookies, "cross-site")
			if response.StatusCode != http.StatusForbidden || len(response.Header["Set-Cookie"]) != 0 {
				t.Errorf("a form of another site posts to %s, signed in %t: got %d and Set-Cookie %q, want 403 and none",
					path, signedIn, response.StatusCode, response.Header["Set-Cookie"])
			}
		}
	}
	if page := site.page("/dashboard", cookie); !strings.Contains(page, "Hello, Ada Lovelace.") {
		t.Errorf("the visitor is not signed in any more:\n%s", page)
	}
	// The site's own form still works.
	response := site.post("/logout", "", cookie, "same-origin")
	if cleared := strings.Join(response.Header["Set-Cookie"], "\n"); response.StatusCode != http.StatusSeeOther || !strings.HasPrefix(cleared, "session=;") {
		t.Errorf("signing out: got %d and Set-Cookie %q", response.StatusCode, cleared)
	}
}

// Else the browser's Back button shows who was signed in, from its own memory.
func TestExampleKeepsPagesOfVisitorsOutOfTheBrowsersMemory(t *testing.T) {
	site := startExample(t)
	cookie := site.signIn("Ada Lovelace")
	for _, path := range []string{"/", "/dashboard"} {
		response, body := site.ask(http.MethodGet, path, "", cookie, "none")
		if directives := response.Header.Get("Cache-Control"); !strings.Contains(body, "Ada Lovelace") || !strings.Contains(directives, "no-store") {
			t.Errorf("%s has Cache-Control %q", path, directives)
		}
	}
}

// The page counts from when it was loaded, so that no clock of a visitor's computer makes it reload without end.
func TestExampleTellsTheTimeLeft(t *testing.T) {
	site := startExample(t)
	page := site.page("/dashboard", site.signIn("Ada Lovelace"))
	_, rest, _ := strings.Cut(page, `data-milliseconds="`)
	written, _, _ := strings.Cut(rest, `"`)
	milliseconds, err := strconv.Atoi(written)
	if left := time.Duration(milliseconds) * time.Millisecond; err != nil || left <= 29*time.Minute || left > 30*time.Minute {
		t.Errorf("the dashboard says that %q milliseconds are left, want half an hour:\n%s", written, page)
	}
}

func TestExampleSignsIn(t *testing.T) {
	site := startExample(t)
	for path, expected := range map[string]string{"/login": "/login", "/login?return_to=%2Fdashboard": "/login?return_to=%2Fdashboard"} {
		if location := site.post(path, "name=Ada", "", "same-origin").Header.Get("Location"); location != expected {
			t.Errorf("after signing in at %s, the visitor goes to %q, want %q", path, location, expected)
		}
	}
	ids := map[string]string{}
	for _, name := range []string{"Ada Lovelace", "李小龙", "Владимир", "!!!"} {
		id := site.dashboard(site.signIn(name), "User id")
		if other, taken := ids[id]; taken || id == "" {
			t.Errorf("%s and %s share the id %q", name, other, id)
		}
		ids[id] = name
	}
	shown := site.dashboard(site.signIn(strings.Repeat("a", 39)+strings.Repeat("é", 10)), "Name")
	if expected := strings.Repeat("a", 39) + "é"; shown != expected || !utf8.ValidString(shown) {
		t.Errorf("a long name is shown as %q, want %q", shown, expected)
	}
}

// exampleSite is the site of Caddyfile.example, in a Caddy that runs.
type exampleSite struct {
	t   *testing.T
	url string
}

func startExample(t *testing.T) *exampleSite {
	t.Helper()
	port, appPort := freeport.For(t), freeport.For(t)
	site, app := "127.0.0.1:"+port, "127.0.0.1:"+appPort
	written := read(t, "Caddyfile.example")
	for _, place := range []string{"\n{\n", "http://localhost:8080 {", "http://:8081 {", "reverse_proxy 127.0.0.1:8081"} {
		if strings.Count(written, place) != 1 {
			t.Fatalf("Caddyfile.example has not %q once", place)
		}
	}
	moved := strings.NewReplacer(
		"\n{\n", "\n{\n\tadmin off\n\tpersist_config off\n\tstorage file_system "+t.TempDir()+"\n",
		"http://localhost:8080 {", "http://"+site+" {\n\tbind 127.0.0.1", "http://:8081 {", "http://:"+appPort+" {", "127.0.0.1:8081", app,
	).Replace(written)
	adapted, _, err := adapt(moved)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &exampleSite{t, "http://" + site}
}

// ask sends a request as a browser does, and follows no redirect. The body is read.
func (s *exampleSite) ask(method, path, form, cookie, fetchSite string) (*http.Response, string) {
	s.t.Helper()
	request := httptest.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(form))
	request.RequestURI = ""
	request.Header.Set("Accept", "text/html")
	request.Header.Set("Sec-Fetch-Site", fetchSite)
	if form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

func (s *exampleSite) post(path, form, cookie, fetchSite string) *http.Response {
	s.t.Helper()
	response, _ := s.ask(http.MethodPost, path, form, cookie, fetchSite)
	return response
}

func (s *exampleSite) page(path, cookie string) string {
	s.t.Helper()
	_, body := s.ask(http.MethodGet, path, "", cookie, "none")
	return body
}

// signIn signs a visitor in by the form of the site, and returns the Cookie header.
func (s *exampleSite) signIn(name string) string {
	s.t.Helper()
	response := s.post("/login", url.Values{"name": {name}}.Encode(), "", "same-origin")
	cookies := response.Cookies()
	if response.StatusCode != http.StatusSeeOther || len(cookies) != 1 {
		s.t.Fatalf("signing in as %q: got %d and the cookies %v", name, response.StatusCode, cookies)
	}
	return cookies[0].Name + "=" + cookies[0].Value
}

// dashboard is what the dashboard shows of a visitor.
func (s *exampleSite) dashboard(cookie, term string) string {
	s.t.Helper()
	page := s.page("/dashboard", cookie)
	_, rest, found := strings.Cut(page, "<dt>"+term+"</dt><dd>")
	if !found {
		s.t.Fatalf("the dashboard shows no %s:\n%s", term, page)
	}
	shown, _, _ := strings.Cut(rest, "</dd>")
	return shown
}

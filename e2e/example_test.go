package e2e

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestExample drives the example app as its visitors do.
func TestExample(t *testing.T) {
	s := startExample(t)

	t.Run("an anonymous visitor logs in and lands on the wanted page", func(t *testing.T) {
		b := newBrowser(t, s.url)
		response, _ := b.open("/dashboard/profile?tab=1")
		login := "/login?return_to=%2Fdashboard%2Fprofile%3Ftab%3D1"
		b.redirects(response, http.StatusTemporaryRedirect, login)
		response, _ = b.submit(login, `name="password"`, map[string]string{"email": "jonas@example.com", "password": "wrong"})
		if response.StatusCode != http.StatusOK || len(b.cookies()) != 0 {
			t.Fatalf("a wrong password: got %d and %d cookies", response.StatusCode, len(b.cookies()))
		}
		response, _ = b.submit(login, `name="password"`, jonas)
		b.redirects(response, http.StatusSeeOther, "/dashboard/profile?tab=1")
		for _, cookie := range b.cookies() {
			if cookie.Name != "session" {
				t.Errorf("the browser got the cookie %s, which is meant for Caddy", cookie.Name)
			}
		}
		response, body := b.open("/dashboard/profile?tab=1")
		b.shows(response, body, `value="Jonas Berg"`)
		if cache := response.Header.Get("Cache-Control"); !strings.Contains(cache, "private") {
			t.Errorf("a page of a signed-in visitor has Cache-Control %q", cache)
		}
		response, _ = b.open("/login?return_to=%2Fdashboard%2Fprofile")
		b.redirects(response, http.StatusTemporaryRedirect, "/dashboard/profile")
		s.asked()
		if response, body = b.open("/dashboard/admin"); response.StatusCode != http.StatusForbidden || !strings.Contains(body, "Your key does not open this door.") {
			t.Errorf("a member at /dashboard/admin: got %d, want 403 with a page of Caddy's:\n%s", response.StatusCode, body)
		}
		if asked := s.asked(); len(asked) > 0 {
			t.Errorf("for its page of 403 Caddy asked the app for %s", asked[0].URL)
		}
	})

	t.Run("the dashboard in English and Arabic", func(t *testing.T) {
		b := newBrowser(t, s.url)
		response, _ := b.open("/ar/dashboard")
		b.redirects(response, http.StatusTemporaryRedirect, "/ar/login?return_to=%2Far%2Fdashboard")
		response, body := b.open("/ar/login?return_to=%2Far%2Fdashboard")
		b.shows(response, body, "تسجيل الدخول")
		response, _ = b.submit("/ar/login?return_to=%2Far%2Fdashboard", `name="password"`, jonas)
		b.redirects(response, http.StatusSeeOther, "/ar/dashboard")
		response, body = b.open("/ar/dashboard")
		b.shows(response, body, `dir="rtl"`)
		b.shows(response, body, "Jonas Berg")
		response, body = b.open("/dashboard")
		if strings.Contains(body, `<template id="B:`) {
			t.Error("a part of the page waits for JavaScript")
		}
		b.shows(response, body, `aria-label="Account of Jonas Berg"`)
		b.shows(response, body, `lang="en"`)
		b.shows(response, body, "jonas@example.com")
	})

	t.Run("sign-in by a Route Handler", func(t *testing.T) { testRouteHandler(t, s) })
	t.Run("login and logout by the client of Next.js", func(t *testing.T) { testActions(t, s) })
	t.Run("the session API", func(t *testing.T) { testSessionAPI(t, s) })

	t.Run("signing out", func(t *testing.T) {
		b := newBrowser(t, s.url)
		b.signIn()
		stolen := b.cookies()[0]
		response, _ := b.submit("/dashboard", "$ACTION_ID", nil)
		b.redirects(response, http.StatusSeeOther, "/")
		if len(b.cookies()) != 0 {
			t.Errorf("after the sign-out the browser holds %v", b.cookies())
		}
		response, _ = b.open("/dashboard")
		b.redirects(response, http.StatusTemporaryRedirect, "/login?return_to=%2Fdashboard")
		response, _ = b.ask(http.MethodGet, "/dashboard", "", "Cookie", stolen.Name+"="+stolen.Value)
		b.redirects(response, http.StatusTemporaryRedirect, "/login?return_to=%2Fdashboard")
	})

	t.Run("a tampered cookie is nobody's and is cleared", func(t *testing.T) {
		b := newBrowser(t, s.url)
		b.signIn()
		value := []byte(b.cookies()[0].Value)
		value[len(value)/2] ^= 1
		stranger := newBrowser(t, s.url)
		response, _ := stranger.ask(http.MethodGet, "/dashboard", "", "Cookie", "session="+string(value))
		stranger.redirects(response, http.StatusTemporaryRedirect, "/login?return_to=%2Fdashboard")
		if set := response.Header.Get("Set-Cookie"); !strings.HasPrefix(set, "session=;") {
			t.Errorf("the cookie is not cleared: %q", set)
		}
		s.asked()
		stranger.ask(http.MethodGet, "/login", "", "Cookie", "session="+string(value))
		for _, request := range s.asked() {
			if strings.Contains(request.Header.Get("Cookie"), "session") {
				t.Errorf("the app saw a cookie that does not open: %s", request.Header.Get("Cookie"))
			}
		}
	})

	t.Run("a session ends", func(t *testing.T) {
		short, _ := s.guard(t, "SESSION_EXPIRY=3s", "SESSION_REFRESH_THRESHOLD=1s")
		b := newBrowser(t, short)
		b.signIn()
		// The jar would drop the cookie by its Max-Age; a client may keep it.
		cookie := "session=" + b.cookies()[0].Value
		keeper := newBrowser(t, short)
		response, body := keeper.ask(http.MethodGet, "/dashboard", "", "Cookie", cookie)
		keeper.shows(response, body, "Jonas Berg")
		deadline := time.Now().Add(10 * time.Second)
		for response.StatusCode == http.StatusOK && time.Now().Before(deadline) {
			<-time.After(100 * time.Millisecond) // the clock of another process
			response, _ = keeper.ask(http.MethodGet, "/dashboard", "", "Cookie", cookie)
		}
		keeper.redirects(response, http.StatusTemporaryRedirect, "/login?return_to=%2Fdashboard")
	})

	t.Run("what begins as the path of the image optimizer", func(t *testing.T) {
		const target = "/_next/imagex?url=%2Fdashboard&w=640&q=75"
		if _, body := newBrowser(t, "http://127.0.0.1:"+s.appPort).ask(http.MethodGet, target, ""); !strings.Contains(body, "valid image") {
			t.Errorf("Next.js itself does not take %s for the optimizer, so this tests nothing:\n%s", target, body)
		}
		s.asked()
		if response, _ := newBrowser(t, s.url).ask(http.MethodGet, target, ""); response.StatusCode != http.StatusTemporaryRedirect || len(s.asked()) > 0 {
			t.Errorf("the guard has it fetch a page that needs a session: %d", response.StatusCode)
		}
	})

	t.Run("the app never sees an identity that a client made up", func(t *testing.T) { testSpoofing(t, s) })
}

// testRouteHandler posts the login form to /api/sign-in instead of its action.
func testRouteHandler(t *testing.T, s *site) {
	post := func(b *browser, origin, password, returnTo string) *http.Response {
		form := url.Values{"email": {jonas["email"]}, "password": {password}, "return_to": {returnTo}}
		response, _ := b.ask(http.MethodPost, "/api/sign-in", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", origin)
		return response
	}
	b := newBrowser(t, s.url)
	b.redirects(post(b, s.url, "wrong", "/dashboard/profile"), http.StatusSeeOther, "/login?error=wrongPassword&return_to=%2Fdashboard%2Fprofile")
	response, body := b.open("/login?error=wrongPassword")
	b.shows(response, body, `role="alert">This email and password`)
	if response := post(b, "https://evil.example", jonas["password"], "/"); response.StatusCode != http.StatusForbidden || len(b.cookies()) != 0 {
		t.Errorf("a form of another site: got %d and %d cookies", response.StatusCode, len(b.cookies()))
	}
	b.redirects(post(b, s.url, jonas["password"], "//evil.example"), http.StatusSeeOther, "/dashboard")
	response, body = b.open("/dashboard")
	b.shows(response, body, "Jonas Berg")
	// Signed in already: the form does not reach the app.
	s.asked()
	b.redirects(post(b, s.url, jonas["password"], "/"), http.StatusSeeOther, "/dashboard")
	if asked := s.asked(); len(asked) != 0 {
		t.Errorf("the app was asked %s %s", asked[0].Method, asked[0].URL)
	}
}

// testActions signs in and out as the client of Next.js does, by fetch.
func testActions(t *testing.T, s *site) {
	b := newBrowser(t, s.url)
	ids := actionIDs(t, exampleDir)
	contentType, content := multipartBody(t, map[string]string{
		"_1_email": jonas["email"], "_1_password": jonas["password"], "_1_locale": "en", "0": `[{},"$K1"]`,
	})
	response, body := b.action("/login", ids["login"], contentType, content)
	if target := response.Header.Get("X-Action-Redirect"); !strings.HasPrefix(target, "/dashboard") {
		t.Fatalf("login: got %d, X-Action-Redirect %q\n%s", response.StatusCode, target, body)
	}
	// Next.js rendered the dashboard ahead, as anonymous. The browser must load it through the guard.
	if body != "" || response.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("the page that was rendered ahead came through: %s %q", response.Header.Get("Content-Type"), body)
	}
	if len(b.cookies()) != 1 {
		t.Fatalf("after the login the browser holds %v", b.cookies())
	}
	response, body = b.open("/dashboard")
	b.shows(response, body, "Jonas Berg")

	contentType, content = multipartBody(t, map[string]string{"_1_locale": "en", "0": `["$K1"]`})
	response, body = b.action("/dashboard", ids["logout"], contentType, content)
	if target := response.Header.Get("X-Action-Redirect"); !strings.HasPrefix(target, "/") || body != "" || len(b.cookies()) != 0 {
		t.Errorf("logout: X-Action-Redirect %q, %d cookies, body %q", target, len(b.cookies()), body)
	}

	// Anonymous: not run at all, and never a redirect that the browser would replay.
	s.asked()
	contentType, content = multipartBody(t, map[string]string{"_1_name": "Mallory", "_1_locale": "en", "0": `[{},"$K1"]`})
	response, _ = b.action("/dashboard/profile", ids["saveProfile"], contentType, content)
	if response.StatusCode != http.StatusUnauthorized || response.Header.Get("X-Action-Redirect") != "/login?return_to=%2Fdashboard%2Fprofile" {
		t.Errorf("a denied action: got %d, X-Action-Redirect %q", response.StatusCode, response.Header.Get("X-Action-Redirect"))
	}
	if asked := s.asked(); len(asked) != 0 {
		t.Errorf("the app was asked %s %s", asked[0].Method, asked[0].URL)
	}
}

// action calls a Server Action as the client of Next.js does.
func (b *browser) action(path, id, contentType, content string) (*http.Response, string) {
	b.Helper()
	if id == "" {
		b.Fatal("the build has no such action")
	}
	return b.ask(http.MethodPost, path, content, "Accept", "text/x-component", "Next-Action", id, "Content-Type", contentType,
		"Origin", b.site, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Site", "same-origin")
}

// actionIDs are the ids of a build's Server Actions by their exported names.
func actionIDs(t *testing.T, dir string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, ".next/server/server-reference-manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Node map[string]struct {
			ExportedName string `json:"exportedName"`
		} `json:"node"`
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for id, action := range manifest.Node {
		ids[action.ExportedName] = id
	}
	for name, file := range map[string]string{"go": "login", "readReport": "dashboard", "renameReport": "dashboard"} {
		// Next.js 14 writes no names, but an id is the hash of one.
		source, err := filepath.Abs(filepath.Join(dir, "app", file, "actions.js"))
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("%x", sha1.Sum([]byte(source+":"+name)))
		if _, ok := manifest.Node[id]; ok {
			ids[name] = id
		}
	}
	return ids
}

// testSessionAPI reads, refreshes and changes a session as the browser's code does.
func testSessionAPI(t *testing.T, s *site) {
	b := newBrowser(t, s.url)
	type answer struct {
		Session *struct {
			User         map[string]any `json:"user"`
			CreatedAt    int64          `json:"createdAt"`
			LastActivity int64          `json:"lastActivity"`
			ExpiresAt    int64          `json:"expiresAt"`
		} `json:"session"`
	}
	call := func(method, body string, want int) answer {
		t.Helper()
		response, text := b.ask(method, "/api/session", body, "Accept", "application/json", "Content-Type", "application/json",
			"Origin", b.site, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors")
		if response.StatusCode != want {
			t.Fatalf("%s %s: got %d, want %d: %s", method, body, response.StatusCode, want, text)
		}
		var a answer
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatalf("%s: %v in %s", method, err, text)
		}
		return a
	}
	if a := call(http.MethodGet, "", http.StatusOK); a.Session != nil {
		t.Errorf("anonymous: got %+v", a.Session)
	}
	call(http.MethodPost, "", http.StatusUnauthorized)
	b.signIn()
	before := call(http.MethodGet, "", http.StatusOK).Session
	after := call(http.MethodPost, "", http.StatusOK).Session
	if before == nil || after == nil || after.CreatedAt != before.CreatedAt || after.ExpiresAt < before.ExpiresAt || after.LastActivity < before.LastActivity {
		t.Fatalf("refresh: from %+v to %+v", before, after)
	}
	if a := call(http.MethodPatch, `{"user":{"name":"Jonas Ångström"}}`, http.StatusOK); a.Session.User["name"] != "Jonas Ångström" {
		t.Errorf("PATCH: got %v", a.Session.User)
	}
	call(http.MethodPatch, `{"user":{"role":"admin"}}`, http.StatusForbidden)
	response, body := b.open("/dashboard")
	b.shows(response, body, "Jonas Ångström")
	if response, _ = b.open("/dashboard/admin"); response.StatusCode != http.StatusForbidden {
		t.Errorf("after a PATCH of the role, /dashboard/admin answers %d", response.StatusCode)
	}
	if a := call(http.MethodDelete, "", http.StatusOK); a.Session != nil || len(b.cookies()) != 0 {
		t.Errorf("DELETE: got %+v and cookies %v", a.Session, b.cookies())
	}
}

// testSpoofing claims to be somebody in every way, and looks at what the app was
// told.
func testSpoofing(t *testing.T, s *site) {
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"user":{"id":"1","name":"Mallory","role":"admin"}}`))
	signedIn := newBrowser(t, s.url)
	signedIn.signIn()
	anonymous := newBrowser(t, s.url)
	s.asked()
	for _, name := range []string{"X-Session-User", "x-session-data", "X_Session_Data", "X.Session.Data", "X-Session_Data", "X-SESSION-ROLE", "X-Session-Realm"} {
		for _, b := range []*browser{anonymous, signedIn} {
			for _, path := range []string{"/", "/dashboard", "/api/unknown", "/icon.svg"} {
				request, err := http.NewRequest(http.MethodGet, s.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header[name] = []string{forged, forged}
				request.Header["Cookie"] = []string{"session.set=" + forged + "; session.update=" + forged}
				request.Header["Connection"] = []string{"keep-alive, X-Session-Data, X-Session-User, Cookie"}
				response, err := b.client.Do(request)
				if _, body := page(t, response, err); strings.Contains(body, "Mallory") {
					t.Errorf("%s on %s: the page greets Mallory", name, path)
				}
			}
		}
	}
	asked := s.asked()
	if len(asked) < 40 {
		t.Fatalf("the app was asked %d times only", len(asked))
	}
	withSession := 0
	for _, request := range asked {
		for name, values := range request.Header {
			if slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, forged) }) {
				t.Errorf("%s: the app was told %s, as the client wished", request.URL, name)
			}
		}
		if realm := request.Header["X-Session-Realm"]; !slices.Equal(realm, []string{"default"}) {
			t.Errorf("%s: X-Session-Realm is %q", request.URL, realm)
		}
		switch user := request.Header["X-Session-User"]; {
		case len(user) == 0:
			if data := request.Header["X-Session-Data"]; len(data) != 0 {
				t.Errorf("%s: X-Session-Data %q of nobody", request.URL, data)
			}
		case slices.Equal(user, []string{"2"}) && len(request.Header["X-Session-Data"]) == 1:
			withSession++
		default:
			t.Errorf("%s: X-Session-User is %q", request.URL, user)
		}
	}
	if withSession < 20 {
		t.Errorf("the app saw the signed-in visitor %d times only", withSession)
	}
}

// TestExampleWithCacheComponents drives the build that prerenders what does not
// depend on the visitor.
func TestExampleWithCacheComponents(t *testing.T) {
	needNode(t)
	if err := buildExampleWithCacheComponents(); err != nil {
		t.Fatal(err)
	}
	s := startSite(t, startNext(t, exampleDir, "CACHE_COMPONENTS=1"), readsBuild(t, ".next-cache-components"))
	b := newBrowser(t, s.url)
	response, _ := b.open("/dashboard/profile")
	b.redirects(response, http.StatusTemporaryRedirect, "/login?return_to=%2Fdashboard%2Fprofile")
	b.signIn()
	for path, text := range map[string]string{
		"/":                  "Welcome back, Jonas Berg.",
		"/dashboard":         "Hello, Jonas Berg",
		"/dashboard/profile": `value="Jonas Berg"`,
		"/ar/dashboard":      `aria-label="حساب Jonas Berg"`,
		"/session":           `&quot;jonas@example.com&quot;`,
	} {
		response, body := b.open(path)
		b.shows(response, body, text)
		if cache := response.Header.Get("Cache-Control"); !strings.Contains(cache, "private") {
			t.Errorf("%s: Cache-Control is %q", path, cache)
		}
	}
	anonymous := newBrowser(t, s.url)
	response, body := anonymous.open("/")
	anonymous.shows(response, body, "The door is in front of the house.")
	if strings.Contains(body, "Jonas") {
		t.Error("the prerendered page knows who saw it before")
	}
}

// TestExampleCaddyfile holds the example's Caddyfile to what Caddy says of it.
func TestExampleCaddyfile(t *testing.T) {
	needNode(t)
	caddyfile := filepath.Join(exampleDir, "Caddyfile")
	caddy := caddyBinary(t)
	if err := installExample(); err != nil {
		t.Fatal(err)
	}
	if err := run(exampleDir, "node", "node_modules/caddy-session-guard/dist/cli/main.js", "caddyfile", "lib/auth.ts", "--check", "Caddyfile"); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"adapt", "--config", caddyfile}, {"validate", "--config", caddyfile}, {"fmt", "--diff", caddyfile}} {
		if err := run(".", caddy, args...); err != nil {
			t.Error(err)
		}
	}
}

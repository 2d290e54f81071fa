package sessionapi_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

const (
	origin = "https://app.example.com"
	secret = "qF3vZ8Rk1mW7xT5cJ9hB2nL6pD4sG0yA"
	apiKey = "Xc5Vb8Nm1Qw4Er7Ty0Ui3Op6As9Df2Gh"
)

// site is a session API with one clock and one browser.
type site struct {
	t       *testing.T
	manager *session.Manager
	handler *sessionapi.Handler
	now     time.Time
	cookies map[string]string
}

// newSite makes a site; configure may be nil.
func newSite(t *testing.T, configure func(*session.Settings, *sessionapi.Config)) *site {
	t.Helper()
	s := &site{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), cookies: map[string]string{}}
	settings := session.Settings{Now: func() time.Time { return s.now }, ClientUpdate: []string{"name", "theme"}}
	config := sessionapi.Config{APIKeys: [][]byte{[]byte(apiKey)}}
	if configure != nil {
		configure(&settings, &config)
	}
	keys, err := session.NewKeyring("", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	if config.Manager, err = session.NewManager(settings, keys); err != nil {
		t.Fatal(err)
	}
	if s.handler, err = sessionapi.New(config); err != nil {
		t.Fatal(err)
	}
	s.manager = config.Manager
	return s
}

// signedIn is a site on which ann is signed in.
func signedIn(t *testing.T, configure func(*session.Settings, *sessionapi.Config)) *site {
	t.Helper()
	s := newSite(t, configure)
	s.signIn(session.Login{
		User:        session.User{"id": "ann", "name": "Ann", "role": "reader"},
		AccessToken: "access-7f3a", RefreshToken: "refresh-91bc",
	})
	return s
}

func (s *site) signIn(login session.Login) {
	s.t.Helper()
	visitor, err := s.manager.Read(httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, origin, nil))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := visitor.Create(s.t.Context(), login); err != nil {
		s.t.Fatal(err)
	}
	header := http.Header{}
	visitor.SetCookies(header)
	s.keep(header)
}

// keep does with Set-Cookie what a browser does.
func (s *site) keep(header http.Header) {
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		if cookie.MaxAge < 0 {
			delete(s.cookies, cookie.Name)
		} else {
			s.cookies[cookie.Name] = cookie.Value
		}
	}
}

// request is a request of the browser: JSON if there is a body. Each header is
// "Name: value"; a name alone removes.
func (s *site) request(method, body string, headers ...string) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, origin+"/api/session", reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, name := range slices.Sorted(maps.Keys(s.cookies)) {
		r.AddCookie(&http.Cookie{Name: name, Value: s.cookies[name]})
	}
	replaced := map[string]bool{}
	for _, header := range headers {
		name, value, given := strings.Cut(header, ": ")
		if !replaced[name] {
			r.Header.Del(name)
			replaced[name] = true
		}
		if given {
			r.Header.Add(name, value)
		}
	}
	return r
}

// do sends a request of the browser and keeps the cookies of the answer.
func (s *site) do(method, body string, headers ...string) answer {
	s.t.Helper()
	return s.send(s.request(method, body, headers...))
}

func (s *site) send(r *http.Request) answer {
	s.t.Helper()
	recorder := httptest.NewRecorder()
	if err := s.handler.ServeHTTP(recorder, r); err != nil {
		s.t.Errorf("%s: client input became a fault: %v", r.Method, err)
	}
	s.keep(recorder.Header())
	return read(s.t, recorder)
}

// answer is what a client reads of an answer.
type answer struct {
	status  int
	header  http.Header
	text    string
	Session *struct {
		User         map[string]any
		AccessToken  string
		RefreshToken string
		ExpiresAt    int64
		CreatedAt    int64
		LastActivity int64
		ExpiryDate   string
	}
	RefreshThreshold float64
	Title, Detail    string
	Status           int
}

// read checks what holds for every answer.
func read(t *testing.T, recorder *httptest.ResponseRecorder) answer {
	t.Helper()
	a := answer{status: recorder.Code, header: recorder.Header(), text: recorder.Body.String()}
	for name, want := range map[string]string{
		"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff",
		"Vary": "Cookie", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the answer has the CORS header %s", name)
		}
	}
	for _, hidden := range []string{secret, apiKey, "jti", "eyJ"} {
		if strings.Contains(a.text, hidden) {
			t.Errorf("the body shows %q: %s", hidden, a.text)
		}
	}
	if a.text == "" {
		return a
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &a); err != nil {
		t.Fatalf("the body is not JSON: %v: %s", err, a.text)
	}
	if a.status < 400 {
		if got := a.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type %q", got)
		}
		return a
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q of a problem", got)
	}
	if a.Title == "" || a.Detail == "" || a.Status != a.status {
		t.Errorf("incomplete problem: %s", a.text)
	}
	return a
}

func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d: %s", a.status, status, a.text)
	}
	return a
}

// refused checks that the answer is a problem of that status that sets no
// session and leaves ann as she was.
func (s *site) refused(a answer, status int) {
	s.t.Helper()
	a.want(s.t, status)
	for _, line := range a.header["Set-Cookie"] {
		if !strings.Contains(line, "Max-Age=0") {
			s.t.Errorf("a refusal sets %s", line)
		}
	}
	if len(s.cookies) == 0 {
		return
	}
	after := s.do(http.MethodGet, "").Session
	if after == nil || after.User["id"] != "ann" || after.User["role"] != "reader" || after.User["name"] != "Ann" || len(after.User) != 3 {
		s.t.Errorf("the refusal changed the session: %+v", after)
	}
}

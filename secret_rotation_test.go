package sessionguard_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

const oldSecret, newSecret = "Ty6bN2mKq8Wd4Lr0Sv5Zx1Cj7Hf3PgUe", "Wb5nT8qLx2Rm7Kd1Yc9Vf4Hs6Jg3ZaPe"

// Whoever rotates a secret as docs/guides.md shows signs nobody out, and ends up without the old one.
func TestSecretsRotateAsTheGuideSays(t *testing.T) {
	folder := t.TempDir()
	writeSecret(t, filepath.Join(folder, "session_secret"), oldSecret)
	writeSecret(t, filepath.Join(folder, "session_secret_new"), newSecret)
	t.Setenv("SESSION_SECRET_OLD", oldSecret)
	t.Setenv("SESSION_SECRET", newSecret)
	_, section, _ := strings.Cut(read(t, "docs/guides.md"), "\n## Rotate secrets\n")
	section, _, _ = strings.Cut(section, "\n## ")
	snippets := snippetFence.FindAllStringSubmatch(section, -1)
	if len(snippets) != 2 {
		t.Fatalf("docs/guides.md shows %d rotations, not one with files and one with variables", len(snippets))
	}
	for _, snippet := range snippets {
		both := strings.ReplaceAll(snippet[2], "/etc/caddy/session_secret", folder+"/session_secret")
		secrets := regexp.MustCompile(`secret (\S+) (\S+)`).FindStringSubmatch(both)
		if secrets == nil {
			t.Fatalf("no two secrets in\n%s", both)
		}
		t.Run(secrets[1][:5], func(t *testing.T) {
			site := newRotatingSite(t)
			site.load(strings.Replace(both, secrets[0], "secret "+secrets[2], 1))
			before := site.signIn()
			site.load(both)
			during := site.signIn()
			site.expect("while both open", map[string]bool{before: true, during: true})
			site.load(strings.Replace(both, secrets[0], "secret "+secrets[1], 1))
			site.expect("when the old secret is gone", map[string]bool{before: false, during: true})
		})
	}
}

// As docs/guides.md says, Caddy reads a secret's file again at a reload of the same configuration only by force.
func TestSecretFileIsReadAgainByForce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session_secret")
	writeSecret(t, file, oldSecret)
	site := newRotatingSite(t)
	adapted := site.load("{\n\tsession {\n\t\tsecret {file." + file + "}\n\t}\n}\n\napp.example.com {\n\tsession_guard {\n\t\tdefault hybrid\n\t}\n}\n")
	writeSecret(t, file, "weak")
	if err := caddy.Load(adapted, false); err != nil {
		t.Errorf("a reload read the file: %v", err)
	}
	if err := caddy.Load(adapted, true); err == nil {
		t.Error("a reload by force did not read the file")
	}
}

func writeSecret(t *testing.T, file, secret string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rotatingSite is a site of the guide in front of an app that signs everybody in who posts.
type rotatingSite struct {
	*exampleSite
	storage, app string
}

func newRotatingSite(t *testing.T) *rotatingSite {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("X-Session-Set", base64.RawURLEncoding.EncodeToString([]byte(`{"user":{"id":"ada"}}`)))
		}
	}))
	t.Cleanup(app.Close)
	storage := t.TempDir() // so that it is removed after Caddy has stopped
	t.Cleanup(func() { _ = caddy.Stop() })
	return &rotatingSite{&exampleSite{t: t}, storage, app.Listener.Addr().String()}
}

// load runs a Caddyfile of the guide, each time on another port, so that nobody meets the configuration before.
func (s *rotatingSite) load(caddyfile string) (adapted []byte) {
	s.t.Helper()
	address := "127.0.0.1:" + freeport.For(s.t)
	adapted, _, err := adapt("{\n\tadmin off\n\tpersist_config off\n\tstorage file_system " + s.storage + "\n" + strings.TrimPrefix(
		strings.NewReplacer("app.example.com {", "http://"+address+" {\n\tbind 127.0.0.1", "127.0.0.1:3000", s.app).Replace(caddyfile), "{\n"))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := caddy.Load(adapted, false); err != nil {
		s.t.Fatal(err)
	}
	s.url = "http://" + address
	return adapted
}

func (s *rotatingSite) signIn() string {
	s.t.Helper()
	cookie := s.post("/login", "", "", "same-origin").Cookies()[0]
	return cookie.Name + "=" + cookie.Value
}

// expect asks whether the visitors with these cookies are signed in.
func (s *rotatingSite) expect(when string, signedIn map[string]bool) {
	s.t.Helper()
	for cookie, expected := range signedIn {
		response, _ := s.ask(http.MethodGet, "/dashboard", "", cookie, "none")
		if got := response.StatusCode == http.StatusOK; got != expected {
			s.t.Errorf("%s, the visitor is signed in: %t, want %t", when, got, expected)
		}
	}
}

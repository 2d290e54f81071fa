package sessionapi_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/internal/vectors"
)

// What JSONTestSuite says is no JSON is refused; what is JSON, or may be, is
// never a fault.
func TestJSONTestSuite(t *testing.T) {
	s := signedIn(t, nil)
	seen := map[byte]int{}
	files, err := filepath.Glob(filepath.Join(vectors.Path(t, "jsontestsuite/test_parsing"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		seen[name[0]]++
		want := http.StatusBadRequest // as no body of the suite has a user
		if len(body) > 64<<10 {
			want = http.StatusRequestEntityTooLarge
		}
		r := s.request(http.MethodPatch, string(body), "Content-Type: application/json")
		if a := s.send(r); a.status != want {
			t.Errorf("%s: %d, want %d", name, a.status, want)
		}
		// The same where a browser may write.
		a := s.do(http.MethodPatch, `{"user":{"theme":`+string(body)+`}}`)
		invalid := strings.HasPrefix(name, "n_")
		if a.status >= 500 || invalid && a.status == http.StatusOK {
			t.Errorf("%s as a field: %d %s", name, a.status, a.text)
		}
	}
	if seen['n'] != 188 || seen['y'] != 95 || seen['i'] != 35 {
		t.Errorf("the suite has %d, %d and %d files; it was 188 n, 95 y and 35 i", seen['n'], seen['y'], seen['i'])
	}
	if after := s.do(http.MethodGet, ""); after.Session == nil || after.Session.User["id"] != "ann" {
		t.Errorf("the session after it: %s", after.text)
	}
}

package caddymodule_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

// secrets collects what no log, metric or configuration may show. Every test that
// starts a site does so with logs at DEBUG, and is searched when it ends.
type secrets struct {
	mu    sync.Mutex
	found map[string]string // value to what it is
}

// shortestSecret keeps words that tests use as values, such as "1", out of the search.
const shortestSecret = 9

func (s *secrets) note(what, value string) {
	if len(value) < shortestSecret {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil {
		s.found = map[string]string{}
	}
	s.found[value] = what
}

// noteToken notes a cookie's value if it is a sealed session, and its parts: a
// log that shows the ciphertext and the tag shows the token.
func (s *secrets) noteToken(value string) {
	parts := strings.Split(value, ".")
	if len(parts) != 5 || !strings.HasPrefix(value, "ey") {
		return
	}
	s.note("a token", value)
	s.note("the ciphertext of a token", parts[3])
	s.note("the tag of a token", parts[4])
}

// noteObject notes what the app or Caddy says of a session.
func (s *secrets) noteObject(what, encoded string) {
	s.note(what, encoded)
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	object := map[string]any{}
	if err != nil || json.Unmarshal(decoded, &object) != nil {
		return
	}
	for _, name := range []string{"accessToken", "refreshToken"} {
		if value, ok := object[name].(string); ok {
			s.note("the "+name, value)
		}
	}
}

// noteAnswer notes what stands in the app's or Caddy's answer.
func (s *secrets) noteAnswer(header http.Header) {
	for name, values := range header {
		for _, value := range values {
			switch {
			case strings.HasPrefix(name, "X-Session-"):
				s.noteObject("a handoff", value)
			case name == "Set-Cookie":
				pair, _, _ := strings.Cut(value, ";")
				cookie, value, _ := strings.Cut(pair, "=")
				s.noteToken(value)
				if strings.HasPrefix(cookie, "session.") {
					s.noteObject("a handoff", value)
				}
			}
		}
	}
}

var (
	storedSecret  = regexp.MustCompile(`"secret":"([^"]+)"`)
	literalSecret = regexp.MustCompile(`(?m)^\s*(?:secret|api_key) ([^{\s]+)$`)
	storageFolder = regexp.MustCompile(`(?m)^\s*storage file_system (\S+)$`)
)

// noteKeys notes the keys of a configuration and its storage, and the ids of the
// sessions that they sealed.
func (s *secrets) noteKeys(t *testing.T, caddyfile string) {
	t.Helper()
	var keys [][]byte
	if secret := os.Getenv("SESSION_SECRET"); secret != "" {
		keys = append(keys, []byte(secret))
		s.note("SESSION_SECRET", secret)
	}
	for _, match := range literalSecret.FindAllStringSubmatch(caddyfile, -1) {
		keys = append(keys, []byte(match[1]))
		s.note("a secret of the Caddyfile", match[1])
	}
	for _, folder := range storageFolder.FindAllStringSubmatch(caddyfile, -1) {
		require.NoError(t, filepath.WalkDir(folder[1], func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return nil // a test may have taken the storage away
			}
			content, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) { // the storage has just moved it to its name
				return nil
			}
			for _, match := range storedSecret.FindAllSubmatch(content, -1) {
				s.note("a stored key", string(match[1]))
				if key, err := base64.StdEncoding.DecodeString(string(match[1])); err == nil {
					keys = append(keys, key)
				}
			}
			return err
		}))
	}
	s.mu.Lock()
	found := maps.Clone(s.found)
	s.mu.Unlock()
	for _, key := range keys {
		keyring, err := session.NewKeyring(session.DefaultRealm, key)
		if err != nil {
			continue // the key of another realm, or of the API, may be anything
		}
		for value, what := range found {
			if what != "a token" {
				continue
			}
			if opened, err := keyring.Open(t.Context(), value); err == nil {
				s.note("the id of a session", opened.ID)
			}
		}
	}
}

// search looks for the secrets in a text.
func (s *secrets) search(t *testing.T, where, text string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for value, what := range s.found {
		if strings.Contains(text, value) {
			t.Errorf("%s shows %s, of %d bytes", where, what, len(value))
		}
	}
}

// searchMetrics looks for the secrets in every label that Caddy gives out.
func (s *secrets) searchMetrics(t *testing.T) {
	t.Helper()
	ctx := caddy.ActiveContext()
	registry := ctx.GetMetricsRegistry()
	if registry == nil {
		return // the configuration was refused
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		s.search(t, "the metric "+family.GetName(), family.String())
	}
}

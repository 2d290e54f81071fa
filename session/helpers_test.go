package session_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/internal/cputime"
	"github.com/session-guard/caddy-session-guard/session"
)

// secretA and secretB are random, made for these tests.
const (
	secretA = "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f"
	secretB = "T6yHb1NwQe8RzXo3MvUi5CjSkL7pFg0D"
)

// noon is a moment with milliseconds, so that lost ones are seen.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC)

// clock is a clock that stands still until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// counting counts the events of a kind.
func counting(kind session.EventKind, count *int) func(*session.Settings) {
	return func(s *session.Settings) {
		s.Observe = func(e session.Event) {
			if e.Kind == kind {
				*count++
			}
		}
	}
}

// newManager makes a manager whose clock stands at noon.
func newManager(t testing.TB, change ...func(*session.Settings)) (*session.Manager, *clock) {
	t.Helper()
	c := &clock{now: noon}
	settings := session.Settings{Now: c.Now}
	for _, f := range change {
		f(&settings)
	}
	return mustManager(t, settings, mustKeyring(t, "", secretA)), c
}

func mustManager(t testing.TB, settings session.Settings, keys *session.Keyring) *session.Manager {
	t.Helper()
	m, err := session.NewManager(settings, keys)
	must(t, err)
	return m
}

func mustKeyring(t testing.TB, realm string, secrets ...string) *session.Keyring {
	t.Helper()
	var all [][]byte
	for _, s := range secrets {
		all = append(all, []byte(s))
	}
	keys, err := session.NewKeyring(realm, all...)
	must(t, err)
	return keys
}

// request is a request over plain HTTP (so the cookie has no prefix) with the
// given Cookie header lines, byte for byte.
func request(cookieLines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if len(cookieLines) > 0 {
		r.Header["Cookie"] = cookieLines
	}
	return r
}

func read(t testing.TB, m *session.Manager, r *http.Request) *session.Visitor {
	t.Helper()
	v, err := m.Read(r)
	must(t, err)
	return v
}

// openToken reads a request that carries only this token.
func openToken(t testing.TB, m *session.Manager, token string) (*session.Session, session.Result) {
	t.Helper()
	v := read(t, m, request("session="+token))
	return v.Session(), v.Result()
}

// must ends the test at an error of what it takes for granted.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// signIn creates a session and returns its Cookie header.
func signIn(t testing.TB, m *session.Manager, login session.Login) string {
	t.Helper()
	v := read(t, m, request())
	must(t, v.Create(t.Context(), login))
	return strings.Join(cookiePairs(setCookies(t, v)), "; ")
}

func alice() session.Login { return session.Login{User: session.User{"id": "alice", "role": "editor"}} }

// setCookies are the Set-Cookie lines that a visitor writes.
func setCookies(t testing.TB, v *session.Visitor) []*http.Cookie {
	t.Helper()
	header := http.Header{}
	wrote := v.SetCookies(header)
	if got := len(header["Set-Cookie"]) > 0; got != wrote {
		t.Errorf("SetCookies reported %v but wrote %d lines", wrote, len(header["Set-Cookie"]))
	}
	return parseSetCookies(t, header)
}

func parseSetCookies(t testing.TB, header http.Header) []*http.Cookie {
	t.Helper()
	var all []*http.Cookie
	for _, line := range header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, c)
	}
	return all
}

// cookiePairs are name=value of the cookies that are not deletions.
func cookiePairs(all []*http.Cookie) []string {
	var pairs []string
	for _, c := range all {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return pairs
}

// removedNames are the names of the cookies that are deletions, sorted.
func removedNames(all []*http.Cookie) []string {
	var names []string
	for _, c := range all {
		if c.MaxAge < 0 {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// The sealing below is written from section 7 of the contract with the standard
// library alone, so that a fault in the package is not repeated here.

func tokenKey(secret, realm string) []byte {
	info := "caddy-session-guard v1 A256GCM"
	if realm != "" && realm != "default" {
		info += " " + realm
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, info, 32)
	if err != nil {
		panic(err)
	}
	return key
}

func tokenKeyID(key []byte) string {
	sum := sha256.Sum256(key)
	return b64(sum[:8])
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// envelope is everything that a token can be bent in.
type envelope struct {
	key          []byte
	header       string // JSON of the protected header
	encryptedKey string
	nonce        []byte
	claims       string // JSON
}

// goodEnvelope is a token that must open.
func goodEnvelope(now time.Time) envelope {
	key := tokenKey(secretA, "")
	nonce := make([]byte, 12)
	if _, err := rand.Read(nonce); err != nil {
		panic(err)
	}
	return envelope{
		key: key, nonce: nonce,
		header: `{"alg":"dir","enc":"A256GCM","kid":"` + tokenKeyID(key) + `","typ":"session+jwt"}`,
		claims: claimsJSON(goodClaims(now)),
	}
}

func (e envelope) seal() string { return strings.Join(e.parts(), ".") }

func (e envelope) parts() []string {
	block, err := aes.NewCipher(e.key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(e.nonce))
	if err != nil {
		panic(err)
	}
	header := b64([]byte(e.header))
	sealed := gcm.Seal(nil, e.nonce, []byte(e.claims), []byte(header))
	cut := len(sealed) - gcm.Overhead()
	return []string{header, e.encryptedKey, b64(e.nonce), b64(sealed[:cut]), b64(sealed[cut:])}
}

// goodClaims are those of a session that was made an hour ago.
func goodClaims(now time.Time) map[string]any {
	created := now.Add(-time.Hour)
	expires := now.Add(6 * 24 * time.Hour)
	return map[string]any{
		"user":         map[string]any{"id": "alice"},
		"createdAt":    created.UnixMilli(),
		"lastActivity": created.UnixMilli(),
		"expiresAt":    expires.UnixMilli(),
		"jti":          "AAAAAAAAAAAAAAAAAAAAAA",
		"iat":          created.Unix(),
		"exp":          expires.Unix(),
	}
}

type claims = map[string]any

// raw is a claim that is written as it stands.
type raw = json.RawMessage

// omitted as a claim's value leaves it out.
type omitted struct{}

func claimsJSON(c claims) string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// sealClaims seals good claims with some replaced.
func sealClaims(now time.Time, replaced claims) string {
	c := goodClaims(now)
	maps.Copy(c, replaced)
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == omitted{} })
	e := goodEnvelope(now)
	e.claims = claimsJSON(c)
	return e.seal()
}

// cheap fails unless f takes less than 50 ms of the processor, the best of three tries
// counting, since the garbage of other tests may be collected meanwhile.
func cheap(t *testing.T, f func()) {
	t.Helper()
	const limit = 50 * time.Millisecond
	var took time.Duration
	for range 3 {
		if took = cputime.Of(f); took < limit {
			return
		}
	}
	t.Errorf("it took %v, more than %v", took, limit)
}

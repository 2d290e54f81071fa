package session_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

func TestCheckSecret(t *testing.T) {
	const random = secretA
	for name, tc := range map[string]struct {
		secret string
		wrong  string // part of the error; empty if it is good
	}{
		"random":                     {random, ""},
		"random, longer":             {random + secretB, ""},
		"with a line break":          {random + "\n", ""},
		"bytes":                      {"\x00\x01\xfe\x80" + random, ""},
		"nothing":                    {"", "has 0 bytes, fewer than 32"},
		"31 bytes":                   {random[:31], "has 31 bytes, fewer than 32"},
		"one letter":                 {strings.Repeat("a", 64), "only 1 different bytes"},
		"seven letters":              {strings.Repeat("a", 30) + "bcdefg", "only 7 different bytes"},
		"zeros":                      {strings.Repeat("\x00", 32), "only 1 different"},
		"a block twice":              {random[:16] + random[:16], "only repeats a shorter text"},
		"a block three times":        {random[:12] + random[:12] + random[:12], "only repeats a shorter text"},
		"a block and a bit":          {random[:20] + random[:20] + random[:5], "only repeats a shorter text"},
		"digits repeated":            {"12345678901234567890123456789012", "only repeats a shorter text"},
		"the original's example":     {"your-secret-key-at-least-32-characters", "example from documentation"},
		"in capitals":                {"YOUR-SECRET-KEY-AT-LEAST-32-CHARACTERS", "example from documentation"},
		"iron-session's example":     {"complex_password_at_least_32_characters_long", "example from documentation"},
		"with something behind":      {"complex_password_at_least_32_characters_long" + random, "example from documentation"},
		"written as one word":        {"mysecret-for-the-session-of-this-app", "example from documentation"},
		"the command that makes one": {"openssl rand -base64 32 openssl.", "example from documentation"},
	} {
		t.Run(name, func(t *testing.T) {
			err := session.CheckSecret([]byte(tc.secret))
			switch {
			case tc.wrong == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)):
				t.Errorf("the error is %v, which does not say %q", err, tc.wrong)
			case err != nil && len(tc.secret) > 8 && strings.Contains(err.Error(), tc.secret[:8]):
				if !strings.Contains(tc.secret, "openssl") {
					t.Errorf("the error shows the secret: %v", err)
				}
			case err != nil && !strings.Contains(err.Error(), "caddy session keygen"):
				t.Errorf("the error does not say what to write: %v", err)
			}
		})
	}
}

// A secret that is good for the app is good for Caddy, and the other way round.
func TestClientRefusesTheSameExamples(t *testing.T) {
	pattern := func(file, around string) string {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(around).FindSubmatch(source)
		if found == nil {
			t.Fatalf("no pattern in %s", file)
		}
		return string(found[1])
	}
	here := pattern("secret.go", "MustCompile\\(`\\(\\?i\\)(.*)`\\)")
	if there := pattern("../client/src/secret.ts", `const EXAMPLES =\s*/(.*)/i;`); here != there {
		t.Errorf("the package refuses\n%s\nand Caddy\n%s", there, here)
	}
}

// What generators make must never be refused.
func TestCheckSecretTakesRandomOnes(t *testing.T) {
	for range 2000 {
		b := make([]byte, 32)
		if _, err := rand.Read(b); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{string(b), base64.StdEncoding.EncodeToString(b), hex.EncodeToString(b), hex.EncodeToString(b[:16])} {
			if err := session.CheckSecret([]byte(secret)); err != nil {
				t.Fatalf("%q: %v", secret, err)
			}
		}
	}
}

func TestNewKeyringNamesEverySecretThatIsWrong(t *testing.T) {
	if _, err := session.NewKeyring(""); err == nil {
		t.Error("a keyring without a secret")
	}
	_, err := session.NewKeyring("", []byte("short"), []byte(secretA), []byte(secretA), []byte(strings.Repeat("ab", 40)))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range []string{"secret 1: the secret has 5 bytes", "secret 3 repeats an earlier one", "secret 4: the secret has only 2 different bytes"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "secret 2") {
		t.Errorf("%q complains about a good secret", err)
	}
}

// The kid and the key are fixed by the contract: an app that has the secret must
// find the same ones.
func TestKeyIDsFollowTheContract(t *testing.T) {
	for realm, info := range map[string]string{"": "", "default": "", "shop": "shop", "a b": "a b"} {
		keys := mustKeyring(t, realm, secretA, secretB)
		want := []string{tokenKeyID(tokenKey(secretA, info)), tokenKeyID(tokenKey(secretB, info))}
		if got := keys.KeyIDs(); !slices.Equal(got, want) {
			t.Errorf("realm %q: %q, not %q", realm, got, want)
		}
	}
}

// A new secret goes in front, the old one is taken away when its tokens are dead.
func TestSecretRotation(t *testing.T) {
	managerOf := func(secrets ...string) *session.Manager {
		m := mustManager(t, session.Settings{Now: func() time.Time { return noon }}, mustKeyring(t, "", secrets...))
		return m
	}
	before, during, after := managerOf(secretA), managerOf(secretB, secretA), managerOf(secretB)
	old := signIn(t, before, alice())
	if v := read(t, during, request(old)); v.Session() == nil {
		t.Errorf("the new secret in front signed everybody out: %s", v.Result())
	}
	young := signIn(t, during, alice())
	if v := read(t, before, request(young)); v.Result() != session.ResultUnknownKey {
		t.Errorf("the first secret does not seal: %s", v.Result())
	}
	v := read(t, during, request(old))
	must(t, v.Refresh(t.Context()))
	for name, cookie := range map[string]string{"new": young, "refreshed": strings.Join(cookiePairs(setCookies(t, v)), "; ")} {
		if v := read(t, after, request(cookie)); v.Session() == nil {
			t.Errorf("the %s session did not survive the end of the old secret: %s", name, v.Result())
		}
	}
	if v := read(t, after, request(old)); v.Session() != nil || v.Result() != session.ResultUnknownKey {
		t.Errorf("the old secret still opens: %s", v.Result())
	}
}

func TestRealmsThatShareASecretAreApart(t *testing.T) {
	sealed := sealClaims(time.Now(), nil)
	if _, err := mustKeyring(t, "shop", secretA).Open(t.Context(), sealed); !errors.Is(err, session.ErrUnknownKey) {
		t.Errorf("the realm shop says %v", err)
	}
	if _, err := mustKeyring(t, "default", secretA).Open(t.Context(), sealed); err != nil {
		t.Errorf("the realm default says %v", err)
	}
}

// Whoever uses the keyring by itself builds a Session of its exported fields.
func TestKeyringSealsASessionThatWasBuiltByHand(t *testing.T) {
	keys := mustKeyring(t, "", secretA)
	now := time.Now().Truncate(time.Millisecond)
	made := &session.Session{
		ID: "by-hand", User: session.User{"id": "alice", "role": "editor"}, AccessToken: "at",
		CreatedAt: now, LastActivity: now, ExpiresAt: now.Add(time.Hour),
	}
	token, err := keys.Seal(made)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.Open(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if string(s.AppendJSON(nil, true)) != string(made.AppendJSON(nil, true)) || s.ID != "by-hand" || s.User["role"] != "editor" {
		t.Errorf("%s came back as %s", made.AppendJSON(nil, true), s.AppendJSON(nil, true))
	}
	for name, user := range map[string]session.User{"no user": nil, "no id": {}, "a function": {"id": "alice", "f": func() {}}} {
		if token, err := keys.Seal(&session.Session{ID: "x", User: user, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}); err == nil {
			t.Errorf("%s: sealed into %q, which can never be opened", name, token)
		}
	}
}

func TestKeyringOpenReturnsTheSessionThatExpired(t *testing.T) {
	now := time.Now()
	s, err := mustKeyring(t, "", secretA).Open(t.Context(), sealClaims(now, claims{"expiresAt": now.UnixMilli(), "exp": now.Unix()}))
	if !errors.Is(err, session.ErrExpired) || s == nil || s.User.ID() != "alice" {
		t.Errorf("%v, %v", s, err)
	}
}

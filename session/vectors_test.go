package session_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/session-guard/caddy-session-guard/internal/vectors"
	"github.com/session-guard/caddy-session-guard/session"
)

// wycheproof calls yield with each test of a file of Wycheproof vectors.
func wycheproof(t *testing.T, file string, atLeast int, yield func(name string, test map[string]any)) {
	t.Helper()
	data, err := os.ReadFile(vectors.Path(t, "wycheproof/"+file))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		TestGroups []struct{ Tests []map[string]any }
	}
	must(t, json.Unmarshal(data, &vectors))
	n := 0
	for _, group := range vectors.TestGroups {
		for _, test := range group.Tests {
			n++
			comment, _ := test["comment"].(string)
			yield(comment, test)
		}
	}
	if n < atLeast {
		t.Errorf("%s has %d tests, fewer than %d", file, n, atLeast)
	}
}

// No JOSE vector is a session: not the attacks, and not the valid tokens of
// other keys and kinds.
func TestWycheproofJOSE(t *testing.T) {
	m, _ := newManager(t)
	for file, atLeast := range map[string]int{
		"json_web_encryption_test.json": 100, "json_web_signature_test.json": 400, "json_web_crypto_test.json": 80, "json_web_key_test.json": 20,
	} {
		tokens := 0
		wycheproof(t, file, atLeast, func(name string, test map[string]any) {
			for _, member := range []string{"jwe", "jws"} {
				value, given := test[member]
				if !given {
					continue
				}
				token, ok := value.(string)
				if !ok { // a serialization in JSON
					encoded, err := json.Marshal(value)
					if err != nil {
						t.Fatal(err)
					}
					token = string(encoded)
				}
				tokens++
				mustNotOpenWell(t, token)
				openBothWays(t, m.Keys(), token)
				if s, result := openToken(t, m, token); s != nil || result == session.ResultError {
					t.Errorf("%s, %s: %s as a cookie", file, name, result)
				}
			}
		})
		if tokens == 0 {
			t.Errorf("no token was found in %s", file)
		}
	}
}

// openBothWays holds the direct way to what go-jose makes of a token, and reports
// whether it opens.
func openBothWays(t *testing.T, keys *session.Keyring, token string) bool {
	t.Helper()
	direct, byGoJose, directErr, goJoseErr, ok := session.OpenBothWays(keys, token)
	if string(direct) != string(byGoJose) || !errors.Is(directErr, goJoseErr) {
		t.Errorf("%q opens directly to %q, %v; by go-jose to %q, %v", token, direct, directErr, byGoJose, goJoseErr)
	}
	return ok && directErr == nil
}

// Every token that we know, and each of them with every character changed, opens
// alike on both ways.
func TestBothWaysOpenAlike(t *testing.T) {
	opened := 0
	for _, v := range interopTokens(t) {
		keys := mustKeyring(t, v.Realm, v.Secret)
		if openBothWays(t, keys, v.Token) {
			opened++
		}
		for i := range len(v.Token) {
			for _, c := range []string{"A", "_", "=", ".", "\n", "\r", "\x80"} {
				bent := v.Token[:i] + c + v.Token[i+1:]
				if openBothWays(t, keys, bent) && bent != v.Token {
					t.Errorf("a token that nobody sealed opened: %q", bent)
				}
				openBothWays(t, keys, v.Token[:i]+c+v.Token[i:])
			}
		}
	}
	if opened < 10 {
		t.Errorf("only %d tokens opened", opened)
	}
}

// What the key path and the seal stand on, on this machine and Go version.
func TestWycheproofPrimitives(t *testing.T) {
	bytesOf := func(test map[string]any, name string) []byte {
		text, _ := test[name].(string)
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	wycheproof(t, "hkdf_sha256_test.json", 80, func(name string, test map[string]any) {
		size, _ := test["size"].(float64)
		got, err := hkdf.Key(sha256.New, bytesOf(test, "ikm"), bytesOf(test, "salt"), string(bytesOf(test, "info")), int(size))
		if valid := test["result"] == "valid"; valid != (err == nil) || valid && string(got) != string(bytesOf(test, "okm")) {
			t.Errorf("HKDF %v %s: %v", test["tcId"], name, err)
		}
	})
	checked := 0
	wycheproof(t, "aes_gcm_test.json", 300, func(name string, test map[string]any) {
		key, nonce := bytesOf(test, "key"), bytesOf(test, "iv")
		if len(key) != 32 || len(nonce) != 12 || len(bytesOf(test, "tag")) != 16 {
			return // not A256GCM
		}
		checked++
		block, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		got, err := gcm.Open(nil, nonce, append(bytesOf(test, "ct"), bytesOf(test, "tag")...), bytesOf(test, "aad"))
		if valid := test["result"] == "valid"; valid != (err == nil) || valid && string(got) != string(bytesOf(test, "msg")) {
			t.Errorf("A256GCM %v %s: %v", test["tcId"], name, err)
		}
	})
	if checked < 30 {
		t.Errorf("only %d vectors are for A256GCM", checked)
	}
}

package session_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

var update = flag.Bool("update", false, "seal the tokens of testdata/tokens.json anew")

// interopToken is a token and what must be read from it, for this package and
// for the npm package. The sessions are written by hand; client/scripts seals
// those whose name begins with "jose".
type interopToken struct {
	Name    string          `json:"name"`
	Secret  string          `json:"secret"`
	Realm   string          `json:"realm"`
	Now     int64           `json:"now"` // ms since the epoch
	Token   string          `json:"token"`
	Session json.RawMessage `json:"session"` // null: nobody is signed in
}

const interopNow = 1772366400250 // noon

const interopTimes = `"expiresAt":1772971200250,"expiryDate":"2026-03-08T12:00:00.250Z","createdAt":1772366400250,"lastActivity":1772366400250`

// sealInterop makes what this package seals, and bent tokens that nobody may open.
func sealInterop(t *testing.T) []interopToken {
	t.Helper()
	var all []interopToken
	add := func(name, realm, token, want string) {
		all = append(all, interopToken{name, secretA, realm, interopNow, token, json.RawMessage(want)})
	}
	for name, tc := range map[string]struct{ realm, user, tokens string }{
		"plain":         {"default", `{"id":"alice"}`, ""},
		"tokens":        {"default", `{"id":"alice"}`, `"accessToken":"at","refreshToken":"rt",`},
		"named realm":   {"shop", `{"id":"alice"}`, ""},
		"other scripts": {"default", `{"id":"مستخدم","name":"<b>\u2028 😀 \\ud800"}`, ""},
		"nested":        {"default", `{"id":"alice","a":[1,-2.5,true,null,{"b":[]}]}`, ""},
	} {
		user, err := session.DecodeObject([]byte(tc.user))
		if err != nil {
			t.Fatal(err)
		}
		s := &session.Session{ID: "AAAAAAAAAAAAAAAAAAAAAA", User: user, CreatedAt: noon, LastActivity: noon, ExpiresAt: noon.Add(7 * day)}
		if tc.tokens != "" {
			s.AccessToken, s.RefreshToken = "at", "rt"
		}
		token, err := mustKeyring(t, tc.realm, secretA).Seal(s)
		if err != nil {
			t.Fatal(err)
		}
		add(name, tc.realm, token, `{"user":`+tc.user+`,`+tc.tokens+interopTimes+`}`)
		if tc.realm == "shop" {
			add("another realm", "default", token, "null")
		}
	}
	add("expired", "default", sealClaims(noon, claims{"expiresAt": noon.UnixMilli(), "exp": noon.Unix()}), "null")
	add("created in the future", "default", sealClaims(noon, claims{"createdAt": noon.Add(time.Hour).UnixMilli()}), "null")
	add("for another audience", "default", sealClaims(noon, claims{"aud": "another"}), "null")
	add("exp and expiresAt differ", "default", sealClaims(noon, claims{"exp": noon.Unix()}), "null")
	add("user.id with a line break", "default", sealClaims(noon, claims{"user": claims{"id": "a\nb"}}), "null")
	bent := goodEnvelope(noon)
	bent.header = strings.Replace(bent.header, "session+jwt", "JWT", 1)
	add("another typ", "default", bent.seal(), "null")
	add("a non-empty encrypted key", "default", strings.Replace(goodEnvelope(noon).seal(), "..", ".AAAA.", 1), "null")
	return all
}

var interopFile = filepath.Join("testdata", "tokens.json")

func interopTokens(t *testing.T) []interopToken {
	t.Helper()
	data, err := os.ReadFile(interopFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	var all []interopToken
	if err := json.Unmarshal(data, &all); err != nil && !*update {
		t.Fatal(err)
	}
	return all
}

func TestTokensOfOtherImplementations(t *testing.T) {
	all := interopTokens(t)
	if *update {
		next := sealInterop(t)
		for _, v := range all {
			if strings.HasPrefix(v.Name, "jose") {
				next = append(next, v)
			}
		}
		encoded, err := json.MarshalIndent(next, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		must(t, os.WriteFile(interopFile, append(encoded, '\n'), 0o600))
		all = next
	}
	byJose := 0
	for _, v := range all {
		if strings.HasPrefix(v.Name, "jose") {
			byJose++
		}
		m := mustManager(t, session.Settings{Now: func() time.Time { return time.UnixMilli(v.Now) }}, mustKeyring(t, v.Realm, v.Secret))
		s, result := openToken(t, m, v.Token)
		encoded := []byte("null")
		if s != nil {
			encoded = s.AppendJSON(nil, true)
		}
		var got, want any
		must(t, json.Unmarshal(encoded, &got))
		must(t, json.Unmarshal(v.Session, &want))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s, read as %s, not %s", v.Name, result, encoded, v.Session)
		}
	}
	if len(all) < 15 || byJose < 2 {
		t.Errorf("only %d tokens, %d of them sealed by jose", len(all), byJose)
	}
}

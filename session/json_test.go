package session_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/internal/vectors"
	"github.com/session-guard/caddy-session-guard/session"
)

func TestDecodeObject(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1) }
	for name, tc := range map[string]struct {
		data  string
		wrong string // part of the error; empty if it decodes
	}{
		"empty object":           {`{}`, ""},
		"white space":            {" \t\r\n{ } \n", ""},
		"all types":              {`{"a":[1,-2.5e3,true,false,null,"x",{}]}`, ""},
		"a pair of surrogates":   {`{"a":"\ud83d\ude00"}`, ""},
		"the replacement itself": {`{"a":"\ufffd","b":"` + "\uFFFD" + `"}`, ""},
		"an escaped backslash":   {`{"a":"\\ud800"}`, ""},
		"a case variant":         {`{"a":1,"A":2}`, ""},
		"the same name deeper":   {`{"a":{"a":{"a":1}}}`, ""},
		"depth 64":               {nested(64), ""},

		"nothing":                 {``, "not valid JSON"},
		"an array":                {`[]`, "not a JSON object"},
		"a string":                {`"a"`, "not a JSON object"},
		"null":                    {`null`, "not a JSON object"},
		"two objects":             {`{}{}`, "not valid JSON"},
		"something behind it":     {`{} x`, "not valid JSON"},
		"a byte order mark":       {"\uFEFF{}", "not valid JSON"},
		"NaN":                     {`{"a":NaN}`, "not valid JSON"},
		"a comment":               {`{/**/}`, "not valid JSON"},
		"single quotes":           {`{'a':1}`, "not valid JSON"},
		"invalid UTF-8":           {"{\"a\":\"\xff\"}", "not valid UTF-8"},
		"a name twice":            {`{"a":1,"a":1}`, `"a" occurs twice`},
		"a name twice, escaped":   {`{"a":1,"\u0061":1}`, `"a" occurs twice`},
		"a name twice, deeper":    {`{"x":[{"a":1,"a":2}]}`, `"a" occurs twice`},
		"an empty name twice":     {`{"":1,"":2}`, `"" occurs twice`},
		"depth 65":                {nested(65), "nested deeper"},
		"arrays, depth 65":        {`{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "nested deeper"},
		"depth 100,000":           {nested(100_000), "nested deeper"},
		"a lone high surrogate":   {`{"a":"\ud800"}`, "lone surrogate"},
		"a lone low surrogate":    {`{"a":"\udc00"}`, "lone surrogate"},
		"the wrong order":         {`{"a":"\ude00\ud83d"}`, "lone surrogate"},
		"in capitals":             {`{"a":"\uD800"}`, "lone surrogate"},
		"in a name":               {`{"\ud800":1}`, "lone surrogate"},
		"before another escape":   {`{"a":"\ud800\n"}`, "lone surrogate"},
		"before an escaped \\u":   {`{"a":"\ud800\\udc00"}`, "lone surrogate"},
		"beside the replacement":  {`{"a":"\ud800","b":"\ufffd"}`, "lone surrogate"},
		"beside a literal one":    {`{"a":"\ud800","b":"` + "\uFFFD" + `"}`, "lone surrogate"},
		"a long name twice":       {`{"` + strings.Repeat("n", 99) + `":1,"` + strings.Repeat("n", 99) + `":1}`, strings.Repeat("n", 40) + `\u2026" occurs`},
		"a name of escapes twice": {`{"\u001b[2J":1,"\u001b[2J":1}`, `"\x1b[2J" occurs twice`},
	} {
		t.Run(name, func(t *testing.T) {
			object, err := session.DecodeObject([]byte(tc.data))
			switch {
			case tc.wrong == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)):
				t.Errorf("the error is %v, which does not say %q", err, tc.wrong)
			case tc.wrong != "" && object != nil:
				t.Errorf("it returned %v beside the error", object)
			}
		})
	}
}

// agrees fails unless encoding/json reads the same out of data that
// DecodeObject has accepted, and again out of its re-encoding.
func agrees(t *testing.T, data []byte, object map[string]any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var theirs map[string]any
	if err := decoder.Decode(&theirs); err != nil {
		t.Fatalf("encoding/json refuses what was accepted: %v", err)
	}
	if !reflect.DeepEqual(object, theirs) {
		t.Fatalf("read as %#v, by encoding/json as %#v", object, theirs)
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	again, err := session.DecodeObject(encoded)
	if err != nil {
		t.Fatalf("its own encoding is refused: %v", err)
	}
	if !reflect.DeepEqual(object, again) {
		t.Fatalf("%#v came back as %#v", object, again)
	}
}

func TestJSONTestSuite(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Path(t, "jsontestsuite/test_parsing"), "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	objects := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		object, err := session.DecodeObject(data)
		if err == nil {
			objects++
			agrees(t, data, object)
			if strings.HasPrefix(name, "n_") {
				t.Errorf("%s was accepted", name)
			}
		}
		m, _ := newManager(t)
		e := goodEnvelope(noon)
		e.claims = string(data)
		if s, result := openToken(t, m, e.seal()); s != nil || result != session.ResultMalformed {
			t.Errorf("%s as the plaintext of a token: %s", name, result)
		}
		// And as one member of a session that is otherwise good.
		e.claims = strings.Replace(claimsJSON(goodClaims(noon)), `"id":"alice"`, `"id":"alice","x":`+string(data), 1)
		s, _ := openToken(t, m, e.seal())
		if strings.HasPrefix(name, "n_") && s != nil && !json.Valid(data) {
			var whole any
			if json.Unmarshal([]byte(e.claims), &whole) != nil {
				t.Errorf("%s inside a user was accepted", name)
			}
		}
	}
	if objects < 10 {
		t.Errorf("only %d files were accepted as objects", objects)
	}
}

package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/session-guard/caddy-session-guard/session"
)

// referenceObject decodes as strictly as DecodeObject promises, with the token
// reader of encoding/json: slow, but nothing in it is ours to get wrong.
func referenceObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("no JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.New("no object")
	}
	value, err := referenceValue(d, '{', 1)
	object, _ := value.(map[string]any)
	return object, err
}

func referenceValue(d *json.Decoder, opening json.Delim, depth int) (any, error) {
	if depth > 64 {
		return nil, errors.New("nested too deep")
	}
	object, array := map[string]any{}, []any{}
	for d.More() {
		var name string
		if opening == '{' {
			token, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, _ = token.(string)
			if _, twice := object[name]; twice {
				return nil, errors.New("a member twice")
			}
		}
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value any = token
		if deeper, ok := token.(json.Delim); ok {
			if value, err = referenceValue(d, deeper, depth+1); err != nil {
				return nil, err
			}
		}
		object[name], array = value, append(array, value)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if opening == '{' {
		return object, nil
	}
	return array, nil
}

// FuzzDecodeObject: what is accepted is what encoding/json's token reader makes
// of it, and what only one of the two accepts is a lone surrogate.
func FuzzDecodeObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, " { \"a\" : [ 1 , -2.5e+3 , true , false , null , \"x\" , { } , [ ] ] } \n", `{"a":{"a":{"b":[[],[{}]]}},"b":"\""}`,
		`{"a":"\ud83d\ude00\\","\u0061b":"\\\"","c":"\ud800"}`, `{"a":1,"\u0061":1}`, `{"id":"é","n":1E400,"":""}`, `{"a":[{"x":1,"x":2}]}`, `[]`, `{"a":1}x`,
		`{"a":01}`, `{"a":-0}`, `{"a":-}`, `{"a":1.}`, `{"a":.1}`, `{"a":1e}`, `{"a":1e+}`, `{"a":0E-0}`, `{"a":+1}`, `{"a":truer}`, `{"a":nul}`,
		`{`, `{"`, `{"a`, `{"a\`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a":[1,]}`, `{"a":[`, `{a:1}`, "{\"a\":\"\x1f\"}", "{\"a\":\"\x7f\"}", "{\x00}",
		strings.Repeat(`{"a":`, 63) + "[]" + strings.Repeat("}", 63), strings.Repeat(`{"a":`, 64) + "[]" + strings.Repeat("}", 64), claimsJSON(goodClaims(noon)),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, err := session.DecodeObject(data)
		want, wantErr := referenceObject(data)
		if err != nil && strings.Contains(err.Error(), "lone surrogate") {
			if !bytes.Contains(data, []byte(`\u`)) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(object, want) {
			t.Errorf("%q: %v, %v; by encoding/json %v, %v", data, object, err, want, wantErr)
		}
	})
}

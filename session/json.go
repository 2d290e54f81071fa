package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of any JSON that is read, far above what a user
// object needs and far below what hurts.
const maxDepth = 64

// DecodeObject decodes data, which must be exactly one JSON object (RFC 8259),
// more strictly than encoding/json does: duplicate members at any depth,
// invalid UTF-8, lone surrogates, anything after the object and nesting deeper
// than 64 are errors, and member names keep their exact case. Two readers that
// disagree on such input could be made to see two different users. Numbers
// become [json.Number].
func DecodeObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not valid UTF-8")
	}
	if !json.Valid(data) {
		return nil, errors.New("it is not valid JSON")
	}
	if hasLoneSurrogate(data) {
		return nil, errors.New("it holds a lone surrogate")
	}
	d := objectDecoder{json.NewDecoder(bytes.NewReader(data))}
	d.UseNumber()
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	return d.object(1)
}

// hasLoneSurrogate reports whether valid JSON escapes half of a surrogate pair
// (RFC 8259 section 8.2). encoding/json turns it into U+FFFD in silence, so that
// two different names or ids would become one.
func hasLoneSurrogate(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 {
			return false
		}
		first := escapedUnit(data[i:])
		if !utf16.IsSurrogate(first) {
			data = data[i+2:] // also past an escaped backslash
			continue
		}
		data = data[i+len(`\uD800`):]
		if utf16.DecodeRune(first, escapedUnit(data)) == utf8.RuneError {
			return true
		}
		data = data[len(`\uDC00`):]
	}
}

// escapedUnit returns the UTF-16 code unit of an escape \uXXXX at the start of
// data, or 0.
func escapedUnit(data []byte) rune {
	if len(data) < len(`\uXXXX`) || data[0] != '\\' || data[1] != 'u' {
		return 0
	}
	unit, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(unit)
}

type objectDecoder struct{ *json.Decoder }

func (d *objectDecoder) object(depth int) (map[string]any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	object := make(map[string]any)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("the member %s stands there twice", quoted(name))
		}
		if object[name], err = d.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := d.Token() // the closing brace
	return object, err
}

func (d *objectDecoder) array(depth int) ([]any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	array := []any{}
	for d.More() {
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := d.Token() // the closing bracket
	return array, err
}

func (d *objectDecoder) value(depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return d.object(depth + 1)
	case json.Delim('['):
		return d.array(depth + 1)
	}
	return token, nil
}

// encodeJSON encodes value without the escapes that only HTML needs: they would
// make cookies and headers larger.
func encodeJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// quoted makes a member name safe and short enough for an error or a log.
func quoted(name string) string {
	const most = 40
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return strconv.QuoteToASCII(name)
}

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

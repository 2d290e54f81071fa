package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	d := objectDecoder{Decoder: json.NewDecoder(bytes.NewReader(data))}
	// encoding/json turns a lone surrogate into U+FFFD in silence, so that two
	// different names or ids would become one.
	d.refuseReplacement = bytes.Contains(data, []byte(`\u`)) &&
		!bytes.Contains(data, []byte("\uFFFD")) && !bytes.Contains(bytes.ToLower(data), []byte(`\ufffd`))
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

type objectDecoder struct {
	*json.Decoder
	refuseReplacement bool
}

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
		if err := d.checkString(name); err != nil {
			return nil, err
		}
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
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return d.object(depth + 1)
		}
		return d.array(depth + 1)
	case string:
		return token, d.checkString(token)
	}
	return token, nil
}

func (d *objectDecoder) checkString(s string) error {
	if d.refuseReplacement && strings.ContainsRune(s, utf8.RuneError) {
		return errors.New("it holds a lone surrogate")
	}
	return nil
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

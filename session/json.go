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
	d, err := newDecoder(data)
	if err != nil {
		return nil, err
	}
	return d.object(1)
}

// newDecoder checks the form of data, which must be a JSON object.
func newDecoder(data []byte) (*decoder, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not valid UTF-8")
	}
	if !json.Valid(data) {
		return nil, errors.New("it is not valid JSON")
	}
	if hasLoneSurrogate(data) {
		return nil, errors.New("it holds a lone surrogate")
	}
	// One copy, of which names, strings and numbers are pieces.
	d := &decoder{text: string(data)}
	if d.next() != '{' {
		return nil, errors.New("it is not a JSON object")
	}
	return d, nil
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

// decoder builds the values of text, which encoding/json has found to be valid
// JSON: nothing is left to check but what encoding/json allows.
type decoder struct {
	text string
	at   int
}

// next skips white space and returns the byte that follows it.
func (d *decoder) next() byte {
	for {
		switch c := d.text[d.at]; c {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return c
		}
	}
}

// object reads an object, whose opening brace comes next.
func (d *decoder) object(depth int) (map[string]any, error) {
	object := make(map[string]any)
	err := d.members(depth, func(name string) error {
		if _, twice := object[name]; twice {
			return twiceError(name)
		}
		value, err := d.value(depth)
		object[name] = value
		return err
	})
	if err != nil {
		return nil, err
	}
	return object, nil
}

// members reads an object, whose opening brace comes next. It calls read for
// each member, which must read the value: nothing stands before that any more.
func (d *decoder) members(depth int, read func(name string) error) error {
	if depth > maxDepth {
		return fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	for {
		d.at++ // the brace, or a comma
		if d.next() == '}' {
			d.at++
			return nil
		}
		name, err := d.string()
		if err != nil {
			return err
		}
		d.next()
		d.at++ // the colon
		d.next()
		if err := read(name); err != nil {
			return err
		}
		if d.next() == '}' {
			d.at++
			return nil
		}
	}
}

func twiceError(name string) error {
	return fmt.Errorf("the member %s stands there twice", quoted(name))
}

// array reads an array, whose opening bracket comes next.
func (d *decoder) array(depth int) ([]any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	array := []any{}
	for {
		d.at++ // the bracket, or a comma
		if d.next() == ']' {
			d.at++
			return array, nil
		}
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
		if d.next() == ']' {
			d.at++
			return array, nil
		}
	}
}

func (d *decoder) value(depth int) (any, error) {
	switch d.next() {
	case '{':
		return d.object(depth + 1)
	case '[':
		return d.array(depth + 1)
	case '"':
		return d.string()
	case 't':
		d.at += len("true")
		return true, nil
	case 'f':
		d.at += len("false")
		return false, nil
	case 'n':
		d.at += len("null")
		return nil, nil
	}
	return json.Number(d.number()), nil
}

// number reads a number, or nothing where none stands.
func (d *decoder) number() string {
	from := d.at
	for d.at < len(d.text) && strings.IndexByte("+-.0123456789Ee", d.text[d.at]) >= 0 {
		d.at++
	}
	return d.text[from:d.at]
}

// string reads a string, whose opening quote comes next. Escapes are left to
// encoding/json.
func (d *decoder) string() (string, error) {
	from := d.at
	escaped := false
	for d.at++; d.text[d.at] != '"'; d.at++ {
		if d.text[d.at] == '\\' {
			escaped = true
			d.at++ // what is escaped may be a quote
		}
	}
	d.at++
	raw := d.text[from:d.at]
	if !escaped {
		return raw[1 : len(raw)-1], nil
	}
	var decoded string
	err := json.Unmarshal([]byte(raw), &decoded)
	return decoded, err
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

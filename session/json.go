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
	object, err := d.object(1)
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, err
	}
	return object, nil
}

// errSyntax says what the grammar of RFC 8259 does not allow.
var errSyntax = errors.New("it is not valid JSON")

// newDecoder begins to read data, which must be a JSON object.
func newDecoder(data []byte) (*decoder, error) {
	// One copy, of which names, strings and numbers are pieces.
	d := &decoder{text: string(data)}
	if !utf8.ValidString(d.text) {
		return nil, errors.New("it is not valid UTF-8")
	}
	if d.next() == '{' {
		return d, nil
	}
	if !json.Valid(data) {
		return nil, errSyntax
	}
	return nil, errors.New("it is not a JSON object")
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
	unit, _ := strconv.ParseUint(string(data[2:6]), 16, 16) // valid JSON has four digits there
	return rune(unit)
}

// decoder reads JSON in one pass. encoding/json would do it in three: one to check
// the form, one to find the tokens, one to build the values.
type decoder struct {
	text string // valid UTF-8
	at   int
}

// next skips white space and returns the byte that follows it, 0 at the end.
func (d *decoder) next() byte {
	for ; d.at < len(d.text); d.at++ {
		switch c := d.text[d.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// skip reads the byte if it comes next, and reports whether it did.
func (d *decoder) skip(c byte) bool {
	if d.next() != c {
		return false
	}
	d.at++
	return true
}

// end reports an error unless everything was read.
func (d *decoder) end() error {
	if d.next(); d.at < len(d.text) {
		return errSyntax
	}
	return nil
}

func (d *decoder) object(depth int) (map[string]any, error) {
	object := make(map[string]any)
	err := d.members(func(name string) error {
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

// members reads an object. It calls read for each member, which must read the
// value: nothing stands before that any more.
func (d *decoder) members(read func(name string) error) error {
	d.at++ // the brace
	if d.skip('}') {
		return nil
	}
	for {
		name, err := d.string()
		if err != nil {
			return err
		}
		if !d.skip(':') {
			return errSyntax
		}
		d.next()
		if err := read(name); err != nil {
			return err
		}
		if d.skip('}') {
			return nil
		}
		if !d.skip(',') {
			return errSyntax
		}
	}
}

func twiceError(name string) error {
	return fmt.Errorf("the member %s occurs twice", quoted(name))
}

func (d *decoder) array(depth int) ([]any, error) {
	array := []any{}
	d.at++ // the bracket
	if d.skip(']') {
		return array, nil
	}
	for {
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
		if d.skip(']') {
			return array, nil
		}
		if !d.skip(',') {
			return nil, errSyntax
		}
	}
}

// value reads a value that stands so deep.
func (d *decoder) value(depth int) (any, error) {
	switch first := d.next(); first {
	case '{', '[':
		if depth == maxDepth {
			return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
		}
		if first == '{' {
			return d.object(depth + 1)
		}
		return d.array(depth + 1)
	case '"':
		return d.string()
	case 't':
		return true, d.literal("true")
	case 'f':
		return false, d.literal("false")
	case 'n':
		return nil, d.literal("null")
	}
	number := d.number()
	if number == "" {
		return nil, errSyntax
	}
	return json.Number(number), nil
}

func (d *decoder) literal(text string) error {
	if !strings.HasPrefix(d.text[d.at:], text) {
		return errSyntax
	}
	d.at += len(text)
	return nil
}

// number reads a number (RFC 8259 section 6), or nothing where none stands.
func (d *decoder) number() string {
	from := d.at
	d.one('-')
	if !d.one('0') && d.digits() == 0 {
		return ""
	}
	if d.one('.') && d.digits() == 0 {
		return ""
	}
	if d.one('e') || d.one('E') {
		if !d.one('+') {
			d.one('-')
		}
		if d.digits() == 0 {
			return ""
		}
	}
	return d.text[from:d.at]
}

// one reads the character, if it comes next.
func (d *decoder) one(c byte) bool {
	if d.at == len(d.text) || d.text[d.at] != c {
		return false
	}
	d.at++
	return true
}

// digits reads all digits that come next and returns how many there are.
func (d *decoder) digits() int {
	from, at := d.at, d.at
	for at < len(d.text) && d.text[at] >= '0' && d.text[at] <= '9' {
		at++
	}
	d.at = at
	return at - from
}

// string reads a string. Escapes are left to encoding/json.
func (d *decoder) string() (string, error) {
	if !d.skip('"') {
		return "", errSyntax
	}
	from := d.at
	escaped := false
	for at := from; at < len(d.text); at++ {
		switch c := d.text[at]; {
		case c == '"':
			text := d.text[from:at]
			d.at = at + 1
			if escaped {
				return unescape(text)
			}
			return text, nil
		case c == '\\':
			escaped = true
			at++ // what is escaped may be a quote
		case c < ' ':
			return "", errSyntax
		}
	}
	d.at = len(d.text) // the text may end within an escape
	return "", errSyntax
}

// unescape decodes what stands between two quotes.
func unescape(text string) (decoded string, err error) {
	quoted := []byte(`"` + text + `"`)
	if json.Unmarshal(quoted, &decoded) != nil {
		return "", errSyntax
	}
	if hasLoneSurrogate(quoted) {
		return "", errors.New("it holds a lone surrogate")
	}
	return decoded, nil
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

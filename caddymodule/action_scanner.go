package caddymodule

import (
	"bytes"
	"unicode/utf8"
)

// actionScanner finds the words in the body of a Server Action, byte by byte, as they are in
// the strings of its JSON. An id is a word, since it is a whole string, or stands before a #.
// In a form each part has its own charset and encoding, so those that are not in UTF-8 as it
// stands are refused, as no client sends any. A part that is a file is not JSON, but may not
// differ either.
type actionScanner struct {
	boundary string // what each line between the parts of a form begins with, or empty if it is none
	word     []byte
	escaped  int  // how many characters of an escape have been read, such as \u0061
	code     rune // what they say
	line     []byte
	inHeader bool // of a part
}

// Words and lines that are longer are not kept: no id is, and no boundary.
const (
	longestWord = 128
	longestLine = 4096
)

// next reads a byte. It returns the word that ends with it, which is valid until the next
// call, or nil; and whether the body may be sent on.
func (s *actionScanner) next(c byte) (word []byte, ok bool) {
	return s.nextOfString(c), s.nextOfLine(c)
}

// nextOfString resolves the escapes of a JSON string (RFC 8259 section 7).
func (s *actionScanner) nextOfString(c byte) (word []byte) {
	switch {
	case s.escaped == 0 && c == '\\':
		s.escaped = 1
		return nil
	case s.escaped == 0:
		return s.character(rune(c))
	case s.escaped == 1 && c == 'u':
		s.escaped, s.code = 2, 0
		return nil
	case s.escaped == 1:
		s.escaped = 0
		return s.character(0)
	}
	digit, ok := hexadecimal(c)
	if !ok {
		s.escaped = 0
		return s.character(0)
	}
	s.code = s.code<<4 | digit
	if s.escaped++; s.escaped < len(`\u0061`) {
		return nil
	}
	s.escaped = 0
	return s.character(s.code)
}

// character adds a character to the word, or ends it.
func (s *actionScanner) character(c rune) (word []byte) {
	if isWordCharacter(c) {
		if len(s.word) <= longestWord {
			s.word = utf8.AppendRune(s.word, c)
		}
		return nil
	}
	word, s.word = s.word, s.word[:0]
	if len(word) > longestWord {
		return nil
	}
	return word
}

func isWordCharacter(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

func hexadecimal(digit byte) (value rune, ok bool) {
	switch lower := digit | 0x20; {
	case '0' <= digit && digit <= '9':
		return rune(digit - '0'), true
	case 'a' <= lower && lower <= 'f':
		return rune(lower-'a') + 10, true
	}
	return 0, false
}

// nextOfLine looks for the headers of a form's parts (RFC 7578 section 4). They come after the
// line of a boundary, and end with an empty line. What else begins as a boundary is refused:
// some servers read headers on the same line, and busboy cuts a boundary out of the middle of a
// header, whose parts then are one. No value has such a line, as clients make up the boundary.
func (s *actionScanner) nextOfLine(c byte) (ok bool) {
	if c != '\n' {
		if len(s.line) <= longestLine {
			s.line = append(s.line, c)
		}
		return !s.inHeader || len(s.line) <= longestLine
	}
	line, whole := bytes.CutSuffix(s.line, []byte("\r"))
	s.line = s.line[:0]
	if s.boundary == "" {
		return true
	}
	rest, isBoundary := bytes.CutPrefix(line, []byte(s.boundary))
	switch {
	case isBoundary:
		if s.inHeader || string(rest) == "--" {
			return !s.inHeader
		}
		s.inHeader = true
		return whole && len(rest) == 0
	case !s.inHeader:
		return true
	case len(line) == 0:
		s.inHeader = false
		return whole
	}
	return whole && !saysOtherEncoding(line)
}

// saysOtherEncoding reports whether a header of a part may say that its value is not in UTF-8
// as it stands. No client splits a header over lines, as some servers still allow (RFC 5322
// section 2.2.3), and what a file is called says nothing.
func saysOtherEncoding(line []byte) bool {
	lower := bytes.ToLower(line)
	if encoding, ok := bytes.CutPrefix(lower, []byte("content-transfer-encoding")); ok { // which the edge runtime undoes
		encoding = bytes.Trim(encoding, " \t:")
		return !bytes.Equal(encoding, []byte("binary")) && !bytes.Equal(encoding, []byte("8bit")) && !bytes.Equal(encoding, []byte("7bit"))
	}
	isFolded := line[0] == ' ' || line[0] == '\t'
	isType := bytes.HasPrefix(lower, []byte("content-type"))
	return isFolded || isType && bytes.Count(lower, []byte("charset")) > bytes.Count(lower, []byte("charset=utf-8"))
}

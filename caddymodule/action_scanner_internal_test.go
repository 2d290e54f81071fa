package caddymodule

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// scanWords gives a body to a scanner and returns its words.
func scanWords(contentType, body string) (words []string, ok bool) {
	s := actionScanner{boundary: boundaryOf(contentType)}
	for _, c := range []byte(body) {
		word, readable := s.next(c)
		if !readable {
			return words, false
		}
		if len(word) > 0 {
			words = append(words, string(word))
		}
	}
	return words, true
}

func TestScannerFindsTheWordsOfABody(t *testing.T) {
	for body, want := range map[string][]string{
		`["ab12"]`:                           {"ab12"},
		`"AZaz09_-"`:                         {"AZaz09_-"},
		`"\u006a\u006f\u006A\u006F"`:         {"jojo"},
		`{"id":"ab12","bound":null}`:         {"id", "ab12", "bound", "null"},
		`"\u0061b1\u0032"`:                   {"ab12"},
		`"\u0061\u0062\u0031\u0032"`:         {"ab12"},
		`"ab12\u0023name"`:                   {"ab12", "name"},
		`"ab12#name"`:                        {"ab12", "name"},
		`"\\u0061b12"`:                       {"u0061b12"}, // a backslash that stands for itself
		`"\\ab12"`:                           {"ab12"},     // the same
		`"\fab12\nab12"`:                     {"ab12", "ab12"},
		`"\u00e4ab12\u1e9eab12"`:             {"ab12", "ab12"},
		`"äab12ß"`:                           {"ab12"},
		`"\u00zzab12"`:                       {"zab12"}, // no JSON
		`"` + strings.Repeat("a", 200) + `"`: nil,
		`"` + strings.Repeat("a", 128) + `"`: {strings.Repeat("a", 128)},
		`"ab12`:                              nil, // not all of it has come
	} {
		words, ok := scanWords("text/plain;charset=UTF-8", body)
		assert.True(t, ok, body)
		assert.Equal(t, want, words, body)
	}
}

// Next.js 14.2 to 16.4 read a part of a form in the charset that it says, and in the edge
// runtime in its transfer encoding: none but UTF-8 as it stands shows the words.
func TestAttackByEncodingOfAPart(t *testing.T) {
	const disposition = "Content-Disposition: form-data; name=\"1\"\r\n"
	for _, tc := range []struct {
		header string
		ok     bool
	}{
		{disposition, true},
		{disposition + "Content-Type: text/plain\r\n", true},
		{disposition + "Content-Type: text/plain; charset=utf-8\r\n", true},
		{disposition + "content-type: text/plain;charset=UTF-8\r\n", true},
		{"Content-Disposition: form-data; name=\"1\"; filename=\"charset=utf-16.txt\"\r\nContent-Type: application/pdf\r\n", true},
		{"X-Y: charset=utf-16le\r\n" + disposition, true},
		{disposition + "Content-Type: text/plain; charset=utf-16le\r\n", false},
		{"cOnTeNt-TyPe: text/plain; x=y; CharSet=\"base64\"\r\n" + disposition, false},
		{disposition + "Content-Type:\r\n text/plain;\r\n\tcharset=iso-2022-jp\r\n", false},
		{disposition + "Content-Type: text/plain; charset=utf-8; charset=utf-16le\r\n", false},
		{disposition + "Content-Transfer-Encoding: binary\r\n", true},
		{disposition + "Content-Transfer-Encoding: base64\r\n", false},
		{disposition + "content-transfer-encoding : Base64\r\n", false},
		{disposition + "Content-Transfer-Encoding:\r\n base64\r\n", false},
		{disposition + "X-Y: z\r\n Content-Transfer-Encoding: base64\r\n", false},                       // some servers drop spaces before a name
		{disposition + "Content-Ty\r\n------X1pe: text/plain; chars\r\n------X1et=utf-16le\r\n", false}, // busboy cuts the boundaries out
		{disposition + "Content-Ty\r\n------X1--pe: x\r\n", false},
		{disposition + "X-Y: \r\n------X1\r\n", false},
		{disposition + "X-Y: \r\n------X1--\r\n", false},
		{disposition + "Content-Type: text/plain;\ncharset=utf-16le\r\n", false},
		{disposition + "X-Long: " + strings.Repeat("x", longestLine) + "\r\n", false},
	} {
		for name, contentType := range map[string]string{
			"plain": "multipart/form-data; boundary=----X1", "quoted": `multipart/form-data; boundary="----X1"`,
		} {
			_, ok := scanWords(contentType, "------X1\r\n"+disposition+"\r\nvalue\r\n------X1\r\n"+tc.header+"\r\n[]\r\n------X1--\r\n")
			assert.Equal(t, tc.ok, ok, "%s: %q", name, tc.header)
		}
	}
	for _, line := range []string{"------X1Content-Transfer-Encoding: base64\r\n", "------X1 \r\n", "------X1\n", "------X1-\r\n"} {
		_, ok := scanWords("multipart/form-data; boundary=----X1", line+disposition+"\r\n[]\r\n------X1--\r\n")
		assert.False(t, ok, "a boundary that some take for one, and some not: %q", line)
	}
}

// What somebody writes into a field, or has in a file, is no header.
func TestTextInAFormIsNoHeader(t *testing.T) {
	for _, text := range []string{
		"--other\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nAn e-mail.",
		"Hello,\r\n-- \r\n  Ada", "--\r\n  indented", "Title\r\n---\r\n- item\r\n  - item of it", "Title\r\n------\r\n\tcode",
		"---\r\n" + strings.Repeat("a long paragraph ", 1000), "----X1\r\n x", "--form-data\r\n x", "\r\n\r\n------\r\n\nx\n y",
	} {
		for _, contentType := range []string{"multipart/form-data; boundary=----X1", "multipart/form-data;boundary=----X1"} {
			_, ok := scanWords(contentType, "------X1\r\nContent-Disposition: form-data; name=\"1_text\"\r\n\r\n"+text+"\r\n------X1--\r\n")
			assert.True(t, ok, "%.50q", text)
		}
	}
}

// However a string of JSON is written, each id in it is found, if it is all of the string or
// stands before a #, as React takes it.
func FuzzScannerFindsIDs(f *testing.F) {
	f.Add(`{"id":"ab12","bound":"$@2"}`, "ab12", uint8(0))
	f.Add(`["\u0061b12#x", "\\ab12", 1e5, "\ud83d\ude00ab12"]`, "ab12", uint8(3))
	f.Fuzz(func(t *testing.T, text, id string, escaped uint8) {
		if id == "" || len(id) > longestWord || strings.ContainsFunc(id, func(c rune) bool { return !isWordCharacter(c) }) {
			return
		}
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			return
		}
		var written strings.Builder // the id with some of its characters escaped
		for i, c := range []byte(id) {
			if escaped>>(i%8)&1 == 1 {
				written.WriteString(`\u00` + strconv.FormatUint(uint64(c)+0x100, 16)[1:])
			} else {
				written.WriteByte(c)
			}
		}
		body := `[` + text + `,{"id":"` + written.String() + `"}]`
		words, ok := scanWords("text/plain", body)
		if !ok || !slices.Contains(words, id) {
			t.Errorf("%q is not among the words %q of %s", id, words, body)
		}
		for _, s := range stringsIn(value, nil) {
			before, _, _ := strings.Cut(s, "#")
			if before != "" && len(before) <= longestWord && !strings.ContainsFunc(before, func(c rune) bool { return !isWordCharacter(c) }) && !slices.Contains(words, before) {
				t.Errorf("%q is not among the words %q of %s", before, words, body)
			}
		}
	})
}

// stringsIn are all strings and names in a JSON value.
func stringsIn(value any, all []string) []string {
	switch v := value.(type) {
	case string:
		return append(all, v)
	case []any:
		for _, element := range v {
			all = stringsIn(element, all)
		}
	case map[string]any:
		for name, member := range v {
			all = stringsIn(member, append(all, name))
		}
	}
	return all
}

func BenchmarkActionBody(b *testing.B) {
	body := []byte(strings.Repeat(`["some text of a form, as people write it", 12, true]`+"\r\n", 1000))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		s := actionScanner{boundary: "------X1"}
		for _, c := range body {
			s.next(c)
		}
	}
}

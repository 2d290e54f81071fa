package routes

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxReturnTo is the largest path, in bytes as it stands in a URL, that is
// carried to the login page.
const maxReturnTo = 2048

// ReturnTo checks a path to which a visitor wants to return, and returns it as
// it may stand in a Location. It is false for everything that a browser could
// take to another site: other schemes and hosts, "//" and "/\" at the start,
// backslashes, control characters (browsers drop tabs and newlines), broken
// escapes, dot segments, and more than 2 KiB.
func ReturnTo(value string) (string, bool) {
	if len(value) > maxReturnTo || value == "" || value[0] != '/' || !utf8.ValidString(value) {
		return "", false
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\\' }) {
		return "", false
	}
	path := pathOf(value)
	if _, ok := decode(path); !ok || strings.HasPrefix(path, "//") || path != resolve(path) {
		return "", false
	}
	safe := escape(value)
	parsed, err := url.Parse(pathOf(safe))
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || parsed.Opaque != "" {
		return "", false
	}
	return safe, len(safe) <= maxReturnTo
}

// escape encodes the bytes that may not stand in a Location. It leaves
// escapes and the delimiters of path, query and fragment alone.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// pathOf cuts query and fragment, in which a browser allows a bare "%".
func pathOf(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		return s[:i]
	}
	return s
}

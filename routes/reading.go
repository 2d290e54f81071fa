package routes

import (
	"encoding/hex"
	"strings"
)

// canonical decodes the escapes that mean the same to every server: bytes of
// non-ASCII text, spaces and punctuation. What some servers decode and others
// do not stays encoded, with upper-case digits: letters, digits, "-._~", and
// the characters with a meaning of their own (/ \ % ? # ; and controls).
func canonical(path string) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	var b strings.Builder
	b.Grow(len(path))
	for i := 0; i < len(path); i++ {
		c, ok := unescape(path[i:])
		if !ok {
			b.WriteByte(path[i])
			continue
		}
		if harmless(c) {
			b.WriteByte(c)
		} else {
			b.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

// harmless reports whether encoding the byte makes no difference to any server.
func harmless(c byte) bool {
	switch {
	case c < 0x20 || c == 0x7f:
		return false
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	default:
		return strings.IndexByte(`-._~/\%?#;`, c) < 0
	}
}

// unescape decodes an escape at the beginning of s.
func unescape(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	var c [1]byte
	_, err := hex.Decode(c[:], []byte(s[1:3]))
	return c[0], err == nil
}

// decode decodes every escape once. Escapes that are none stay as they are,
// as in a browser; ok says that there were no such.
func decode(s string) (decoded string, ok bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	var b strings.Builder
	b.Grow(len(s))
	ok = true
	for i := 0; i < len(s); i++ {
		c, escaped := unescape(s[i:])
		if escaped {
			i += 2
		} else {
			c = s[i]
			ok = ok && c != '%'
		}
		b.WriteByte(c)
	}
	return b.String(), ok
}

// resolve resolves dot segments as the WHATWG URL standard does: "%2e" is a
// dot, a backslash is a slash, and empty segments count.
func resolve(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	if !strings.Contains(path, "/.") && !strings.Contains(path, "/%2") {
		return path
	}
	segments := strings.Split(path, "/")[1:]
	kept := segments[:0]
	for _, segment := range segments {
		switch {
		case isDotDot(segment):
			kept = kept[:max(0, len(kept)-1)]
		case !isDot(segment):
			kept = append(kept, segment)
		}
	}
	if last := segments[len(segments)-1]; isDot(last) || isDotDot(last) {
		kept = append(kept, "")
	}
	return "/" + strings.Join(kept, "/")
}

func isDot(segment string) bool {
	return segment == "." || strings.EqualFold(segment, "%2e")
}

func isDotDot(segment string) bool {
	switch len(segment) {
	case 2:
		return segment == ".."
	case 4:
		return strings.EqualFold(segment, ".%2e") || strings.EqualFold(segment, "%2e.")
	case 6:
		return strings.EqualFold(segment, "%2e%2e")
	default:
		return false
	}
}

// merge makes one slash of many, and of backslashes.
func merge(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// trimSlashes removes the leading slash and one slash at the end, which makes
// no difference to Next.js.
func trimSlashes(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
}

// plain reports whether every server reads the path in the same way.
func plain(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c == '/':
			if rest := path[i+1:]; rest != "" && (rest[0] == '/' || rest[0] == '.' && startsWithDots(rest)) {
				return false
			}
		case c == '%', c == '\\', c < 0x20, c >= 0x7f:
			return false
		}
	}
	return true
}

// startsWithDots reports whether the first segment is a dot segment.
func startsWithDots(rest string) bool {
	segment, _, _ := strings.Cut(rest, "/")
	return segment == "." || segment == ".."
}

// reading is one way in which a server may read a path.
type reading struct {
	path string
	sent string // the path in the escapes that the client sent
	how  string
}

// The names of the readings, as logs show them.
const (
	howRaw      = "raw"
	howDecoded  = "decoded"
	howCleaned  = "cleaned"
	howResolved = "dot-resolved"
	howNetwork  = "network path"
	// An app that decodes what its framework has decoded reads it so.
	howDecodedAgain = "decoded twice"
)

// readings returns the different readings of a path that is not plain:
// as it is, with dot segments resolved, decoded, and both, where slashes are
// merged before or after. The order of decoding and resolving matters:
// "/x%2Fy/../%64ashboard" is /dashboard only if dots are resolved first.
func readings(path string) []reading {
	list := make([]reading, 0, 10)
	add := func(path, sent, how string) {
		for _, r := range list {
			if r.path == path {
				return
			}
		}
		list = append(list, reading{path, sent, how})
	}
	raw := canonical(path)
	add(raw, path, howRaw)
	decodedLater := ""
	if resolved := resolve(path); resolved != path {
		later := canonical(resolved)
		add(later, resolved, howResolved)
		add(merge(later), merge(resolved), howCleaned)
		decodedLater, _ = decode(later)
	}
	if merged := merge(path); merged != path {
		add(resolve(merge(raw)), resolve(merged), howCleaned)
	}
	decoded, _ := decode(raw)
	for _, d := range []string{decoded, decodedLater} {
		if d == "" {
			continue
		}
		cleaned, merged := merge(resolve(d)), resolve(merge(d))
		add(d, d, howDecoded)
		add(cleaned, cleaned, howCleaned)
		add(merged, merged, howCleaned)
	}
	return list
}

// cutHost makes a path of what a server may take for a host and a path: a target
// that begins with two slashes is a network-path reference (RFC 3986 section 4.2),
// and the WHATWG URL standard takes more slashes, and backslashes, for the same.
func cutHost(path string) (rest string, ok bool) {
	host := strings.TrimLeft(path, `/\`)
	if len(path)-len(host) < 2 {
		return "", false
	}
	if i := strings.IndexAny(host, `/\`); i >= 0 {
		return host[i:], true
	}
	return "/", true
}

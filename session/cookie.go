package session

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxCookieSize is what browsers take for name and value together (RFC
	// 6265bis section 5.6).
	maxCookieSize = 4096
	// maxChunks bounds what one session may take of a request's headers.
	maxChunks      = 3
	maxTokenLength = maxChunks * maxCookieSize
	// maxJoined bounds the ways to join chunks of which there are twins. Whole
	// cookies are bounded by the size of a request's headers.
	maxJoined = 8
	// maxCookieAge is the longest Max-Age that browsers honour (RFC 6265bis
	// section 5.5), 400 days.
	maxCookieAge = 400 * 24 * time.Hour
)

var chunkSuffixes = [maxChunks]string{".0", ".1", ".2"}

// eachCookie calls yield with every cookie of the Cookie header lines, in order.
// They are split at every semicolon and quotes have no meaning (RFC 6265bis
// section 5.7): a reader that honours quotes can be shown other cookies than the
// app behind sees. net/http also drops all cookies above a number of them. The
// pair is as it was sent, and the name is a part of it.
func eachCookie(lines []string, yield func(name, value, pair string)) {
	for _, line := range lines {
		for more := true; more; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			pair = trimSpace(pair)
			name, value, _ := strings.Cut(pair, "=")
			if pair != "" {
				yield(name, value, pair)
			}
		}
	}
}

// trimSpace takes spaces and tabs off both ends, of which there are few.
func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// lenientName is the name that a lenient reader sees: without what some servers strip
// from it before they look it up. A lone byte of 0xA0 is a space to readers of Latin-1, such as Node.js.
func lenientName(name string) string {
	if name != "" && isVisible(name[0]) && isVisible(name[len(name)-1]) {
		return name // as browsers send it
	}
	return strings.TrimFunc(name, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == utf8.RuneError || unicode.IsSpace(r)
	})
}

// cookies are the cookies of our name that a request carries.
type cookies struct {
	whole  []string            // values of <name>
	chunks [maxChunks][]string // values of <name>.0 and so on
	room   [1]string           // for whole: mostly there is one
}

func (c *cookies) any() bool {
	return len(c.whole)+len(c.chunks[0])+len(c.chunks[1])+len(c.chunks[2]) > 0
}

// add takes a cookie if its name is the session cookie's or a chunk's.
func (c *cookies) add(given, name, value string) {
	rest, ours := strings.CutPrefix(given, name)
	switch {
	case !ours:
	case rest == "":
		if c.whole == nil {
			c.whole = c.room[:0]
		}
		c.whole = append(c.whole, value)
	default:
		if i := slices.Index(chunkSuffixes[:], rest); i >= 0 {
			c.chunks[i] = append(c.chunks[i], value)
		}
	}
}

// candidates are the tokens that the cookies may mean: each whole cookie, and
// every way to join contiguous chunks. A twin can be planted by a sibling domain,
// so none is preferred here; the caller sees which ones open.
func (c *cookies) candidates() []string {
	tokens := c.whole
	joined := c.chunks[0][:min(len(c.chunks[0]), maxJoined)]
	for i := 1; i < maxChunks && len(c.chunks[i]) > 0; i++ {
		var longer []string
		for _, head := range joined {
			for _, tail := range c.chunks[i] {
				if len(longer) < maxJoined {
					longer = append(longer, head+tail)
				}
			}
		}
		joined = longer
	}
	if len(c.chunks[1]) == 0 && len(c.chunks[2]) > 0 {
		joined = nil // a gap
	}
	if len(joined) > 0 {
		tokens = append(slices.Clip(tokens), joined...)
	}
	return tokens
}

// isOurs reports whether a cookie name is the session cookie's or a chunk's.
func isOurs(given, name string) bool {
	rest, ok := strings.CutPrefix(given, name)
	return ok && (rest == "" || slices.Contains(chunkSuffixes[:], rest))
}

// sealedCookies are the names and values that carry a token. One that we seal fits into
// maxChunks cookies; see [maxSealedLength].
func sealedCookies(name, token string) (names, values []string) {
	if len(name)+len(token) <= maxCookieSize {
		return []string{name}, []string{token}
	}
	room := maxCookieSize - len(name) - len(chunkSuffixes[0])
	for i := 0; token != ""; i++ {
		n := min(room, len(token))
		names, values = append(names, name+"."+strconv.Itoa(i)), append(values, token[:n])
		token = token[n:]
	}
	return names, values
}

// maxSealedLength is the longest token that fits into the cookies of a name.
func maxSealedLength(name string) int {
	return maxChunks * (maxCookieSize - len(name) - len(chunkSuffixes[0]))
}

func (v *Visitor) setCookie(header http.Header, name, value string, left time.Duration) {
	cookie := v.cookie(name, value)
	if !v.manager.settings.BrowserLifetime {
		// Rounded up: the cookie may outlive the session by a moment, not the
		// other way round.
		cookie.MaxAge = max(1, int((min(left, maxCookieAge)+time.Second-1)/time.Second))
	}
	header.Add("Set-Cookie", cookie.String())
}

// removeCookie repeats the attributes: a deletion without Secure or with another path
// does not delete.
func (v *Visitor) removeCookie(header http.Header, name string) {
	cookie := v.cookie(name, "")
	cookie.MaxAge = -1
	cookie.Expires = time.Unix(1, 0)
	header.Add("Set-Cookie", cookie.String())
}

// cookie has the realm's attributes.
func (v *Visitor) cookie(name, value string) *http.Cookie {
	settings := &v.manager.settings
	sameSite := map[string]http.SameSite{
		"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode,
	}[settings.SameSite]
	return &http.Cookie{
		Name: name, Value: value, Path: settings.CookiePath, Domain: settings.CookieDomain,
		Secure: v.secure, HttpOnly: true, SameSite: sameSite,
	}
}

package session_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/session"
)

// manyCookies are Cookie lines of n different sessions.
func manyCookies(tb testing.TB, m *session.Manager, n int) []string {
	tb.Helper()
	lines := make([]string, n)
	for i := range lines {
		login := alice()
		login.User["id"] = fmt.Sprintf("user-%d", i)
		lines[i] = signIn(tb, m, login)
	}
	return lines
}

func benchmarkRead(b *testing.B, m *session.Manager, lines []string) {
	b.Helper()
	requests := make([]*http.Request, len(lines))
	for i, line := range lines {
		requests[i] = request(line)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := m.Read(requests[i%len(requests)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	m, _ := newManager(b)
	genuine := manyCookies(b, m, 1)[0]
	token := strings.TrimPrefix(genuine, "session=")
	cases := []struct{ name, cookie string }{
		{"anonymous", "theme=dark; consent=1; _ga=GA1.2.1234.5678"},
		{"seen", "theme=dark; " + genuine},
		{"malformed/short", "session=hello"},
		{"malformed/dots", "session=" + strings.Repeat("a.", 2000)},
		{"malformed/long", "session=" + strings.Repeat("A", 4000)},
		{"malformed/last", "session=" + token[:len(token)-1] + "!"},
		{"malformed/middle", "session=" + token[:len(token)-40] + "!" + token[len(token)-39:]},
		{"forged", "session=" + bendCiphertext(token)},
		{"flood", strings.Repeat("session="+bendCiphertext(token)+"; ", 30)},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) { benchmarkRead(b, m, []string{c.cookie}) })
	}
	b.Run("unseen", func(b *testing.B) {
		// A full cache keeps what it has, so a large one would know some of them.
		few, _ := newManager(b, func(s *session.Settings) { s.CacheSize = 100 })
		benchmarkRead(b, few, manyCookies(b, few, 100_000))
	})
}

// bendCiphertext is a forged token with the form of a genuine one.
func bendCiphertext(token string) string {
	parts := strings.Split(token, ".")
	first := byte('A')
	if parts[3][0] == first {
		first = 'B'
	}
	parts[3] = string(first) + parts[3][1:]
	return strings.Join(parts, ".")
}

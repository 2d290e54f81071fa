package session_test

import (
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

func BenchmarkSeal(b *testing.B) {
	m, _ := newManager(b)
	s := read(b, m, request(signIn(b, m, alice()))).Session()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Keys().Seal(s); err != nil {
			b.Fatal(err)
		}
	}
}

// Opening without the manager's cache: a token whose header has our spelling,
// and one of another party, which goes through go-jose.
func BenchmarkOpen(b *testing.B) {
	keys := mustKeyring(b, "", secretA)
	own := goodEnvelope(time.Now())
	foreign := own
	foreign.header = `{"typ":"session+jwt","kid":"` + tokenKeyID(own.key) + `","enc":"A256GCM","alg":"dir"}`
	for name, token := range map[string]string{"own": own.seal(), "foreign": foreign.seal()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.Open(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	m, c := newManager(b)
	cookie := signIn(b, m, session.Login{User: session.User{"id": "alice", "role": "editor"}})
	r := request(cookie)
	b.ReportAllocs()
	for b.Loop() {
		c.Add(time.Millisecond) // as often as a session may change
		must(b, read(b, m, r).Update(session.Change{User: session.User{"role": "editor"}}))
	}
}

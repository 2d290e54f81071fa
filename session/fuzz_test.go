package session_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/session-guard/caddy-session-guard/session"
)

// FuzzOpen: a token opens only if it is, byte for byte, one that was sealed.
func FuzzOpen(f *testing.F) {
	e := goodEnvelope(noon)
	e.nonce = []byte("fixed nonce!") // each process of the fuzzer must make the same token
	good := e.seal()
	ended := sealClaims(noon, claims{"expiresAt": noon.UnixMilli(), "exp": noon.Unix()})
	for _, seed := range []string{good, ended, good + ".", good[:len(good)-1], strings.ToUpper(good), "....", "", strings.Replace(good, "..", ".AAAA.", 1)} {
		f.Add(seed)
	}
	m, _ := newManager(f)
	f.Fuzz(func(t *testing.T, token string) {
		if strings.ContainsAny(token, ";") {
			return // it would be two cookies
		}
		s, result := openToken(t, m, token)
		if (s != nil) != (result == session.ResultOpened) {
			t.Fatalf("result %s with the session %v", result, s)
		}
		if s != nil && token != good && strings.Trim(token, " \t") != good {
			t.Fatalf("a token that nobody sealed opened: %q", token)
		}
	})
}

// FuzzClaims: whatever stands in a token that was sealed with our key, what
// opens keeps its promises and survives being sealed again.
func FuzzClaims(f *testing.F) {
	good := claimsJSON(goodClaims(noon))
	for _, seed := range []string{good, "{}", strings.Replace(good, "alice", `al\ud83d\ude00`, 1), strings.Replace(good, `"jti"`, `"JTI"`, 1), good + good} {
		f.Add(seed)
	}
	m, _ := newManager(f)
	f.Fuzz(func(t *testing.T, plaintext string) {
		e := goodEnvelope(noon)
		e.claims = plaintext
		v := read(t, m, request("session="+e.seal()))
		s := v.Session()
		if s == nil {
			return
		}
		id := s.User.ID()
		if id == "" || strings.TrimSpace(id) != id || strings.ContainsAny(id, "\r\n\x00") || s.Expired(noon) || s.ID == "" {
			t.Fatalf("opened to %+v", s)
		}
		if err := v.Refresh(t.Context()); err != nil {
			return // too large
		}
		back := read(t, m, request(sentCookie(t, v))).Session()
		if back == nil || string(back.AppendJSON(nil, true)) != string(v.Session().AppendJSON(nil, true)) {
			t.Fatalf("%s came back as %v", v.Session().AppendJSON(nil, true), back)
		}
	})
}

// FuzzCookies: nobody is signed in but whom a whole, good token names; the app
// sees no cookie of ours that did not open, and all others as they were.
func FuzzCookies(f *testing.F) {
	an, bo := tokenOf("an", "jti-an", noon), tokenOf("bo", "jti-bo", noon)
	for _, seed := range []string{
		"session=AN", "session=AN; session=BO", "session.0=AN", "session.1=AN; session.0=", "a=1;session=x; session.2=AN; b", `a="session=AN; b"`, "session =AN", "session.set=x",
	} {
		f.Add(seed, "")
		f.Add("a=1", seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		names := strings.NewReplacer("AN", an, "BO", bo)
		m, _ := newManager(t, func(s *session.Settings) { s.ForwardCookie = true })
		r := request(names.Replace(first), names.Replace(second))
		all := strings.Join(r.Header["Cookie"], ";")
		v := read(t, m, r)
		if s := v.Session(); s != nil {
			// Chunks may be cut anywhere; without their separators the token is whole.
			if id := s.User.ID(); id != "an" && id != "bo" {
				t.Fatalf("%q signed %q in", all, id)
			}
			if (strings.Contains(all, "session="+an) && strings.Contains(all, "session="+bo)) && first != "" && exactCookie(r, "session="+an) && exactCookie(r, "session="+bo) {
				t.Fatalf("%q signed one of two users in", all)
			}
		}
		v.ForwardCookies(r.Header)
		for _, line := range r.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
				switch strings.TrimSpace(name) {
				case "session.set", "session.update", "session.delete", "session.0", "session.1", "session.2":
					t.Fatalf("the app gets %q", pair)
				case "session":
					if v.Session() == nil || value != an && value != bo {
						t.Fatalf("the app gets %q", pair)
					}
				}
			}
		}
	})
}

func exactCookie(r *http.Request, want string) bool {
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if strings.Trim(pair, " \t") == want {
				return true
			}
		}
	}
	return false
}

// FuzzHandoff: whatever an app answers, nothing of ours reaches the browser, an
// error changes nothing, and who is signed in has an id.
func FuzzHandoff(f *testing.F) {
	bo := described(`{"user":{"id":"bo"}}`)
	for _, seed := range [][3]string{
		{"X-Session-Set", bo, "a=1"}, {"X-Session-Update", described(`{"user":{"x":[1]}}`), "session.delete=1"}, {"x_session.delete", "1", "session=x"},
		{"X-Session-Delete", "1", "session.set=" + bo + "; Max-Age=0"}, {"Other", "", "session.update=" + bo}, {"X-Session-Activity", "none", "session.0=; Max-Age=0"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	m, _ := newManager(f)
	cookie := signIn(f, m, alice())
	f.Fuzz(func(t *testing.T, name, value, line string) {
		header := http.Header{name: {value}, "Set-Cookie": {line, "kept=1"}}
		v := read(t, m, request(cookie))
		before := v.Session()
		handoff, err := v.TakeHandoff(t.Context(), header)
		for left := range header {
			if session.IsSessionHeader(left) {
				t.Fatalf("%q would reach the browser", left)
			}
		}
		for _, left := range header["Set-Cookie"] {
			given, _, _ := strings.Cut(left, "=")
			if slices.Contains([]string{"session", "session.0", "session.1", "session.2", "session.set", "session.update", "session.delete"}, strings.TrimSpace(given)) {
				t.Fatalf("%q would reach the browser", left)
			}
		}
		if name != "Set-Cookie" && !slices.Contains(header["Set-Cookie"], "kept=1") {
			t.Fatal("another cookie is gone")
		}
		if err != nil {
			if v.Session() != before {
				t.Fatal("an error changed the session")
			}
			return
		}
		if handoff.Delete { // one's own end would end the session of all other inputs
			return
		}
		if handoff.Set != nil {
			v = read(t, m, request())
		}
		if err := v.Apply(t.Context(), handoff); err == nil && handoff.Set != nil && v.Session().User.ID() == "" {
			t.Fatal("somebody without an id is signed in")
		}
	})
}

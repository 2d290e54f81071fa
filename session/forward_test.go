package session_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/session-guard/caddy-session-guard/session"
)

func TestForwardCookies(t *testing.T) {
	an := tokenOf("an", "jti-an", noon)
	const forward, keep = true, false
	for name, tc := range map[string]struct {
		forward bool
		lines   []string
		want    []string // the Cookie lines that the app gets
	}{
		"none":                     {keep, nil, nil},
		"only others":              {keep, []string{"a=1;  b=2"}, []string{"a=1;  b=2"}},
		"others in two lines":      {keep, []string{"a=1", "b=2"}, []string{"a=1", "b=2"}},
		"a session":                {keep, []string{"session=" + an}, nil},
		"a session between others": {keep, []string{"a=1; session=" + an + "; b=2"}, []string{"a=1; b=2"}},
		"in the second line":       {keep, []string{"a=1", "session=" + an + "; b=2"}, []string{"a=1; b=2"}},
		"garbage":                  {keep, []string{"session=x; a=1"}, []string{"a=1"}},
		"chunks":                   {keep, []string{"session.0=x; session.1=y; session.2=z; a=1"}, []string{"a=1"}},
		"names like ours":          {keep, []string{"sessions=1; session.3=2; session.00=3; session-x=4; Session=5"}, []string{"sessions=1; session.3=2; session.00=3; session-x=4; Session=5"}},
		"odd values of others":     {keep, []string{`a="x; y"; session=z; b=c=d; e`}, []string{`a="x; y"; b=c=d; e`}},

		"asked for":                  {forward, []string{"a=1; session=" + an + "; b=2"}, []string{"a=1; b=2; session=" + an}},
		"asked for, twins":           {forward, []string{"session=x; session=" + an + "; session.1=y"}, []string{"session=" + an}},
		"asked for, in chunks":       {forward, []string{"session.1=" + an[9:] + "; session.0=" + an[:9]}, []string{"session=" + an}},
		"asked for, garbage":         {forward, []string{"session=x; a=1"}, []string{"a=1"}},
		"asked for, two users":       {forward, []string{"session=" + an + "; session=" + tokenOf("bo", "bo", noon)}, nil},
		"asked for, anonymous":       {forward, []string{"a=1"}, []string{"a=1"}},
		"handoff cookies":            {forward, []string{"session.set=x; session.update=y; session.delete=1; a=1"}, []string{"a=1"}},
		"inside what looks quoted":   {keep, []string{`a="x; session.set=y; session=z; b"`}, []string{`a="x; b"`}},
		"a handoff, a space behind":  {keep, []string{"session.set =x; a=1"}, []string{"a=1"}},
		"a handoff, a tab behind":    {keep, []string{"session.delete\t=1; a=1"}, []string{"a=1"}},
		"a handoff, an NBSP around":  {keep, []string{"\u00a0session.set\u00a0=x; a=1"}, []string{"a=1"}},
		"a handoff, a Latin-1 NBSP":  {keep, []string{"session.set\xa0=x; a=1"}, []string{"a=1"}},
		"a handoff, a Unicode space": {keep, []string{"\u2000session.set=x; a=1"}, []string{"a=1"}},
		"a session, a space behind":  {keep, []string{"session =" + an + "; a=1"}, []string{"a=1"}},
		"a handoff without a value":  {keep, []string{"session.delete; a=1"}, []string{"a=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t, func(s *session.Settings) { s.ForwardCookie = tc.forward })
			r := request(tc.lines...)
			read(t, m, r).ForwardCookies(r.Header)
			if got := r.Header["Cookie"]; !slices.Equal(got, tc.want) {
				t.Errorf("the app gets %.300q, not %.300q", got, tc.want)
			}
		})
	}
}

// The handoff cookies have no prefix, whatever the session cookie has.
func TestForwardCookiesOverTLS(t *testing.T) {
	m, _ := newManager(t)
	r := over(true, request("session.set=x; __Host-session=y; __Host-session.1=z; a=1"))
	read(t, m, r).ForwardCookies(r.Header)
	if got := r.Header["Cookie"]; !slices.Equal(got, []string{"a=1"}) {
		t.Errorf("the app gets %q", got)
	}
}

// A cookie that is left over from before TLS, or from another prefix, signs nobody in.
// The token in it is good, so the app must not get it; a cookie of its own it may.
func TestForwardCookiesHidesTokensUnderOtherPrefixes(t *testing.T) {
	an := tokenOf("an", "jti-an", noon)
	for _, secure := range []bool{true, false} {
		m, _ := newManager(t)
		r := over(secure, request("session="+an+"; __Host-session="+an+"; __secure-session="+an+"; session=\""+an+"\"; a=1"))
		r.Header.Add("Cookie", "__Secure-session.0="+an[:9]+"; __Secure-session.1="+an[9:])
		read(t, m, r).ForwardCookies(r.Header)
		if got := r.Header["Cookie"]; !slices.Equal(got, []string{"a=1"}) {
			t.Errorf("secure %v: the app gets %.300q", secure, got)
		}
	}
	for _, own := range []string{"session=of-the-app; a=1", "session=eyJhbGciOiJIUzI1NiJ9.eyJ1c2VySWQiOiIxIn0.c2lnbmF0dXJl; a=1"} {
		m, _ := newManager(t)
		r := over(true, request(own))
		read(t, m, r).ForwardCookies(r.Header)
		if got := r.Header["Cookie"]; !slices.Equal(got, []string{own}) {
			t.Errorf("the app gets %q", got)
		}
	}
}

func TestForwardCookiesAfterSignOutAndSignIn(t *testing.T) {
	m, _ := newManager(t, func(s *session.Settings) { s.ForwardCookie = true })
	cookie := signIn(t, m, alice())
	r := request(cookie)
	v := read(t, m, r)
	must(t, v.Delete(t.Context()))
	v.ForwardCookies(r.Header)
	if got := r.Header["Cookie"]; got != nil {
		t.Errorf("after a sign-out the app gets %q", got)
	}
	header := http.Header{"Cookie": {cookie}}
	must(t, v.Create(t.Context(), alice()))
	v.ForwardCookies(header)
	if got := header.Get("Cookie"); got == cookie || got != sentCookie(t, v) {
		t.Errorf("after a sign-in the app gets %q", got)
	}
}

// An error route is nobody's, but a guard of its own finds out who is there.
func TestWithholdAndReturnCookies(t *testing.T) {
	an := tokenOf("an", "jti-an", noon)
	for _, forward := range []bool{false, true} {
		m, _ := newManager(t, func(s *session.Settings) { s.ForwardCookie = forward })
		for sent, want := range map[string][2][]string{
			"a=1; session=" + an + "; session.set=x":        {{"a=1"}, {"a=1", "session=" + an}},
			"session.0=" + an[:9] + "; session.1=" + an[9:]: {nil, {"session=" + an}},
			"a=1; session=garbage":                          {{"a=1"}, {"a=1"}},
			"a=1":                                           {{"a=1"}, {"a=1"}},
		} {
			r := request(sent)
			v := read(t, m, r)
			v.ForwardCookies(r.Header)
			v.WithholdCookies(r.Header)
			if got := r.Header["Cookie"]; !slices.Equal(got, want[0]) {
				t.Errorf("withheld: %.100q of %.100q", got, sent)
			}
			v.ReturnCookies(r.Header)
			v.ReturnCookies(r.Header)
			if got := r.Header["Cookie"]; !slices.Equal(got, want[1]) {
				t.Errorf("returned: %.100q of %.100q", got, sent)
			}
		}
	}
}

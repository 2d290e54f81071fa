package session

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A page that polls must not keep a session alive, neither by its own answer nor
// by what a parallel request takes over from it.
func TestForgoLeavesTheSessionAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, err := NewKeyring("", []byte("Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := NewManager(Settings{Expiry: 30 * time.Minute}, keys)
		if err != nil {
			t.Fatal(err)
		}
		visit := func(cookie string) *Visitor {
			r, _ := http.NewRequest(http.MethodGet, "http://app.example.com/", nil)
			if cookie != "" {
				r.Header.Set("Cookie", cookie)
			}
			v, err := m.Read(r)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		signIn := visit("")
		if err := signIn.Create(t.Context(), Login{User: User{"id": "ada"}}); err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		signIn.SetCookies(header)
		made, err := http.ParseSetCookie(header.Get("Set-Cookie"))
		if err != nil {
			t.Fatal(err)
		}
		cookie := made.Name + "=" + made.Value
		end := signIn.Session().ExpiresAt

		time.Sleep(10 * time.Minute)
		polling, parallel := visit(cookie), visit(cookie)
		for _, v := range []*Visitor{polling, parallel} {
			if err := v.Slide(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !v.Session().ExpiresAt.After(end) {
				t.Fatal("the session did not slide, so there is nothing to forgo")
			}
		}
		late := visit(cookie) // gets what the first one slid as soon as it is read
		late.Forgo()
		if late.SetCookies(http.Header{}) {
			t.Error("the late request sends the cookie of the polling one")
		}
		for name, v := range map[string]*Visitor{"parallel": parallel, "polling": polling} {
			v.Forgo()
			if v.SetCookies(http.Header{}) {
				t.Errorf("the %s request sends a cookie", name)
			}
			if !v.Session().ExpiresAt.Equal(end) {
				t.Errorf("the %s request moved the end to %s", name, v.Session().ExpiresAt)
			}
		}
		if next := visit(cookie); !next.Session().ExpiresAt.Equal(end) || next.SetCookies(http.Header{}) {
			t.Error("a later request gets what was taken back")
		}
		active := visit(cookie)
		if err := active.Slide(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !active.SetCookies(http.Header{}) {
			t.Error("a request of the user's own does not keep the session alive any more")
		}
	})
}

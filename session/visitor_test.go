package session_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

func TestCreate(t *testing.T) {
	m, _ := newManager(t)
	v := read(t, m, request())
	if v.Session() != nil || v.Result() != session.ResultNone {
		t.Fatalf("before: %v, %s", v.Session(), v.Result())
	}
	must(t, v.Create(t.Context(), session.Login{User: session.User{"id": "alice", "n": 1}, AccessToken: "at", RefreshToken: "rt"}))
	s := v.Session()
	if s.User.ID() != "alice" || s.AccessToken != "at" || s.RefreshToken != "rt" || !s.CreatedAt.Equal(noon) || !s.LastActivity.Equal(noon) || !s.ExpiresAt.Equal(noon.Add(7*day)) {
		t.Errorf("made %+v", s)
	}
	back := read(t, m, request(strings.Join(cookiePairs(setCookies(t, v)), "; "))).Session()
	if back == nil || string(back.AppendJSON(nil, true)) != string(s.AppendJSON(nil, true)) || back.ID != s.ID {
		t.Errorf("read back %v", back)
	}
}

func TestCreateRefusesAUserWithoutAnID(t *testing.T) {
	for name, user := range map[string]session.User{
		"nil": nil, "empty": {}, "empty id": {"id": ""}, "number": {"id": 7}, "control": {"id": "a\tb"}, "space": {"id": "a "},
		"invalid UTF-8": {"id": "a\xff"},
	} {
		m, _ := newManager(t)
		cookie := signIn(t, m, alice())
		v := read(t, m, request(cookie))
		var wrong *session.UserError
		if err := v.Create(t.Context(), session.Login{User: user}); !errors.As(err, &wrong) {
			t.Errorf("%s: the error is %v", name, err)
		}
		// Nothing has changed: the old session lives, and no cookie is written.
		if v.Session() == nil || len(setCookies(t, v)) > 0 || read(t, m, request(cookie)).Session() == nil {
			t.Errorf("%s: the session of before was touched", name)
		}
	}
}

// An attacker's session, planted before the victim signs in, is dead after it.
func TestSessionFixation(t *testing.T) {
	m, _ := newManager(t)
	planted := signIn(t, m, session.Login{User: session.User{"id": "mallory"}})
	victim := read(t, m, request(planted))
	before := victim.Session().ID
	must(t, victim.Create(t.Context(), alice()))
	if victim.Session().ID == before {
		t.Error("the session kept its id over a sign-in")
	}
	if v := read(t, m, request(planted)); v.Session() != nil || v.Result() != session.ResultRevoked {
		t.Errorf("the planted cookie: %s, %v", v.Result(), v.Session())
	}
	// The same for one's own: a new sign-in is a new session.
	again := read(t, m, request(strings.Join(cookiePairs(setCookies(t, victim)), "; ")))
	before = again.Session().ID
	if err := again.Create(t.Context(), alice()); err != nil || again.Session().ID == before {
		t.Errorf("signing in again: %v, the same id: %v", err, again.Session().ID == before)
	}
}

func TestUpdate(t *testing.T) {
	text := func(s string) *string { return &s }
	login := session.Login{User: session.User{"id": "alice", "role": "editor", "prefs": map[string]any{"a": 1, "b": 2}}, AccessToken: "at", RefreshToken: "rt"}
	for name, tc := range map[string]struct {
		change session.Change
		want   string // the beginning of the session's JSON
	}{
		"nothing":            {session.Change{}, `{"user":{"id":"alice","prefs":{"a":1,"b":2},"role":"editor"},"accessToken":"at","refreshToken":"rt",`},
		"an empty user":      {session.Change{User: session.User{}}, `{"user":{"id":"alice","prefs":{"a":1,"b":2},"role":"editor"},"accessToken":"at",`},
		"replaced":           {session.Change{User: session.User{"role": "admin"}}, `{"user":{"id":"alice","prefs":{"a":1,"b":2},"role":"admin"},`},
		"replaced whole":     {session.Change{User: session.User{"prefs": map[string]any{"c": 3}}}, `{"user":{"id":"alice","prefs":{"c":3},"role":"editor"},`},
		"added":              {session.Change{User: session.User{"name": "A"}}, `{"user":{"id":"alice","name":"A","prefs":`},
		"removed":            {session.Change{User: session.User{"role": nil, "prefs": nil}}, `{"user":{"id":"alice"},`},
		"removed, not there": {session.Change{User: session.User{"x": nil}}, `{"user":{"id":"alice","prefs":{"a":1,"b":2},"role":"editor"},`},
		"the same id":        {session.Change{User: session.User{"id": "alice", "prefs": nil}}, `{"user":{"id":"alice","role":"editor"},`},
		"a token":            {session.Change{AccessToken: text("new")}, `{"user":{"id":"alice","prefs":{"a":1,"b":2},"role":"editor"},"accessToken":"new","refreshToken":"rt",`},
		"no token":           {session.Change{AccessToken: text(""), RefreshToken: text("")}, `{"user":{"id":"alice","prefs":{"a":1,"b":2},"role":"editor"},"expiresAt":`},
	} {
		t.Run(name, func(t *testing.T) {
			m, c := newManager(t)
			cookie := signIn(t, m, login)
			c.Add(time.Hour)
			v := read(t, m, request(cookie))
			before := v.Session()
			beforeJSON := string(before.AppendJSON(nil, true))
			must(t, v.Update(tc.change))
			if got := string(v.Session().AppendJSON(nil, true)); !strings.HasPrefix(got, tc.want) {
				t.Errorf("the session is %s, not %s…", got, tc.want)
			}
			if s := v.Session(); s.ID != before.ID || !s.CreatedAt.Equal(noon) || !s.LastActivity.Equal(noon.Add(time.Hour)) || !s.ExpiresAt.Equal(noon.Add(time.Hour+7*day)) {
				t.Errorf("an update is a refresh, but it gave %+v", s)
			}
			if string(before.AppendJSON(nil, true)) != beforeJSON || before.User["role"] != "editor" {
				t.Error("the session of before was modified; other goroutines may read it")
			}
			back := read(t, m, request(strings.Join(cookiePairs(setCookies(t, v)), "; "))).Session()
			if back == nil || string(back.AppendJSON(nil, true)) != string(v.Session().AppendJSON(nil, true)) {
				t.Errorf("read back %v", back)
			}
		})
	}
}

func TestUpdateThatIsRefusedChangesNothing(t *testing.T) {
	for name, user := range map[string]session.User{
		"another id": {"id": "root", "role": "admin"},
		"no id":      {"id": nil, "role": "admin"},
		"a number":   {"id": 1},
	} {
		m, _ := newManager(t)
		v := read(t, m, request(signIn(t, m, alice())))
		before := v.Session()
		var wrong *session.UserError
		if err := v.Update(session.Change{User: user}); !errors.As(err, &wrong) {
			t.Errorf("%s: the error is %v", name, err)
		}
		if v.Session() != before {
			t.Errorf("%s: the session changed", name)
		}
		if lines := setCookies(t, v); slices.ContainsFunc(lines, func(c *http.Cookie) bool { return !strings.Contains(c.Value, ".") }) {
			t.Errorf("%s: wrote %v", name, lines)
		}
	}
}

func TestChangesNeedASession(t *testing.T) {
	m, c := newManager(t)
	cookie := signIn(t, m, alice())
	c.Add(8 * day)
	for name, v := range map[string]*session.Visitor{"anonymous": read(t, m, request()), "expired": read(t, m, request(cookie))} {
		if err := v.Update(session.Change{User: session.User{"id": "alice"}}); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("%s: Update says %v", name, err)
		}
		if err := v.Refresh(t.Context()); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("%s: Refresh says %v", name, err)
		}
		if err := v.Slide(t.Context()); err != nil {
			t.Errorf("%s: Slide says %v", name, err)
		}
		if lines := setCookies(t, v); len(lines) > 0 {
			t.Errorf("%s: wrote %v", name, lines)
		}
	}
}

func TestDelete(t *testing.T) {
	m, _ := newManager(t)
	cookie := signIn(t, m, alice())
	other := signIn(t, m, alice())
	v := read(t, m, request(cookie))
	for range 2 { // it may be asked twice
		must(t, v.Delete(t.Context()))
	}
	if got := removedNames(setCookies(t, v)); !slices.Equal(got, []string{"session", "session.0", "session.1", "session.2"}) {
		t.Errorf("removed %q", got)
	}
	if v := read(t, m, request(cookie)); v.Result() != session.ResultRevoked {
		t.Errorf("the cookie after sign-out: %s", v.Result())
	}
	if v := read(t, m, request(other)); v.Session() == nil {
		t.Error("another session of the user ended too")
	}
	anonymous := read(t, m, request())
	if err := anonymous.Delete(t.Context()); err != nil || len(removedNames(setCookies(t, anonymous))) != 4 {
		t.Errorf("sign-out of an anonymous visitor: %v", err)
	}
}

// Every token of the session that was ever sealed is dead, whatever its text.
func TestDeleteEndsOlderTokensToo(t *testing.T) {
	m, c := newManager(t)
	first := signIn(t, m, alice())
	c.Add(6*day + time.Hour)
	v := read(t, m, request(first))
	must(t, v.Slide(t.Context()))
	second := strings.Join(cookiePairs(setCookies(t, v)), "; ")
	if second == "" || second == first {
		t.Fatal("it did not slide")
	}
	must(t, read(t, m, request(second)).Delete(t.Context()))
	for name, cookie := range map[string]string{"first": first, "second": second} {
		if v := read(t, m, request(cookie)); v.Result() != session.ResultRevoked {
			t.Errorf("the %s cookie: %s", name, v.Result())
		}
	}
	// The tombstone lives as long as any token it must stop.
	c.Add(7*day - 2*time.Hour)
	for range 3 { // let the set sweep
		signOut := read(t, m, request(signIn(t, m, alice())))
		must(t, signOut.Delete(t.Context()))
		c.Add(30 * time.Minute)
	}
	if v := read(t, m, request(second)); v.Result() != session.ResultRevoked {
		t.Errorf("at the end of its life: %s", v.Result())
	}
}

// An end that is not durable must not be reported as done.
func TestDeleteReportsWhatIsNotDurable(t *testing.T) {
	revocations := &switchedRevocations{Revocations: session.NewRevocationSet(time.Now)}
	m, _ := newManager(t, func(s *session.Settings) { s.Revocations = revocations })
	v := read(t, m, request(signIn(t, m, alice())))
	revocations.broken = true
	if err := v.Delete(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("the error is %v", err)
	}
}

// switchedRevocations can be read but not written while it is broken.
type switchedRevocations struct {
	session.Revocations
	broken bool
}

func (r *switchedRevocations) Revoke(ctx context.Context, revocation session.Revocation) error {
	if r.broken {
		return errBroken
	}
	return r.Revocations.Revoke(ctx, revocation)
}

// Who planted a session of their own beside the victim's must not keep the victim's logins from counting.
func TestCreateEndsTheSessionsThatKeptAnybodyFromBeingSignedIn(t *testing.T) {
	m, _ := newManager(t)
	planted, old := signIn(t, m, session.Login{User: session.User{"id": "mallory"}}), signIn(t, m, alice())
	v := read(t, m, request(old, planted))
	if v.Result() != session.ResultAmbiguous {
		t.Fatal(v.Result())
	}
	must(t, v.Create(t.Context(), alice()))
	if s := read(t, m, request(sentCookie(t, v), planted)).Session(); s == nil || s.User.ID() != "alice" {
		t.Errorf("after the login %v is signed in", s)
	}
	if result := read(t, m, request(old)).Result(); result != session.ResultRevoked {
		t.Errorf("the session before the login is %s", result)
	}
}

// The old session could not be ended, so the sign-in must not go through: else
// the planted cookie lives on.
func TestCreateFailsWhenTheOldSessionCannotBeEnded(t *testing.T) {
	revocations := &switchedRevocations{Revocations: session.NewRevocationSet(time.Now)}
	m, _ := newManager(t, func(s *session.Settings) { s.Revocations = revocations })
	v := read(t, m, request(signIn(t, m, session.Login{User: session.User{"id": "mallory"}})))
	revocations.broken = true
	if err := v.Create(t.Context(), alice()); !errors.Is(err, errBroken) {
		t.Errorf("the error is %v", err)
	}
	if v.Session().User.ID() != "mallory" || len(setCookies(t, v)) > 0 && setCookies(t, v)[0].Value == "" {
		t.Errorf("after the error %v is signed in", v.Session().User)
	}
}

func TestRandomnessFails(t *testing.T) {
	for name, random := range map[string]io.Reader{"broken": iotest.ErrReader(errBroken), "short": strings.NewReader("123")} {
		m, _ := newManager(t, func(s *session.Settings) { s.Random = random })
		v := read(t, m, request())
		if err := v.Create(t.Context(), alice()); !errors.Is(err, session.ErrUnavailable) || v.Session() != nil {
			t.Errorf("%s: %v, %v", name, err, v.Session())
		}
	}
}

func TestTooLarge(t *testing.T) {
	const limit = 3 * (4096 - len("__Host-session.0"))
	for name, change := range map[string]func(*session.Settings){
		"cookies":           func(s *session.Settings) { s.IdentityHeaders = "off" },
		"headers":           func(*session.Settings) {},
		"headers, no token": func(s *session.Settings) { s.IdentityHeaders = "user" },
		"forward_cookie":    func(s *session.Settings) { s.IdentityHeaders, s.ForwardCookie = "off", true },
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t, change)
			bio := func(n int) session.User {
				return session.User{"id": "alice", "bio": strings.Repeat("b", n)}
			}
			least, most := 0, 20_000 // the first size that is refused lies between
			for most-least > 1 {
				n := (least + most) / 2
				if err := read(t, m, request()).Create(t.Context(), session.Login{User: bio(n)}); err == nil {
					least = n
				} else {
					most = n
				}
			}
			// What fits is really read back and really fits into what the app gets.
			cookie := signIn(t, m, session.Login{User: bio(least)})
			v := read(t, m, request(cookie))
			if v.Session() == nil {
				t.Fatalf("a session of %d bytes was sealed but is %s", least, v.Result())
			}
			added := len("X-Session-Realm: default\r\n")
			if m.Settings().IdentityHeaders != "off" {
				added += len("X-Session-User: alice\r\nX-Session-Data: \r\n") + len(v.Session().Data())
			}
			if m.Settings().ForwardCookie {
				added += len("Cookie: \r\n") + len(cookie)
			}
			if added > 12<<10 {
				t.Errorf("%d bytes add %d bytes to a request", least, added)
			}
			if added < 11<<10 && len(cookie) < limit-100 {
				t.Errorf("refused far too early: %d bytes in cookies, %d in headers", len(cookie), added)
			}
			// And the next is refused with its size, the old session staying.
			var tooLarge *session.TooLargeError
			err := v.Update(session.Change{User: session.User{"bio": strings.Repeat("b", most)}})
			if !errors.As(err, &tooLarge) || tooLarge.Size <= tooLarge.Limit || !strings.Contains(err.Error(), "too large") {
				t.Errorf("the error is %v", err)
			}
			if len(v.Session().User["bio"].(string)) != least {
				t.Error("the session changed")
			}
			if read(t, m, request(cookie)).Session() == nil {
				t.Error("the old session is gone")
			}
			if err := v.Create(t.Context(), session.Login{User: bio(most)}); !errors.As(err, &tooLarge) {
				t.Errorf("Create: the error is %v", err)
			}
			if read(t, m, request(cookie)).Session() == nil {
				t.Error("a sign-in that was refused ended the old session")
			}
		})
	}
}

func TestSessionJSON(t *testing.T) {
	m, _ := newManager(t)
	v := read(t, m, request())
	must(t, v.Create(t.Context(), session.Login{User: session.User{"id": "a<b>&c", "y": "\u2028", "z": nil}, AccessToken: "at"}))
	times := `"expiresAt":1772971200250,"expiryDate":"2026-03-08T12:00:00.250Z","createdAt":1772366400250,"lastActivity":1772366400250}`
	if got, want := string(v.Session().AppendJSON(nil, false)), `{"user":{"id":"a<b>&c","y":"\u2028","z":null},`+times; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if got, want := string(v.Session().AppendJSON([]byte("x"), true)), `x{"user":{"id":"a<b>&c","y":"\u2028","z":null},"accessToken":"at",`+times; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if got, err := v.Session().MarshalJSON(); err != nil || strings.Contains(string(got), "accessToken") {
		t.Errorf("MarshalJSON shows tokens: %s, %v", got, err)
	}
}

// What the app gets is what it may know: with tokens, or without any.
func TestDataIsTheSessionInBase64URL(t *testing.T) {
	for _, login := range []session.Login{
		alice(),
		{User: session.User{"id": "alice"}, AccessToken: "at"},
		{User: session.User{"id": "alice"}, RefreshToken: "rt"},
		{User: session.User{"id": "alice", "bio": strings.Repeat("b", 3000)}, AccessToken: "at", RefreshToken: "rt"},
	} {
		m, _ := newManager(t)
		v := read(t, m, request())
		must(t, v.Create(t.Context(), login))
		for range 2 { // the first one is remembered
			if got, want := v.Session().Data(), b64(v.Session().AppendJSON(nil, true)); got != want {
				t.Errorf("with tokens: %s, not %s", got, want)
			}
			if got, want := v.Session().DataWithoutTokens(), b64(v.Session().AppendJSON(nil, false)); got != want {
				t.Errorf("without tokens: %s, not %s", got, want)
			}
		}
	}
}

func TestPercentEncodedUserID(t *testing.T) {
	for id, want := range map[string]string{
		"alice": "alice", "a@b.example": "a@b.example", "100%": "100%25", "a b": "a%20b", "é": "%C3%A9", "مر": "%D9%85%D8%B1", "%41": "%2541", `a"b,c;d`: `a"b,c;d`,
	} {
		s := &session.Session{User: session.User{"id": id}}
		if got := s.PercentEncodedUserID(); got != want {
			t.Errorf("%q became %q, not %q", id, got, want)
		}
	}
}

// A user signs in while all the user's sessions, or this one, are ended: the login is not
// reported as done without a cookie. A sign-out of one's own is no loss.
func TestLoginThatIsEndedBeforeItsCookieIsSent(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(m *session.Manager, v *session.Visitor) error
		lost bool
	}{
		"nobody":         {func(*session.Manager, *session.Visitor) error { return nil }, false},
		"all the user's": {func(m *session.Manager, _ *session.Visitor) error { return m.RevokeUser(t.Context(), "alice", "") }, true},
		"this one": {func(m *session.Manager, v *session.Visitor) error {
			return m.RevokeSession(t.Context(), v.Session().ID)
		}, true},
		"by itself": {func(_ *session.Manager, v *session.Visitor) error { return v.Delete(t.Context()) }, false},
	} {
		m, _ := newManager(t)
		v := read(t, m, request())
		must(t, v.Create(t.Context(), alice()))
		must(t, tc.end(m, v))
		sent := cookiePairs(setCookies(t, v))
		if err := v.Lost(); errors.Is(err, session.ErrUnavailable) != tc.lost || tc.lost && len(sent) > 0 {
			t.Errorf("%s: %v, and the cookies are %q", name, err, sent)
		}
	}
}

// Of a request that refreshed a session which is ended meanwhile, nothing is lost.
func TestRefreshThatIsEndedBeforeItsCookieIsSentIsNoLostLogin(t *testing.T) {
	m, c := newManager(t)
	cookie := signIn(t, m, alice())
	c.Add(time.Hour)
	v := read(t, m, request(cookie))
	must(t, errors.Join(v.Refresh(t.Context()), m.RevokeUser(t.Context(), "alice", "")))
	if sent := setCookies(t, v); len(sent) > 0 || v.Lost() != nil {
		t.Errorf("the cookies are %v, and %v", sent, v.Lost())
	}
}

// Tokens that the app is not told of do not count as what it is told.
func TestTokensThatTheAppIsNotToldOfTakeNoRoom(t *testing.T) {
	m, _ := newManager(t, func(s *session.Settings) { s.IdentityHeaders, s.ForwardCookie = "user", true })
	if signIn(t, m, session.Login{User: session.User{"id": "alice"}, AccessToken: strings.Repeat("a", 5000)}) == "" {
		t.Error("nobody is signed in")
	}
}

// A clock that was set back forgets how often the others were ended, and keeps nobody from it.
func TestEndingTheOthersAfterTheClockWasSetBack(t *testing.T) {
	m, c := newManager(t)
	v := read(t, m, request(signIn(t, m, alice())))
	var err error
	for range 61 {
		err = v.EndOthers(t.Context())
	}
	if _, tooOften := errors.AsType[*session.TooOftenError](err); !tooOften {
		t.Fatalf("the error is %v", err)
	}
	c.Add(-time.Hour)
	if err := v.EndOthers(t.Context()); err != nil {
		t.Errorf("an hour back: %v", err)
	}
}

package session_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// tokenOf makes a token of a user's session; the same jti is the same session.
func tokenOf(user, jti string, lastActivity time.Time) string {
	return sealClaims(noon, claims{"user": claims{"id": user}, "jti": jti, "lastActivity": lastActivity.UnixMilli()})
}

func TestWhichCookiesAreRead(t *testing.T) {
	an := tokenOf("an", "jti-an", noon)
	anOlder := tokenOf("an", "jti-an", noon.Add(-time.Minute))
	bo := tokenOf("bo", "jti-bo", noon)
	ended := sealClaims(noon, claims{"expiresAt": noon.Add(-time.Hour).UnixMilli(), "exp": noon.Add(-time.Hour).Unix()})
	third := len(an) / 3
	one, two, three := an[:third], an[third:2*third], an[2*third:]
	const (
		none      = session.ResultNone
		opened    = session.ResultOpened
		malformed = session.ResultMalformed
		ambiguous = session.ResultAmbiguous
	)
	for name, tc := range map[string]struct {
		lines []string
		want  session.Result
	}{
		"no cookie":                        {nil, none},
		"an empty line":                    {[]string{""}, none},
		"only separators":                  {[]string{"; ;;=;"}, none},
		"another name":                     {[]string{"sessions=" + an}, none},
		"one":                              {[]string{"session=" + an}, opened},
		"between others":                   {[]string{"a=1; session=" + an + "; b=2"}, opened},
		"without spaces":                   {[]string{"a=1;session=" + an + ";b=2"}, opened},
		"in the second line":               {[]string{"a=1", "session=" + an}, opened},
		"a value of nothing":               {[]string{"session="}, malformed},
		"no value":                         {[]string{"session"}, malformed},
		"garbage":                          {[]string{"session=garbage"}, malformed},
		"garbage of 15 KiB":                {[]string{"session=" + strings.Repeat("A", 15<<10)}, malformed},
		"quoted":                           {[]string{`session="` + an + `"`}, malformed},
		"a space in front of the value":    {[]string{"session= " + an}, malformed},
		"percent-encoded":                  {[]string{"session=" + strings.ReplaceAll(an, ".", "%2E")}, malformed},
		"in capitals":                      {[]string{"Session=" + an}, none},
		"an array":                         {[]string{"session[]=" + an}, none},
		"with a prefix, over plain HTTP":   {[]string{"__Host-session=" + an}, none},
		"nameless":                         {[]string{"=session=" + an}, none},
		"a Unicode space in front":         {[]string{"\u2000session=" + an}, none},
		"inside quotes":                    {[]string{`a="x; session=` + an + `; y"`}, opened},
		"$Version around it":               {[]string{`$Version=1; session=` + an}, opened},
		"twins, the good first":            {[]string{"session=" + an + "; session=garbage"}, opened},
		"twins, the good last":             {[]string{"session=garbage; session=" + an}, opened},
		"twins in two lines":               {[]string{"session=garbage", "session=" + an}, opened},
		"twins, the ended first":           {[]string{"session=" + ended + "; session=" + an}, opened},
		"the same twice":                   {[]string{"session=" + an + "; session=" + an}, opened},
		"an older one of the session":      {[]string{"session=" + anOlder + "; session=" + an}, opened},
		"an older one after it":            {[]string{"session=" + an + "; session=" + anOlder}, opened},
		"twenty of garbage, the good last": {[]string{strings.Repeat("session=garbage; ", 20) + "session=" + an}, opened},
		"two users":                        {[]string{"session=" + an + "; session=" + bo}, ambiguous},
		"two users, swapped":               {[]string{"session=" + bo + "; session=" + an}, ambiguous},
		"two users in two lines":           {[]string{"session=" + an, "session=" + bo}, ambiguous},
		"two users, garbage between":       {[]string{"session=" + an + "; session=x; session=" + bo}, ambiguous},
		"two users, one in chunks":         {[]string{"session=" + bo + "; session.0=" + one + two + "; session.1=" + three}, ambiguous},

		"one chunk":                {[]string{"session.0=" + an}, opened},
		"two chunks":               {[]string{"session.0=" + one + "; session.1=" + two + three}, opened},
		"three chunks":             {[]string{"session.0=" + one + "; session.1=" + two + "; session.2=" + three}, opened},
		"three in reverse order":   {[]string{"session.2=" + three + "; session.1=" + two + "; session.0=" + one}, opened},
		"three in three lines":     {[]string{"session.1=" + two, "session.0=" + one, "session.2=" + three}, opened},
		"a twin of a chunk":        {[]string{"session.0=" + one + "; session.1=x; session.1=" + two + "; session.2=" + three}, opened},
		"twins of each chunk":      {[]string{"session.0=x; session.1=x; session.2=x; session.0=" + one + "; session.1=" + two + "; session.2=" + three}, opened},
		"a whole one beside stale": {[]string{"session=" + an + "; session.0=" + bo[:third] + "; session.1=" + bo[third:2*third]}, opened},
		"a stale third chunk":      {[]string{"session.0=" + one + "; session.1=" + two + three + "; session.2=" + three}, malformed},
		"a gap":                    {[]string{"session.0=" + one + "; session.2=" + two + three}, malformed},
		"a gap before a good one":  {[]string{"session.0=" + an + "; session.2=x"}, malformed},
		"no first chunk":           {[]string{"session.1=" + an}, malformed},
		"only the third":           {[]string{"session.2=" + an}, malformed},
		"the third missing":        {[]string{"session.0=" + one + "; session.1=" + two}, malformed},
		"a fourth":                 {[]string{"session.0=" + one + "; session.1=" + two + "; session.3=" + three}, malformed},
		"index 00":                 {[]string{"session.00=" + an}, none},
		"index +0":                 {[]string{"session.+0=" + an}, none},
		"index -1":                 {[]string{"session.-1=" + an}, none},
		"an Arabic index":          {[]string{"session.٠=" + an}, none},
		"index 3":                  {[]string{"session.3=" + an}, none},
		"chunks of two sessions":   {[]string{"session.0=" + one + "; session.1=" + bo[third:]}, malformed},
		"a thousand chunks":        {[]string{strings.Repeat("session.0=AAAA; session.1=BBBB; session.2=CCCC; ", 333)}, malformed},
		"3,001 cookies before it":  {[]string{strings.Repeat("a=b;", 3001) + "session=" + an}, opened},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			var v *session.Visitor
			cheap(t, func() { v = read(t, m, request(tc.lines...)) })
			if v.Result() != tc.want {
				t.Errorf("result %s, not %s", v.Result(), tc.want)
			}
			if s := v.Session(); (s != nil) != (tc.want == opened) || s != nil && (s.User.ID() != "an" || !s.LastActivity.Equal(noon)) {
				t.Errorf("the session is %v", s)
			}
		})
	}
}

func TestCookieNameAndAttributes(t *testing.T) {
	const plain, secure = false, true
	for name, tc := range map[string]struct {
		overTLS bool
		change  func(*session.Settings)
		want    string // the Set-Cookie line behind the value
		named   string
	}{
		"TLS":            {secure, func(*session.Settings) {}, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Host-session"},
		"plain":          {plain, func(*session.Settings) {}, "Path=/; Max-Age=604800; HttpOnly; SameSite=Lax", "session"},
		"always":         {plain, func(s *session.Settings) { s.SecureCookie = "always" }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Host-session"},
		"never":          {secure, func(s *session.Settings) { s.SecureCookie = "never" }, "Path=/; Max-Age=604800; HttpOnly; SameSite=Lax", "session"},
		"strict":         {secure, func(s *session.Settings) { s.SameSite = "strict" }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Strict", "__Host-session"},
		"none, plain":    {plain, func(s *session.Settings) { s.SameSite = "none" }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=None", "__Host-session"},
		"host, plain":    {plain, func(s *session.Settings) { s.CookiePrefix = "host" }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Host-session"},
		"secure":         {secure, func(s *session.Settings) { s.CookiePrefix = "secure" }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Secure-session"},
		"prefix none":    {secure, func(s *session.Settings) { s.CookiePrefix = "none" }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "session"},
		"a domain":       {secure, func(s *session.Settings) { s.CookieDomain = "example.com" }, "Path=/; Domain=example.com; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Secure-session"},
		"a path":         {secure, func(s *session.Settings) { s.CookiePath = "/app" }, "Path=/app; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Secure-session"},
		"browser":        {secure, func(s *session.Settings) { s.BrowserLifetime = true }, "Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-session"},
		"another name":   {secure, func(s *session.Settings) { s.CookieName = "sid" }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Host-sid"},
		"a named realm":  {secure, func(s *session.Settings) { s.Realm = "shop" }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Host-session_shop"},
		"asked IsSecure": {plain, func(s *session.Settings) { s.IsSecure = func(*http.Request) bool { return true } }, "Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax", "__Host-session"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t, tc.change)
			v := read(t, m, over(tc.overTLS, request()))
			must(t, v.Create(t.Context(), alice()))
			header := http.Header{}
			v.SetCookies(header)
			line := header.Get("Set-Cookie")
			pair, attributes, _ := strings.Cut(line, "; ")
			named, _, _ := strings.Cut(pair, "=")
			if len(header["Set-Cookie"]) != 1 || named != tc.named || attributes != tc.want {
				t.Errorf("Set-Cookie is %q", header["Set-Cookie"])
			}
			// The same connection reads it, and a sign-out repeats every attribute.
			back := read(t, m, over(tc.overTLS, request(pair)))
			if back.Session() == nil {
				t.Fatalf("it was not read back: %s", back.Result())
			}
			must(t, back.Delete(t.Context()))
			header = http.Header{}
			back.SetCookies(header)
			withoutAge := strings.Replace(tc.want, "Max-Age=604800; ", "", 1)
			wantPath, rest, _ := strings.Cut(withoutAge, "HttpOnly")
			want := tc.named + "=; " + wantPath + "Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly" + rest
			if len(header["Set-Cookie"]) != 4 || header["Set-Cookie"][0] != want {
				t.Errorf("the deletion is\n%q, not\n%q and three chunks", header["Set-Cookie"], want)
			}
		})
	}
}

func over(secure bool, r *http.Request) *http.Request {
	if secure {
		r.TLS = new(tls.ConnectionState)
	}
	return r
}

// A sibling domain, or plain HTTP, can plant the name without the prefix.
func TestUnprefixedTwinIsIgnored(t *testing.T) {
	planted := tokenOf("mallory", "jti-mallory", noon)
	own := tokenOf("an", "jti-an", noon)
	m, _ := newManager(t)
	for lines, want := range map[string]string{
		"session=" + planted:                                          "",
		"__Secure-session=" + planted:                                 "",
		"__host-session=" + planted:                                   "",
		"session=" + planted + "; __Host-session=" + own:              "an",
		"__Host-session=" + own + "; session=" + planted:              "an",
		"session.0=" + planted + "; __Host-session=" + own:            "an",
		"\u2000__Host-session=" + planted + "; __Host-session=" + own: "an",
		"=__Host-session=" + planted + "; __Host-session=" + own:      "an",
		"__Host-session =" + planted + "; __Host-session=" + own:      "an",
	} {
		v := read(t, m, over(true, request(lines)))
		got := ""
		if s := v.Session(); s != nil {
			got = s.User.ID()
		}
		if got != want {
			t.Errorf("%.40q: %q is signed in, not %q", lines, got, want)
		}
	}
}

func TestChunksAreWrittenReadAndCleanedUp(t *testing.T) {
	m, _ := newManager(t)
	login := func(size int) session.Login {
		return session.Login{User: session.User{"id": "alice", "bio": strings.Repeat("b", size)}}
	}
	for _, tc := range []struct{ size, cookies int }{{0, 1}, {2500, 1}, {3000, 2}, {5600, 2}, {6300, 3}, {8600, 3}} {
		v := read(t, m, request())
		must(t, v.Create(t.Context(), login(tc.size)))
		all := setCookies(t, v)
		pairs := cookiePairs(all)
		if len(pairs) != tc.cookies {
			t.Errorf("%d bytes became %d cookies, not %d", tc.size, len(pairs), tc.cookies)
		}
		for _, pair := range pairs {
			if len(pair)-len("=") > 4096 {
				t.Errorf("%d bytes: name and value have %d bytes", tc.size, len(pair)-1)
			}
		}
		back := read(t, m, request(strings.Join(pairs, "; ")))
		if back.Session() == nil || len(back.Session().User["bio"].(string)) != tc.size {
			t.Fatalf("%d bytes were not read back: %s", tc.size, back.Result())
		}
		// A browser may still hold whatever the session was in before.
		want := map[int][]string{1: nil, 2: {"session", "session.2"}, 3: {"session"}}[tc.cookies]
		if got := removedNames(all); !slices.Equal(got, want) {
			t.Errorf("%d cookies: %q are removed, not %q", tc.cookies, got, want)
		}
	}
}

func TestShrunkSessionRemovesItsChunks(t *testing.T) {
	m, _ := newManager(t)
	cookie := signIn(t, m, session.Login{User: session.User{"id": "alice", "bio": strings.Repeat("b", 8000)}})
	v := read(t, m, request(cookie))
	must(t, v.Update(session.Change{User: session.User{"bio": nil}}))
	all := setCookies(t, v)
	if got := removedNames(all); !slices.Equal(got, []string{"session.0", "session.1", "session.2"}) {
		t.Errorf("removed %q", got)
	}
	if pairs := cookiePairs(all); len(pairs) != 1 || !strings.HasPrefix(pairs[0], "session=") {
		t.Errorf("it is in %d cookies", len(pairs))
	}
}

func TestClearInvalid(t *testing.T) {
	good := sealClaims(noon, nil)
	for name, tc := range map[string]struct {
		lines string
		want  []string
	}{
		"nothing":           {"a=1", nil},
		"a session":         {"session=" + good, nil},
		"a session, a twin": {"session=" + good + "; session=garbage; session.1=x", nil},
		"garbage":           {"session=garbage; a=1", []string{"session"}},
		"chunks":            {"session.0=x; session.2=y", []string{"session.0", "session.2"}},
		"both":              {"session=x; session.1=y", []string{"session", "session.1"}},
		"two users":         {"session=" + good + "; session=" + tokenOf("bo", "bo", noon), []string{"session"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			header := http.Header{}
			cleared := read(t, m, request(tc.lines)).ClearInvalid(header)
			if got := removedNames(parseSetCookies(t, header)); !slices.Equal(got, tc.want) || cleared != (len(tc.want) > 0) {
				t.Errorf("cleared %q (%v), not %q", got, cleared, tc.want)
			}
		})
	}
}

// An outage must not sign everybody out: the cookies may be good.
func TestOutageClearsNoCookie(t *testing.T) {
	m, _ := newManager(t, func(s *session.Settings) { s.Revocations = brokenRevocations{} })
	v, err := m.Read(request("session=" + sealClaims(noon, nil)))
	if err == nil || v.Session() != nil || v.Result() != session.ResultError || session.IsAnonymity(err) {
		t.Fatalf("session %v, result %s, error %v", v.Session(), v.Result(), err)
	}
	header := http.Header{}
	if v.ClearInvalid(header) || len(header) > 0 {
		t.Errorf("it wrote %v", header)
	}
}

type brokenRevocations struct{ session.Revocations }

func (brokenRevocations) Revoked(*session.Session) (bool, error) { return false, errBroken }

func (brokenRevocations) Revoke(context.Context, session.Revocation) error { return errBroken }

var errBroken = errors.New("the machinery is broken")

// Whatever its length, a token is sent in cookies that a browser keeps, the name included.
func TestTokensOfEachLengthAreKept(t *testing.T) {
	m, _ := newManager(t, func(s *session.Settings) { s.CookieName = strings.Repeat("n", 100) })
	whole, chunked := false, false
	for size := 2500; size < 3000; size += 10 {
		v := read(t, m, request())
		must(t, v.Create(t.Context(), session.Login{User: session.User{"id": "alice", "bio": strings.Repeat("b", size)}}))
		pairs := cookiePairs(setCookies(t, v))
		whole, chunked = whole || len(pairs) == 1, chunked || len(pairs) == 2
		for _, pair := range pairs {
			if len(pair)-len("=") > 4096 {
				t.Errorf("%d bytes: name and value have %d bytes", size, len(pair)-1)
			}
		}
	}
	if !whole || !chunked {
		t.Error("the sizes do not test the limit")
	}
}

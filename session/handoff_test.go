package session_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

func described(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }

// answer is the header of an app's answer: "Name: value" lines.
func answer(lines ...string) http.Header {
	header := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		header.Add(name, value)
	}
	return header
}

// handle takes and applies the handoff of an app's answer, as a handler does.
func handle(t *testing.T, v *session.Visitor, header http.Header) error {
	t.Helper()
	handoff, err := v.TakeHandoff(t.Context(), header)
	for name := range header {
		if session.IsSessionHeader(name) {
			t.Errorf("%s would reach the browser", name)
		}
	}
	for _, line := range header["Set-Cookie"] {
		name, _, _ := strings.Cut(line, "=")
		bare := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(name), "__host-"), "__secure-")
		if slices.Contains([]string{"session", "session.0"}, name) || slices.Contains([]string{"session.set", "session.update", "session.delete"}, bare) {
			t.Errorf("%q would reach the browser", line)
		}
	}
	if err != nil {
		return err
	}
	return v.Apply(t.Context(), handoff)
}

func TestHandoff(t *testing.T) {
	bo, cy := described(`{"user":{"id":"bo"}}`), described(`{"user":{"id":"cy"}}`)
	padded := base64.URLEncoding.EncodeToString([]byte(`{"user":{"id":"bo"}}`))
	if !strings.HasSuffix(padded, "=") {
		t.Fatal("the padded one has no padding")
	}
	toAdmin := described(`{"user":{"role":"admin"}}`)
	laravel := base64.RawStdEncoding.EncodeToString([]byte(`{"iv":"aXY=","value":"dmFsdWU=","mac":"00","tag":""}`))
	const (
		past   = "; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
		nobody = ""
	)
	for name, tc := range map[string]struct {
		lines  []string
		signed bool   // alice is signed in before
		want   string // user.id and role after it
		wrong  string // part of the error; empty if it holds
	}{
		"nothing, anonymous": {nil, false, nobody, ""},
		"nothing, signed in": {nil, true, "alice editor", ""},

		"set":                          {[]string{"X-Session-Set: " + bo}, false, "bo", ""},
		"set with padding":             {[]string{"X-Session-Set: " + padded}, false, "bo", ""},
		"set over a session":           {[]string{"X-Session-Set: " + bo}, true, "bo", ""},
		"set by cookie":                {[]string{"Set-Cookie: session.set=" + bo + "; Path=/; HttpOnly"}, false, "bo", ""},
		"set by a __Host- cookie":      {[]string{"Set-Cookie: __Host-session.set=" + bo + "; Path=/; Secure"}, false, "bo", ""},
		"update by a __Secure- cookie": {[]string{"Set-Cookie: __Secure-session.update=" + toAdmin}, true, "alice admin", ""},
		"delete by a __host- cookie":   {[]string{"Set-Cookie: __host-session.delete=1"}, true, nobody, ""},
		"a __Host- cookie, taken back": {[]string{"Set-Cookie: __Host-session.set=" + bo, "Set-Cookie: session.set=" + past}, true, "alice editor", ""},
		"set by a quoted cookie":       {[]string{`Set-Cookie: session.set="` + bo + `"`}, false, "bo", ""},
		"set with tokens":              {[]string{"X-Session-Set: " + described(`{"user":{"id":"bo"},"accessToken":"at","refreshToken":null}`)}, false, "bo", ""},
		"set twice alike":              {[]string{"X-Session-Set: " + bo, "X-Session-Set: " + bo, "Set-Cookie: session.set=" + bo}, false, "bo", ""},
		"set twice in one line":        {[]string{"X-Session-Set: " + bo + ", " + bo + "," + bo, "X-Session-Set: " + bo}, false, "bo", ""},
		"delete twice in one line":     {[]string{"X-Session-Delete: 1, 1"}, true, nobody, ""},
		"update":                       {[]string{"X-Session-Update: " + toAdmin}, true, "alice admin", ""},
		"update by cookie":             {[]string{"Set-Cookie: session.update=" + toAdmin}, true, "alice admin", ""},
		"a pure refresh":               {[]string{"X-Session-Update: " + described(`{}`)}, true, "alice editor", ""},
		"a member removed":             {[]string{"X-Session-Update: " + described(`{"user":{"role":null}}`)}, true, "alice", ""},
		"delete":                       {[]string{"X-Session-Delete: 1"}, true, nobody, ""},
		"delete by cookie":             {[]string{"Set-Cookie: session.delete=1"}, true, nobody, ""},
		"delete, anonymous":            {[]string{"X-Session-Delete: 1"}, false, nobody, ""},
		"delete and set":               {[]string{"X-Session-Set: " + bo, "X-Session-Delete: 1"}, true, "bo", ""},
		"set and update":               {[]string{"X-Session-Update: " + toAdmin, "X-Session-Set: " + bo}, false, "bo admin", ""},
		"delete, set and update":       {[]string{"X-Session-Update: " + toAdmin, "X-Session-Set: " + bo, "X-Session-Delete: 1"}, true, "bo admin", ""},
		"a cookie that was taken back": {[]string{"Set-Cookie: session.set=" + bo + past}, true, "alice editor", ""},
		"an empty cookie":              {[]string{"Set-Cookie: session.delete=; Path=/"}, true, "alice editor", ""},
		"a cookie of Max-Age 0":        {[]string{"Set-Cookie: session.delete=1; Max-Age=0"}, true, "alice editor", ""},
		"set, then taken back":         {[]string{"Set-Cookie: session.set=" + bo, "Set-Cookie: session.set=" + past}, true, "alice editor", ""},
		"taken back, then set":         {[]string{"Set-Cookie: session.set=" + past, "Set-Cookie: session.set=" + bo}, true, "bo", ""},
		"set, taken back, another":     {[]string{"Set-Cookie: session.set=" + bo, "Set-Cookie: session.set=" + past, "Set-Cookie: session.set=" + cy}, true, "cy", ""},
		"a cookie that expires later":  {[]string{"Set-Cookie: session.set=" + bo + "; Expires=Fri, 01 Jan 2100 00:00:00 GMT"}, false, "bo", ""},
		"white space beside its name":  {[]string{"Set-Cookie: session.set =" + bo}, false, "bo", ""},
		"a header stays":               {[]string{"X-Session-Set: " + bo, "Set-Cookie: session.set=" + past}, true, "bo", ""},
		"own cookie deleted":           {[]string{"Set-Cookie: session=; Path=/; Max-Age=0"}, true, nobody, ""},
		"own cookie emptied":           {[]string{"Set-Cookie: session="}, true, nobody, ""},
		"own cookie long expired":      {[]string{"Set-Cookie: session=x" + past}, true, nobody, ""},
		"other cookies and headers":    {[]string{"Set-Cookie: a=1", "X-Sessions: 1", "X-Session: 1"}, true, "alice editor", ""},
		"unknown names of ours":        {[]string{"X-Session-User: root", "X-Session-Data: " + bo, "X-Session-Foo: 1"}, true, "alice editor", ""},

		"two different sets":           {[]string{"X-Session-Set: " + bo, "X-Session-Set: " + cy}, false, nobody, "two different set on one answer, in the header X-Session-Set and in the header X-Session-Set"},
		"two different, three in all":  {[]string{"X-Session-Set: " + bo, "X-Session-Set: " + cy, "X-Session-Set: " + bo}, false, nobody, "two different set"},
		"header and cookie differ":     {[]string{"X-Session-Set: " + bo, "Set-Cookie: session.set=" + cy}, false, nobody, "in the header X-Session-Set and in the cookie session.set; send one"},
		"two different updates":        {[]string{"X-Session-Update: " + toAdmin, "Set-Cookie: session.update=" + described("{}")}, true, "alice editor", "two different update on one answer"},
		"an empty header":              {[]string{"X-Session-Set: "}, true, "alice editor", "the header X-Session-Set is not base64url of a JSON object: it is empty"},
		"not base64":                   {[]string{"X-Session-Set: %%%"}, true, "alice editor", "the header X-Session-Set is not base64url"},
		"base64 of the other alphabet": {[]string{"X-Session-Set: " + strings.Repeat("+/", 8)}, true, "alice editor", "it is standard base64; write base64url"},
		"prefixed and bare differ":     {[]string{"Set-Cookie: session.set=" + bo, "Set-Cookie: __Host-session.set=" + cy}, false, nobody, "two different set"},
		"a broken prefixed cookie":     {[]string{"Set-Cookie: __Host-session.set=%7B"}, false, nobody, "the cookie __Host-session.set is not base64url"},
		"two values in one line":       {[]string{"X-Session-Set: " + bo + ", " + cy}, false, nobody, "X-Session-Set is not base64url"},
		"alike, and another in a line": {[]string{"X-Session-Set: " + bo + ", " + bo + ", " + cy}, false, nobody, "X-Session-Set is not base64url"},
		"two deletes in one line":      {[]string{"X-Session-Delete: 1, yes"}, true, "alice editor", "X-Session-Delete must have the value 1"},
		"not JSON":                     {[]string{"X-Session-Set: " + described("alice")}, true, "alice editor", "the header X-Session-Set: it is not valid JSON"},
		"plain JSON":                   {[]string{`X-Session-Set: {"user":{"id":"bo"}}`}, true, "alice editor", "X-Session-Set is not base64url of a JSON object: it is plain JSON"},
		"plain JSON in a cookie":       {[]string{"Set-Cookie: session.set=%7B%22user%22%3A%7B%22id%22%3A%22bo%22%7D%7D"}, true, "alice editor", "the cookie session.set is not base64url of a JSON object: it is plain JSON"},
		"padding in a Next.js cookie":  {[]string{"Set-Cookie: session.set=" + bo + "%3D"}, true, "alice editor", "leave the = at its end out"},
		"JSON in a raw cookie":         {[]string{`Set-Cookie: session.set={"user":{"id":"bo"}}; Path=/`}, true, "alice editor", "the cookie session.set is not base64url of a JSON object: it is plain JSON"},
		"an object of Express":         {[]string{"Set-Cookie: session.set=j%3A%7B%22user%22%3A%7B%22id%22%3A%22bo%22%7D%7D"}, true, "alice editor", "it is plain JSON"},
		"signed by Express":            {[]string{"Set-Cookie: session.set=s%3A" + bo + ".c2ln%2Bnature"}, true, "alice editor", "it looks signed or encrypted"},
		"signed by Django":             {[]string{"Set-Cookie: session.set=" + bo + ":1tXyz:c2lnbmF0dXJl"}, true, "alice editor", "it looks signed or encrypted"},
		"signed by Rails":              {[]string{"Set-Cookie: session.set=" + padded + "%3D--0123456789abcdef"}, true, "alice editor", "it looks signed or encrypted"},
		"encrypted by Laravel":         {[]string{"Set-Cookie: session.set=" + laravel + "%3D"}, true, "alice editor", "it looks signed or encrypted"},
		"standard base64, escaped":     {[]string{"Set-Cookie: session.set=" + strings.Repeat("%2B%2F", 8) + "%3D"}, true, "alice editor", "it is standard base64; write base64url"},
		"an escape that is none":       {[]string{"Set-Cookie: session.set=" + bo + "%3D%"}, true, "alice editor", "leave the = at its end out"},
		"no value":                     {[]string{"Set-Cookie: session.set"}, true, "alice editor", "the cookie session.set is not base64url"},
		"a JSON array":                 {[]string{"X-Session-Set: " + described(`[]`)}, true, "alice editor", "X-Session-Set: it is not a JSON object"},
		"a member twice":               {[]string{"X-Session-Set: " + described(`{"user":{"id":"bo"},"user":{"id":"cy"}}`)}, false, nobody, `"user" occurs twice`},
		"an unknown member":            {[]string{"X-Session-Set: " + described(`{"user":{"id":"bo"},"expiresAt":1}`)}, false, nobody, `unknown member "expiresAt"; the known ones are user, accessToken and refreshToken`},
		"a member in capitals":         {[]string{"X-Session-Set: " + described(`{"User":{"id":"bo"}}`)}, false, nobody, `unknown member "User"`},
		"no user":                      {[]string{"X-Session-Set: " + described(`{}`)}, false, nobody, "X-Session-Set: user must be an object"},
		"no id":                        {[]string{"X-Session-Set: " + described(`{"user":{}}`)}, false, nobody, "X-Session-Set: user.id must be a non-empty string"},
		"an id of a number":            {[]string{"X-Session-Set: " + described(`{"user":{"id":1}}`)}, false, nobody, `X-Session-Set: user.id is a number; write it as a string, such as "42"`},
		"an id with a line break":      {[]string{"X-Session-Set: " + described(`{"user":{"id":"a\nb"}}`)}, false, nobody, "control characters"},
		"a token of a number":          {[]string{"X-Session-Set: " + described(`{"user":{"id":"bo"},"accessToken":1}`)}, false, nobody, "accessToken must be a string"},
		"an update, anonymous":         {[]string{"X-Session-Update: " + toAdmin}, false, nobody, "update: nobody is signed in, so there is no session to change"},
		"an update after a delete":     {[]string{"X-Session-Update: " + toAdmin, "X-Session-Delete: 1"}, true, nobody, "update: nobody is signed in, so there is no session"},
		"an update of the id":          {[]string{"X-Session-Update: " + described(`{"user":{"id":"root"}}`)}, true, "alice editor", "user.id cannot change"},
		"an update without the id":     {[]string{"X-Session-Update: " + described(`{"user":{"id":null}}`)}, true, "alice editor", "user.id cannot change"},
		"an update of no user":         {[]string{"X-Session-Update: " + described(`{"user":null}`)}, true, "alice editor", "user must be an object"},
		"an update of a token to 1":    {[]string{"X-Session-Update: " + described(`{"refreshToken":1}`)}, true, "alice editor", "refreshToken must be a string or null"},
		"a delete of another value":    {[]string{"X-Session-Delete: true"}, true, "alice editor", "X-Session-Delete must have the value 1"},
		"too large":                    {[]string{"X-Session-Set: " + described(`{"user":{"id":"bo","x":"`+strings.Repeat("x", 10_000)+`"}}`)}, true, "alice editor", "set: the session is too large"},
		"delete, set too large":        {[]string{"X-Session-Delete: 1", "X-Session-Set: " + described(`{"user":{"id":"bo","x":"`+strings.Repeat("x", 10_000)+`"}}`)}, true, "alice editor", "set: the session is too large"},
		"delete, another user's set":   {[]string{"X-Session-Delete: 1", "X-Session-Set: " + bo, "X-Session-Update: " + described(`{"user":{"id":"eve"}}`)}, true, "alice editor", "user.id cannot change"},
		"set, an update too large":     {[]string{"X-Session-Set: " + bo, "X-Session-Update: " + described(`{"user":{"x":"`+strings.Repeat("x", 10_000)+`"}}`)}, true, "alice editor", "set and update: the session is too large"},
		"set, an update of the id":     {[]string{"X-Session-Set: " + bo, "X-Session-Update: " + described(`{"user":{"id":"cy"}}`)}, true, "alice editor", "set and update: user.id cannot change"},
		"far too large":                {[]string{"X-Session-Set: " + described(`{"user":{"id":"bo","x":"`+strings.Repeat("x", 100_000)+`"}}`)}, true, "alice editor", "more than any session may have"},
		"a foreign cookie of our name": {[]string{"Set-Cookie: session=express-session-id; Path=/"}, true, "alice editor", "choose another cookie_name"},
		"a foreign chunk":              {[]string{"Set-Cookie: session.0=abc"}, true, "alice editor", "choose another cookie_name"},
		"a foreign second chunk":       {[]string{"Set-Cookie: session.1=abc"}, true, "alice editor", "choose another cookie_name"},
		"a broken handoff cookie":      {[]string{"Set-Cookie: session.set=" + bo + "\x00"}, false, nobody, "the cookie session.set is not base64url"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			r := request()
			if tc.signed {
				r = request(signIn(t, m, alice()))
			}
			v := read(t, m, r)
			err := handle(t, v, answer(tc.lines...))
			var wrong *session.HandoffError
			switch {
			case tc.wrong == "" && err != nil:
				t.Errorf("the error is %v", err)
			case tc.wrong != "" && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), tc.wrong)):
				t.Errorf("the error is %v, which does not say %q", err, tc.wrong)
			case err != nil && strings.Contains(err.Error(), bo):
				t.Errorf("the error shows the handoff: %v", err)
			}
			got := ""
			if s := v.Session(); s != nil {
				got = s.User.ID()
				if role, ok := s.User["role"].(string); ok {
					got += " " + role
				}
			}
			if got != tc.want {
				t.Errorf("%q is signed in, not %q", got, tc.want)
			}
			if err != nil && tc.signed && tc.want != nobody && read(t, m, r).Session() == nil {
				t.Error("the session of before has ended although the handoff failed")
			}
		})
	}
}

func TestHandoffLeavesOtherHeadersAlone(t *testing.T) {
	m, _ := newManager(t)
	header := answer("Set-Cookie: a=1; Path=/", "Set-Cookie: session.set="+described(`{"user":{"id":"bo"}}`), "Set-Cookie: sessions=2",
		"Set-Cookie: session.sets=3", "Set-Cookie: __Host-session=4", "Set-Cookie: __Host-other.set=6", "X-Sessions: 5", "Content-Type: text/html")
	header["x_session.user"] = []string{"root"}
	must(t, handle(t, read(t, m, request()), header))
	if want := []string{"a=1; Path=/", "sessions=2", "session.sets=3", "__Host-session=4", "__Host-other.set=6"}; !slices.Equal(header["Set-Cookie"], want) {
		t.Errorf("Set-Cookie is %q", header["Set-Cookie"])
	}
	if header.Get("X-Sessions") != "5" || header.Get("Content-Type") != "text/html" || len(header) != 3 {
		t.Errorf("the header is %v", header)
	}
}

// A handoff is new: its session id, its times, and its cookie.
func TestHandoffMakesANewSession(t *testing.T) {
	m, _ := newManager(t)
	v := read(t, m, request(signIn(t, m, alice())))
	before := v.Session().ID
	must(t, handle(t, v, answer("X-Session-Set: "+described(`{"user":{"id":"alice"},"accessToken":"at"}`))))
	s := read(t, m, request(sentCookie(t, v))).Session()
	if s == nil || s.ID == before || s.AccessToken != "at" || !s.CreatedAt.Equal(noon) {
		t.Errorf("the session is %+v", s)
	}
}

func TestHandoffWinsOverASlidingRefresh(t *testing.T) {
	m, c := newManager(t)
	old := signIn(t, m, alice())
	for name, lines := range map[string][]string{"delete": {"X-Session-Delete: 1"}, "set": {"X-Session-Set: " + described(`{"user":{"id":"bo"}}`)}} {
		c.Add(6*day + day/2)
		if name == "set" {
			old = signIn(t, m, alice())
			c.Add(6*day + day/2)
		}
		v := read(t, m, request(old))
		must(t, v.Slide(t.Context()))
		must(t, handle(t, v, answer(lines...)))
		header := http.Header{}
		v.SetCookies(header)
		for _, pair := range cookiePairs(parseSetCookies(t, header)) {
			if s := read(t, m, request(pair)).Session(); s == nil || s.User.ID() != "bo" {
				t.Errorf("%s: the browser gets a session of %v", name, s)
			}
		}
	}
}

func TestActivityNone(t *testing.T) {
	m, _ := newManager(t)
	for lines, want := range map[string]bool{"X-Session-Activity: none": true, "X-Session-Activity: NONE": true, "X-Session-Activity: some": false, "": false} {
		header := answer(lines)
		handoff, err := read(t, m, request()).TakeHandoff(t.Context(), header)
		if err != nil || handoff.NoActivity != want || !handoff.Empty() {
			t.Errorf("%q: %+v, %v", lines, handoff, err)
		}
	}
}

func TestBrokenMachineryInAHandoffIsNotTheAppsFault(t *testing.T) {
	revocations := &switchedRevocations{Revocations: session.NewRevocationSet(func() time.Time { return noon })}
	m, _ := newManager(t, func(s *session.Settings) { s.Revocations = revocations })
	cookie := signIn(t, m, alice())
	revocations.broken = true
	for _, line := range []string{"X-Session-Delete: 1", "X-Session-Set: " + described(`{"user":{"id":"bo"}}`)} {
		var wrong *session.HandoffError
		if err := handle(t, read(t, m, request(cookie)), answer(line)); !errors.Is(err, errBroken) || errors.As(err, &wrong) {
			t.Errorf("%s: the error is %v", line, err)
		}
	}
	unread, _ := newManager(t, func(s *session.Settings) { s.Revocations = brokenRevocations{} })
	var wrong *session.HandoffError
	if err := handle(t, read(t, unread, request("")), answer("Set-Cookie: "+cookie)); !errors.Is(err, session.ErrUnavailable) || errors.As(err, &wrong) {
		t.Errorf("a token that the app sealed itself: the error is %v", err)
	}
}

// Who asked to be signed out is, whatever else the app got wrong; but for a sign-in, which
// ends the session before it only if it can be made.
func TestDeleteBesideWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		lines   []string
		deletes bool
	}{
		"an update that is no base64url": {[]string{"X-Session-Delete: 1", "X-Session-Update: !!!"}, true},
		"two updates":                    {[]string{"X-Session-Delete: 1", "X-Session-Update: " + described(`{}`), "X-Session-Update: " + described(`{"user":{"a":1}}`)}, true},
		"by the app's own cookie":        {[]string{"Set-Cookie: session=; Max-Age=0", "X-Session-Update: !!!"}, true},
		"a set":                          {[]string{"X-Session-Delete: 1", "X-Session-Set: !!!"}, false},
		"a set and the app's own cookie": {[]string{"Set-Cookie: session=; Max-Age=0", "X-Session-Set: !!!"}, false},
		"a token of the app's own":       {[]string{"X-Session-Delete: 1", "Set-Cookie: session=garbage"}, false},
		"a delete that is none":          {[]string{"X-Session-Delete: yes", "X-Session-Update: !!!"}, false},
		"two deletes":                    {[]string{"X-Session-Delete: yes", "X-Session-Delete: 1"}, false},
	} {
		m, _ := newManager(t)
		v := read(t, m, request(signIn(t, m, alice())))
		handoff, err := v.TakeHandoff(t.Context(), answer(tc.lines...))
		var wrong *session.HandoffError
		if !errors.As(err, &wrong) || handoff.Delete != tc.deletes || handoff.Set != nil || handoff.Update != nil {
			t.Errorf("%s: %+v, %v", name, handoff, err)
		}
	}
}

func TestIsSessionHeader(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Session-User": true, "x-session-user": true, "X_Session_User": true, "X.Session.User": true, "x-SESSION_data": true, "X-Session-": true,
		"X-Session.Set": true, "X_SESSION-anything": true,
		"X-Session": false, "X-Sessions-User": false, "X-Sess-User": false, "XX-Session-User": false, "Session-User": false, "": false, "X Session User": false,
	} {
		if got := session.IsSessionHeader(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// An update of nobody is the app's mistake, with a Refresher as without.
func TestUpdateOfNobodyIsTheAppsMistake(t *testing.T) {
	for _, refresher := range []session.Refresher{nil, &refresher{answer: rotated}} {
		m, _ := newManager(t, func(s *session.Settings) { s.Refresher = refresher })
		var wrong *session.HandoffError
		if err := read(t, m, request()).Apply(t.Context(), session.Handoff{Update: &session.Change{}}); !errors.As(err, &wrong) {
			t.Errorf("%v: %v", refresher, err)
		}
	}
}

// An app whose answer comes after the session has ended is not at fault, and from then on
// nobody is signed in: no connection is kept open for the session.
func TestHandoffForASessionThatEndedMeanwhile(t *testing.T) {
	for name, change := range map[string]session.Change{"a refresh": {}, "an update": {User: session.User{"name": "x"}}} {
		m, _ := newManager(t)
		v := read(t, m, request(signIn(t, m, alice())))
		must(t, m.RevokeSession(t.Context(), v.Session().ID))
		if err := v.Apply(t.Context(), session.Handoff{Update: &change}); err != nil || v.Session() != nil || v.Result() != session.ResultRevoked {
			t.Errorf("%s: %v, the session is %v, %s", name, err, v.Session(), v.Result())
		}
	}
}

// Of a cookie with Max-Age and Expires, Max-Age counts, as for a browser (RFC 6265 section
// 5.3): the login is not lost.
func TestHandoffCookieWithMaxAgeAndExpires(t *testing.T) {
	m, _ := newManager(t)
	v := read(t, m, request())
	line := "Set-Cookie: session.set=" + b64([]byte(`{"user":{"id":"bob"}}`)) + "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"
	if err := handle(t, v, answer(line)); err != nil || v.Session() == nil {
		t.Errorf("%v, the session is %v", err, v.Session())
	}
}

package sessionapi_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// Somebody without a session asks for one by naming a user.
func TestAttackCreateWithoutKey(t *testing.T) {
	for _, keys := range [][][]byte{nil, {[]byte(apiKey)}} {
		for _, credentials := range []string{"", "Bearer", "Bearer ", "Bearer x", "Bearer null", "Bearer %", "Bearer %zz%E0%A4%A", "Bearer \xff\x00", "Basic " + apiKey, apiKey} {
			s := newSite(t, func(_ *session.Settings, config *sessionapi.Config) { config.APIKeys = keys })
			s.refused(s.do(http.MethodPost, `{"user":{"id":"admin"}}`, "Authorization: "+credentials), http.StatusUnauthorized)
			if len(s.cookies) > 0 {
				t.Errorf("Authorization %q with %d keys set %v", credentials, len(keys), s.cookies)
			}
		}
	}
}

// A signed-in visitor tries to become another by the body of a refresh.
func TestAttackRefreshWithUser(t *testing.T) {
	for _, body := range []string{`{"user":{"id":"admin"}}`, `{"user":{"role":"admin"}}`, `{"user":{"name":"Eve"}}`, `{"expiresAt":4102444800000}`, `{}`, `null`} {
		s := signedIn(t, nil)
		s.refused(s.do(http.MethodPost, body), http.StatusBadRequest)
	}
}

// Mass assignment: fields that only the app may write.
func TestAttackMassAssignment(t *testing.T) {
	forbidden := http.StatusForbidden
	for body, status := range map[string]int{
		`{"user":{"role":"admin"}}`:               forbidden,
		`{"user":{"ROLE":"admin"}}`:               forbidden,
		`{"user":{"rol\u0065":"admin"}}`:          forbidden,
		`{"user":{"Name":"x"}}`:                   forbidden,
		`{"user":{"name ":"x"}}`:                  forbidden,
		`{"user":{"name\u0000":"x"}}`:             forbidden,
		`{"user":{"name.first":"x"}}`:             forbidden,
		`{"user":{"":"x"}}`:                       forbidden,
		`{"user":{"email":"eve@evil.example"}}`:   forbidden,
		`{"user":{"permissions":["*"]}}`:          forbidden,
		`{"user":{"tenant":2}}`:                   forbidden,
		`{"user":{"name":"x"},"createdAt":1}`:     http.StatusBadRequest,
		`{"user":{"name":"x"},"lastActivity":1}`:  http.StatusBadRequest,
		`{"user":{"name":"x"},"accessToken":"x"}`: http.StatusBadRequest,
		`{"user":{"name":"x"},"jti":"x"}`:         http.StatusBadRequest,
		`{"user":{"name":"x"},"aud":"x"}`:         http.StatusBadRequest,
		`{"User":{"name":"x"}}`:                   http.StatusBadRequest,
		`{"u\u017fer":{"name":"x"}}`:              http.StatusBadRequest, // folds to user
	} {
		s := signedIn(t, nil)
		s.refused(s.do(http.MethodPatch, body), status)
	}
}

// A field that may be changed carries the names that reach a prototype.
func TestAttackPrototypePollution(t *testing.T) {
	for _, user := range []string{
		`{"__proto__":{"admin":true}}`,
		`{"theme":{"__proto__":{"admin":true}}}`,
		`{"theme":[{"a":[{"constructor":{"prototype":{"admin":true}}}]}]}`,
		`{"theme":{"constructor":1}}`,
		`{"theme":{"prototype":1}}`,
		`{"theme":{"\u005f_proto__":1}}`,
	} {
		s := signedIn(t, nil)
		s.refused(s.do(http.MethodPatch, `{"user":`+user+`}`), http.StatusBadRequest)
	}
}

// Two readers that disagree on a body would see two different users.
func TestAttackAmbiguousJSON(t *testing.T) {
	for name, body := range map[string]string{
		"duplicate member":        `{"user":{"name":"a"},"user":{"role":"admin"}}`,
		"duplicate field":         `{"user":{"name":"a","name":"b"}}`,
		"duplicate by escape":     `{"user":{"name":"a","nam\u0065":"b"}}`,
		"nested duplicate":        `{"user":{"theme":{"a":1,"a":2}}}`,
		"trailing data":           `{"user":{"name":"a"}} x`,
		"two objects":             `{"user":{"name":"a"}}{"user":{"role":"admin"}}`,
		"byte order mark":         "\ufeff" + `{"user":{"name":"a"}}`,
		"comment":                 `{"user":{"name":"a"}/**/}`,
		"trailing comma":          `{"user":{"name":"a",}}`,
		"NaN":                     `{"user":{"theme":NaN}}`,
		"single quotes":           `{'user':{'name':'a'}}`,
		"lone surrogate":          `{"user":{"name":"\ud800"}}`,
		"invalid UTF-8":           "{\"user\":{\"name\":\"\xff\"}}",
		"UTF-16":                  "\xff\xfe{\x00}\x00",
		"nested beyond any need":  `{"user":{"theme":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}}`,
		"line break in a string":  "{\"user\":{\"name\":\"a\nb\"}}",
		"only white space":        "  ",
		"more names than needed":  `{` + strings.Repeat(`"a":1,`, 5_000) + `"user":{"name":"a"}}`,
		"one name of 60,000 byte": `{"` + strings.Repeat("x", 60_000) + `":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := signedIn(t, nil)
			a := s.do(http.MethodPatch, body)
			s.refused(a, http.StatusBadRequest)
			if len(a.text) > 1000 {
				t.Errorf("the refusal has %d bytes: the client's own words come back", len(a.text))
			}
		})
	}
}

// A refused name comes back shortened, whatever the client wrote.
func TestAttackLongFieldName(t *testing.T) {
	s := signedIn(t, nil)
	a := s.do(http.MethodPatch, `{"user":{"`+strings.Repeat("é", 30_000)+`":1}}`)
	s.refused(a, http.StatusForbidden)
	if len(a.text) > 1000 {
		t.Errorf("the refusal has %d bytes", len(a.text))
	}
}

// A number that readers disagree on, or fail at, must not get into a session.
func TestAttackNumbers(t *testing.T) {
	for number, status := range map[string]int{
		"1e999": 400, "-1e999": 400, "[{\"a\":1e999}]": 400, strings.Repeat("9", 1000): 400, // not a double
		"9007199254740993": 200, "-0": 200, "1E-400": 200,
	} {
		s := signedIn(t, nil)
		s.do(http.MethodPatch, `{"user":{"theme":`+number+`}}`).want(t, status)
		after := s.do(http.MethodGet, "").want(t, http.StatusOK)
		if kept := strings.Contains(after.text, `"theme":`+number+"}"); kept != (status == http.StatusOK) {
			t.Errorf("%.30s: kept as it is: %v", number, kept)
		}
	}
}

// countingReader counts what is taken from it.
type countingReader struct {
	io.Reader
	taken int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.taken += n
	return n, err
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestAttackLargeBody(t *testing.T) {
	const limit = 64 << 10
	padded := func(n int) string {
		return `{"user":{"name":"Ann"}}` + strings.Repeat(" ", n-len(`{"user":{"name":"Ann"}}`))
	}
	for _, tc := range []struct {
		name     string
		body     io.Reader
		declared int64
		most     int // that may be read
		status   int
	}{
		{"at the limit", strings.NewReader(padded(limit)), limit, limit, 200},
		{"a byte over", strings.NewReader(padded(limit + 1)), limit + 1, 0, 413},
		{"a byte over, chunked", strings.NewReader(padded(limit + 1)), -1, limit + 1, 413},
		{"100 MB declared", endless{}, 100 << 20, 0, 413},
		{"endless, chunked", endless{}, -1, limit + 1, 413},
	} {
		for _, method := range []string{http.MethodPatch, http.MethodPost} {
			t.Run(method+" "+tc.name, func(t *testing.T) {
				if reader, ok := tc.body.(*strings.Reader); ok {
					if _, err := reader.Seek(0, io.SeekStart); err != nil {
						t.Fatal(err)
					}
				}
				s := signedIn(t, nil)
				r := s.request(method, "", "Content-Type: application/json")
				body := &countingReader{Reader: tc.body}
				r.Body, r.ContentLength = io.NopCloser(body), tc.declared
				status := tc.status
				if method == http.MethodPost && status == http.StatusOK {
					status = http.StatusBadRequest // a refresh takes no body
				}
				s.send(r).want(t, status)
				if body.taken > tc.most {
					t.Errorf("%d bytes were read", body.taken)
				}
			})
		}
	}
	// A handler in front may allow less, and then says so.
	s := signedIn(t, nil)
	r := s.request(http.MethodPatch, padded(100))
	r.Body, r.ContentLength = http.MaxBytesReader(nil, r.Body, 20), -1
	if a := s.send(r).want(t, http.StatusRequestEntityTooLarge); !strings.Contains(a.text, "larger than 20 bytes") {
		t.Error(a.text)
	}
}

// brokenBody is a body whose connection breaks, or whose length was a lie.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAttackBrokenBody(t *testing.T) {
	s := signedIn(t, nil)
	r := s.request(http.MethodPatch, "", "Content-Type: application/json")
	r.Body, r.ContentLength = io.NopCloser(brokenBody{}), 20
	s.refused(s.send(r), http.StatusBadRequest)
	// In chunks nothing was announced, and what came looks complete.
	r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(`{"user":{"name":"Eve"}}`), brokenBody{})), -1
	s.refused(s.send(r), http.StatusBadRequest)
}

// A page of another site can send a form, and text that looks like JSON,
// without a preflight.
func TestAttackContentType(t *testing.T) {
	for _, headers := range [][]string{
		{"Content-Type: text/plain"},
		{"Content-Type: application/x-www-form-urlencoded"},
		{"Content-Type: multipart/form-data; boundary=x"},
		{"Content-Type"},
		{"Content-Type: "},
		{"Content-Type: application/json; charset=utf-16"},
		{"Content-Type: application/json; charset=utf-8; charset=utf-16"},
		{"Content-Type: application/json; boundary=x"},
		{"Content-Type: application/jsonp"},
		{"Content-Type: application/json, text/plain"},
		{"Content-Type: application/problem+json"},
		{"Content-Type: application/json", "Content-Type: text/plain"},
		{"Content-Encoding: gzip"},
		{"Content-Encoding: identity"},
		{"Content-Encoding: br, gzip"},
	} {
		for _, method := range []string{http.MethodPatch, http.MethodPost} {
			s := signedIn(t, nil)
			s.refused(s.do(method, `{"user":{"name":"Eve"}}`, headers...), http.StatusUnsupportedMediaType)
		}
	}
	for _, accepted := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8", `application/json;charset="UTF-8"`, "application/json;"} {
		s := signedIn(t, nil)
		s.do(http.MethodPatch, `{"user":{"name":"Eve"}}`, "Content-Type: "+accepted).want(t, http.StatusOK)
	}
}

func TestAttackGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	if _, err := zip.Write(make([]byte, 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	s := signedIn(t, nil)
	s.refused(s.do(http.MethodPatch, bomb.String(), "Content-Encoding: gzip"), http.StatusUnsupportedMediaType)
}

// A script that got into the page must find nothing that outlives the page.
func TestAttackReadTokensFromBody(t *testing.T) {
	s := signedIn(t, nil)
	for _, a := range []answer{s.do(http.MethodGet, ""), s.do(http.MethodPost, ""), s.do(http.MethodPatch, `{"user":{"name":"x"}}`)} {
		a.want(t, http.StatusOK)
		for _, hidden := range []string{"access-7f3a", "refresh-91bc", "Token", s.cookies["__Host-session"]} {
			if strings.Contains(a.text, hidden) {
				t.Errorf("the body shows %q: %s", hidden, a.text)
			}
		}
	}
}

// A session that outgrows its cookies would lock the visitor out.
func TestAttackGrowBeyondCookies(t *testing.T) {
	s := signedIn(t, nil)
	before := maps.Clone(s.cookies)
	a := s.do(http.MethodPatch, `{"user":{"theme":"`+strings.Repeat("x", 20_000)+`"}}`)
	s.refused(a, http.StatusRequestEntityTooLarge)
	if !maps.Equal(before, s.cookies) {
		t.Error("the old session is gone")
	}
	if !strings.ContainsAny(a.Detail, "0123456789") {
		t.Errorf("the detail names no size: %s", a.Detail)
	}
}

// A large session leaves no chunk behind when it ends.
func TestAttackChunksAfterSignOut(t *testing.T) {
	s := signedIn(t, nil)
	s.do(http.MethodPatch, `{"user":{"theme":"`+strings.Repeat("x", 5_000)+`"}}`).want(t, http.StatusOK)
	if len(s.cookies) < 2 {
		t.Fatalf("not in chunks: %d cookies", len(s.cookies))
	}
	a := s.do(http.MethodDelete, "").want(t, http.StatusOK)
	if len(s.cookies) > 0 {
		t.Errorf("left: %d cookies", len(s.cookies))
	}
	for _, line := range a.header["Set-Cookie"] {
		for _, attribute := range []string{"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=0"} {
			if !strings.Contains(line, attribute) {
				t.Errorf("the deletion %q lacks %s, so a browser may ignore it", line, attribute)
			}
		}
	}
}

// A stolen cookie is replayed after its owner signed out.
func TestAttackReplayAfterSignOut(t *testing.T) {
	s := signedIn(t, nil)
	stolen := maps.Clone(s.cookies)
	s.do(http.MethodDelete, "").want(t, http.StatusOK)
	for method, body := range map[string]string{http.MethodPost: "", http.MethodPatch: `{"user":{"name":"Eve"}}`} {
		s.cookies = maps.Clone(stolen)
		s.do(method, body).want(t, http.StatusUnauthorized)
	}
	s.cookies = maps.Clone(stolen)
	if a := s.do(http.MethodGet, "").want(t, http.StatusOK); a.Session != nil {
		t.Errorf("the session is back: %s", a.text)
	}
}

// slowBody is a body whose bytes take that long.
type slowBody struct {
	io.Reader
	site  *site
	takes time.Duration
}

func (b slowBody) Read(p []byte) (int, error) {
	b.site.now = b.site.now.Add(b.takes)
	return b.Reader.Read(p)
}

// Whoever has a leaked api_key keeps requests open whose bodies have not come, for when the key
// has been taken out of the configuration.
func TestAttackRetiredAPIKeyBySlowBody(t *testing.T) {
	for _, tc := range []struct {
		takes  time.Duration
		over   bool // when the body has come
		status int
	}{
		{time.Hour, true, http.StatusServiceUnavailable},
		{time.Hour, false, http.StatusCreated},
		{time.Second, true, http.StatusCreated}, // a reload drops no request
	} {
		s := newSite(t, func(_ *session.Settings, c *sessionapi.Config) { c.Over = func() bool { return tc.over } })
		r := s.request(http.MethodPost, `{"user":{"id":"admin"}}`, "Authorization: Bearer "+apiKey)
		r.Body = io.NopCloser(slowBody{r.Body, s, tc.takes})
		a := s.send(r).want(t, tc.status)
		if signsIn := len(a.header["Set-Cookie"]) > 0; signsIn != (tc.status == http.StatusCreated) {
			t.Errorf("after %s, over %v: signs in %v", tc.takes, tc.over, signsIn)
		}
	}
}

// A thief sends the stolen cookie at once, and the body a byte a minute, until nobody
// remembers any more that its owner signed out.
func TestAttackReviveBySlowBody(t *testing.T) {
	for _, body := range []string{`{"user":{}}`, `{"user":{"name":"Eve"}}`} {
		for _, signsOut := range []bool{false, true} {
			s := signedIn(t, nil)
			slow := s.request(http.MethodPatch, body)
			slow.Body = io.NopCloser(slowBody{strings.NewReader(body), s, 45 * 24 * time.Hour})
			if signsOut {
				s.do(http.MethodDelete, "").want(t, http.StatusOK)
			}
			s.send(slow).want(t, http.StatusUnauthorized)
			if after := s.do(http.MethodGet, "").Session; after != nil {
				t.Errorf("%s, signed out %v: the session is back", body, signsOut)
			}
		}
	}
}

// A page of another site includes the answer as a script or asks for a callback.
func TestAttackJSONHijack(t *testing.T) {
	s := signedIn(t, nil)
	r := s.request(http.MethodGet, "")
	r.URL.RawQuery = "callback=alert&jsonp=alert"
	if a := s.send(r).want(t, http.StatusOK); !strings.HasPrefix(a.text, `{"session":`) {
		t.Errorf("body %s", a.text)
	}
}

// Other spellings of the path are the app's, and are guarded as such.
func TestAttackPathSpellings(t *testing.T) {
	s := newSite(t, nil)
	for _, target := range []string{
		"/api/session/", "/api/session/x", "/API/session", "/api/Session", "/api/session;x", "/api/session;", "//api/session",
		"/api//session", "/api/./session", "/x/../api/session", "/api/%73ession", "/api%2fsession", "/api/session%00", "/api/session%20", "/api/session.json", "/api/sessions", "/en/api/session", "/",
	} {
		if s.handler.Serves(httptest.NewRequest(http.MethodGet, target, nil)) {
			t.Errorf("%s is taken for the API", target)
		}
	}
}

// Over HTTP/3 nothing else compares a body with the length that was announced (RFC 9114
// section 4.1.2).
func TestAttackBodyShorterThanAnnounced(t *testing.T) {
	s := signedIn(t, nil)
	r := s.request(http.MethodPatch, `{"user":{"name":"cut"}}`)
	r.ContentLength = 100
	if a := s.send(r); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.text)
	}
}

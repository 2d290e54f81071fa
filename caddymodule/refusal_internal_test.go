package caddymodule

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/cputime"
	"github.com/session-guard/caddy-session-guard/internal/vectors"
	"github.com/session-guard/caddy-session-guard/routes"
)

// refusalLimit is what anything that is refused may cost of the processor.
const refusalLimit = 50 * time.Millisecond

// refuse sends a request that may not pass, and checks that it does not: without a
// fault of the server, without a panic and cheaply. The best of three counts, since
// the garbage of others may be collected meanwhile.
func (b bench) refuse(t *testing.T, what string, request func() *http.Request) {
	t.Helper()
	least := time.Hour
	for range 3 {
		r, w, passed := request(), httptest.NewRecorder(), false
		var err error
		least = min(least, cputime.Of(func() {
			err = b.guard.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
				passed = true
				return nil
			}))
		}))
		status := w.Code
		if failed, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
			status = failed.StatusCode
		}
		if passed || status < 300 || status >= 500 {
			t.Errorf("%s: status %d, passed %v", what, status, passed)
			return
		}
		if least < refusalLimit {
			return
		}
	}
	t.Errorf("%s: refusing cost %s of the processor", what, least)
}

// cookie is a request for a guarded page with this as its Cookie header.
func (b bench) withCookie(value string) func() *http.Request {
	return func() *http.Request {
		r := b.request("/dashboard", "")
		r.Header["Cookie"] = []string{value}
		return r
	}
}

func newRefusing(t *testing.T) bench {
	t.Helper()
	b := newBench(t)
	b.guard.realm.app = &App{metrics: newMetrics()}
	b.guard.Locales = []string{"en", "ar", "pt-BR"}
	table, err := routes.Compile(b.guard.RoutesConfig())
	require.NoError(t, err)
	b.guard.table.Store(table)
	return b
}

// Tokens of other keys and kinds, and every attack on tokens that Wycheproof knows.
func TestRefusingTokensIsCheap(t *testing.T) {
	b := newRefusing(t)
	seen := 0
	for _, name := range []string{"json_web_encryption_test.json", "json_web_signature_test.json", "json_web_crypto_test.json", "json_web_key_test.json"} {
		text, err := os.ReadFile(vectors.Path(t, "wycheproof/"+name))
		require.NoError(t, err)
		var vectors struct {
			TestGroups []struct {
				Tests []struct {
					ID  int             `json:"tcId"`
					JWE json.RawMessage `json:"jwe"`
					JWS json.RawMessage `json:"jws"`
				} `json:"tests"`
			} `json:"testGroups"`
		}
		require.NoError(t, json.Unmarshal(text, &vectors))
		for _, group := range vectors.TestGroups {
			for _, test := range group.Tests {
				for _, raw := range []json.RawMessage{test.JWE, test.JWS} {
					token := string(raw)
					if raw == nil {
						continue
					}
					_ = json.Unmarshal(raw, &token)
					seen++
					b.refuse(t, fmt.Sprintf("%s %d", name, test.ID), b.withCookie("session="+token))
				}
			}
		}
	}
	require.Greater(t, seen, 500)
}

// Cookies that are meant to cost time or memory, or to make a server fall over.
func TestRefusingCookiesIsCheap(t *testing.T) {
	b := newRefusing(t)
	genuine := strings.TrimPrefix(b.cookie, "session=")
	parts := strings.Split(genuine, ".")
	require.Len(t, parts, 5)
	const million = 1_000_000
	for name, cookie := range map[string]string{
		"nothing": "session=", "only semicolons": strings.Repeat(";", million), "only the name": strings.Repeat("session;", 10_000),
		"a million dots": "session=" + strings.Repeat(".", million), "a megabyte": "session=" + strings.Repeat("A", million),
		"ten thousand cookies": strings.Repeat("session=x; ", 10_000), "a thousand chunks": chunks(1000), "tens of thousands of other cookies": strings.Repeat("a=b; ", 50_000) + "session=x",
		"a tag that is wrong": "session=" + strings.Join(parts[:4], ".") + "." + strings.Repeat("A", 22), "a long header": "session=" + strings.Repeat("A", 64_000) + "..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA",
		"a long ciphertext":                  "session=" + strings.Join(parts[:3], ".") + "." + strings.Repeat("A", million) + "." + parts[4],
		"a thousand tokens with a wrong tag": strings.Repeat("session="+strings.Join(parts[:4], ".")+".AAAAAAAAAAAAAAAAAAAAAA; ", 1000),
		"quotes":                             `session="` + genuine + `"`, "padding": b.cookie + "=", "percent": "session=%65" + genuine[1:], "another case": "Session=" + genuine,
		"$Version": `$Version="1"; session="` + genuine + `"; $Path="/"`, "a name in brackets": "session[]=" + genuine, "an attribute": "x; Path=/; " + "session =" + genuine,
		"a nameless cookie": "=" + b.cookie, "a control character": "session=\x01" + genuine, "NUL": b.cookie + "\x00", "invalid UTF-8": "session=\xff\xfe",
		"a sixth part": b.cookie + ".AA", "four parts": "session=" + strings.Join(parts[:4], "."), "an encrypted key": "session=" + parts[0] + ".AAAA." + strings.Join(parts[2:], "."),
	} {
		b.refuse(t, name, b.withCookie(cookie))
	}
}

func chunks(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "session.%d=AAAA; session.%d=BBBB; ", i%3, i)
	}
	return b.String()
}

// The paths that were measured on a real Next.js, and paths that are meant to cost
// time.
func TestRefusingPathsIsCheap(t *testing.T) {
	b := newRefusing(t)
	targets := []string{}
	file, err := os.Open("../routes/testdata/nextjs/targets.jsonl")
	require.NoError(t, err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var target struct {
			Target  string
			Protect bool `json:"must_protect"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &target))
		if target.Protect && strings.Contains(strings.ToLower(target.Target), "/dashboard") && !strings.HasPrefix(target.Target, "/base") {
			targets = append(targets, target.Target)
		}
	}
	require.Greater(t, len(targets), 100)
	for _, unit := range []string{"/", "//", "/.", "/..", "/%2e%2e%2f", "%252f", "/(..)", ";", ".rsc", "%5c", "/en", "/_next/data/x", "/a.", "%20", "%2f", "%61"} {
		targets = append(targets, "/dashboard/"+strings.Repeat(unit, 15_000/len(unit)))
	}
	for _, names := range []string{"[x]", "[[...x]][y]", "[a][b][c]"} {
		for _, value := range []string{"/a", "/a/b/c/d", "/%61", strings.Repeat("/a", 240), strings.Repeat("/1/2/3/4/5/6/7", 30), strings.Repeat("/%2561", 60)} {
			targets = append(targets, "/dashboard/"+names+value, "/_next/image?url=/dashboard/"+names+value+strings.Repeat("&url=/"+names+value, 10))
		}
	}
	for _, value := range []string{"/x", "%2Fdashboard", "/%2e%2e%2f%252e", "/_next/image%3furl=/x"} {
		targets = append(targets, "/_next/image?url=/dashboard&"+strings.Repeat("url="+value+"&", 15_000/(5+len(value))))
	}
	checked := 0
	for _, target := range targets {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			continue // Caddy answers 400
		}
		checked++
		b.refuse(t, target[:min(len(target), 80)], func() *http.Request {
			r := b.request("/", "")
			r.URL, r.RequestURI = u, target
			return r
		})
	}
	assert.Greater(t, checked, 100)
}

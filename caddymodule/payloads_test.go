package caddymodule_test

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/vectors"
)

// payloads are the lines of a public list of attacks, which is not part of the
// repository.
func payloads(t *testing.T, name string, atLeast int) []string {
	t.Helper()
	file, err := os.Open(vectors.Path(t, "payloads/"+name))
	require.NoError(t, err)
	defer file.Close()
	var list []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		list = append(list, lines.Text())
	}
	require.GreaterOrEqual(t, len(list), atLeast, name)
	return list
}

// staysOnSite holds a Location against a parser that reads URLs as browsers do.
func staysOnSite(t *testing.T, location, sent string) {
	t.Helper()
	resolved, err := whatwg.ParseRef("https://app.example/login", location)
	if assert.NoError(t, err, sent) {
		assert.Equal(t, "https://app.example", resolved.Protocol()+"//"+resolved.Host(), "%q was sent, and leads to %q", sent, location)
	}
}

// Every payload of the public lists, as return_to of a signed-in visitor and as
// the path of an anonymous one: the browser stays on the site, and no header is
// added.
func TestAttackOpenRedirectPayloads(t *testing.T) {
	s := serve(t, strings.Replace(guarded, "default hybrid", "default auth", 1))
	cookie := s.signInAt("/login", ada)
	looked := 0
	evil, err := whatwg.ParseRef("https://app.example/login", `/\evil.example`)
	require.NoError(t, err)
	require.Equal(t, "evil.example", evil.Host(), "the parser reads as browsers do")
	look := func(response *http.Response, sent string) {
		if location := response.Header.Get("Location"); location != "" {
			looked++
			staysOnSite(t, location, sent)
		}
		for _, set := range response.Cookies() {
			assert.True(t, strings.HasPrefix(set.Name, "session"), sent)
		}
		assert.Less(t, response.StatusCode, 500, sent)
	}
	for name, atLeast := range map[string]int{"Open-Redirect-payloads.txt": 200, "open_redirect_wordlist.txt": 15, "openredirects.txt": 10, "crlfinjection.txt": 10} {
		for _, payload := range payloads(t, name, atLeast) {
			for _, value := range []string{payload, url.QueryEscape(payload)} {
				if _, err := url.ParseRequestURI("/login?return_to=" + value); err == nil && !strings.ContainsAny(value, " #") {
					look(s.request("GET", "/login?return_to="+value, "Cookie", cookie), payload)
				}
			}
			path := "/" + strings.TrimPrefix(payload, "/")
			if _, err := http.NewRequest("GET", "http://x"+path, nil); err == nil {
				look(s.request("GET", path), payload)
				look(s.request("GET", "/dashboard?next="+url.QueryEscape(payload)), payload)
			}
		}
	}
	require.Greater(t, looked, 600)
}

// Every header name of a public list that has made servers do something: no
// answer of the guard depends on it, and none is reflected.
func TestAttackHeaderNames(t *testing.T) {
	s := serve(t, guarded)
	names := payloads(t, "param_miner_lowercase_headers.txt", 1000)
	for len(names) > 0 {
		part := names[:min(50, len(names))]
		names = names[len(part):]
		var headers []string
		for _, name := range part {
			switch name = strings.TrimSpace(name); strings.ToLower(name) {
			case "host", "content-length", "transfer-encoding", "upgrade", "expect": // whose value Caddy itself refuses
			default:
				if isHeaderName(name) {
					headers = append(headers, name, "/evil.example/login")
				}
			}
		}
		response := s.request("GET", "/dashboard?x=1", headers...)
		assert.Contains(t, []int{307, 401, 204}, response.StatusCode, part)
		assert.Nil(t, s.last(), part)
		for name, values := range response.Header {
			assert.NotContains(t, strings.Join(values, " "), "evil.example", "%s of %q", name, part)
		}
	}
}

func isHeaderName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", r) })
}

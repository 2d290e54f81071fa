package e2e

import (
	"bytes"
	"html"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// browser follows no redirect by itself and keeps cookies.
type browser struct {
	*testing.T
	client *http.Client
	site   string
}

func newBrowser(t *testing.T, site string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{T: t, site: site, client: &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// ask sends a request with pairs of header names and values.
func (b *browser) ask(method, path, body string, headers ...string) (*http.Response, string) {
	b.Helper()
	request, err := http.NewRequest(method, b.site+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := b.client.Do(request)
	return page(b.T, response, err)
}

// open visits a page as a document.
func (b *browser) open(path string) (*http.Response, string) {
	b.Helper()
	return b.ask(http.MethodGet, path, "")
}

func (b *browser) cookies() []*http.Cookie {
	u, err := url.Parse(b.site)
	if err != nil {
		b.Fatal(err)
	}
	return b.client.Jar.Cookies(u)
}

// redirects fails unless the answer sends the browser to the location.
func (b *browser) redirects(response *http.Response, status int, location string) {
	b.Helper()
	if response.StatusCode != status || response.Header.Get("Location") != location {
		b.Fatalf("%s: got %d to %q, want %d to %q", response.Request.URL, response.StatusCode, response.Header.Get("Location"), status, location)
	}
}

// shows fails unless the answer is a page with the text.
func (b *browser) shows(response *http.Response, body, text string) {
	b.Helper()
	if response.StatusCode != http.StatusOK || !strings.Contains(body, text) {
		b.Fatalf("%s: got %d, want 200 with %q in\n%s", response.Request.URL, response.StatusCode, text, tail(body, 2000))
	}
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?`)

// submit posts the first form of a page that has the field, as a browser without
// JavaScript does.
func (b *browser) submit(path string, has string, fields map[string]string) (*http.Response, string) {
	b.Helper()
	_, body := b.open(path)
	for form := range strings.SplitSeq(body, "<form") {
		form, _, _ = strings.Cut(form, "</form>")
		if !strings.Contains(form, has) {
			continue
		}
		all := map[string]string{}
		for _, input := range hiddenInput.FindAllStringSubmatch(form, -1) {
			all[html.UnescapeString(input[1])] = html.UnescapeString(input[2])
		}
		maps.Copy(all, fields)
		contentType, content := multipartBody(b.T, all)
		return b.ask(http.MethodPost, path, content, "Content-Type", contentType, "Origin", b.site, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	}
	b.Fatalf("%s has no form with %q:\n%s", path, has, tail(body, 2000))
	return nil, ""
}

func multipartBody(t *testing.T, fields map[string]string) (contentType, content string) {
	t.Helper()
	var buffer bytes.Buffer
	writer := multipart.NewWriter(&buffer)
	names := slices.Sorted(maps.Keys(fields))
	slices.Reverse(names) // React reads the arguments ("0") after the forms that they name ("_1_email")
	for _, name := range names {
		if err := writer.WriteField(name, fields[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return writer.FormDataContentType(), buffer.String()
}

var jonas = map[string]string{"email": "jonas@example.com", "password": "open sesame"}

func (b *browser) signIn() {
	b.Helper()
	response, _ := b.submit("/login", `name="password"`, jonas)
	b.redirects(response, http.StatusSeeOther, "/dashboard")
}

package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const formOf = "multipart/form-data; boundary=X1"

// formBody is a form as Next.js's client posts it, whose argument is an object with an action as its
// method get.
func formBody(id string) string {
	const part = "--X1\r\nContent-Disposition: form-data; name=\""
	return part + "1\"\r\n\r\n{\"id\":\"" + id + "\",\"bound\":null}\r\n" + part + "0\"\r\n\r\n[{\"get\":\"$h1\"}]\r\n--X1--\r\n"
}

// inPieces sends each byte alone, without a Content-Length.
func inPieces(text string) io.Reader {
	reader, writer := io.Pipe()
	go func() {
		for i := range len(text) {
			if _, err := writer.Write([]byte(text[i : i+1])); err != nil {
				return
			}
		}
		_ = writer.Close()
	}()
	return reader
}

// The arguments of an open action may name a guarded one, which it then calls.
func TestAttackByActionAsArgument(t *testing.T) {
	s := serve(t, withHooks("next_build "+writeBuild(t)))
	admin, guest := s.signIn(ada), s.signIn(`{"user":{"id":"guest"}}`)
	wanted, refused := map[string]string{}, map[string]string{} // bodies and ids, by the request's own name
	for _, tc := range []struct {
		visitor, path, action, argument string
		status                          int
	}{
		{"", "/login", "0010", "00ad", 401},
		{"", "/", "0000", "00da", 401},
		{"", "/", "0000", "00ff", 401},
		{"", "/", "0000", "0010", 200},
		{"", "/", "0000", "00aa", 200},
		{"", "/", "0000", "beef", 200},                   // which Next.js has not either
		{"", "/", "0000", strings.Repeat("0f", 21), 401}, // an id, perhaps of another build
		{"", "/", "0000", strings.Repeat("0f", 20), 200},
		{"", "/", "0000", strings.Repeat("0F", 21), 200},
		{guest, "/", "0000", strings.Repeat("0f", 21), 200}, // as if it had been posted itself
		{guest, "/", "0000", "00ad", 403},
		{guest, "/", "0000", "00da", 200},
		{guest, "/dashboard", "00da", "00ae", 403},
		{guest, "/", "0000", "0010", 403}, // of the login page alone
		{admin, "/", "0000", "00ad", 200},
		{admin, "/", "0000", "00ed", 403},
		{admin, "/_next/static/x", "0000", "00ed", 403},
	} {
		var escaped string
		for _, c := range tc.argument {
			escaped += fmt.Sprintf(`\u%04x`, c)
		}
		for _, written := range []string{tc.argument, tc.argument + "#name", escaped} {
			for name, content := range map[string]io.Reader{"whole": strings.NewReader(formBody(written)), "in pieces": inPieces(formBody(written))} {
				called := fmt.Sprintf("%s with %s, %s, at %s: %d", tc.action, written, name, tc.path, tc.status)
				response := s.send("POST", tc.path, content, "Next-Action", tc.action, "Content-Type", formOf, "Cookie", tc.visitor, "X-Called", called)
				assert.Equal(t, tc.status, response.StatusCode, called)
				if tc.status == http.StatusOK {
					wanted[called] = formBody(written)
				} else {
					refused[called] = written
				}
				if tc.status == http.StatusUnauthorized {
					assert.Contains(t, response.Header.Get("X-Action-Redirect"), "/login", "as if it had been posted itself")
				}
				if tc.status != http.StatusOK {
					assert.Equal(t, "text/plain", response.Header.Get("Content-Type"))
				}
			}
		}
		if tc.argument != "beef" {
			text := `[{"get":"$F1"},{"id":"` + tc.argument + `"}]`
			assert.Equal(t, tc.status, s.send("POST", tc.path, strings.NewReader(text), "Next-Action", tc.action, "Content-Type", "text/plain;charset=UTF-8", "Cookie", tc.visitor).StatusCode, "as text")
		}
	}
	assert.NotContains(t, s.logged(), `"status":499`)
	s.app.mu.Lock()
	defer s.app.mu.Unlock()
	for _, request := range s.app.seen { // those of refused requests may come late, or not at all
		read, err := io.ReadAll(request.Body)
		require.NoError(t, err)
		called := request.Header.Get("X-Called")
		if id, ok := refused[called]; ok {
			assert.NotContains(t, string(read), id+`"`, called)
		} else if called != "" {
			assert.Equal(t, wanted[called], string(read), "the app gets the body as it is: %s", called)
			delete(wanted, called)
		}
	}
	assert.Empty(t, wanted, "the app was not asked")
}

// What Next.js would read in another way than the guard is refused.
func TestAttackByEncodingOfActionBody(t *testing.T) {
	build := writeBuild(t)
	s := serve(t, withHooks("next_build "+build))
	for _, contentType := range []string{
		"application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded; charset=utf-8", `multipart/form-data; boundary="X\1"`, "multipart/form-data; boundary=X\xe41", "multipart/form-data; boundary=" + strings.Repeat("X", 600),
		"multipart/form-data", "multipart/form-data; boundary=", `multipart/form-data; boundary=""`, "multipart/form-data; boundary=X1; boundary=X2", "multipart/form-data; boundary=X1; charset=utf-16le", `multipart/form-data; boundary="X1`, "multipart/form-data; boundary*=utf-8''X1", "Multipart/form-data; boundary=X1", "text/plain, multipart/form-data; boundary=X1",
	} {
		response := s.send("POST", "/login", strings.NewReader(formBody("0010")), "Next-Action", "0010", "Content-Type", contentType)
		assert.Equal(t, http.StatusBadRequest, response.StatusCode, contentType)
		assert.Nil(t, s.last(), contentType)
		assert.Equal(t, http.StatusOK, s.send("POST", "/", strings.NewReader("a=b"), "Content-Type", contentType).StatusCode, "without an action")
		s.last()
	}
	otherCharset := strings.Replace(formBody("0010"), "\r\n\r\n", "\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\n", 1)
	assert.Equal(t, http.StatusBadRequest, s.send("POST", "/login", strings.NewReader(otherCharset), "Next-Action", "0010", "Content-Type", formOf).StatusCode)
	assert.Equal(t, http.StatusOK, s.send("POST", "/", strings.NewReader(otherCharset), "Content-Type", formOf).StatusCode, "without an action")
}

// The hook is not asked about an argument, so it must have been asked about its page.
func TestAuthorizeHookHoldsForActionsAsArguments(t *testing.T) {
	hook := newHookServer(t)
	s := serve(t, withHooks("authorize "+hook.url, "next_build "+writeBuild(t)))
	cookie := s.signIn(ada)
	for _, tc := range []struct {
		path, action, argument string
		status                 int
	}{
		{"/", "0000", "00ad", 403}, {"/", "00ad", "00ad", 200}, {"/admin", "0000", "00ad", 200}, {"/", "00ad", "00da", 403}, {"/dashboard", "00ad", "00da", 200}, {"/", "00ad", "0000", 200},
	} {
		response := s.send("POST", tc.path, strings.NewReader(formBody(tc.argument)), "Next-Action", tc.action, "Content-Type", formOf, "Cookie", cookie)
		assert.Equal(t, tc.status, response.StatusCode, "%s with %s at %s", tc.action, tc.argument, tc.path)
	}
}

// Without a build nobody knows which words are actions.
func TestActionBodyIsNotReadWithoutBuild(t *testing.T) {
	s := serve(t, guarded)
	response := s.send("POST", "/login", strings.NewReader(formBody("00ad")), "Next-Action", "0010", "Content-Type", formOf)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, formBody("00ad"), body(t, &http.Response{Body: s.last().Body}))
}

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// testActionAsArgument has an open action call a guarded one, which its argument names as the
// method that it calls. Next.js runs it where the body comes later than its header.
func testActionAsArgument(t *testing.T, s *bypassSite) {
	ids := actionIDs(t, s.dir)
	body := func(argument string) string {
		var form strings.Builder
		for _, part := range []struct{ name, value string }{
			{"1", `{"id":"` + argument + `","bound":"$@2"}`}, {"2", `["x"]`}, {"0", `[{"get":"$h1"}]`},
		} {
			fmt.Fprintf(&form, "--X1\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", part.name, part.value)
		}
		return form.String() + "--X1--\r\n"
	}
	const secret = "SECRET-MARK-action-dashboard report x"
	if _, answer := slowAction(t, s.unguarded, ids["submit"], body(ids["readReport"])); !strings.Contains(answer, secret) {
		t.Errorf("without a guard the guarded action is no longer called, so this tests nothing: %s", answer)
	}
	escaped := fmt.Sprintf(`\u%04x%s`, ids["readReport"][0], ids["readReport"][1:])
	for _, argument := range []string{ids["readReport"], escaped, ids["readReport"] + "#readReport"} {
		if status, answer := slowAction(t, s.guarded, ids["submit"], body(argument)); status != http.StatusUnauthorized || strings.Contains(answer, "SECRET") {
			t.Errorf("%s: got %d: %s", argument, status, answer)
		}
	}
	// busboy cuts boundaries out of headers, so these say that the part is in UTF-16.
	const header = "Content-Disposition: form-data; name=\"1\"\r\n"
	cut := strings.Replace(body(ids["readReport"]), header, header+"Content-Ty\r\n--X1pe: text/plain; chars\r\n--X1et=utf-16le\r\n", 1)
	reference, _, _ := strings.Cut(cut[strings.Index(cut, `{"id"`):], "\r\n")
	cut = strings.Replace(cut, reference, strings.Join(strings.Split(reference, ""), "\x00")+"\x00", 1)
	if _, answer := slowAction(t, s.unguarded, ids["submit"], cut); !strings.Contains(answer, secret) {
		t.Errorf("without a guard boundaries are no longer cut out of headers, so this tests nothing: %s", answer)
	}
	if status, answer := slowAction(t, s.guarded, ids["submit"], cut); status != http.StatusBadRequest || strings.Contains(answer, "SECRET") {
		t.Errorf("boundaries in a header: got %d: %s", status, answer)
	}
	if _, answer := slowAction(t, s.guarded, ids["submit"], body(ids["ping"])); !strings.Contains(answer, "PUBLIC-MARK-action-login pong x") {
		t.Errorf("an action of the same open page was refused too: %s", answer)
	}
}

// slowAction posts a Server Action whose body comes when the app has begun with it, as it has
// when it has answered other requests that were sent later.
func slowAction(t *testing.T, port, id, content string) (status int, body string) {
	t.Helper()
	connection, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	write := func(format string, values ...any) {
		t.Helper()
		if _, err := fmt.Fprintf(connection, format, values...); err != nil {
			t.Fatal(err)
		}
	}
	write("POST /login HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nNext-Action: %s\r\nAccept: text/x-component\r\nContent-Type: multipart/form-data; boundary=X1\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n2\r\n--\r\n", port, id)
	b := newBrowser(t, "http://127.0.0.1:"+port)
	for range 20 {
		b.open("/login")
	}
	write("%x\r\n%s\r\n0\r\n\r\n", len(content)-2, content[2:])
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

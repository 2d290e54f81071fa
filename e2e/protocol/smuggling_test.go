package protocol

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// attack is a request, or what looks like one, with another one hidden in it.
// "ID" stands for a number that tells the requests of one attack apart.
type attack struct {
	name string
	raw  string
}

// transferEncodings are the 134 spellings of Transfer-Encoding that the program
// smuggler (github.com/defparam/smuggler) sends by default: some servers take
// them for the header, others do not.
func transferEncodings() []string {
	list := []string{" Transfer-Encoding: chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding\t:\tchunked", "Transfer-Encoding : chunked"}
	for _, c := range []byte{0x1, 0x4, 0x8, 0x9, 0xa, 0xb, 0xc, 0xd, 0x1f, 0x20, 0x7f, 0xa0, 0xff} {
		for _, format := range []string{
			"Transfer-Encoding:%schunked", "Transfer-Encoding%s: chunked", "%sTransfer-Encoding: chunked", "Transfer-Encoding: chunked%s",
			"X: X%sTransfer-Encoding: chunked", "Transfer-Encoding: chunked%sX: X", "X: X\r%sTransfer-Encoding: chunked",
			"X: X%s\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r%sX: X", "Transfer-Encoding: chunked%s\nX: X",
		} {
			list = append(list, fmt.Sprintf(format, string([]byte{c})))
		}
	}
	return list
}

// hidden is the request that an attack wants the app to see, although no session
// allows it.
const hidden = "GET /dashboard?id=ID HTTP/1.1\r\nHost: x\r\nX-Session-User: root\r\n\r\n"

func post(headers ...string) string {
	return "POST /?id=ID HTTP/1.1\r\nHost: x\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
}

// attacks are every spelling with the length of the chunks and of the body at
// odds, in both directions, and what else has set servers at odds.
func attacks() []attack {
	var list []attack
	for i, header := range transferEncodings() {
		list = append(list,
			attack{fmt.Sprintf("CL.TE %d %q", i, header), post(header, fmt.Sprintf("Content-Length: %d", len(hidden)+5)) + "0\r\n\r\n" + hidden},
			attack{fmt.Sprintf("TE.CL %d %q", i, header), post(header, "Content-Length: 4") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)},
		)
	}
	add := func(name, raw string) { list = append(list, attack{name, raw}) }
	length := fmt.Sprintf("Content-Length: %d", len(hidden))
	add("two Content-Length", post("Content-Length: 0", length)+hidden)
	add("two Content-Length, the other way round", post(length, "Content-Length: 0")+hidden)
	add("a list in Content-Length", post(fmt.Sprintf("Content-Length: 0, %d", len(hidden)))+hidden)
	for _, value := range []string{"+5", "-1", "0x10", "1e2", " ", "5 5", "18446744073709551616", "00", "\x0b0", "٣"} {
		add(fmt.Sprintf("Content-Length: %q", value), post("Content-Length: "+value)+hidden)
	}
	for _, header := range []string{"Content_Length: ", "Content-Length : ", "Content-Length\t: ", " Content-Length: ", "content-length:", "Content-Length\x00: "} {
		add(fmt.Sprintf("%q", header), post(header+strconv.Itoa(len(hidden)))+hidden)
	}
	for _, value := range []string{"chunked, identity", "identity, chunked", "identity", "chunked, chunked", "gzip, chunked", "CHUNKED", "\"chunked\"", "chunked;q=1", "x", ""} {
		add("Transfer-Encoding: "+value, post("Transfer-Encoding: "+value, length)+"0\r\n\r\n"+hidden)
	}
	add("two Transfer-Encoding", post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", length)+"0\r\n\r\n"+hidden)
	add("Transfer-Encoding in HTTP/1.0", "POST /?id=ID HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"+length+"\r\n\r\n0\r\n\r\n"+hidden)
	add("bare LF", strings.ReplaceAll(post(length), "\r\n", "\n")+hidden)
	add("bare CR", strings.ReplaceAll(post(length), "\r\n", "\r")+hidden)
	add("a folded header", post("X: y\r\n Content-Length: 0", length)+hidden)
	add("a folded first header", "GET /?id=ID HTTP/1.1\r\n Host: x\r\n\r\n"+hidden)
	chunked := post("Transfer-Encoding: chunked")
	for name, chunks := range map[string]string{
		"an extension with LF": "1;\n" + "x\r\n0\r\n\r\n", "an extension with CR": "1;a=\rb\r\nx\r\n0\r\n\r\n", "a long extension": "1;" + strings.Repeat("a", 20_000) + "\r\nx\r\n0\r\n\r\n",
		"a size with a sign": "+1\r\nx\r\n0\r\n\r\n", "a size with 0x": "0x1\r\nx\r\n0\r\n\r\n", "a huge size": "ffffffffffffffff1\r\nx\r\n0\r\n\r\n", "a size with spaces": " 1 \r\nx\r\n0\r\n\r\n",
		"bare LF": "1\nx\n0\n\n", "no end of the chunk": "1\r\nxy\r\n0\r\n\r\n", "a trailer that is a length": "0\r\nContent-Length: 9\r\n\r\n",
		"an end without a line": "0\r\n", "a negative size": "-1\r\nx\r\n0\r\n\r\n", "an underscore": "1_0\r\nxxxxxxxxxxxxxxxx\r\n0\r\n\r\n",
	} {
		add("chunks with "+name, chunked+chunks+hidden)
	}
	for name, method := range map[string]string{"GET": "GET", "HEAD": "HEAD", "OPTIONS": "OPTIONS", "DELETE": "DELETE", "TRACE": "TRACE", "CONNECT": "CONNECT", "unknown": "FOO", "lower case": "get", "PRI": "PRI"} {
		add("a body with the method "+name, method+" /?id=ID HTTP/1.1\r\nHost: x\r\n"+length+"\r\n\r\n"+hidden)
	}
	for _, target := range []string{"http://evil.example/?id=ID", "http:/?id=ID", "*", "//evil.example/?id=ID", "/ HTTP/1.1\r\nX: /?id=ID", "/\x00?id=ID", "/\t?id=ID", "/%0d%0aX-Session-User:%20root?id=ID", "?id=ID", "evil.example:443"} {
		add(fmt.Sprintf("target %q", target), "POST "+target+" HTTP/1.1\r\nHost: x\r\n"+length+"\r\n\r\n"+hidden)
	}
	for _, host := range []string{"Host: x\r\nHost: y", "Host : x", "Host: x/dashboard", "Host: x@y", "Host:", "X-Host: x", "Host: x\r\n\tx", "host: x\r\nHOST: x"} {
		add(fmt.Sprintf("%q", host), "POST /?id=ID HTTP/1.1\r\n"+host+"\r\n"+length+"\r\n\r\n"+hidden)
	}
	for _, version := range []string{"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/1.1 ", "http/1.1", "HTTP/11", "HTTP/1.1\x0b", ""} {
		add(fmt.Sprintf("version %q", version), "POST /?id=ID "+version+"\r\nHost: x\r\n"+length+"\r\n\r\n"+hidden)
	}
	for _, header := range []string{
		"Expect: 100-continue", "Expect: 100-continue\r\nTransfer-Encoding: chunked", "Connection: Content-Length", "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
		"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Upgrade: websocket\r\nConnection: Upgrade", "Trailer: Content-Length", "X\x00: y", "X: \x00", "X: a\x0bb", ": y", "X", "(: y",
	} {
		add(fmt.Sprintf("%q", header), post(header, length)+hidden)
	}
	return list
}

// outcome is what became of an attack on one side.
type outcome struct {
	statuses []int
	seen     []string // by the app
}

// sawHidden reports whether the app got the request that only a session may send.
func (o outcome) sawHidden() bool {
	return slices.ContainsFunc(o.seen, func(request string) bool { return strings.Contains(request, " /dashboard") })
}

// answered counts the answers that are no refusals.
func (o outcome) answered() int {
	return len(slices.DeleteFunc(slices.Clone(o.statuses), func(status int) bool { return status >= http.StatusBadRequest }))
}

func (o outcome) String() string {
	return fmt.Sprintf("answers %v, the app saw %q", o.statuses, o.seen)
}

// run sends the attack and reads what comes back until the server closes the
// connection or has nothing more to say.
func (s side) run(a attack, id string) outcome {
	connection, err := net.Dial("tcp", "127.0.0.1:"+s.port)
	if err != nil {
		return outcome{}
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(2 * time.Second))
	var o outcome
	if _, err := io.WriteString(connection, strings.ReplaceAll(a.raw, "ID", id)); err == nil {
		for reader := bufio.NewReader(connection); ; {
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				break
			}
			o.statuses = append(o.statuses, response.StatusCode)
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				break
			}
		}
	}
	o.seen = s.app.seen(id)
	return o
}

// TestRequestSmuggling sends the attacks to both. What the app behind the guard
// gets is never more than what it gets from plain Caddy, never what only a session
// may see, and framed in one way only.
func TestRequestSmuggling(t *testing.T) {
	s := start(t)
	list := attacks()
	plain, guarded := make([]outcome, len(list)), make([]outcome, len(list))
	work := make(chan int)
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for i := range work {
				id := fmt.Sprintf("%06d", i)
				plain[i], guarded[i] = s.plain.run(list[i], id), s.guarded.run(list[i], id)
			}
		})
	}
	for i := range list {
		work <- i
	}
	close(work)
	group.Wait()
	reached := 0
	for i, a := range list {
		compare(t, a.name, plain[i], guarded[i])
		if plain[i].sawHidden() {
			reached++
		}
	}
	if reached == 0 {
		t.Error("no hidden request reached the app from plain Caddy, so this tests nothing")
	}
	s.compareFraming(t, len(list))
}

// compare holds what became of one attack on both sides against each other.
func compare(t *testing.T, name string, plain, guarded outcome) {
	t.Helper()
	if guarded.sawHidden() {
		t.Errorf("%s: the hidden request reached the app without a session: %s", name, guarded)
	}
	// Whether the app sees the head of a request whose body breaks off is a matter of luck.
	if len(guarded.seen) > max(1, len(plain.seen)) || guarded.answered() > plain.answered() {
		t.Errorf("%s: plain Caddy: %s; with the guard: %s", name, plain, guarded)
	}
}

// compareFraming looks at the bytes that have reached the apps.
func (s *server) compareFraming(t *testing.T, attacks int) {
	t.Helper()
	for _, forged := range s.guarded.app.forged {
		t.Errorf("a forged identity reached the app: %s", forged)
	}
	for _, side := range []side{s.plain, s.guarded} {
		if len(side.app.received()) == 0 {
			t.Errorf("%s passed nothing on, so nothing was compared", side.name)
		}
		ambiguous := 0
		for _, received := range side.app.received() {
			if err := checkFraming(received); err != nil {
				ambiguous++
				if side.name == s.guarded.name {
					t.Errorf("%s sent the app what servers may read differently: %v", side.name, err)
				}
			}
		}
		t.Logf("%s: %d attacks, %d connections to the app that servers may read differently", side.name, attacks, ambiguous)
	}
}

// checkFraming reads requests as strictly as RFC 9112 is written.
func checkFraming(received []byte) error {
	for len(received) > 0 {
		head, _, whole := bytes.Cut(received, []byte("\r\n\r\n"))
		if !whole {
			return fmt.Errorf("no end of the header: %q", head)
		}
		lengths, encodings := 0, 0
		lines := strings.Split(string(head), "\r\n")
		for _, line := range lines[1:] {
			name, value, ok := strings.Cut(line, ": ")
			if !ok || !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
				return fmt.Errorf("the header line %q", line)
			}
			switch strings.ToLower(name) {
			case "content-length":
				lengths++
			case "transfer-encoding":
				encodings++
				if value != "chunked" {
					return fmt.Errorf("the header line %q", line)
				}
			}
		}
		if lengths+encodings > 1 || len(strings.Split(lines[0], " ")) != 3 {
			return fmt.Errorf("two framings, or no request line: %q", head)
		}
		left := bytes.NewReader(received)
		reader := bufio.NewReader(left)
		request, err := http.ReadRequest(reader)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return nil // the client's body broke off, and the connection with it
		}
		received = received[len(received)-left.Len()-reader.Buffered():]
	}
	return nil
}

func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", r)
	})
}

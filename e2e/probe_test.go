package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// probe is a request that is sent byte by byte, since Go's client would mend it.
type probe struct {
	Target  string            `json:"target"` // one code point is one raw byte
	Method  string            `json:"method"`
	Version string            `json:"version"` // of HTTP; 1.1 if it is empty
	Host    *string           `json:"host"`    // "-" sends none; nil sends the server's own
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`

	Variant     string `json:"variant"`
	ClosesBy    string `json:"closes_by"`
	Serves      string `json:"serves"`
	NextStatus  int    `json:"next_status"` // of Next.js 16.4, asked directly
	MustProtect bool   `json:"must_protect"`
	MustPass    bool   `json:"must_pass"`
}

// sharedProbes are the requests that were measured on a real Next.js, in one
// variant of the bypass app.
func sharedProbes(t *testing.T, variant string) []probe {
	t.Helper()
	file, err := os.Open("../routes/testdata/nextjs/targets.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var probes []probe
	decoder := json.NewDecoder(file)
	for {
		var p probe
		switch err := decoder.Decode(&p); {
		case err == io.EOF:
			return probes
		case err != nil:
			t.Fatal(err)
		}
		if p.Variant == variant {
			probes = append(probes, p)
		}
	}
}

// raw is the request as it goes over the wire.
func (p probe) raw(address string) []byte {
	var b bytes.Buffer
	b.WriteString(p.Method + " ")
	for _, r := range p.Target {
		b.WriteByte(byte(r))
	}
	version := p.Version
	if version == "" {
		version = "1.1"
	}
	b.WriteString(" HTTP/" + version + "\r\n")
	switch {
	case p.Host == nil:
		b.WriteString("Host: " + address + "\r\n")
	case *p.Host != "-":
		b.WriteString("Host: " + *p.Host + "\r\n")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		b.WriteString(name + ": " + p.Headers[name] + "\r\n")
	}
	if p.Body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(p.Body))
	}
	b.WriteString("\r\n" + p.Body)
	return b.Bytes()
}

// reply is every byte that came back.
type reply struct {
	probe  probe
	status int // 0 if it was no answer of HTTP
	header http.Header
	raw    []byte
	body   []byte // decoded
}

func (r reply) secret() bool {
	return bytes.Contains(r.raw, []byte("SECRET-MARK")) || bytes.Contains(r.body, []byte("SECRET-MARK"))
}

// line is a connection to one server, opened again when the server closes it.
type line struct {
	address    string
	connection net.Conn
	received   bytes.Buffer
	reader     *bufio.Reader
}

func (l *line) close() {
	if l.connection != nil {
		l.connection.Close()
		l.connection = nil
	}
}

// send sends the probe and reads the answer whole.
func (l *line) send(p probe) (reply, error) {
	fresh := l.connection == nil
	r, err := l.try(p)
	if err != nil && !fresh && len(r.raw) == 0 { // the server had closed the idle connection
		r, err = l.try(p)
	}
	return r, err
}

func (l *line) try(p probe) (reply, error) {
	r := reply{probe: p}
	if l.connection == nil {
		connection, err := net.Dial("tcp", l.address)
		if err != nil {
			return r, err
		}
		l.connection = connection
		l.reader = bufio.NewReader(io.TeeReader(connection, &l.received))
	}
	l.received.Reset()
	_ = l.connection.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := l.connection.Write(p.raw(l.address)); err != nil {
		l.close()
		return r, err
	}
	response, err := http.ReadResponse(l.reader, &http.Request{Method: p.Method})
	if err == nil {
		r.status, r.header = response.StatusCode, response.Header
		r.body, err = io.ReadAll(response.Body)
	}
	r.raw = bytes.Clone(l.received.Bytes())
	if err != nil || response.Close || p.Version != "" || p.Host != nil || response.StatusCode == http.StatusSwitchingProtocols {
		l.close()
	}
	return r, err
}

// sendAll sends the probes over several connections and gives every reply to
// look, one at a time.
func sendAll(t *testing.T, port string, probes []probe, look func(reply)) {
	t.Helper()
	work := make(chan probe)
	var mutex sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			l := &line{address: "127.0.0.1:" + port}
			defer l.close()
			for p := range work {
				r, err := l.send(p)
				mutex.Lock()
				if err != nil && len(r.raw) == 0 && !p.mayBeHungUp() {
					t.Errorf("%s %q: %v", p.Method, p.Target, err)
				}
				look(r)
				mutex.Unlock()
			}
		})
	}
	for _, p := range probes {
		work <- p
	}
	close(work)
	group.Wait()
}

// mayBeHungUp reports whether the probe is so broken that a server may close the
// connection without a word.
func (p probe) mayBeHungUp() bool {
	return p.Version != "" || p.Host != nil || p.Method == http.MethodConnect || strings.ContainsAny(p.Target, " \t\r\n\x00") || p.Headers["Upgrade"] != ""
}

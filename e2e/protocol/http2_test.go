package protocol

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream is one request of HTTP/2 as its fields stand in the frames. A field that
// begins with "!" takes the place of the pseudo-header of that name.
type stream struct {
	name   string
	fields []string // names and values
	body   string
	end    []string // trailers
}

// streams are what becomes two requests, or another one, when a proxy writes it
// down as HTTP/1.1 without care.
func streams() []stream {
	get := []string{":method", "GET", ":scheme", "http", ":authority", "x", ":path", "/?id=ID"}
	with := func(name string, fields ...string) stream {
		return stream{name: name, fields: append(slices.Clone(get), fields...)}
	}
	change := func(name, pseudo, value string) stream {
		s := stream{name: name, fields: slices.Clone(get), body: hidden}
		for i := 0; i < len(s.fields); i += 2 {
			if s.fields[i] == pseudo {
				s.fields[i+1] = value
			}
		}
		return s
	}
	post := func(name string, fields ...string) stream {
		s := change(name, ":method", "POST")
		s.fields = append(s.fields, fields...)
		return s
	}
	list := []stream{
		post("a body without a length"),
		post("content-length below the body", "content-length", "0"),
		post("content-length above the body", "content-length", "9999"),
		post("two content-length", "content-length", "0", "content-length", fmt.Sprint(len(hidden))),
		post("content-length with a sign", "content-length", "+1"),
		post("transfer-encoding", "transfer-encoding", "chunked"),
		post("transfer-encoding and content-length", "transfer-encoding", "chunked", "content-length", "4"),
		post("transfer-encoding in upper case", "Transfer-Encoding", "chunked"),
		post("connection", "connection", "close, x-session-realm"),
		post("proxy-connection and keep-alive", "proxy-connection", "keep-alive", "keep-alive", "1"),
		post("upgrade", "upgrade", "websocket"),
		post("te", "te", "trailers, gzip"),
		with("CR LF in a value", "x", "a\r\nX-Session-User: root\r\n\r\n"+hidden),
		with("LF in a value", "x", "a\nX-Session-User: root"),
		with("NUL in a value", "x", "a\x00b"),
		with("CR LF in a name", "x: a\r\nx-session-user", "root"),
		with("a colon in a name", "transfer-encoding: chunked", "x"),
		with("a space in a name", "x-session-user ", "root"),
		with("an empty name", "", "x"),
		with("an upper-case name", "X-Session-User", "root"),
		with("host beside :authority", "host", "evil.example"),
		with("a second :path", ":path", "/dashboard?id=ID"),
		with("a pseudo-header after a field", "x", "y", ":path", "/dashboard?id=ID"),
		with("an unknown pseudo-header", ":id", "1"),
		change("CR LF in :path", ":path", "/ HTTP/1.1\r\nHost: x\r\n\r\n"+hidden),
		change("a space in :path", ":path", "/ HTTP/1.1 /dashboard?id=ID"),
		change("an absolute :path", ":path", "http://x/dashboard?id=ID"),
		change("* as :path", ":path", "*"),
		change("an empty :path", ":path", ""),
		change(":path without a slash", ":path", "dashboard?id=ID"),
		change("a fragment in :path", ":path", "/dashboard?id=ID#/login"),
		change("CR LF in :method", ":method", "GET /dashboard?id=ID HTTP/1.1\r\nHost: x\r\n\r\nGET"),
		change("a space in :method", ":method", "GET /dashboard?id=ID"),
		change("TRACE", ":method", "TRACE"),
		change("CONNECT with a path", ":method", "CONNECT"),
		change("CR LF in :authority", ":authority", "x\r\nX-Session-User: root"),
		change("a path in :authority", ":authority", "x/dashboard?id=ID"),
		change("user information in :authority", ":authority", "dashboard@x"),
		change("CR LF in :scheme", ":scheme", "http\r\nX-Session-User: root"),
		change("a URL as :scheme", ":scheme", "http://x/dashboard?id=ID"),
		with("extended CONNECT's :protocol on GET", ":protocol", "websocket"),
	}
	trailers := post("identity in the trailers", "te", "trailers", "trailer", "x-session-user")
	trailers.end = []string{"x-session-user", "root"}
	framing := post("a length in the trailers")
	framing.end = []string{"content-length", "9", "transfer-encoding", "chunked"}
	return append(list, trailers, framing)
}

// send opens a connection with prior knowledge of HTTP/2 and sends the stream.
func (s side) send(t *testing.T, attack stream, id string) outcome {
	t.Helper()
	connection, err := net.Dial("tcp", "127.0.0.1:"+s.port)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.WriteString(connection, http2.ClientPreface)
	framer := http2.NewFramer(connection, connection)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	write := func(fields []string, last bool) {
		block.Reset()
		for i := 0; i < len(fields); i += 2 {
			_ = encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: strings.ReplaceAll(fields[i+1], "ID", id)})
		}
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: last})
	}
	write(attack.fields, attack.body == "" && attack.end == nil)
	if attack.body != "" {
		_ = framer.WriteData(1, attack.end == nil, []byte(strings.ReplaceAll(attack.body, "ID", id)))
	}
	if attack.end != nil {
		write(attack.end, true)
	}
	o := outcome{statuses: readStatuses(framer)}
	o.seen = s.app.seen(id)
	return o
}

// readStatuses reads frames until the stream ends.
func readStatuses(framer *http2.Framer) []int {
	var statuses []int
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return statuses
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			var status int
			_, _ = fmt.Sscan(f.PseudoValue("status"), &status)
			statuses = append(statuses, status)
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return statuses
		}
		if header := frame.Header(); header.StreamID == 1 && header.Flags.Has(http2.FlagDataEndStream) {
			return statuses
		}
	}
}

// TestHTTP2Downgrade sends what only HTTP/2 can carry, and looks at what Caddy
// makes of it for an app that speaks HTTP/1.1.
func TestHTTP2Downgrade(t *testing.T) {
	s := start(t)
	list := streams()
	for i, attack := range list {
		id := fmt.Sprintf("%06d", i)
		plain, guarded := s.plain.send(t, attack, id), s.guarded.send(t, attack, id)
		// Whether a stream that is reset is answered before that is a matter of luck.
		for try := 1; guarded.answered() > plain.answered() && try <= 10; try++ {
			plain = s.plain.send(t, attack, fmt.Sprintf("%06d", try*1000+i))
		}
		compare(t, attack.name, plain, guarded)
	}
	s.compareFraming(t, len(list))
}

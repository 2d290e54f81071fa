package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// connections are kept open and used at once.
const connections = 8

// load sends n requests to a port over a few connections. Each request is what a
// browser sends, with the cookie that next returns for its number.
func load(ctx context.Context, port, n int, path string, next func(i int) string) error {
	var number atomic.Int64
	failed := make(chan error, connections)
	for range connections {
		go func() {
			conn, err := dial(ctx, port)
			if err != nil {
				failed <- err
				return
			}
			reader, writer := bufio.NewReader(conn), bufio.NewWriter(conn)
			for err == nil {
				i := int(number.Add(1)) - 1
				if i >= n {
					break
				}
				err = exchange(reader, writer, path, next(i))
			}
			_ = conn.Close()
			failed <- err
		}()
	}
	var first error
	for range connections {
		if err := <-failed; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// browserHeader is what Chromium sends when somebody follows a link, but for Host
// and Cookie.
const browserHeader = "Connection: keep-alive\r\n" +
	`sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156"` + "\r\nsec-ch-ua-mobile: ?0\r\n" + `sec-ch-ua-platform: "Linux"` + "\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n" +
	"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n" +
	"Referer: http://127.0.0.1/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n"

func exchange(reader *bufio.Reader, writer *bufio.Writer, path, cookie string) error {
	_, _ = writer.WriteString("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + browserHeader)
	if cookie != "" {
		_, _ = writer.WriteString("Cookie: theme=dark; " + cookie + "\r\n")
	}
	_, _ = writer.WriteString("\r\n")
	if err := writer.Flush(); err != nil { // and what failed before it
		return err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s was answered with %s", path, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

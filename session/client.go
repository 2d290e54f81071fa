package session

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxUserAgent is how much of a User-Agent is kept.
const maxUserAgent = 200

// client is what a list keeps of where a request came from.
type client struct{ userAgent, address string }

// client says what the list keeps of the visitor's request.
func (v *Visitor) client() client {
	if v.backEnd {
		return client{}
	}
	return client{userAgent: shortUserAgent(v.agent), address: network(v.manager.settings.ClientAddress(v.request))}
}

// shortUserAgent cuts what the client said down to what can be shown.
func shortUserAgent(said string) string {
	said = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, said[:min(len(said), 4*maxUserAgent)])
	return strings.ToValidUTF8(said[:min(len(said), maxUserAgent)], "")
}

// network shortens an address until it no longer identifies a person: to 24
// bits of IPv4 and to 48 bits of IPv6. It is empty for what is no address.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(ip, bits).Masked().String()
}

// peerAddress is the address of the connection.
func peerAddress(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr) // of what is no address nothing is kept
	return host
}

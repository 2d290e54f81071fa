package caddymodule

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"go.uber.org/zap"
)

// warnOfDroppedCookie warns once of a session cookie that was set for this request
// and that its browser does not keep: nobody could sign in then, for no visible reason.
// What a proxy in front has seen of the browser is not known, so nothing is said there.
func (r *realm) warnOfDroppedCookie(v *visit) {
	req := v.request
	if v.byProxy || cameByProxy(req.Header) {
		return
	}
	host, domain := strings.ToLower((&url.URL{Host: req.Host}).Hostname()), strings.ToLower(strings.TrimPrefix(r.settings.CookieDomain, "."))
	cause := r.settings.forcesSecure()
	switch {
	case req.TLS == nil && cause != "" && !isLoopback(host):
		r.warned.droppedCookie.Do(func() {
			r.logger.Warn("the session cookie is Secure, but this request came over plain HTTP: browsers drop it, so nobody can sign in, unless a proxy in front serves https; "+
				"serve the site by https, or remove "+cause, zap.String("host", host))
		})
	case domain != "" && host != domain && !strings.HasSuffix(host, "."+domain):
		r.warned.droppedCookie.Do(func() {
			r.logger.Warn("the session cookie is for cookie_domain "+domain+", but this request's host is not in it: browsers drop it, so nobody can sign in; "+
				"open the site by a host in that domain, or remove cookie_domain", zap.String("host", host))
		})
	}
}

// forcesSecure is the setting that makes the cookie Secure whatever the connection is,
// or empty.
func (s *Settings) forcesSecure() string {
	switch {
	case s.SecureCookie == "always":
		return "secure_cookie always"
	case s.SameSite == "none":
		return "same_site none"
	case s.CookiePrefix == "host", s.CookiePrefix == "secure":
		return "cookie_prefix " + s.CookiePrefix
	}
	return ""
}

// cameByProxy reports whether a request has a header that only proxies add.
func cameByProxy(header http.Header) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Real-Ip"} {
		if len(header[name]) > 0 {
			return true
		}
	}
	return false
}

// isLoopback reports whether browsers take a host as trustworthy without TLS, so that
// they keep a Secure cookie of it.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.IsLoopback()
}

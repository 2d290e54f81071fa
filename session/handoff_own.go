package session

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// replaces reports whether a browser takes one cookie for the other: by name, domain
// and path (RFC 6265bis section 5.7). Which path is meant where none is given depends
// on the page.
func replaces(c, before *http.Cookie) bool {
	domain := func(c *http.Cookie) string { return strings.ToLower(strings.TrimPrefix(c.Domain, ".")) }
	return c.Name == before.Name && domain(c) == domain(before) && (c.Path == before.Path || c.Path == "" || before.Path == "")
}

// ownCookies reads Set-Cookie lines of the session cookie's name: a deletion
// is a delete handoff, a value passes only if it opens (the app shares the
// secret), and with it the deletions of stale chunks. Anything else would end a
// session in silence.
func (v *Visitor) ownCookies(ctx context.Context, own []*http.Cookie, lines []string) (passed []string, opened *Session, deletes bool, err error) {
	var set cookies
	var given []*http.Cookie
	for _, cookie := range own {
		if v.removes(cookie) {
			if slices.ContainsFunc(given, func(before *http.Cookie) bool { return replaces(cookie, before) }) {
				return nil, nil, false, handoffErrorf("the app set the cookie %s and deleted it afterwards; do one of them", cookie.Name)
			}
			continue
		}
		if err := fitsBrowser(cookie); err != nil {
			return nil, nil, false, err
		}
		given = append(given, cookie)
		set.add(cookie.Name, v.name, cookie.Value)
	}
	if len(given) == 0 {
		return nil, nil, len(own) > 0, nil
	}
	if opened, err = v.openOwn(ctx, set.candidates()); err != nil {
		return nil, nil, false, err
	}
	return slices.Concat(lines, v.removalsBeside(own)), opened, false, nil
}

// checkTwins refuses tokens that the app sealed under the name that the session cookie has
// with another prefix, as an app does which does not know that there is one over TLS:
// nothing here reads that cookie. What does not open is a cookie of the app's own.
func (v *Visitor) checkTwins(ctx context.Context, lines []string) error {
	m := v.manager
	twins := map[string]*cookies{} // by name
	for _, line := range lines {
		name := setCookieName(line)
		bare := withoutPrefix(name)
		if !isOurs(bare, m.settings.CookieName) {
			continue
		}
		cookie, err := http.ParseSetCookie(line)
		if err != nil || v.removes(cookie) {
			continue
		}
		twin := name[:len(name)-len(bare)] + m.settings.CookieName
		if twins[twin] == nil {
			twins[twin] = new(cookies)
		}
		twins[twin].add(name, twin, cookie.Value)
	}
	for name, twin := range twins {
		for _, token := range twin.candidates() {
			if !m.keys.mayOpen(token) { // nobody waits for keys because of another cookie
				continue
			}
			if s, _, _ := m.open(ctx, token, m.settings.Now()); s != nil {
				return handoffErrorf("the app set the cookie %s to a session that it sealed itself, but here the session cookie is %s, so the login would be lost; set %[2]s", name, v.name)
			}
		}
	}
	return nil
}

// fitsBrowser refuses what a browser would not keep, or not send back as it is: the
// login would be lost in silence.
func fitsBrowser(c *http.Cookie) error {
	if c.Quoted {
		return handoffErrorf("the app set the cookie %s in quotes, with which it cannot be opened; send the value without quotes", c.Name)
	}
	if size := len(c.Name) + len(c.Value); size > maxCookieSize {
		return handoffErrorf("the app set the cookie %s with %d bytes, and browsers keep %d; cut the token into %[1]s.0, %[1]s.1 and so on", c.Name, size, maxCookieSize)
	}
	return nil
}

// openOwn refuses tokens that do not open, or to more than a request to the app may have,
// and returns the session.
func (v *Visitor) openOwn(ctx context.Context, tokens []string) (opened *Session, err error) {
	m := v.manager
	foreign := func(err error) error {
		return handoffErrorf("the app set the session cookie %s to a value that Caddy cannot open (%v); if this is a cookie of the app's own, choose another cookie_name", v.name, err)
	}
	if len(tokens) == 0 {
		return nil, foreign(ErrMalformed)
	}
	for _, token := range tokens {
		opened, _, err = m.open(ctx, token, m.settings.Now())
		if IsAnonymity(err) {
			return nil, foreign(err)
		}
		if err != nil {
			return nil, err
		}
		if size := m.requestSize(opened, v.name, token); size > maxRequestSize {
			return nil, handoffErrorf("the session that the app sealed needs %d bytes of request headers, at most %d are allowed", size, maxRequestSize)
		}
	}
	return opened, nil
}

// removalsBeside are Set-Cookie lines against cookies that the browser has and the app
// says nothing of. They would be read together with the app's own.
func (v *Visitor) removalsBeside(own []*http.Cookie) []string {
	header := http.Header{}
	for _, name := range v.sentNames() {
		if !slices.ContainsFunc(own, func(c *http.Cookie) bool { return replaces(v.cookie(name, ""), c) }) {
			v.removeCookie(header, name)
		}
	}
	return header["Set-Cookie"]
}

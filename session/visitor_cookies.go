package session

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// SetCookies writes the Set-Cookie lines of what changed and reports whether it
// wrote any. Call it once, just before the header of the answer is sent: a
// session that was ended meanwhile by another request is not brought back, and of
// one that was changed the newest token is written. Ask [Visitor.Lost] then.
func (v *Visitor) SetCookies(header http.Header) bool {
	m := v.manager
	if len(v.own) > 0 {
		header["Set-Cookie"] = append(header["Set-Cookie"], v.own...)
		return true
	}
	if v.deleted {
		v.removeCookie(header, v.name)
		for _, suffix := range chunkSuffixes {
			v.removeCookie(header, v.name+suffix)
		}
		return true
	}
	if v.pending == nil {
		return false
	}
	newest, ok := m.memory.recent.newest(*v.pending)
	if !ok || m.outdated(newest.session.ID, newest.content) {
		v.lost = v.created
		return false
	}
	if m.clipped(newest.session).Expired(m.settings.Now()) { // the browser may have a newer one of another node
		return false
	}
	// Another request may have been quicker, whose answer never reached the browser.
	v.pending = &newest
	// That it cannot be told grants nothing: whoever reads the cookie asks again.
	// A login is not lost.
	if revoked, _ := m.settings.Revocations.Revoked(v.pending.session); revoked {
		v.lost = v.created
		return false
	}
	v.writePending(header)
	v.sends(*v.pending)
	return true
}

// sends tells of a state that is sent. Until then a slide may be taken back, and
// whoever was told would take the session for longer than it is.
func (v *Visitor) sends(s sealedSession) {
	m := v.manager
	m.memory.watches.noteExpiry(s.session)
	v.noteInList(s.session)
	if s.untold && m.memory.recent.tell(s) {
		m.observe(Event{Kind: EventRefreshed, Session: s.session})
	}
}

// Lost returns an error, which is [ErrUnavailable], if [Visitor.SetCookies] has dropped
// the session of a login since it was ended meanwhile: do not report the login as done.
func (v *Visitor) Lost() error {
	if !v.lost {
		return nil
	}
	return fmt.Errorf("%w: all sessions of this user, or of everybody, were ended while the user signed in; sign in again", ErrUnavailable)
}

func (v *Visitor) writePending(header http.Header) {
	left := v.manager.clipped(v.pending.session).ExpiresAt.Sub(v.manager.settings.Now())
	names, values := sealedCookies(v.name, v.pending.token)
	for i, name := range names {
		v.setCookie(header, name, values[i], left)
	}
	// Stale ones would be read together with the new ones.
	if len(names) > 1 {
		v.removeCookie(header, v.name)
	}
	for i, suffix := range chunkSuffixes {
		stale := len(names) == 1 || i >= len(names)
		if stale && (len(names) > 1 || len(v.sent.chunks[i]) > 0) {
			v.removeCookie(header, v.name+suffix)
		}
	}
}

// sentNames are the names of ours that the request's cookies have.
func (v *Visitor) sentNames() (names []string) {
	if len(v.sent.whole) > 0 {
		names = append(names, v.name)
	}
	for i, suffix := range chunkSuffixes {
		if len(v.sent.chunks[i]) > 0 {
			names = append(names, v.name+suffix)
		}
	}
	return names
}

// ClearInvalid removes the request's cookies of ours if none of them opened, and
// reports whether it did. While machinery is broken nobody knows whether they
// are good, so they stay. So do those of a session in whose place a sign-in has just put
// another: the browser may have its cookie, which has the same name, by the time of this
// answer.
func (v *Visitor) ClearInvalid(header http.Header) bool {
	if v.session != nil || v.deleted || v.result == ResultError || !v.sent.any() || slices.ContainsFunc(v.ended, v.manager.wasReplaced) {
		return false
	}
	for _, name := range v.sentNames() {
		v.removeCookie(header, name)
	}
	return true
}

// wasReplaced reports whether a sign-in has just put another session in the place of this one.
func (m *Manager) wasReplaced(s *Session) bool {
	_, known := m.memory.replaced.get(identityOf(s), m.settings.Now())
	return known
}

// ForwardCookies rewrites the Cookie header of the request to the app. Handoff
// cookies and cookies of our name never come from a browser to the app; with
// forward_cookie the app gets the one that opened, after a refresh the new one.
// All other cookies stay, in order. It reports false if the session and its cookie
// together are more than a request to the app may have, and the cookie is left out: the
// session was sealed under other settings, or elsewhere.
func (v *Visitor) ForwardCookies(header http.Header) bool {
	m := v.manager
	fits := !m.settings.ForwardCookie || v.session == nil || m.requestSize(v.session, v.name, v.token) <= maxRequestSize
	v.keepCookies(header, m.settings.ForwardCookie && fits)
	return fits
}

// WithholdCookies is [Visitor.ForwardCookies] without forward_cookie, for a request
// that nobody is to be known by.
func (v *Visitor) WithholdCookies(header http.Header) { v.keepCookies(header, false) }

// ReturnCookies undoes both of them, as far as a cookie has opened.
func (v *Visitor) ReturnCookies(header http.Header) {
	v.WithholdCookies(header)
	if v.session == nil {
		return
	}
	header["Cookie"] = append(header["Cookie"], v.sealedPairs()...)
}

// sealedPairs are the cookies that carry the visitor's token, as a request has them.
func (v *Visitor) sealedPairs() []string {
	names, values := sealedCookies(v.name, v.token)
	for i, name := range names {
		names[i] = name + "=" + values[i]
	}
	return names
}

// isTwin reports whether a cookie carries a token under the name that ours has with
// another prefix, as one does that is left over from before TLS. It signs nobody in here,
// but the token is good. A cookie of the app may have that name, too.
func (m *Manager) isTwin(name, value string) bool {
	bare := withoutPrefix(name)
	if !isOurs(bare, m.settings.CookieName) {
		return false
	}
	_, isToken := cutCompact(strings.Trim(value, `" `))
	return isToken || bare != m.settings.CookieName // a part of one
}

func (v *Visitor) keepCookies(header http.Header, withSession bool) {
	m := v.manager
	lines := header["Cookie"]
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, m.settings.CookieName) }) {
		return // every name of ours contains it
	}
	var room [16]string
	kept := room[:0]
	dropped := false
	eachCookie(lines, func(name, value, pair string) {
		name = lenientName(name)
		if isOurs(name, v.name) || m.handoffKind(name) != "" || m.isTwin(name, value) {
			dropped = true
			return
		}
		kept = append(kept, pair)
	})
	if !dropped {
		return
	}
	if withSession && v.session != nil {
		kept = append(kept, v.sealedPairs()...)
	}
	if len(kept) == 0 {
		delete(header, "Cookie")
		return
	}
	header["Cookie"] = []string{strings.Join(kept, "; ")}
}

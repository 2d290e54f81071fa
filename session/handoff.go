package session

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// HandoffError says what was wrong with a handoff, without showing it.
type HandoffError struct{ Reason string }

// Error gives the reason.
func (e *HandoffError) Error() string { return "handoff: " + e.Reason }

func handoffErrorf(format string, args ...any) error {
	return &HandoffError{Reason: fmt.Sprintf(format, args...)}
}

// Handoff is what the app asked for by its answer: it has no key, so it
// describes the session and Caddy seals it.
type Handoff struct {
	// Delete ends the session. It comes first.
	Delete bool
	// Set signs a user in; nil if the app did not ask for it.
	Set *Login
	// Update changes the session; nil if the app did not ask for it.
	Update *Change
	// NoActivity means that this request was not the user's own doing and must
	// not keep the session alive (X-Session-Activity: none).
	NoActivity bool
	// Places names the headers and cookies that said so, for messages.
	Places []string
	// Misspelled names headers that were removed and are no handoff, since a
	// proxy may take an underscore or a dot for a hyphen, and an app must not.
	Misspelled []string
	// Misnamed names cookies that go to the browser although they describe a session,
	// by the name of another cookie_name. Another guard in front may take them.
	Misnamed []string

	sealed []string // Set-Cookie lines that carry a token which the app sealed
	own    *Session // to which that opens
}

// Empty reports whether the app asked for no change of the session.
func (h *Handoff) Empty() bool {
	return !h.Delete && h.Set == nil && h.Update == nil && len(h.sealed) == 0
}

// TakeHandoff removes every X-Session-* header, every handoff cookie and every
// Set-Cookie of the session cookie's name from the header of the app's answer,
// and returns what they mean. Headers and cookies mean the same; two different
// ones of a kind are a [*HandoffError], as is one that cannot be decoded. The
// header is clean in any case, and Delete is true also beside an update that is
// wrong: who asked to be signed out must be.
func (v *Visitor) TakeHandoff(ctx context.Context, header http.Header) (Handoff, error) {
	parts := handoffParts{}
	var misspelled []string
	for name, values := range header {
		if !IsSessionHeader(name) {
			continue
		}
		switch kind := strings.ToLower(name[len(headerPrefix):]); kind {
		case "set", "update", "delete", "activity":
			if strings.EqualFold(name[:len(headerPrefix)], headerPrefix) {
				for _, value := range values {
					parts.add(kind, "the header "+http.CanonicalHeaderKey(name), unrepeated(value))
				}
			} else {
				misspelled = append(misspelled, "the header "+name)
			}
		}
		delete(header, name)
	}
	var own []*http.Cookie
	var lines []string
	if given := header["Set-Cookie"]; len(given) > 0 {
		own, lines = v.takeCookies(header, given, parts)
	}
	handoff, err := parts.decode()
	handoff.Places, handoff.Misspelled = parts.places(own), misspelled
	slices.Sort(handoff.Misspelled)
	passed, opened, deletes, ownErr := v.ownCookies(ctx, own, lines)
	if ownErr == nil && len(passed) == 0 && handoff.Set == nil { // else a login is not lost
		ownErr = v.checkTwins(ctx, header["Set-Cookie"])
		handoff.Misnamed = v.misnamed(header["Set-Cookie"])
	}
	handoff.sealed, handoff.own, handoff.Delete = passed, opened, handoff.Delete || deletes
	err = errors.Join(err, ownErr)
	if err == nil && len(handoff.sealed) > 0 && (handoff.Set != nil || handoff.Update != nil) {
		err = handoffErrorf("the response has both a handoff and the cookie %s with a session that the app sealed itself; send one of them", v.name)
	}
	signsIn := len(parts["set"]) > 0 || len(handoff.sealed) > 0 || ownErr != nil // a token that the app sealed is a set, too
	if err != nil && signsIn {
		handoff.Delete = false // the session before ends only if the new one can be made
	}
	return handoff, err
}

// handoffPart is one undecoded value. The place is the header or the cookie that
// had it, for messages.
type handoffPart struct{ place, value string }

// handoffParts are the parts by kind, without repeats.
type handoffParts map[string][]handoffPart

func (p handoffParts) add(kind, place string, values ...string) {
	for _, value := range values {
		if value = strings.TrimSpace(value); len(p[kind]) == 0 || p[kind][0].value != value {
			p[kind] = append(p[kind], handoffPart{place, value})
		}
	}
}

// unrepeated is what a header says to which an app has appended the same again: fetch's
// Headers, and proxies, write that into one line (RFC 9110 section 5.3). What differs stays,
// and does not decode.
func unrepeated(line string) string {
	first, rest, joined := strings.Cut(line, ",")
	first = strings.TrimSpace(first)
	for joined {
		var next string
		if next, rest, joined = strings.Cut(rest, ","); strings.TrimSpace(next) != first {
			return line
		}
	}
	return first
}

// places are those of the parts and of cookies of the session cookie's name.
func (p handoffParts) places(own []*http.Cookie) []string {
	var places []string
	for _, given := range p {
		for _, part := range given {
			places = append(places, part.place)
		}
	}
	for _, cookie := range own {
		places = append(places, "the cookie "+cookie.Name)
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// setCookieName is the name in a Set-Cookie line, also where net/http refuses the rest.
func setCookieName(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return strings.TrimSpace(name)
}

// takeCookies takes the handoff cookies and those of the session cookie's name
// out of the Set-Cookie lines. A handoff cookie that is empty or expired takes
// back those before it, as a browser would see it: Next.js cannot remove a cookie
// that it has set before on the same answer, only let it expire.
func (v *Visitor) takeCookies(header http.Header, given []string, parts handoffParts) (own []*http.Cookie, lines []string) {
	var kept []string
	asked := handoffParts{}
	for _, line := range given {
		name := setCookieName(line)
		kind := v.manager.handoffKind(name)
		if kind == "" && !isOurs(name, v.name) {
			kept = append(kept, line)
			continue
		}
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			_, value, _ := strings.Cut(line, "=")
			value, _, _ = strings.Cut(value, ";")
			cookie = &http.Cookie{Name: name, Value: cmp.Or(value, "?")} // decodes to nothing, so it is reported
		}
		switch {
		case kind == "":
			own, lines = append(own, cookie), append(lines, line)
		case v.removes(cookie):
			delete(asked, kind)
		default:
			asked.add(kind, "the cookie "+name, cookie.Value)
		}
	}
	for kind, given := range asked {
		for _, part := range given {
			parts.add(kind, part.place, part.value)
		}
	}
	if len(kept) == 0 {
		delete(header, "Set-Cookie")
	} else {
		header["Set-Cookie"] = kept
	}
	return own, lines
}

func (v *Visitor) removes(c *http.Cookie) bool {
	return c.Value == "" || c.MaxAge < 0 || !c.Expires.IsZero() && c.MaxAge == 0 && c.Expires.Before(v.manager.settings.Now())
}

func (p handoffParts) decode() (Handoff, error) {
	h := Handoff{NoActivity: len(p["activity"]) == 1 && strings.EqualFold(p["activity"][0].value, "none")}
	if err := p.read(&h); err != nil {
		return Handoff{Delete: h.Delete}, err
	}
	return h, nil
}

// read reads the parts, delete first.
func (p handoffParts) read(h *Handoff) error {
	for _, kind := range []string{"delete", "set", "update"} {
		given := p[kind]
		switch {
		case len(given) == 0:
			continue
		case len(given) > 1:
			return handoffErrorf("two different %s on one answer, in %s and in %s; send one", kind, given[0].place, given[1].place)
		case kind == "delete":
			if given[0].value != "1" {
				return handoffErrorf("%s must have the value 1", given[0].place)
			}
			h.Delete = true
			continue
		}
		members, err := given[0].decode()
		if err != nil {
			return err
		}
		if err := h.take(kind, members); err != nil {
			return handoffErrorf("%s: %v", given[0].place, err)
		}
	}
	return nil
}

// take makes a set or an update of decoded members.
func (h *Handoff) take(kind string, members map[string]any) error {
	if kind == "set" {
		login, err := LoginOf(members)
		h.Set = &login
		return err
	}
	change, err := ChangeOf(members)
	h.Update = &change
	return err
}

// decode decodes base64url, with or without padding, of one JSON object.
func (p handoffPart) decode() (map[string]any, error) {
	if len(p.value) > 4*maxTokenLength {
		return nil, handoffErrorf("%s has %d bytes, more than any session may have", p.place, len(p.value))
	}
	decoded, err := strictBase64.DecodeString(strings.TrimRight(p.value, "="))
	if err != nil || len(bytes.TrimSpace(decoded)) == 0 {
		return nil, handoffErrorf("%s is not base64url of a JSON object%s", p.place, p.hint())
	}
	members, err := DecodeObject(decoded)
	if err != nil {
		return nil, handoffErrorf("%s: %v", p.place, err)
	}
	for name := range members {
		if name != "user" && name != "accessToken" && name != "refreshToken" {
			return nil, handoffErrorf("%s has the unknown member %s; the known ones are user, accessToken and refreshToken", p.place, quoted(name))
		}
	}
	return members, nil
}

// hint says what the value looks like instead, of what apps send by mistake.
func (p handoffPart) hint() string {
	value, err := url.PathUnescape(p.value)
	if err != nil {
		value = p.value
	}
	_, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	switch {
	case value == "":
		return ": it is empty"
	case value[0] == '{', strings.HasPrefix(value, "j:{"): // as Express writes it
		return ": it is plain JSON; encode it, in Node.js by Buffer.from(json).toString('base64url')"
	case strings.HasPrefix(value, laravel), strings.ContainsAny(value, ":."), strings.Contains(value, "--"):
		return ": it looks signed or encrypted, as frameworks do to cookies; except this cookie from that, or set the header of the same meaning, such as X-Session-Set"
	case err == nil && strings.ContainsAny(value, "+/"):
		return ": it is standard base64; write base64url, which has - for +, _ for / and no =, in Node.js by toString('base64url')"
	case strings.Contains(p.value, "%3D"):
		return ": its padding is percent-encoded; leave the = at its end out"
	}
	return ""
}

// laravel is how cookies begin that Laravel has encrypted: {"iv": in base64.
const laravel = "eyJpdiI6"

// Apply does what the handoff asks for, in the order delete, set, update. The
// error is a [*HandoffError] for what the app did wrong (an update without a
// session, a session that is too large), a [*TooLargeError] if what the Refresher has
// returned for an update does not fit, which then does nothing, else broken machinery. If
// a session cannot be made nothing has changed; otherwise a delete holds even then.
func (v *Visitor) Apply(ctx context.Context, h Handoff) error {
	var made sealedSession
	if h.Set != nil { // before anything ends
		var err error
		if made, err = v.sealSet(h); err != nil {
			return err
		}
	}
	if h.Delete {
		if h.Set != nil || len(h.sealed) > 0 {
			v.noteReplaced()
		}
		if err := v.Delete(ctx); err != nil {
			return err
		}
	}
	switch {
	case h.Set != nil:
		return v.begin(ctx, made)
	case h.Update != nil:
		return v.updateForApp(ctx, *h.Update)
	case len(h.sealed) > 0: // never beside another: see TakeHandoff
		v.observeOwn(h.own)
		v.own, v.pending, v.deleted = h.sealed, nil, false
	}
	return nil
}

// updateForApp changes the session. A change that names nothing only refreshes it, by the
// Refresher if there is one. An app is not at fault if the session has ended before its
// answer came, nor if the Refresher fails or ends it: the answer is sent all the same.
func (v *Visitor) updateForApp(ctx context.Context, change Change) error {
	asksRefresher := change.event() == EventRefreshed && v.manager.settings.Refresher != nil
	var err error
	switch {
	case v.session == nil:
		return asHandoffError("update", ErrNoSession)
	case !asksRefresher:
		err = v.Update(change)
	case !v.rotated: // by this request already
		err = v.slideByHook(ctx)
	}
	switch {
	case IsAnonymity(err):
		if v.session != nil {
			v.leave(resultOf(err))
		}
		return nil
	case asksRefresher:
		return err
	}
	return asHandoffError("update", err)
}

// observeOwn tells of a session that the app has sealed itself.
func (v *Visitor) observeOwn(s *Session) {
	kind := EventCreated
	if v.session != nil && v.session.ID == s.ID {
		kind = EventUpdated
	}
	v.manager.observe(Event{Kind: kind, Session: s})
}

// sealSet seals the session of a set, with what an update on the same answer changes.
func (v *Visitor) sealSet(h Handoff) (sealedSession, error) {
	kind, change := "set", Change{}
	if h.Update != nil {
		kind, change = "set and update", *h.Update
	}
	made, err := v.manager.sealNew(*h.Set, change)
	return made, asHandoffError(kind, err)
}

func asHandoffError(kind string, err error) error {
	var tooLarge *TooLargeError
	var user *UserError
	if errors.As(err, &tooLarge) || errors.As(err, &user) || errors.Is(err, ErrNoSession) {
		return handoffErrorf("%s: %v", kind, err)
	}
	return err
}

// headerPrefix begins the names of our headers.
const headerPrefix = "x-session-"

// IsSessionHeader reports whether a header name is one of ours however a server
// may spell it: X-Session-* without regard to case, with "-", "_" or "." between
// the words. Servers that fold those (CGI, WSGI) would take a client's
// X_Session_User for ours.
func IsSessionHeader(name string) bool {
	if len(name) < len(headerPrefix) {
		return false
	}
	for i := range len(headerPrefix) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '_' || c == '.':
			c = '-'
		}
		if c != headerPrefix[i] {
			return false
		}
	}
	return true
}

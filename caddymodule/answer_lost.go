package caddymodule

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/session-guard/caddy-session-guard/session"
)

// takeTrailers removes what is meant for Caddy from all that came after the header
// of the answer: trailers, whether they were announced or not, and before an error
// what has become part of the error's answer.
func (a *answer) takeTrailers() {
	if !a.wroteHeader {
		cleanTrailerNames(a.Header())
	}
	late := a.takeLate()
	if late == nil {
		return
	}
	where, cookies := " in the trailers", http.TrailerPrefix+"Set-Cookie"
	if !a.wroteHeader {
		where, cookies = " before an error", "Set-Cookie"
	}
	a.lose(stripAnswer(late, a.visit), where)
	if kept := late["Set-Cookie"]; len(kept) > 0 {
		a.Header()[cookies] = kept
	}
}

// findUncopied notes a handoff on the app's answer where handle_response has another one
// sent, such as a file for X-Accel-Redirect. Caddy copies none of the header then.
func (a *answer) findUncopied() {
	if !a.guard.handlesResponses.Load() || a.handedOver {
		return
	}
	replacer, ok := a.visit.request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	answered := http.Header{}
	for _, name := range []string{"X-Session-Set", "X-Session-Update", "X-Session-Delete", "Set-Cookie"} {
		if value, _ := replacer.GetString("http.reverse_proxy.header." + name); value != "" {
			answered[name] = strings.Split(value, ",")
		}
	}
	a.lose(stripAnswer(answered, a.visit), " of an answer that was not copied")
}

// takeLate takes cookies and headers of ours out of the header that were not sent with
// it, by the name of the trailer; nil if there are none.
func (a *answer) takeLate() (late http.Header) {
	header := a.Header()
	if len(header) == a.names && len(header["Set-Cookie"]) == a.cookies {
		return nil // as mostly: nobody takes a name out of what was sent, so none was added
	}
	for name, values := range header {
		trailer, sent := strings.TrimPrefix(name, http.TrailerPrefix), 0
		if name == "Set-Cookie" {
			sent = min(a.cookies, len(values))
		}
		if len(values) == sent || trailer != "Set-Cookie" && !session.IsSessionHeader(trailer) {
			continue
		}
		if late == nil {
			late = http.Header{}
		}
		late[trailer] = append(late[trailer], values[sent:]...)
		if header[name] = values[:sent]; sent == 0 {
			delete(header, name)
		}
	}
	return late
}

// lose notes a handoff that was removed where it does not count, to be logged
// once: a login is never lost in silence.
func (a *answer) lose(handoff session.Handoff, where string) {
	for _, place := range slices.Concat(handoff.Places, handoff.Misspelled) {
		a.lost = append(a.lost, place+where)
	}
}

// keepLosses forgets what the final answer says again, and notes what it says in
// a way that does not count.
func (a *answer) keepLosses(handoff session.Handoff) {
	a.lost = slices.DeleteFunc(a.lost, func(lost string) bool {
		return slices.ContainsFunc(handoff.Places, func(place string) bool { return strings.HasPrefix(lost, place+" ") })
	})
	a.lost = append(a.lost, handoff.Misspelled...)
}

// stripAnswer removes every header and cookie that is meant for Caddy, and
// returns what they were.
func stripAnswer(header http.Header, v *visit) session.Handoff {
	discarded := http.Header{}
	for name, values := range header {
		if session.IsSessionHeader(name) || name == "Set-Cookie" {
			discarded[name] = values
			delete(header, name)
		}
	}
	// What remains of the cookies are the app's own.
	handoff, _ := v.visitor.TakeHandoff(v.request.Context(), discarded)
	if cookies := discarded["Set-Cookie"]; len(cookies) > 0 {
		header["Set-Cookie"] = cookies
	}
	return handoff
}

// cleanTrailerNames leaves no trailer announced that takeTrailers looks at. What was
// announced as Set-Cookie would repeat the lines of the header.
func cleanTrailerNames(header http.Header) {
	keepElements(header, "Trailer", func(name string) bool {
		return !session.IsSessionHeader(name) && !strings.EqualFold(name, "Set-Cookie")
	})
}

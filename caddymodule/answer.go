package caddymodule

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// answer wraps the response writer on the way from the app to the browser. It
// takes the handoff off the answer, writes the session's cookies, keeps shared
// caches away, and passes everything else through: streaming, flush, hijack, 1xx
// and HEAD work as without it.
type answer struct {
	caddyhttp.ResponseWriterWrapper
	guard  *Guard
	visit  *visit
	before []headerField  // as it was when the app was asked
	room   [2]headerField // for before: Caddy itself sets one or two fields

	cookiesHeld bool // the Set-Cookie lines of before are not in the header
	wroteHeader bool
	byAPI       bool        // the session API answers, which sets the session's cookies itself
	discard     bool        // the body is not sent
	handedOver  bool        // the final answer had a handoff
	cookies     int         // Set-Cookie lines of the header: what comes after them is a trailer
	names       int         // of the header: where there are no more, nothing came after it
	failed      error       // a handoff that cannot be done: the answer is not sent
	drain       *time.Timer // what comes of the app's answer after that is read until it fires
	lost        []string    // what the app handed over where it does not count
}

type headerField struct {
	name   string
	values []string
}

// keep remembers the header as it is before the app is asked.
func (a *answer) keep(header http.Header) {
	a.before = a.room[:0]
	for name, values := range header {
		a.before = append(a.before, headerField{name, values})
	}
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.wroteHeader {
		return
	}
	header := a.Header()
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		a.lose(stripAnswer(header, a.visit), fmt.Sprintf(" of a %d answer", status)) // early hints carry no handoff
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.wroteHeader = true
	if a.visit.actionBody.refused() != "" {
		a.failed = errBodyRefused // the guard answers, and not a proxy to which it looks as if the browser had gone
		return
	}
	a.visit.connection.answers.Store(true)
	if a.byAPI {
		a.returnHeld(header)
		a.send(status)
		return
	}
	found := lookAt(header)
	var handoff session.Handoff
	if found.handoff {
		var err error
		if handoff, err = a.takeHandoff(header); err != nil {
			a.fail(err)
			return
		}
	}
	setsCookie := a.visit.visitor.SetCookies(header)
	if err := a.visit.visitor.Lost(); err != nil {
		a.fail(err)
		return
	}
	if setsCookie {
		a.guard.realm.warnOfDroppedCookie(a.visit)
	}
	setsCookie = a.returnHeld(header) || setsCookie
	if found.actionRedirect && a.dropsBody(header, handoff) {
		a.dropBody(header)
		found.contentType = ""
	}
	// Else the proxy would log that the answer broke off, with the headers that name the session.
	a.discard = a.discard || a.visit.connection.hungUp.Load()
	noStore := setsCookie || a.visit.ofDenial() || !a.visit.match.Open && isPersonalStatus(status)
	if !a.visit.match.Static || noStore {
		protectFromCaches(header, found, a.visit, noStore)
	}
	if found.trailer {
		cleanTrailerNames(header)
	}
	a.visit.answered(found)
	a.send(status)
	if a.discard { // else net/http would add a Content-Length
		_ = http.NewResponseController(a.ResponseWriter).Flush()
	}
}

// send sends the header, and counts its cookies afterwards: handlers in front may add some
// as it goes out, such as a deferred `header +Set-Cookie`.
func (a *answer) send(status int) {
	a.ResponseWriter.WriteHeader(status)
	header := a.Header()
	a.cookies, a.names = len(header["Set-Cookie"]), len(header)
}

// holdCookies keeps what the guard before an error route has written from being taken
// for the app's.
func (a *answer) holdCookies(header http.Header) {
	if a.visit.ofError() && header["Set-Cookie"] != nil {
		a.cookiesHeld = true
		delete(header, "Set-Cookie")
	}
}

// returnHeld undoes holdCookies and reports whether there was anything. What comes after
// these lines is newer.
func (a *answer) returnHeld(header http.Header) (returned bool) {
	if !a.cookiesHeld {
		return false
	}
	a.cookiesHeld = false
	for _, field := range a.before {
		if field.name == "Set-Cookie" {
			header["Set-Cookie"] = slices.Concat(field.values, header["Set-Cookie"])
		}
	}
	return true
}

// drains reports whether an answer that is not sent is still read.
func (a *answer) drains() bool { return a.drain != nil && a.visit.request.Context().Err() == nil }

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if !a.wroteHeader {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.discard || a.drains():
		return len(p), nil
	case a.failed != nil:
		return 0, a.failed
	}
	if a.visit.connection.streams() {
		a.visit.turnsOutLong()
	}
	if err := a.visit.over(); err != nil {
		return 0, err
	}
	return a.ResponseWriter.Write(p)
}

// FlushError implements the optional interface of http.ResponseController.
func (a *answer) FlushError() error {
	if !a.wroteHeader {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.drains():
		return nil
	case a.failed != nil:
		return a.failed
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker. After a failed handoff there is no connection
// to speak on.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if a.failed != nil {
		return nil, nil, a.failed
	}
	connection, buffers, err := http.NewResponseController(a.ResponseWriter).Hijack()
	a.visit.staysOpen()
	a.wroteHeader = a.wroteHeader || err == nil // who has the connection writes the answer
	return connection, buffers, err
}

// ReadFrom implements io.ReaderFrom, so that files may be sent by the kernel.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if !a.wroteHeader {
		a.WriteHeader(http.StatusOK)
	}
	if a.discard || a.failed != nil || a.visit.connection.mayStream() || a.visit.connection.isWatched() {
		return io.Copy(struct{ io.Writer }{a}, r) // by Write, which knows what to do and when to end
	}
	return io.Copy(a.ResponseWriter, r)
}

// findings are what there is to do with the header of an answer, mostly nothing.
type findings struct {
	handoff        bool // perhaps: a header of ours or a cookie
	actionRedirect bool
	trailer        bool // is announced
	sharedCaches   bool // are told something
	length         bool // is told
	contentType    string
}

// lookAt looks at a header once, which costs less than to ask it for each name.
func lookAt(header http.Header) (found findings) {
	for name, values := range header {
		switch name {
		case "Content-Type":
			if len(values) > 0 {
				found.contentType = values[0]
			}
		case "Content-Length":
			found.length = true
		case "Set-Cookie":
			found.handoff = true
		case "X-Action-Redirect":
			found.actionRedirect = true
		case "Trailer":
			found.trailer = true
		default:
			found.handoff = found.handoff || session.IsSessionHeader(name)
			found.sharedCaches = found.sharedCaches || isForSharedCaches(name)
		}
	}
	return found
}

// takeHandoff takes the handoff off the header and carries it out.
func (a *answer) takeHandoff(header http.Header) (session.Handoff, error) {
	ctx := a.visit.request.Context()
	visitor := a.visit.visitor
	signedIn := visitor.Session() != nil
	handoff, err := visitor.TakeHandoff(ctx, header)
	a.handedOver = len(handoff.Places) > 0
	a.keepLosses(handoff)
	if len(handoff.Misnamed) > 0 {
		name := a.visit.manager.Settings().CookieName
		a.guard.logger.Warn("the app set a cookie that describes a session and is no handoff here, so the browser gets it and nobody is signed in, unless another guard in front takes it; "+
			"name it "+name+".set or "+name+".update", zap.Strings("cookies", handoff.Misnamed), a.visit.logPath())
	}
	if handoff.NoActivity && err == nil {
		visitor.Forgo()
	}
	if !handoff.Empty() || err != nil {
		if !a.guard.takesHandoff(a.visit.request) {
			a.guard.logger.Warn("the app's handoff (X-Session-Set and the like) was ignored, because the setting handoff does not allow it on this path", a.visit.logPath())
			return session.Handoff{}, nil
		}
	}
	if handoff.Set != nil && a.visit.connection.hungUp.Load() {
		// Nobody would get the new session, and the one before would be lost, if the app does not end it.
		handoff = session.Handoff{Delete: handoff.Delete}
	}
	switch {
	case err == nil:
		if err = visitor.Apply(ctx, handoff); a.guard.isTooLarge(err, a.visit) {
			err = nil
		}
	case handoff.Delete:
		err = errors.Join(err, visitor.Delete(ctx))
	}
	if signedIn && err == nil {
		a.explainSignOut(handoff, header)
	}
	if !handoff.Empty() || err != nil {
		a.guard.realm.app.metrics.handoff(a.guard.realm.name, handoff, err)
	}
	return handoff, err
}

// dropsBody reports whether the page is left out that Next.js has rendered into the
// answer of a Server Action that redirects. Next.js fetched it from itself, around
// the guard and with the old request's cookies: after a login as anonymous, after
// a logout as signed in, and a guarded page for whoever names it as target.
func (a *answer) dropsBody(header http.Header, handoff session.Handoff) bool {
	targets := header["X-Action-Redirect"]
	if len(targets) == 0 {
		return false
	}
	if !handoff.Empty() || len(targets) > 1 {
		return true
	}
	match, ok := a.visit.table.ActionTarget(urlWithHost(a.visit.request), targets[0])
	return !ok || a.guard.decide(match, a.visit.session) != decisionPass || a.guard.authorizes(match)
}

// dropBody leaves the header, which has all that the browser needs to go where it is sent.
func (a *answer) dropBody(header http.Header) {
	a.discard = true
	a.visit.connection.complete.Store(true)
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag"} {
		delete(header, name)
	}
	header["Content-Type"] = []string{"text/plain"}
}

// ask has the handlers behind answer. A proxy that cannot send a body on, or whose
// app dies within it, ends the answer by a panic. After a failed handoff no byte of
// the answer has been sent, so that the error can still be.
func (a *answer) ask(next caddyhttp.Handler) error {
	defer func() {
		if a.failed == nil {
			return
		}
		thrown := recover()
		if err, _ := thrown.(error); thrown != nil && !errors.Is(err, http.ErrAbortHandler) {
			panic(thrown)
		}
	}()
	return next.ServeHTTP(a, a.visit.request)
}

// fail gives the answer up: nothing of what the app said is sent. It is logged here,
// since the body may go on for as long as the app likes. Of a signed-in visitor's
// request it is read for a while: Caddy's proxy logs an answer that breaks off with
// the headers that name the session.
func (a *answer) fail(err error) {
	a.failed = err
	a.guard.logger.Error("the app's handoff failed, so its response is replaced by an error", zap.Error(err), a.visit.logPath())
	if cancel := a.visit.connection.cancel; cancel != nil && a.visit.session != nil && a.visit.kind != routes.WebSocket { // which would be opened
		a.drain = time.AfterFunc(failedDrainTimeout, cancel)
	}
	a.restore()
}

// restore makes the header what it was before the app was asked.
func (a *answer) restore() {
	header := a.Header()
	clear(header)
	for _, field := range a.before {
		if !a.cookiesHeld || field.name != "Set-Cookie" {
			header[field.name] = field.values
		}
	}
}

// finish runs when the handlers behind have returned. An answer that is nothing
// but its headers has not been written yet; after an error another handler writes.
func (a *answer) finish(err error) {
	if a.drain != nil {
		a.drain.Stop()
	}
	if !a.wroteHeader && err == nil {
		a.WriteHeader(http.StatusOK)
	}
	a.takeTrailers()
	a.findUncopied()
	switch header := a.Header(); {
	case a.failed != nil:
		a.restore() // trailers would be part of the error's answer
		keepFromCaches(header)
		a.returnHeld(header)
		a.visit.keepRotated(header)
	case !a.wroteHeader && !a.visit.match.Static:
		// A slide may be lost. An error route that is for shared caches must not get more
		// tokens than need be.
		a.visit.visitor.Forgo()
		setsCookie := a.returnHeld(header)
		setsCookie = a.visit.keepRotated(header) || setsCookie
		protectFromCaches(header, lookAt(header), a.visit, setsCookie)
	}
	if len(a.lost) > 0 {
		a.guard.logger.Warn("something like a handoff was removed and has no effect: set it in the header of the final response (not of a 1xx response, in trailers, "+
			"or where handle_response replaces the response without copy_response_headers), and spell it with hyphens, such as X-Session-Set", zap.Strings("removed", a.lost), a.visit.logPath())
	}
}

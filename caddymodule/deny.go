package caddymodule

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// answerError is the one place that maps errors to statuses. All of them fail
// closed: the request does not reach the app, or its answer not the browser.
func answerError(err error) error {
	_, handoff := errors.AsType[*session.HandoffError](err)
	switch {
	case handoff:
		return caddyhttp.Error(http.StatusBadGateway, err)
	case errors.Is(err, session.ErrUnavailable):
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	}
	return caddyhttp.Error(http.StatusInternalServerError, err)
}

var errDenied = map[decision]error{
	decisionLogin:     errors.New("a session is needed"),
	decisionHome:      errors.New("this path is for anonymous visitors"),
	decisionForbidden: errors.New("the session fails a require of the rule"),
	decisionOrigin:    errors.New("the WebSocket was opened by a page of another origin"),
	decisionBad:       errors.New("the path, or the body of a Server Action, is malformed or cannot be forwarded safely"),
}

// deny answers a request that may not pass, each kind in its own protocol.
// Browsers and Next.js's client then end on the login page, or on the wanted page
// after the login, and no router cache keeps a stale redirect.
func (g *Guard) deny(w http.ResponseWriter, v *visit) error {
	header := w.Header()
	keepFromCaches(header)
	v.visitor.ClearInvalid(header)
	switch v.decision {
	case decisionBad:
		if v.refusesMethod() {
			header["Allow"] = []string{"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}
			return caddyhttp.Error(http.StatusMethodNotAllowed, errors.New("the method is not allowed"))
		}
		return caddyhttp.Error(http.StatusBadRequest, errDenied[v.decision])
	case decisionOrigin:
		return caddyhttp.Error(http.StatusForbidden, errDenied[v.decision])
	case decisionAuthorize:
		v.keepRotated(header)
		return g.answerRefusal(w, v)
	case decisionForbidden:
		return g.forbid(w, v)
	}
	login := v.decision == decisionLogin
	if login && g.locksOut(v) {
		return caddyhttp.Error(http.StatusUnauthorized, errDenied[v.decision])
	}
	if login && v.kind != routes.WebSocket {
		switch g.Unauthenticated {
		case "redirect":
			return redirect(w, v.request, g.location(v))
		case "status":
			return v.refuse(w, http.StatusUnauthorized)
		}
	}
	return g.sendElsewhere(w, v)
}

// sendElsewhere has a visitor go to the login page, from there to the wanted one, or to
// where the authorize hook says.
func (g *Guard) sendElsewhere(w http.ResponseWriter, v *visit) error {
	login := v.decision == decisionLogin
	switch v.kind {
	case routes.WebSocket:
		if login {
			return v.refuse(w, http.StatusUnauthorized)
		}
		return v.refuse(w, http.StatusForbidden)
	case routes.Action:
		// A 307 would have the browser replay the action at the login page.
		w.Header()["X-Action-Redirect"] = []string{strings.ReplaceAll(v.table.ActionLocation(g.location(v)), ";", "%3B")}
		if login {
			return plain(w, http.StatusUnauthorized)
		}
		return plain(w, http.StatusOK)
	case routes.Prefetch:
		// A redirect would be kept as the target of the link.
		w.WriteHeader(http.StatusNoContent)
		return nil
	case routes.Data, routes.RSC, routes.Fetch:
		// Next.js's client asks again by a navigation, which is redirected.
		return v.refuse(w, http.StatusUnauthorized)
	}
	return redirect(w, v.request, g.location(v))
}

// keepRotated sends what became of the session with an answer that is not the app's, and
// reports whether it was anything: what on_refresh returned must not be lost, and who
// signed out has no cookie any more.
func (v *visit) keepRotated(header http.Header) bool {
	return v.visitor != nil && v.kind != routes.Prefetch && v.visitor.SetCookies(header)
}

func (g *Guard) forbid(w http.ResponseWriter, v *visit) error {
	v.keepRotated(w.Header())
	if v.kind == routes.Document {
		_, wanted := originalRequest(v.request)
		if location, ok := v.table.ForbiddenLocation(v.match, wanted.EscapedPath()); ok {
			return redirect(w, v.request, location)
		}
	}
	return v.refuse(w, http.StatusForbidden)
}

// refuse answers with a status: to Next.js's client here, and to others by an error route.
func (v *visit) refuse(w http.ResponseWriter, status int) error {
	if v.byRouter() {
		return plain(w, status)
	}
	return caddyhttp.Error(status, errDenied[v.decision])
}

// byRouter reports whether Next.js's client asks, in a protocol of its own.
func (v *visit) byRouter() bool {
	switch v.kind {
	case routes.Action, routes.Prefetch, routes.Data, routes.RSC:
		return true
	}
	return false
}

// location is where the visitor is sent. The original path and query go into
// return_to, not what a rewrite made of them.
func (g *Guard) location(v *visit) string {
	r := v.request
	if location := v.refusal.location(); location != "" {
		return location
	}
	if v.decision == decisionHome {
		return v.table.HomeLocation(v.match, r.URL.RawQuery)
	}
	_, wanted := originalRequest(r)
	return v.table.LoginLocation(v.match, wanted.EscapedPath(), wanted.RawQuery)
}

// locksOut reports whether a visitor would be sent to the login page from the login page,
// again and again: a handler before the guard has made a path of it that is closed.
func (g *Guard) locksOut(v *visit) bool {
	_, wanted := originalRequest(v.request)
	if v.match.Type != routes.Auth || v.kind == routes.Prefetch || !v.table.IsLoginPage(v.match, wanted.EscapedPath()) {
		return false
	}
	if !g.lockedOut.Swap(true) {
		g.logger.Warn("the login page needs a session itself, so nobody can sign in: a handler before the guard, or a rewrite of the app for this host, changes its path to a closed one; "+
			"write an open rule for that path, or move the handler behind the guard", v.logPath())
	}
	return true
}

// mayRepeat reports whether a browser may send the request again to where it is redirected.
func mayRepeat(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// redirect sends the browser to a path.
func redirect(w http.ResponseWriter, r *http.Request, location string) error {
	w.Header()["Location"] = []string{location}
	if mayRepeat(r) {
		w.WriteHeader(http.StatusTemporaryRedirect)
	} else {
		w.WriteHeader(http.StatusSeeOther)
	}
	return nil
}

// plain answers in Next.js's protocols, whose client wants text/plain.
func plain(w http.ResponseWriter, status int) error {
	w.Header()["Content-Type"] = []string{"text/plain"}
	w.WriteHeader(status)
	return nil
}

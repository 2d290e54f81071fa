package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// pass hands the request to the app and its answer to the browser.
func (g *Guard) pass(w http.ResponseWriter, v *visit, next caddyhttp.Handler) error {
	if v.changes() {
		v.outlastBrowser()
	} else {
		v.endWithSession()
	}
	defer v.connection.done()
	g.readsAction(v)
	if slow := v.endBodyWithSession(); slow != nil {
		defer slow.done()
	}
	r := v.request
	v.cookies = r.Header["Cookie"]
	g.realm.shareVisit(v)
	g.identify(v)
	v.answer = answer{
		ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		guard:                 g, visit: v,
	}
	a := &v.answer
	a.keep(w.Header())
	a.holdCookies(w.Header())
	err := a.ask(next)
	if refused := v.actionBody.refused(); refused != "" && (!a.wroteHeader || errors.Is(a.failed, errBodyRefused)) {
		a.restore()
		v.decision = refused
		g.log(v)
		return g.deny(w, v)
	}
	a.finish(err)
	if a.failed != nil {
		return answerError(a.failed)
	}
	return err
}

// identify tells the app who is there. Where everybody may go no hook is asked, so nobody is
// named whom it may have ended.
func (g *Guard) identify(v *visit) {
	header := v.request.Header
	if !v.visitor.ForwardCookies(header) {
		g.realm.warned.largeCookie.Do(func() {
			g.realm.logger.Warn("a session that was sealed under other settings is too large for forward_cookie: the app gets its identity headers, but not its cookie, until it expires")
		})
	}
	values := &v.identity
	values[0] = g.realm.name
	header["X-Session-Realm"] = values[0:1:1]
	s := v.visitor.Session()
	unasked := v.match.Open && g.realm.validator != nil && !v.runsAction()
	if s == nil || unasked || g.realm.settings.IdentityHeaders == "off" {
		return
	}
	values[1] = s.PercentEncodedUserID()
	header["X-Session-User"] = values[1:2:2]
	if g.realm.settings.IdentityHeaders == "user" {
		values[2] = s.DataWithoutTokens()
	} else {
		values[2] = s.Data()
	}
	header["X-Session-Data"] = values[2:3:3]
}

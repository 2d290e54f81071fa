package caddymodule

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/routes"
	"github.com/session-guard/caddy-session-guard/session"
)

// loadAuthorizer provisions the hook that decides about single requests.
func (g *Guard) loadAuthorizer(ctx caddy.Context) error {
	if g.Authorize == nil {
		return nil
	}
	hook, err := loadHook[Authorizer](ctx, g.Authorize, "authorize")
	if err != nil {
		return fmt.Errorf("%s: %w", g.name(), err)
	}
	g.authorizer = authorizeMeter{g.realm.meter("authorize"), hook}
	return nil
}

// authorizes reports whether the hook has a say about a path. Only `auth` routes
// ask it: the others are for everybody.
func (g *Guard) authorizes(m routes.Match) bool {
	return g.authorizer != nil && m.Type == routes.Auth && !m.Open
}

// authorize asks the hook about a request that the rules let pass, about the page
// whose Server Action it runs, and about the one whose interception route it may be
// shown. The session may have ended meanwhile.
func (g *Guard) authorize(v *visit) error {
	asked := false
	for _, match := range []*routes.Match{&v.match, v.owner} {
		if match == nil || !g.authorizes(*match) {
			continue
		}
		if err := g.ask(v, g.ruleName(*match)); err != nil || v.decision != decisionPass {
			return err
		}
		asked = true
	}
	if v.from != nil {
		if err := g.ask(v, g.ruleName(*v.from)); err != nil {
			return err
		}
		if v.decision != decisionPass { // of another page than the one that is asked for
			v.refusal, v.decision = nil, v.refuseNextURL()
		}
		asked = true
	}
	if !asked || v.decision != decisionPass {
		return nil
	}
	err := v.visitor.Recheck()
	if err == nil && v.visitor.Session() == nil {
		g.decideAgain(v)
	}
	return err
}

func (g *Guard) ask(v *visit, rule string) error {
	method, sent := originalRequest(v.request)
	if v.kind == routes.WebSocket { // by whichever protocol it is asked for (RFC 8441), the app gets GET
		method = http.MethodGet
	}
	asked := Authorization{
		Method: method, URI: sent.RequestURI(), Rule: rule, Kind: string(v.kind), Session: v.session,
	}
	refusal, err := g.authorizer.AuthorizeRequest(v.hookContext(), asked)
	if err != nil {
		return fmt.Errorf("%w: %w: authorize: %w", session.ErrUnavailable, session.ErrHookFailed, err)
	}
	switch {
	case refusal == nil:
	case refusal.Status == http.StatusForbidden && len(refusal.Body) == 0:
		v.decision = decisionForbidden
	default:
		v.decision, v.refusal = decisionAuthorize, refusal
	}
	return nil
}

// answerRefusal sends what the hook answers in place of the app.
func (g *Guard) answerRefusal(w http.ResponseWriter, v *visit) error {
	header, refusal := w.Header(), v.refusal
	given := maps.Clone(refusal.Header)
	if handoff := cleanRefusal(given, v); len(handoff.Places) > 0 {
		g.logger.Warn("a handoff in the authorize hook's answer was ignored; only the app's own responses may carry one",
			zap.Strings("removed", handoff.Places), v.logPath())
	}
	cookies := slices.Concat(header["Set-Cookie"], given["Set-Cookie"])
	redirected := refusal.location() != "" && v.byRouter()
	if !redirected {
		maps.Copy(header, given)
	}
	if len(cookies) > 0 {
		header["Set-Cookie"] = cookies
	}
	keepFromCaches(header)
	if redirected { // else an action would be repeated there, and the target kept as that of a link
		return g.sendElsewhere(w, v)
	}
	header["Content-Length"] = []string{strconv.Itoa(len(refusal.Body))}
	status := refusal.Status
	if repeats := status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect; repeats && !mayRepeat(v.request) {
		status = http.StatusSeeOther // else a form would be sent there too, and with it its Server Action
	}
	w.WriteHeader(status)
	if v.request.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(refusal.Body)
	return err
}

// location is where the refusal redirects to, or empty.
func (r *Refusal) location() string {
	if r == nil || r.Status < 300 || r.Status >= 400 {
		return ""
	}
	return r.Header.Get("Location")
}

// notTheHooks are the headers of the connection to the hook (RFC 9110 section
// 7.6.1) and of its server.
var notTheHooks = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Te", "Trailer", "Transfer-Encoding",
	"Upgrade", "Date", "Server", "Alt-Svc",
}

// cleanRefusal leaves what a hook may say to the client: no X-Session-*, no cookie
// of our names, nothing of the connection.
func cleanRefusal(header http.Header, v *visit) session.Handoff {
	for _, line := range header["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			header.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range notTheHooks {
		delete(header, name)
	}
	return stripAnswer(header, v)
}

package caddymodule

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
)

// errBodyRefused is why the app's answer is not sent when its request was broken off.
var errBodyRefused = errors.New("the arguments of a Server Action name another that the visitor may not run")

// actionBody is the body of a Server Action on its way to the app, with next_build. Arguments
// may be actions, too: to an open one whose code is form.get("name"), whoever posts
// {"get": "$h1"} has it call what part 1 names. Next.js 15.5 and 16.4 forget to ask whether the
// page owns that action where the body comes later than its header, or was forwarded to
// another page. So the body breaks off before an action that the visitor may not run is named.
type actionBody struct {
	io.ReadCloser
	guard   *Guard
	visit   *visit
	scanner actionScanner
	refusal atomic.Pointer[decision] // a proxy may still read when the request has been answered
}

// readsAction lets the body of a Server Action be read as it passes, where it is known which
// page owns which action.
func (g *Guard) readsAction(v *visit) {
	r := v.request
	if g.NextBuild == "" || !v.runsAction() || r.Body == nil || r.ContentLength == 0 && r.Trailer == nil {
		return
	}
	v.actionBody = &actionBody{ReadCloser: r.Body, guard: g, visit: v, scanner: actionScanner{boundary: boundaryOf(contentTypeOf(r))}}
	r.Body = v.actionBody
}

// Read implements io.Reader. Caddy's proxy counts a body that ends in context.Canceled as no
// failure of the app.
func (b *actionBody) Read(p []byte) (int, error) {
	if b.refusal.Load() != nil {
		return 0, context.Canceled
	}
	n, err := b.ReadCloser.Read(p)
	for _, c := range p[:n] {
		if refusal := b.look(c); refusal != decisionPass {
			b.refusal.Store(&refusal)
			return 0, context.Canceled
		}
	}
	return n, err
}

func (b *actionBody) look(c byte) decision {
	word, ok := b.scanner.next(c)
	if !ok {
		return decisionBad
	}
	if len(word) == 0 {
		return decisionPass
	}
	return b.guard.decideArgument(b.visit, string(word))
}

// refused is what becomes of a request whose body was broken off, or empty.
func (b *actionBody) refused() decision {
	if b == nil {
		return ""
	}
	if refusal := b.refusal.Load(); refusal != nil {
		return *refusal
	}
	return ""
}

// decideArgument decides a word in the body of a Server Action, which may be the id of another.
// The authorize hook is not asked again, so it must have been asked about the page of that one.
func (g *Guard) decideArgument(v *visit, word string) decision {
	owners := v.table.ActionOwners(word)
	switch {
	case owners == nil && (v.session != nil || !mayBeActionID(word)):
		return decisionPass
	case v.session == nil:
		return v.decideAnonymousAction(word)
	}
	for i := range owners {
		asked := v.owner != nil && owners[i].Rule == v.owner.Rule
		if g.decide(owners[i], v.session) == decisionPass && (asked || !g.asksAlso(v, owners[i])) {
			return decisionPass
		}
	}
	return decisionForbidden
}

// mayBeActionID reports whether a word may be an action of another build than next_build, as in
// a rolling deployment: ids have this form since Next.js 15, and stay the same while the app's
// key for them does.
func mayBeActionID(word string) bool {
	const length = 42
	return len(word) == length && !strings.ContainsFunc(word, func(c rune) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'f') })
}

// readableAction reports whether the body of a Server Action can be read as Next.js reads it:
// it is no form in the URL's own encoding, and if it is one in parts, nobody can take another
// boundary from its header.
func readableAction(r *http.Request) bool {
	value := contentTypeOf(r)
	lower := strings.ToLower(value)
	return !strings.Contains(lower, "urlencoded") && (!strings.Contains(lower, "multipart") || boundaryOf(value) != "")
}

// formType is how clients write the type of a form: browsers, Node.js and other languages'
// libraries, of which some quote the boundary.
var formType = regexp.MustCompile(`^multipart/form-data; ?boundary=(?:([0-9A-Za-z'+_.-]{1,200})|"([0-9A-Za-z'+_.-]{1,200})")$`)

// boundaryOf is what the lines between the parts of a form begin with, or empty if there is
// no such form.
func boundaryOf(contentType string) string {
	found := formType.FindStringSubmatch(contentType)
	if found == nil {
		return ""
	}
	return "--" + found[1] + found[2]
}

// contentTypeOf is that of a request, as one line.
func contentTypeOf(r *http.Request) string { return strings.Join(r.Header["Content-Type"], ", ") }

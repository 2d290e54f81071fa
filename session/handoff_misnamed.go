package session

import (
	"net/http"
	"strings"
)

// misnamed finds handoff cookies of another cookie_name, such as session.set where a realm
// has session_admin: the browser gets what the app has described, tokens too, and nobody is
// signed in.
func (v *Visitor) misnamed(lines []string) (names []string) {
	for _, line := range lines {
		name := setCookieName(line)
		kind := misnamedKind(name)
		if kind == "" {
			continue
		}
		cookie, err := http.ParseSetCookie(line)
		if err != nil || v.removes(cookie) {
			continue
		}
		if members, err := (handoffPart{"", cookie.Value}).decode(); err == nil && describesSession(kind, members) {
			names = append(names, name)
		}
	}
	return names
}

// misnamedKind is the kind of handoff that the end of a cookie name stands for. Some
// frameworks write no dot.
func misnamedKind(name string) string {
	for _, kind := range [...]string{"set", "update"} {
		rest := len(name) - len(kind) - 1
		if rest > 0 && strings.EqualFold(name[rest+1:], kind) && strings.IndexByte("._-", name[rest]) >= 0 {
			return kind
		}
	}
	return ""
}

// describesSession reports whether an app can have meant nothing else.
func describesSession(kind string, members map[string]any) bool {
	user, isObject := members["user"].(map[string]any)
	if kind == "set" {
		return isObject && checkUser(user) == nil
	}
	return isObject || members["accessToken"] != nil || members["refreshToken"] != nil
}

// DeletedTwin returns the name of a cookie that the app deletes on its answer and that the session
// cookie would have under another prefix, with the name that it has; empty for none. Who
// signs out in that way over plain HTTP does nothing over TLS.
func (v *Visitor) DeletedTwin(lines []string) (deleted, name string) {
	for _, line := range lines {
		given := setCookieName(line)
		if given == v.name || withoutPrefix(given) != v.manager.settings.CookieName {
			continue
		}
		if cookie, err := http.ParseSetCookie(line); err == nil && v.removes(cookie) {
			return given, v.name
		}
	}
	return "", ""
}

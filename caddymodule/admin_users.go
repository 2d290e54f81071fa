package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/session-guard/caddy-session-guard/session"
)

// usersPath is followed by the percent-encoded id of a user.
const usersPath = "/session/users/"

// userSession is a session as an operator sees it.
type userSession struct {
	Session   string `json:"session"`   // what POST /session/revoke takes
	CreatedAt int64  `json:"createdAt"` // milliseconds, as all times here
	LastSeen  int64  `json:"lastSeen"`
	ExpiresAt int64  `json:"expiresAt"`
	UserAgent string `json:"userAgent"`
	Address   string `json:"address"`
}

func userSessionOf(l session.Listed) userSession {
	return userSession{
		Session: l.SessionID, CreatedAt: l.CreatedAt.UnixMilli(), LastSeen: l.LastSeen.UnixMilli(),
		ExpiresAt: l.ExpiresAt.UnixMilli(), UserAgent: l.UserAgent, Address: l.Address,
	}
}

// showUser answers with the live sessions of a user, in the realm that the query
// parameter realm names.
func (*Admin) showUser(w http.ResponseWriter, r *http.Request) error {
	id, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), usersPath))
	if err != nil || id == "" {
		return apiError(http.StatusBadRequest, errors.New("name one user, percent-encoded: GET "+usersPath+"ann%40example.com"))
	}
	realm, manager, err := realmFor(r.Context(), r.URL.Query().Get("realm"))
	if err != nil {
		return err
	}
	listed, err := manager.Sessions(id)
	if errors.Is(err, session.ErrNoList) {
		return apiError(http.StatusConflict, fmt.Errorf(
			"the session realm %s lists no sessions; write the session setting: list on", realm.name))
	}
	if err != nil {
		return err
	}
	shown := make([]userSession, 0, len(listed))
	for _, entry := range listed {
		shown = append(shown, userSessionOf(entry))
	}
	return writeAdmin(w, map[string]any{"sessions": shown})
}

package sessionapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// listedSession is a session as its user sees it in the list. It has no id: what
// names a session must not come to a script in the browser.
type listedSession struct {
	CreatedAt int64  `json:"createdAt"` // milliseconds
	LastSeen  int64  `json:"lastSeen"`  // milliseconds
	UserAgent string `json:"userAgent"`
	Address   string `json:"address"`
	Current   bool   `json:"current"`
}

// admitList is admit for <path>/list.
func (h *Handler) admitList(r *http.Request) (operation, *problem) {
	if h.settings.List == nil {
		return 0, &problem{status: http.StatusNotFound, detail: "Sessions are not listed here: list is off."}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		const allowed = "GET, HEAD"
		return 0, &problem{status: http.StatusMethodNotAllowed, detail: "The list supports " + allowed + ".", allow: allowed}
	}
	return list, nil
}

// writeList answers with the live sessions of the visitor's user. To look at them
// does not slide the session.
func writeList(w http.ResponseWriter, r *http.Request, visitor *session.Visitor, now time.Time) {
	listed, _ := visitor.Sessions() // whoever has none was refused
	shown := make([]listedSession, 0, len(listed))
	for _, entry := range listed {
		current := entry.SessionID == visitor.Session().ID
		if current { // the list notes it once a minute
			entry.LastSeen = now
		}
		shown = append(shown, listedSession{
			CreatedAt: entry.CreatedAt.UnixMilli(), LastSeen: entry.LastSeen.UnixMilli(),
			UserAgent: entry.UserAgent, Address: entry.Address, Current: current,
		})
	}
	body, _ := json.Marshal(map[string][]listedSession{"sessions": shown}) // strings and numbers always encode
	write(w, r, http.StatusOK, mediaTypeJSON, body)
}

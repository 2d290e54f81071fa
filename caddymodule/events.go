package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/session"
)

// eventNames are the events of Caddy's events app.
var eventNames = map[session.EventKind]string{
	session.EventCreated: "create", session.EventUpdated: "update", session.EventDeleted: "delete",
}

// changeLines are what the log says of a change.
var changeLines = map[session.EventKind]string{
	session.EventCreated: "signed in", session.EventDeleted: "signed out", session.EventRevoked: "sessions of the user were revoked",
}

// observe counts, logs and announces what happens to the sessions of a realm.
func (r *realm) observe(e session.Event) {
	switch e.Kind {
	case session.EventRead:
		if !r.readsTwice.Load() || caddyhttp.GetVar(e.Request.Context(), r.countedVariable) == nil {
			r.countRead(e.Result)
		}
		if e.Result == session.ResultUnknownKey {
			r.warned.unknownKey.Do(r.tellOfUnknownKey)
		}
		return
	case session.EventSealed:
		r.sealed(e.KeyID)
		return
	}
	r.app.metrics.changes.WithLabelValues(r.name, string(e.Kind)).Inc()
	if line := changeLines[e.Kind]; line != "" {
		fields := r.logFields(e.Session.ID, e.Session.User.ID())
		if e.Pending {
			fields = append(fields, zap.Bool("pending", true)) // it holds here, and is shared later
		}
		r.logger.Info(line, fields...)
	}
	r.announce(e)
}

// tellOfUnknownKey says why somebody has to sign in again for whom nothing has ended. Such a
// cookie may also be an old one, or made up by anybody, so it is no warning, and said once.
func (r *realm) tellOfUnknownKey() {
	r.logger.Info("a session cookie is sealed with a key that is not of this realm, so it signs nobody in; if visitors have to sign in again, " +
		"the secret was changed without keeping the old one behind it, or the storage has lost its keys")
}

// markCounted says that the session of a request has been counted: a matcher reads it
// before the guard does, which would count it twice.
func (r *realm) markCounted(req *http.Request) {
	r.readsTwice.Store(true)
	caddyhttp.SetVar(req.Context(), r.countedVariable, true)
}

// sealed counts a use of a key and says when it is worn or new.
func (r *realm) sealed(key string) {
	uses, tookOver := r.app.metrics.sealed(r.name, key)
	if tookOver {
		r.logger.Info("a new key now seals sessions", zap.String("key", key))
	}
	if uses == sealsWarning {
		r.logger.Warn("this key has sealed very many sessions and should be replaced: put a new secret in front, or shorten key_rotation",
			zap.String("key", key), zap.Uint64("seals", uses))
	}
}

// logFields name a session and a user in a log, of which one may be empty. The session's
// id would let whoever reads the log end it, so a hash stands for it.
func (r *realm) logFields(sessionID, userID string) []zap.Field {
	var fields []zap.Field
	if sessionID != "" {
		fields = append(fields, zap.String("session", hashID(sessionID)))
	}
	if userID != "" && r.logsUser() {
		fields = append(fields, zap.String("user_id", userID))
	}
	return fields
}

// logsUser reports whether logs and events may name a user.
func (r *realm) logsUser() bool { return r.settings.LogUser.or(true) }

// hashedIDLength is how many bytes of the hash stand for a session's id: enough
// to tell sessions apart.
const hashedIDLength = 8

func hashID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:hashedIDLength])
}

// announce emits the event create, update or delete through Caddy's events app.
func (r *realm) announce(e session.Event) {
	name, ok := eventNames[e.Kind]
	if events := r.app.events; ok && events != nil && events.ShouldEmit(name) {
		data := map[string]any{"realm": r.name, "session": hashID(e.Session.ID)}
		if r.logsUser() {
			data["user_id"] = e.Session.User.ID()
		}
		events.Emit(r.app.ctx, name, data)
	}
}

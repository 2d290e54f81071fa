package sessionapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/session-guard/caddy-session-guard/session"
)

const (
	mediaTypeJSON    = "application/json"
	mediaTypeProblem = "application/problem+json"
)

// problem is a refusal as the client sees it (RFC 9457).
type problem struct {
	status     int
	detail     string
	allow      string // Allow, with 405
	challenge  string // WWW-Authenticate, with 401
	retryAfter int    // Retry-After in seconds, with 429
}

func (p *problem) Error() string { return p.detail }

func badRequest(detail string) *problem {
	return &problem{status: http.StatusBadRequest, detail: detail}
}

func forbidden(detail string) *problem { return &problem{status: http.StatusForbidden, detail: detail} }

// problemOf is the one place where an error becomes an answer. What it does not
// know is broken machinery: the client learns only that, and the log gets the
// fault.
func problemOf(err error) (refusal *problem, fault error) {
	if p, ok := errors.AsType[*problem](err); ok {
		return p, nil
	}
	if errors.Is(err, session.ErrUnavailable) {
		return unavailable(), err
	}
	if tooLarge, ok := errors.AsType[*session.TooLargeError](err); ok {
		return &problem{status: http.StatusRequestEntityTooLarge, detail: tooLarge.Error()}, nil
	}
	if tooOften, ok := errors.AsType[*session.TooOftenError](err); ok {
		return &problem{status: http.StatusTooManyRequests, detail: tooOften.Error(), retryAfter: tooOften.Seconds()}, nil
	}
	if user, ok := errors.AsType[*session.UserError](err); ok {
		return badRequest(user.Error()), nil
	}
	if errors.Is(err, session.ErrNoSession) || session.IsAnonymity(err) {
		return &problem{status: http.StatusUnauthorized, detail: "Nobody is signed in."}, nil
	}
	return unavailable(), err
}

// writeError answers with what an error becomes, and returns the fault, if it is one.
func writeError(w http.ResponseWriter, r *http.Request, err error) error {
	refusal, fault := problemOf(err)
	writeProblem(w, r, refusal)
	return fault
}

func unavailable() *problem {
	return &problem{status: http.StatusServiceUnavailable, detail: "The session cannot be read or changed just now. Try again soon."}
}

// setHeaders sets what every answer has. None of them allows another origin
// anything, and none is kept.
func setHeaders(header http.Header) {
	header.Set("Cache-Control", "private, no-store")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Add("Vary", "Cookie")
}

// writeSession answers with the session, or null.
func (h *Handler) writeSession(w http.ResponseWriter, r *http.Request, status int, s *session.Session) {
	body := []byte(`{"session":`)
	if s == nil {
		body = append(body, "null"...)
	} else {
		body = s.AppendJSON(body, h.settings.ExposeTokens)
	}
	body = append(body, `,"refreshThreshold":`...)
	body = strconv.AppendFloat(body, h.settings.RefreshThreshold.Seconds(), 'f', -1, 64)
	write(w, r, status, mediaTypeJSON, append(body, '}'))
}

func writeProblem(w http.ResponseWriter, r *http.Request, p *problem) {
	if p.allow != "" {
		w.Header().Set("Allow", p.allow)
	}
	if p.challenge != "" {
		w.Header().Set("WWW-Authenticate", p.challenge)
	}
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	body, _ := json.Marshal(struct { // strings and a number always encode
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(p.status), p.status, p.detail})
	write(w, r, p.status, mediaTypeProblem, body)
}

func write(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may be gone; nobody is left to tell
	}
}

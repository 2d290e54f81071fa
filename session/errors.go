package session

import (
	"errors"
	"fmt"
	"time"
)

// What opening a token can say. All but [ErrUnavailable] mean that there is no
// session: the visitor is anonymous. None of them carries a byte of the token.
var (
	// ErrMalformed means that it is no token of ours: wrong form, wrong
	// header, a failed authentication tag, or claims that do not hold.
	ErrMalformed = errors.New("not a session token")

	// ErrUnknownKey means that no key of this realm sealed the token.
	ErrUnknownKey = errors.New("sealed by an unknown key")

	// ErrExpired means that the session is over.
	ErrExpired = errors.New("the session has expired")

	// ErrRevoked means that the session was ended before it expired.
	ErrRevoked = errors.New("the session was revoked")

	// ErrUnavailable means that machinery is broken, for example that the
	// storage which holds the keys cannot be read. Callers fail closed.
	ErrUnavailable = errors.New("sessions are unavailable")

	// ErrNoSession means that a change was asked for where nobody is signed in.
	ErrNoSession = errors.New("nobody is signed in, so there is no session to change")
)

// TooLargeError refuses a session that cannot be kept in three cookies or
// passed on to the app in request headers.
type TooLargeError struct {
	// Size is what the session would take, in bytes, and Limit what it may.
	Size, Limit int
	// What says which of the limits was met.
	What string
}

// Error names both sizes and what to do.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the session is too large: %s would take %d bytes, at most %d fit; keep less in user, or leave the tokens out", e.What, e.Size, e.Limit)
}

// TooOftenError refuses to end the other sessions of a user, which was done too often
// within a minute.
type TooOftenError struct {
	// RetryAfter is how long to wait.
	RetryAfter time.Duration
}

// Error says how long to wait, in whole seconds.
func (e *TooOftenError) Error() string {
	return fmt.Sprintf("the other sessions were ended too often within a minute; try again in %d seconds", e.Seconds())
}

// Seconds is RetryAfter in whole seconds, rounded up.
func (e *TooOftenError) Seconds() int { return int((e.RetryAfter + time.Second - 1) / time.Second) }

// UserError refuses a user object or a change to one.
type UserError struct{ Reason string }

// Error gives the reason.
func (e *UserError) Error() string { return e.Reason }

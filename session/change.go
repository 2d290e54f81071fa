package session

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
)

// Login is what a new session is made of.
type Login struct {
	User         User
	AccessToken  string
	RefreshToken string
}

// LoginOf reads a login from the members user, accessToken and refreshToken of a JSON
// object; a token may be null, and others are left to the caller. The error is a
// [*UserError], or says which token is no string.
func LoginOf(members map[string]any) (Login, error) {
	user, _ := members["user"].(map[string]any)
	if err := checkUser(user); err != nil {
		return Login{}, err
	}
	change, err := ChangeOf(members)
	if err != nil {
		return Login{}, err
	}
	return Login{User: user, AccessToken: *cmp.Or(change.AccessToken, new("")), RefreshToken: *cmp.Or(change.RefreshToken, new(""))}, nil
}

// Change changes a session: the named top-level members of User are replaced, a
// nil value removes one; user.id cannot change. A nil token is kept, an empty
// one removed. The zero Change is a pure refresh.
type Change struct {
	User         User
	AccessToken  *string
	RefreshToken *string
	// KeepsEnd leaves the session's end where it is. Default: it moves as by use.
	KeepsEnd bool
}

// ChangeOf reads a change from the members user, accessToken and refreshToken of a JSON
// object; a token may be null, which removes it, and others are left to the caller. The
// error says which of them has the wrong type.
func ChangeOf(members map[string]any) (Change, error) {
	var change Change
	if value, given := members["user"]; given {
		user, ok := value.(map[string]any)
		if !ok {
			return change, errors.New("user must be an object")
		}
		change.User = user
	}
	for _, token := range []struct {
		name string
		into **string
	}{{"accessToken", &change.AccessToken}, {"refreshToken", &change.RefreshToken}} {
		value, given := members[token.name]
		if !given {
			continue
		}
		text, ok := value.(string)
		if !ok && value != nil {
			return change, fmt.Errorf("%s must be a string or null", token.name)
		}
		*token.into = &text
	}
	return change, nil
}

// event is what a change is told as.
func (c Change) event() EventKind {
	if len(c.User) == 0 && c.AccessToken == nil && c.RefreshToken == nil {
		return EventRefreshed
	}
	return EventUpdated
}

// apply changes a session that nobody else has seen yet.
func apply(s *Session, change Change) error {
	if id, named := change.User["id"]; named && id != s.User.ID() {
		return &UserError{"user.id cannot change; create a new session for another user"}
	}
	if change.AccessToken != nil {
		s.AccessToken = *change.AccessToken
	}
	if change.RefreshToken != nil {
		s.RefreshToken = *change.RefreshToken
	}
	if len(change.User) == 0 {
		return nil
	}
	return s.setUser(merged(s.User, change.User))
}

// merged returns a copy of user in which the named top-level members are
// replaced; a nil value removes one.
func merged(user, changes User) User {
	next := maps.Clone(user)
	for name, value := range changes {
		if value == nil {
			delete(next, name)
		} else {
			next[name] = value
		}
	}
	return next
}

// difference is what a hook changed of the session that it was given, so that what
// others change meanwhile is kept.
func difference(s *Session, login Login) (Change, error) {
	if err := checkUser(login.User); err != nil {
		return Change{}, err
	}
	if login.User.ID() != s.User.ID() {
		return Change{}, &UserError{"user.id cannot change by a refresh"}
	}
	change := Change{User: User{}}
	for name := range s.User {
		if _, kept := login.User[name]; !kept {
			change.User[name] = nil
		}
	}
	for name, value := range login.User {
		if !reflect.DeepEqual(value, s.User[name]) {
			change.User[name] = value
		}
	}
	if login.AccessToken != s.AccessToken {
		change.AccessToken = &login.AccessToken
	}
	if login.RefreshToken != s.RefreshToken {
		change.RefreshToken = &login.RefreshToken
	}
	return change, nil
}

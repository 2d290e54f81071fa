package sessionapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

func withList(settings *session.Settings, _ *sessionapi.Config) {
	settings.Revocations = session.NewRevocationSet(settings.Now)
	settings.List = session.NewList(settings.Now, settings.Revocations)
}

func TestListShowsTheUsersOwnLiveSessions(t *testing.T) {
	s := newSite(t, withList)
	phone := s.onDevice("ann")
	s.onDevice("bob")
	s.onDevice("ann")
	s.now = s.now.Add(time.Hour)
	s.at(http.MethodGet, "/list", "User-Agent: <b>Laptop</b>").want(t, http.StatusOK)
	s.now = s.now.Add(time.Second) // which the list itself does not note
	a := s.at(http.MethodGet, "/list", "User-Agent: <b>Laptop</b>").want(t, http.StatusOK)
	var got struct {
		Sessions []map[string]any `json:"sessions"`
	}
	if err := json.Unmarshal([]byte(a.text), &got); err != nil || len(got.Sessions) != 2 {
		t.Fatalf("%v: %s", err, a.text)
	}
	first, second := got.Sessions[0], got.Sessions[1]
	if first["current"] != true || first["userAgent"] != "<b>Laptop</b>" || first["address"] != "192.0.2.0/24" ||
		first["lastSeen"] != float64(s.now.UnixMilli()) || first["createdAt"] != float64(s.now.Add(-time.Hour-time.Second).UnixMilli()) {
		t.Errorf("this session: %v", first)
	}
	if second["current"] != false || second["lastSeen"] != float64(s.now.Add(-time.Hour-3*time.Second).UnixMilli()) {
		t.Errorf("the other: %v", second)
	}
	for _, entry := range got.Sessions {
		if len(entry) != 5 {
			t.Errorf("members %v", entry)
		}
	}
	s.at(http.MethodDelete, "/others").want(t, http.StatusOK)
	if a := s.at(http.MethodGet, "/list").want(t, http.StatusOK); strings.Count(a.text, "createdAt") != 1 {
		t.Errorf("after the end of all others: %s", a.text)
	}
	if s.signedInOn(phone) {
		t.Error("the phone is still signed in")
	}
}

func TestListNeedsASession(t *testing.T) {
	s := newSite(t, withList)
	s.at(http.MethodGet, "/list").want(t, http.StatusUnauthorized)
	s.cookies = map[string]string{"__Host-session": "no token"}
	a := s.at(http.MethodGet, "/list").want(t, http.StatusUnauthorized)
	if !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Error("a cookie that does not open is not cleared")
	}
}

func TestListIsReadOnly(t *testing.T) {
	s := newSite(t, withList)
	s.onDevice("ann")
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodPut, http.MethodOptions} {
		a := s.at(method, "/list").want(t, http.StatusMethodNotAllowed)
		if got := a.header.Get("Allow"); got != "GET, HEAD" {
			t.Errorf("%s: Allow %q", method, got)
		}
	}
	if a := s.at(http.MethodHead, "/list").want(t, http.StatusOK); a.text != "" || a.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: %q, Content-Length %s", a.text, a.header.Get("Content-Length"))
	}
	s.now = s.now.Add(6*24*time.Hour + time.Hour)
	if a := s.at(http.MethodGet, "/list").want(t, http.StatusOK); a.header.Get("Set-Cookie") != "" {
		t.Error("to look at the list slides the session")
	}
}

func TestWithoutAListThereIsNone(t *testing.T) {
	s := newSite(t, nil)
	s.onDevice("ann")
	s.at(http.MethodGet, "/list").want(t, http.StatusNotFound)
}

func TestBackEndIsNotListedAsTheUser(t *testing.T) {
	s := newSite(t, withList)
	s.do(http.MethodPost, `{"user":{"id":"ann"}}`, "Authorization: Bearer "+apiKey, "User-Agent: back end").want(t, http.StatusCreated)
	a := s.at(http.MethodGet, "/list", "User-Agent: browser").want(t, http.StatusOK)
	if strings.Contains(a.text, "back end") || !strings.Contains(a.text, `"browser"`) {
		t.Errorf("listed: %s", a.text)
	}
}

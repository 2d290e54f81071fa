package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/require"
)

// listed is a session as the session API and the admin API show it.
type listed struct {
	Session             string
	CreatedAt, LastSeen int64
	ExpiresAt           int64
	UserAgent, Address  string
	Current             *bool
}

func sessionsIn(t *testing.T, text string) []listed {
	t.Helper()
	var answer struct{ Sessions []listed }
	require.NoError(t, json.Unmarshal([]byte(text), &answer), text)
	return answer.Sessions
}

// adminUser asks the admin API for the sessions of a user.
func adminUser(t *testing.T, method, id, query string) (int, string) {
	t.Helper()
	return adminAt(t, method, "/session/users/", "/session/users/"+url.PathEscape(id)+query, "")
}

const listOn = "session {\n list on\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n}"

func TestListShowsUsersAndOperatorsTheLiveSessions(t *testing.T) {
	folder := "storage file_system " + t.TempDir()
	s := serve(t, guarded, listOn, folder)
	const ann = `{"user":{"id":"ann/ä b@example.com"}}`
	phone, laptop := s.signIn(ann), s.signIn(ann)
	s.signIn(ada)
	s.wantOnDashboard(phone, http.StatusOK)

	answer := s.request("GET", "/api/session/list", "Cookie", laptop)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	own := sessionsIn(t, body(t, answer))
	require.Len(t, own, 2)
	for i, entry := range own {
		require.Equal(t, "127.0.0.0/24", entry.Address)
		require.Equal(t, "Go-http-client/1.1", entry.UserAgent)
		require.Empty(t, entry.Session)
		require.NotEqual(t, *own[1-i].Current, *entry.Current)
	}

	status, text := adminUser(t, "GET", "ann/ä b@example.com", "")
	require.Equal(t, http.StatusOK, status, text)
	seen := sessionsIn(t, text)
	require.Len(t, seen, 2)
	for _, entry := range seen {
		status, text := admin(t, "POST", "/session/revoke", `{"session":"`+entry.Session+`"}`)
		require.Equal(t, http.StatusOK, status, text)
	}
	s.wantOnDashboard(phone, http.StatusTemporaryRedirect)
	s.wantOnDashboard(laptop, http.StatusTemporaryRedirect)
	_, text = adminUser(t, "GET", "ann/ä b@example.com", "?realm=default")
	require.Empty(t, sessionsIn(t, text))
	require.JSONEq(t, `{"sessions":[]}`, text)
	require.Equal(t, http.StatusUnauthorized, s.request("GET", "/api/session/list", "Cookie", laptop).StatusCode)

	_, text = admin(t, "GET", "/session", "")
	require.Contains(t, text, `"list":{"sessions":`)

	require.NoError(t, caddy.Stop())
	serve(t, guarded, listOn, folder)
	_, text = adminUser(t, "GET", "ada", "")
	require.Len(t, sessionsIn(t, text), 1, "a restart forgets the list")
}

func TestAdminAnswersClearlyWhereNothingIsListed(t *testing.T) {
	serve(t, guarded)
	status, text := adminUser(t, "GET", "ada", "")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, text, "write the session setting: list on")
	status, _ = adminUser(t, "GET", "ada", "?realm=other")
	require.Equal(t, http.StatusNotFound, status)
	status, _ = adminUser(t, "GET", "", "")
	require.Equal(t, http.StatusBadRequest, status)
	status, _ = adminUser(t, "POST", "ada", "")
	require.Equal(t, http.StatusMethodNotAllowed, status)
}

// A client behind a proxy that is not trusted cannot choose its address.
func TestListKeepsTheAddressThatCaddyTrusts(t *testing.T) {
	for name, want := range map[string]string{"": "127.0.0.0/24", "servers {\n trusted_proxies static 127.0.0.1/32\n }": "203.0.113.0/24"} {
		s := serve(t, guarded, listOn, name)
		s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
		require.Equal(t, http.StatusOK, s.request("POST", "/sign-in", "X-Forwarded-For", "203.0.113.9").StatusCode)
		_, text := adminUser(t, "GET", "ada", "")
		require.Equal(t, want, sessionsIn(t, text)[0].Address)
		require.NoError(t, caddy.Stop())
	}
}

package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

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

// A reload with list off leaves nothing of a user who is signed in nowhere.
func TestListOffAfterAReload(t *testing.T) {
	folder := t.TempDir()
	storage := "storage file_system " + folder
	s := serve(t, guarded, listOn, storage)
	s.signIn(ada)
	pages := func() []string {
		files, err := filepath.Glob(filepath.Join(folder, "session/default/list/*"))
		require.NoError(t, err)
		return files
	}
	require.Eventually(t, func() bool { return len(pages()) == 1 }, 5*time.Second, 10*time.Millisecond)
	status, _ := admin(t, "POST", "/session/revoke", `{"user":"ada"}`)
	require.Equal(t, http.StatusOK, status)
	serve(t, guarded, storage)
	require.Eventually(t, func() bool { return len(pages()) == 0 }, 5*time.Second, 10*time.Millisecond)
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

// Who explains a request is not the user: the list and the metrics do not note it.
func TestExplainIsNotSeen(t *testing.T) {
	t.Setenv("API_KEY_OF_THE_TEST", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	s := serve(t, "metrics /metrics\n@in session authenticated\nheader @in X-In yes\n"+
		strings.Replace(guarded, "session_api", "session_api {\n api_key {env.API_KEY_OF_THE_TEST}\n}", 1), listOn)
	// A back end signs the user in, so nothing is known of the client yet.
	request, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/api/session", strings.NewReader(`{"user":{"id":"ann"}}`))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusCreated, response.StatusCode)

	reads := func() []string {
		return regexp.MustCompile(`caddy_session_reads_total\{realm="default",result="(?:opened|seen)"\} \d+`).
			FindAllString(body(t, s.request("GET", "/metrics")), -1)
	}
	before := reads()
	asked, err := json.Marshal(map[string]any{
		"method": "GET", "url": "http://" + s.addr + "/dashboard",
		"headers": map[string][]string{"Cookie": {cookieHeader(response)}, "User-Agent": {"only-asked"}},
	})
	require.NoError(t, err)
	status, text := admin(t, "POST", "/session/explain", string(asked))
	require.Equal(t, http.StatusOK, status, text)
	require.Contains(t, text, `"cookie":"opened"`)
	require.Equal(t, before, reads())
	_, text = adminUser(t, "GET", "ann", "")
	require.NotContains(t, text, "only-asked")
}

package caddymodule_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// measured is a site whose metrics can be scraped and whose session log is in a file.
func measured(t *testing.T, settings string) (s *site, log func() string) {
	file := filepath.Join(t.TempDir(), "session.log")
	s = serve(t, "metrics /metrics\n"+strings.Replace(guarded, "home_path /dashboard", "home_path /dashboard\n"+settings, 1),
		"log lifecycle {\n output file "+file+"\n include session\n level INFO\n }")
	return s, func() string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text)
	}
}

// counted is the value of one series at the site's /metrics, 0 if it is not there.
func (s *site) counted(series string) int {
	s.t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\d+)$`).FindStringSubmatch(body(s.t, s.request("GET", "/metrics")))
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	require.NoError(s.t, err)
	return n
}

// exercise makes every metric count something.
func exercise(s *site) {
	cookie := s.signIn(ada)
	s.request("GET", "/dashboard")
	s.request("GET", "/dashboard", "Cookie", cookie)
	s.request("GET", "/dashboard", "Cookie", cookie)
	s.request("GET", "/login", "Cookie", cookie)
	s.request("GET", "/x/..%2fdashboard")
	s.request("GET", "/", "Cookie", "session=forged")
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Update", "no base64url!") })
	s.request("POST", "/", "Cookie", cookie)
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Delete", "1") })
	s.request("POST", "/sign-out", "Cookie", cookie)
}

func TestMetrics(t *testing.T) {
	hook := newHookServer(t)
	s, _ := measured(t, hook.validate("")+"\nauthorize "+hook.url)
	exercise(s)
	scrape := body(t, s.request("GET", "/metrics"))
	for _, line := range []string{
		`caddy_session_decisions_total{decision="login",kind="document",realm="default",rule="auth"}`,
		`caddy_session_decisions_total{decision="home",kind="document",realm="default",rule="public"}`,
		`caddy_session_ambiguous_paths_total{realm="default",rule="auth"}`,
		`caddy_session_reads_total{realm="default",result="opened"}`,
		`caddy_session_reads_total{realm="default",result="seen"}`,
		`caddy_session_reads_total{realm="default",result="malformed"}`,
		`caddy_session_changes_total{change="created",realm="default"}`,
		`caddy_session_changes_total{change="deleted",realm="default"}`,
		`caddy_session_handoffs_total{kind="set",outcome="done",realm="default"}`,
		`caddy_session_handoffs_total{kind="invalid",outcome="failed",realm="default"}`,
		`caddy_session_key_seals{key="`,
		`caddy_session_cache_tokens{realm="default"}`,
		`caddy_session_cache_requests_total{realm="default",result="hit"}`,
		`caddy_session_hook_duration_seconds_count{hook="validate",outcome="passed",realm="default"}`,
		`caddy_session_hook_duration_seconds_count{hook="authorize",outcome="passed",realm="default"}`,
	} {
		assert.Contains(t, scrape, line)
	}
	scrape = keyLabel.ReplaceAllString(scrape, "") // random letters may spell any name
	for _, personal := range []string{"ada", "Ada", "secret", "forged"} {
		for line := range strings.Lines(scrape) {
			if strings.HasPrefix(line, "caddy_session_") {
				assert.NotContains(t, line, personal)
			}
		}
	}
}

var keyLabel = regexp.MustCompile(`key="[\w-]*"`)

// A request counts once, however many matchers, guards and error routes look at its
// session.
func TestReadsCountRequests(t *testing.T) {
	s := serve(t, "metrics /metrics\n"+guarded+`
	@signed_in session authenticated
	@other not session user.role editor
	header @signed_in X-Signed-In yes
	header @other X-Other yes
	handle_errors {
		header @signed_in X-Error yes
	}`)
	counted := regexp.MustCompile(`caddy_session_reads_total\{realm="default",result="(\w+)"\} (\d+)`)
	counts := func() map[string]int {
		result := make(map[string]int)
		for _, line := range counted.FindAllStringSubmatch(body(t, s.request("GET", "/metrics")), -1) {
			n, err := strconv.Atoi(line[2])
			require.NoError(t, err)
			result[line[1]] = n
		}
		result["none"]-- // for the scrape, which is a request too
		return result
	}
	cookie := s.signIn(ada)
	before := counts()
	for _, step := range []struct{ name, target, cookie, counted string }{
		{"nobody", "/", "", "none"},
		{"a token for the first time", "/", cookie, "opened"},
		{"again", "/dashboard", cookie, "seen"},
		{"forbidden, with an error route", "/editors/new", cookie, "seen"},
		{"the session API", "/api/session", cookie, "seen"},
		{"a forged one", "/", "session=forged", "malformed"},
	} {
		response := s.request("GET", step.target, "Cookie", step.cookie)
		before["none"]++ // the scrape before
		before[step.counted]++
		after := counts()
		assert.Equal(t, before, after, step.name)
		before = after
		if response.StatusCode == http.StatusForbidden {
			assert.Equal(t, "yes", response.Header.Get("X-Error"), "error routes know who was refused")
		}
	}
}

// What no app should receive, by its path or by its method, is named alike in the
// metrics, the log and the placeholders; TestExplain says the same of the command.
func TestRefusedRequestsAreNamedAlikeEverywhere(t *testing.T) {
	s := serve(t, "metrics /metrics\n"+guarded+`
	handle_errors {
		header X-Named "{http.session_guard.decision} {http.session_guard.rule}"
	}`)
	count := func() int {
		return s.counted(`caddy_session_decisions_total{decision="bad",kind="document",realm="default",rule="none"}`)
	}
	before := count() // of the tests before
	for i, request := range []string{"TRACE /login", "TRACE /dashboard", "CONNECT /", "GET /dashboard%00", `GET /d"%41`} {
		response := raw(t, s.addr, request+" HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n")
		assert.Equal(t, "bad none", response.Header.Get("X-Named"), request)
		assert.Equal(t, before+i+1, count(), request)
		logged := s.logged()
		assert.Equal(t, i+1, strings.Count(logged, `"rule":"none","decision":"bad"`), request)
	}
}

// What broken machinery lets nobody through is no pass: neither in the access log nor
// in the metrics.
func TestErrorsAreNamedAlikeEverywhere(t *testing.T) {
	hook := newHookServer(t)
	for name, directives := range map[string]string{"authorize": withHooks("authorize " + hook.url), "validate": withHooks(hook.validate(""))} {
		t.Run(name, func(t *testing.T) {
			hook.answer(status(http.StatusNoContent))
			s := serve(t, "metrics /metrics\n"+directives+`
			handle_errors {
				header X-Named "{http.session_guard.decision}"
			}`)
			cookie := s.signIn(ada)
			count := func() int {
				return s.counted(`caddy_session_decisions_total{decision="error",kind="document",realm="default",rule="auth"}`)
			}
			before := count() // of the tests before
			hook.answer(status(http.StatusInternalServerError))
			response := s.request("GET", "/dashboard", "Cookie", cookie)
			assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
			assert.Equal(t, "error", response.Header.Get("X-Named"))
			assert.Equal(t, before+1, count())
			logged := s.logged()
			assert.Equal(t, 1, strings.Count(logged, `"decision":"error"`))
		})
	}
}

// A key that was rotated away leaves the metrics, else there would be one more with every
// rotation. One that is taken back has still sealed what it did.
func TestSealsOfKeysThatOpen(t *testing.T) {
	t.Setenv("FIRST", rand.Text()+rand.Text()) // no test before has used it
	t.Setenv("SECOND", rand.Text()+rand.Text())
	const first, second = "{env.FIRST}", "{env.SECOND}"
	for _, step := range []struct {
		secrets string
		seals   []string // of the keys, by number
	}{
		{first, []string{"1"}}, {second, []string{"1"}}, {second + " " + first, []string{"1", "2"}}, {first, []string{"2"}},
	} {
		s, _ := measured(t, "secret "+step.secrets)
		s.signIn(ada)
		var seals []string
		for _, series := range regexp.MustCompile(`(?m)^caddy_session_key_seals\{.*\} (\d+)$`).FindAllStringSubmatch(body(t, s.request("GET", "/metrics")), -1) {
			seals = append(seals, series[1])
		}
		assert.ElementsMatch(t, step.seals, seals, step.secrets)
	}
}

func TestCookieThatTheAppSealedIsCounted(t *testing.T) {
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	t.Setenv("SESSION_SECRET", secret)
	s, _ := measured(t, "")
	count := func() int {
		return s.counted(`caddy_session_handoffs_total{kind="sealed",outcome="done",realm="default"}`)
	}
	before := count() // of the tests before
	cookie := idleCookie(t, secret, 0, time.Hour)
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", cookie+"; Path=/; HttpOnly")
	})
	require.NotEmpty(t, s.request("POST", "/sign-in").Cookies())
	assert.Equal(t, before+1, count())
}

// The dashboard asks for nothing that a scrape does not have, and leaves nothing out.
func TestDashboardUsesTheMetrics(t *testing.T) {
	text, err := os.ReadFile("../docs/grafana.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	s, _ := measured(t, newHookServer(t).validate(""))
	exercise(s)
	scrape := body(t, s.request("GET", "/metrics"))
	queries := ""
	name, grouping := regexp.MustCompile(`caddy_session_[a-z_]+`), regexp.MustCompile(`by \(([a-z, ]+)\)`)
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			queries += target.Expr + "\n"
			names := name.FindAllString(target.Expr, -1)
			require.NotEmpty(t, names, target.Expr)
			sample := regexp.MustCompile(`(?m)^` + names[0] + `\{.*$`).FindString(scrape)
			assert.NotEmpty(t, sample, "the scrape has no %s", names[0])
			for _, labels := range grouping.FindAllStringSubmatch(target.Expr, -1) {
				for label := range strings.SplitSeq(labels[1], ", ") {
					assert.Contains(t, sample, label+`="`, target.Expr)
				}
			}
		}
	}
	for _, help := range regexp.MustCompile(`(?m)^# TYPE (caddy_session_[a-z_]+)`).FindAllStringSubmatch(scrape, -1) {
		assert.Contains(t, queries, help[1], "the dashboard does not show it")
	}
}

func TestLifecycleIsLogged(t *testing.T) {
	for settings, named := range map[string]bool{"": true, "log_user off": false} {
		s, log := measured(t, settings)
		exercise(s)
		var messages []string
		for line := range strings.Lines(log()) {
			var entry map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &entry))
			if strings.HasPrefix(entry["msg"].(string), "a new key now seals sessions") || strings.HasPrefix(entry["msg"].(string), "session keys were missing") {
				continue // the configuration before, of another test, had other keys
			}
			messages = append(messages, entry["msg"].(string))
			assert.Len(t, entry["session"], 16, "the hash of the session's id")
			assert.Equal(t, "default", entry["realm"])
			if named {
				assert.Equal(t, "ada", entry["user_id"])
			} else {
				delete(entry, "session") // random letters may spell any name
				assert.NotContains(t, fmt.Sprint(entry), "ada")
			}
		}
		assert.Equal(t, []string{"signed in", "signed out"}, messages)
		require.NoError(t, caddy.Stop()) // the next one is no reload
	}
}

// A reload that reset counters would look like a quiet site.
func TestMetricsOutliveAReload(t *testing.T) {
	count := func(s *site) int { return s.counted(`caddy_session_changes_total{change="created",realm="default"}`) }
	before, _ := measured(t, "")
	earlier := count(before) // of other tests
	before.signIn(ada)
	before.signIn(ada)
	assert.Equal(t, earlier+2, count(before))
	after, _ := measured(t, "expiry 1h") // another configuration takes over
	assert.Equal(t, earlier+2, count(after))
}

// A configuration that does not start takes no metric away.
func TestMetricsAfterALoadThatFailed(t *testing.T) {
	address := "127.0.0.1:" + freeport.For(t)
	s := serve(t, guarded, "admin "+address)
	s.request("GET", "/dashboard", "Cookie", s.signIn(ada))
	scrape := func() string {
		response, err := http.Get("http://" + address + "/metrics")
		require.NoError(t, err)
		return body(t, response)
	}
	tokens := `caddy_session_cache_tokens{realm="default"} 1`
	require.Contains(t, scrape(), tokens)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	failing := adapt(t, "{\n admin "+address+"\n persist_config off\n storage file_system "+t.TempDir()+"\n log {\n output discard\n }\n}\n"+
		"http://"+taken.Addr().String()+" {\n bind 127.0.0.1\n"+guarded+"\n}\n")
	require.Error(t, caddy.Load(failing, true))
	for _, metric := range []string{tokens, "caddy_session_revocation_lag_seconds", "caddy_session_revocation_outages_total"} {
		assert.Contains(t, scrape(), metric)
	}
}

package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(explained, "STORAGE", t.TempDir(), 1)), 0o600))
	output, err := sessionCommand(t, "check", "--config", file)
	require.NoError(t, err)
	assert.Contains(t, output, "realm default: settings are consistent, secrets: 1, each strong enough\n")
	assert.Contains(t, output, "session_guard Caddyfile:15: rules: 3, no redirect loops\n")

	assert.Contains(t, output, "warning: session_guard (Caddyfile:46) is never reached, since reverse_proxy answers first; move it before reverse_proxy (in a route block")
	assert.Contains(t, output, "  warning: auth rule (Caddyfile:17): pattern /admin/* does not match /xx/admin")
	assert.Equal(t, 2, strings.Count(output, "warning: "), "of nothing else: %s", output)

	require.NoError(t, os.WriteFile(file, []byte("localhost\nsession_guard {\n\tsecret short\n}\n"), 0o600))
	_, err = sessionCommand(t, "check", "--config", file)
	assert.ErrorContains(t, err, "secret")
}

// A guard in JSON may not say where it is.
func TestCheckTellsGuardsInJSONApart(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	file := filepath.Join(t.TempDir(), "caddy.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"apps":{"http":{"servers":{"s":{"listen":[":8080"],"routes":[
		{"handle":[{"handler":"session_guard","default":"auth"}]},
		{"handle":[{"handler":"session_guard","default":"hybrid","rules":[{"type":"auth","patterns":["/admin/*","/staff"]}]}]}]}}}}}`), 0o600))
	output, err := sessionCommand(t, "check", "--config", file)
	require.NoError(t, err)
	assert.Contains(t, output, "\nsession_guard: rules: 0, no redirect loops\n")
	assert.Contains(t, output, "\nsession_guard (first rule: auth /admin/* /staff): rules: 1, no redirect loops\n")
}

// Nobody could sign in by a Server Action, for no visible reason.
func TestCheckWarnsOfActionsWithoutTheLoginPage(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	for actions, warns := range map[string]bool{"actions /contact": true, "actions /login /contact": false, "": false} {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, []byte("localhost\nsession_guard {\n\tpublic /login\n\tdefault hybrid\n\t"+actions+"\n}\nrespond ok\n"), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		const warning = "  warning: actions does not name the login page /login, so a Server Action there is refused to visitors who are not signed in; write for example: actions /login /contact\n"
		assert.Equal(t, warns, strings.Contains(output, warning), output)
	}
}

// Whoever writes authorize expects that it is asked.
func TestCheckWarnsOfAnAuthorizeThatIsNeverAsked(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	for rules, warns := range map[string]bool{"public /login\n\tdefault hybrid": true, "hybrid /*": true, "auth /x\n\tdefault hybrid": false, "default auth": false} {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		require.NoError(t, os.WriteFile(file, []byte("localhost\nsession_guard {\n\t"+rules+"\n\tauthorize http://localhost:1/\n}\n"), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		require.NoError(t, err)
		assert.Equal(t, warns, strings.Contains(output, "  warning: authorize is never asked: the hook decides on auth routes only, and there are none; write default auth, or auth rules"), output)
	}
}

// What is open behind a word that is no locale is seen by nobody who only tries the locales.
func TestCheckWarnsOfAFolderForLocales(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte("localhost\nsession_guard {\n\tlocales en ar\n\tauth /dashboard/*\n\tdefault hybrid\n}\n"), 0o600))
	output, err := sessionCommand(t, "check", "--config", file)
	require.NoError(t, err)
	assert.Contains(t, output, "  warning: auth rule (Caddyfile:4): pattern /dashboard/* does not match /xx/dashboard, where an app with a folder such as [locale] shows the same page, "+
		"since that takes any word for a locale; set next_build, or give the rule of each such pattern one more: /*/dashboard/*\n")
}

// A handoff on a path that never matches is removed, and a poll that never matches
// keeps a session alive: nobody sees that before it happens.
func TestCheckWarnsOfDeadPatterns(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	file := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte("localhost\nsession_guard {\n\tbase_path /app\n\tlocales en\n\tauth /app/dashboard/*\n\tdefault hybrid\n"+
		"\thandoff /app/login\n\tno_activity /en/poll/*\n\tactions /app/join\n}\n"), 0o600))
	output, err := sessionCommand(t, "check", "--config", file)
	require.NoError(t, err)
	for _, warning := range []string{
		"warning: auth rule (Caddyfile:5): pattern /app/dashboard/* begins with the base path, which is stripped before matching; write it as /dashboard/*\n",
		"warning: actions: pattern /app/join begins with the base path, which is stripped before matching; write it as /join\n",
		"warning: handoff: pattern /app/login begins with the base path, which is stripped before matching; write it as /login\n",
		"warning: no_activity: pattern /en/poll/* begins with the locale en, which is stripped before matching; write it as /poll/*\n",
	} {
		assert.Contains(t, output, warning)
	}
}

// A pass of nothing would tell an operator who named the wrong file that all is well.
func TestCheckOfNothingFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	for caddyfile, passes := range map[string]bool{
		"localhost\nrespond ok\n":                             false,
		"{\n\tsession {\n\t\texpiry 1h\n\t}\n}\nlocalhost\n":  false,
		"localhost\nsession_api\n":                            true,
		"localhost\nsession_guard {\n\tdefault auth\n}\n":     true,
		"localhost\n@in session authenticated\nrespond @in x": true,
	} {
		require.NoError(t, os.WriteFile(file, []byte(caddyfile), 0o600))
		output, err := sessionCommand(t, "check", "--config", file)
		if passes {
			assert.NoError(t, err, caddyfile)
			assert.Contains(t, output, "settings are consistent", caddyfile)
			continue
		}
		assert.ErrorContains(t, err, "there is nothing to check: the configuration has no session_guard, session_api or matcher session", caddyfile)
		assert.NotContains(t, output, "settings are consistent", caddyfile)
	}
}

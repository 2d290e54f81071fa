package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What seal prints, open opens; what is too large is refused with its size.
func TestCommandSealRefusesWhatDoesNotFit(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	user := func(size int) string { return `{"user":{"id":"ann","bio":"` + strings.Repeat("y", size) + `"}}` }
	token, err := command(t, user(8000), "seal")
	require.NoError(t, err)
	opened, err := command(t, token, "open")
	require.NoError(t, err)
	require.Contains(t, opened, strings.Repeat("y", 8000))
	for size, says := range map[int]string{
		9500:   "at most ",
		20_000: " would take 27", // a third more than the text, and some hundred bytes
		90_000: " would take 120",
	} {
		printed, err := command(t, user(size), "seal")
		require.ErrorContains(t, err, "the session is too large", "%d", size)
		require.ErrorContains(t, err, says)
		require.Empty(t, printed)
	}
}

// A file that was written on Windows holds the same secret for the command as for {file.*}.
func TestSecretFilesAreReadAsCaddyReadsThem(t *testing.T) {
	const secret = "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"
	t.Setenv("SESSION_SECRET", secret)
	file := filepath.Join(t.TempDir(), "secret")
	for _, end := range []string{"", "\n", "\r\n"} {
		require.NoError(t, os.WriteFile(file, []byte(secret+end), 0o600))
		read, ok := caddy.NewReplacer().Get("file." + file)
		require.True(t, ok)
		require.Equal(t, secret, read, "%q", end)
		token, err := command(t, `{"user":{"id":"ann"}}`, "seal", "--secret-file", file)
		require.NoError(t, err)
		opened, err := command(t, token, "open")
		require.NoError(t, err, "%q", end)
		require.Contains(t, opened, "ann")
	}
}

// A variable of the shell that is not set must not make SESSION_SECRET of the secret.
func TestSecretFileThatIsEmptyIsNoOther(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	for _, name := range []string{"seal", "open"} {
		printed, err := command(t, `{"user":{"id":"ann"}}`, name, "--secret-file", "")
		require.EqualError(t, err, "--secret-file is empty; name the file, or leave the flag out for SESSION_SECRET")
		require.Empty(t, printed)
	}
}

// Whoever has automatic keys asks for their tokens in vain, and should hear so.
func TestCommandOpenSaysWhichTokensItCanOpen(t *testing.T) {
	t.Setenv("SESSION_SECRET", "Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	token, err := command(t, `{"user":{"id":"ann"}}`, "seal", "--realm", "admin")
	require.NoError(t, err)
	_, err = command(t, token, "open")
	require.EqualError(t, err, "the token cannot be opened: sealed by an unknown key; give the secret and the --realm with which it was sealed (tokens of automatic keys can only be opened by Caddy itself)")
	_, err = command(t, "nonsense", "open")
	require.EqualError(t, err, "the token cannot be opened: not a session token")
}

// What stands on the command line without a flag is refused with what to write instead, and not repeated: it may be a token.
func TestCommandsSayWhereTheirInputGoes(t *testing.T) {
	for command, instead := range map[string]string{
		"check":  "write --config <file>",
		"open":   "write the token to standard input",
		"revoke": "write --user <id>, --session <id> or --all",
		"seal":   "write the session to standard input",
	} {
		printed, err := sessionCommand(t, command, "eyJhbGciOiJkaXIi")
		require.EqualError(t, err, "caddy session "+command+" takes no argument; "+instead)
		require.NotContains(t, printed, "eyJhbGciOiJkaXIi")
	}
}

// A token that is dead from the beginning signs nobody in.
func TestSealRefusesASessionThatHasEnded(t *testing.T) {
	t.Setenv("SESSION_SECRET", "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f")
	for _, expiry := range []string{"0s", "-1h", "soon"} {
		_, err := command(t, ada, "seal", "--expiry", expiry)
		assert.ErrorContains(t, err, "is not a duration above zero", expiry)
	}
}

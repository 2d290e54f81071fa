package caddymodule

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/session-guard/caddy-session-guard/session"
)

// keygenCommand makes a secret.
func keygenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keygen",
		Short: "Prints a new secret for the setting secret",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secret := make([]byte, 32)
			rand.Read(secret) // which never fails
			_, err := fmt.Fprintln(cmd.OutOrStdout(), base64.StdEncoding.EncodeToString(secret))
			return err
		},
	}
}

// keySource says where the secret of seal and open comes from.
type keySource struct{ realm, file string }

func (k *keySource) addFlags(command *cobra.Command) {
	command.Flags().StringVar(&k.realm, "realm", "", "the session realm (default \"default\")")
	command.Flags().StringVar(&k.file, "secret-file", "", "the file with the secret (default: the environment variable SESSION_SECRET)")
}

func (k *keySource) keyring(command *cobra.Command) (*session.Keyring, error) {
	secret, ok := os.LookupEnv("SESSION_SECRET")
	if command.Flags().Changed("secret-file") {
		if k.file == "" { // as of a variable of the shell that is not set: another secret would be taken for the one that was meant
			return nil, errors.New("--secret-file is empty; name the file, or leave the flag out for SESSION_SECRET")
		}
		content, err := os.ReadFile(k.file)
		if err != nil {
			return nil, err
		}
		secret = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r") // as {file.*} does
	} else if !ok {
		return nil, errors.New("there is no secret; write --secret-file <file>, or set the environment variable SESSION_SECRET")
	}
	return session.NewKeyring(k.realm, []byte(secret))
}

// manager has the default settings but for the realm: others are not known here.
func (k *keySource) manager(command *cobra.Command) (*session.Manager, error) {
	keys, err := k.keyring(command)
	if err != nil {
		return nil, err
	}
	return session.NewManager(session.Settings{Realm: k.realm}, keys)
}

// sealCommand seals a session from standard input.
func sealCommand() *cobra.Command {
	var source keySource
	var expiry string
	command := &cobra.Command{
		Use:     "seal",
		Short:   "Seals a session that it reads from standard input into a token",
		Long:    "Seals a session that it reads from standard input into a token. A session that does not fit into its cookies is refused.",
		Example: `  echo '{"user":{"id":"ann"}}' | caddy session seal --secret-file secret.txt`,
		Args:    noArguments("the session to standard input"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			manager, err := source.manager(cmd)
			if err != nil {
				return err
			}
			lifetime, err := caddy.ParseDuration(expiry)
			if err != nil || lifetime <= 0 {
				return fmt.Errorf("--expiry %q is not a duration above zero; write one such as 7d", expiry)
			}
			s, err := readSession(cmd.InOrStdin(), time.Now(), lifetime)
			if err != nil {
				return err
			}
			token, err := manager.Seal(s)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
			return err
		},
	}
	source.addFlags(command)
	command.Flags().StringVar(&expiry, "expiry", "7d", "how long the session lives")
	return command
}

// readSession reads {"user":{…},"accessToken"?,"refreshToken"?}, as a handoff has it.
func readSession(from io.Reader, now time.Time, lifetime time.Duration) (*session.Session, error) {
	content, err := io.ReadAll(from) // all of it: a refusal of what is too large says its size
	if err != nil {
		return nil, err
	}
	members, err := session.DecodeObject(content)
	if err != nil {
		return nil, fmt.Errorf("standard input must be one JSON object such as {\"user\":{\"id\":\"ann\"}}: %w", err)
	}
	if _, ok := members["user"].(map[string]any); !ok {
		return nil, errors.New("standard input must hold an object user; write for example {\"user\":{\"id\":\"ann\"}}")
	}
	for name := range members {
		if name != "user" && name != "accessToken" && name != "refreshToken" {
			return nil, fmt.Errorf("standard input has the member %q; the known ones are user, accessToken and refreshToken", name)
		}
	}
	login, err := session.LoginOf(members)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	id, err := session.NewID(rand.Reader)
	if err != nil {
		return nil, err
	}
	now = now.Truncate(time.Millisecond)
	return &session.Session{
		ID: id, User: login.User, AccessToken: login.AccessToken, RefreshToken: login.RefreshToken,
		CreatedAt: now, LastActivity: now, ExpiresAt: now.Add(lifetime),
	}, nil
}

// openCommand opens a token from standard input.
func openCommand() *cobra.Command {
	var source keySource
	var tokens bool
	command := &cobra.Command{
		Use:   "open",
		Short: "Opens a token that it reads from standard input, and prints the session",
		Args:  noArguments("the token to standard input"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := source.keyring(cmd)
			if err != nil {
				return err
			}
			token, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), 64<<10))
			if err != nil {
				return err
			}
			s, err := keys.Open(cmd.Context(), strings.TrimSpace(string(token)))
			if errors.Is(err, session.ErrUnknownKey) {
				err = fmt.Errorf("%w; give the secret and the --realm with which it was sealed (tokens of automatic keys can only be opened by Caddy itself)", err)
			}
			if err != nil {
				return fmt.Errorf("the token cannot be opened: %w", err)
			}
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			return encoder.Encode(struct {
				ID      string          `json:"id"`
				Session json.RawMessage `json:"session"`
			}{s.ID, s.AppendJSON(nil, tokens)})
		},
	}
	source.addFlags(command)
	command.Flags().BoolVar(&tokens, "tokens", false, "print accessToken and refreshToken too")
	return command
}

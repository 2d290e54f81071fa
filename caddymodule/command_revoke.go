package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// revokeCommand ends sessions through the admin API of the Caddy that runs.
func revokeCommand() *cobra.Command {
	var asked revokeRequest
	var address, config, adapter string
	command := &cobra.Command{
		Use:   "revoke --user <id> | --session <id> | --all",
		Short: "Ends sessions on every node",
		Example: `  caddy session revoke --user ann
  caddy session revoke --all --realm admin`,
		Args: noArguments("--user <id>, --session <id> or --all"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := asked.check(); err != nil {
				return fmt.Errorf("%w: --session <id>, --user <id> or --all", err)
			}
			address, err := adminAddress(address, config, adapter)
			if err != nil {
				return err
			}
			if err := postRevoke(address, asked); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "revoked: "+asked.String())
			return err
		},
	}
	flags := command.Flags()
	flags.StringVar(&asked.User, "user", "", "the user.id whose sessions end")
	flags.StringVar(&asked.Session, "session", "", "the id of the one session that ends")
	flags.BoolVar(&asked.All, "all", false, "end everybody's sessions")
	flags.StringVar(&asked.Realm, "realm", "", "the session realm (default \"default\")")
	flags.StringVar(&address, "address", "", "the address of the admin API, if it is not in the configuration")
	flags.StringVarP(&config, "config", "c", "", "the configuration file that names the address (default: ./Caddyfile)")
	flags.StringVarP(&adapter, "adapter", "a", "", "the adapter of that file")
	return command
}

// adminAddress is where the running Caddy listens, found as caddy reload finds it.
func adminAddress(address, config, adapter string) (string, error) {
	if address != "" {
		return address, nil
	}
	content, file, _, err := caddycmd.LoadConfig(config, adapter)
	if err != nil {
		return "", err
	}
	var loaded struct {
		Admin *caddy.AdminConfig `json:"admin"`
	}
	if err := json.Unmarshal(content, &loaded); err == nil && loaded.Admin != nil && loaded.Admin.Disabled {
		return "", fmt.Errorf("%s has \"admin off\", so a Caddy that runs with it takes no commands; remove it, and restart that Caddy", file)
	}
	return caddycmd.DetermineAdminAPIAddress("", content, file, adapter)
}

// String says what a revocation ends. Whether there was such a session is not
// known: nothing is stored per session.
func (q revokeRequest) String() string {
	switch {
	case q.Session != "":
		return "the session with this id, if there is one"
	case q.User != "":
		return fmt.Sprintf("every session of the user %q that began before now", q.User)
	}
	return "every session that began before now"
}

func postRevoke(address string, asked revokeRequest) error {
	header := http.Header{"Content-Type": {"application/json"}}
	answer, err := caddycmd.AdminAPIRequest(address, http.MethodPost, "/session/revoke", header, bytes.NewReader(encode(asked)))
	if err != nil {
		if strings.Contains(err.Error(), ": dial ") { // Caddy keeps no more of the error than its text
			err = fmt.Errorf("no Caddy answers at this address; give its admin address with --address, or its configuration with --config: %w", err)
		}
		return err
	}
	defer answer.Body.Close()
	var done struct {
		Revoked bool `json:"revoked"`
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, 1<<10)).Decode(&done)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the admin API answered %s: the sessions are not ended on all nodes yet", answer.Status)
	}
	if err != nil || !done.Revoked {
		return errors.New("the server at this address is not a Caddy with this plugin, so nothing was revoked; give its admin address with --address, or its configuration with --config")
	}
	return nil
}

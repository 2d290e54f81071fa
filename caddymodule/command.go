package caddymodule

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "session",
		Usage: "<command>",
		Short: "Makes keys, looks into sessions and ends them",
		Long: `
Commands for the operator of a site with session_guard. A secret is read from a
file or from the environment variable SESSION_SECRET, never from the arguments,
where other users of the machine could see it.`,
		CobraFunc: func(root *cobra.Command) {
			root.AddCommand(revokeCommand(), keygenCommand(), sealCommand(), openCommand(), explainCommand(), checkCommand())
			root.RunE = func(command *cobra.Command, args []string) error {
				if len(args) > 0 {
					return fmt.Errorf("there is no command %q; caddy session --help lists them", args[0])
				}
				return command.Help()
			}
		},
	})
}

// noArguments refuses what stands on the command line without a flag, and says
// what to write instead. It does not repeat it, since it may be a token.
func noArguments(instead string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return fmt.Errorf("%s takes no argument; write %s", command.CommandPath(), instead)
	}
}

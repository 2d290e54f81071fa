package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// checkCommand provisions a configuration and reports what it says of sessions.
func checkCommand() *cobra.Command {
	var config, adapter string
	command := &cobra.Command{
		Use:   "check",
		Short: "Checks a configuration and reports its realms and guards",
		Args:  noArguments("--config <file>"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, err := provisionOnly(config, adapter, "http.handlers.session_guard")
			if err != nil {
				return err
			}
			app, err := appOf(ctx)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(app.realmsInUse(), func(r *realm) bool { return r.asked }) {
				return errors.New("there is nothing to check: the configuration has no session_guard, session_api or matcher session")
			}
			return app.report(ctx, cmd.OutOrStdout())
		},
	}
	addConfigFlags(command, &config, &adapter)
	return command
}

// report writes what was proved when the configuration was provisioned.
func (a *App) report(ctx caddy.Context, to io.Writer) error {
	var text strings.Builder
	around, err := waysAround(ctx)
	if err != nil {
		return err
	}
	for _, warning := range around {
		fmt.Fprintf(&text, "warning: %s\n", warning)
	}
	for _, r := range a.realmsInUse() {
		if err := r.check(); err != nil {
			return err
		}
		secrets, err := r.secrets()
		if err != nil {
			return err
		}
		keys := "automatic keys"
		if len(secrets) > 0 {
			keys = fmt.Sprintf("secrets: %d, each strong enough", len(secrets))
		}
		fmt.Fprintf(&text, "realm %s: settings are consistent, %s\n", r.name, keys)
		r.reportHooks(&text)
	}
	for _, g := range a.guards {
		table := g.table.Load()
		fmt.Fprintf(&text, "%s: rules: %d, no redirect loops\n", g.name(), len(g.Rules))
		for _, warning := range g.warnings() {
			fmt.Fprintf(&text, "  warning: %s\n", warning)
		}
		if g.authorizer != nil {
			fmt.Fprintln(&text, "  hook authorize: asked at every request on auth routes")
		}
		if g.NextBuild != "" {
			fmt.Fprintf(&text, "  %s\n", strings.ReplaceAll(strings.TrimSpace(table.Coverage()), "\n", "\n  "))
		}
	}
	_, err = io.WriteString(to, text.String())
	return err
}

// reportHooks writes which hooks a realm has.
func (r *realm) reportHooks(to *strings.Builder) {
	if r.validator != nil {
		core := r.core()
		onOutage := "deny"
		if core.KeepUnvalidated {
			onOutage = "keep"
		}
		fmt.Fprintf(to, "  hook validate: cache %s, on_outage %s\n", core.ValidFor, onOutage)
	}
	if r.refresher != nil {
		fmt.Fprintln(to, "  hook on_refresh: asked at every refresh")
	}
}

package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// explainCommand says what a guard would do with a request.
func explainCommand() *cobra.Command {
	var config, adapter, from string
	var headers []string
	var command *cobra.Command
	command = &cobra.Command{
		Use:   "explain <METHOD> <URL>",
		Short: "Says what the guard would do with a request, and why",
		Long: `
Says what the guard would do with a request, and why. Nothing is served or sent.
Rewrites and variables (vars, map, root) before the guard count; what other
handlers there would do is not known.

Without the headers Accept and Sec-Fetch-* it asks as a browser that opens a page.
Add -H "Accept: */*" to ask as a program. The request comes from 127.0.0.1,
unless --from says otherwise.

The exit status is 0 if the request passes, 2 if it needs a session, 3 if it is
sent home, 4 if it is forbidden, 5 if its path or method is refused, and 1 if
the command failed.`,
		Example: `  caddy session explain GET https://app.example.com/dashboard
  caddy session explain GET /dashboard -H "Accept: */*"
  caddy session explain GET /dashboard --from 203.0.113.7
  caddy session explain POST /dashboard -H "Next-Action: 00ab"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("write a method and a URL, for example: caddy session explain GET https://app.example.com/dashboard")
			}
			return nil
		},
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			// From here on the exit status is an answer, not a failure.
			command.SilenceErrors, command.SilenceUsage = true, true
			asked := explainRequest{Method: strings.ToUpper(flags.Arg(0)), URL: flags.Arg(1), Headers: http.Header{}, From: from}
			e, err := explainOffline(asked, headers, config, adapter)
			if err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return e.exitCode(), e.write(command.OutOrStdout())
		}),
	}
	command.Flags().StringArrayVarP(&headers, "header", "H", nil, "a header of the request, as \"Name: value\"")
	command.Flags().StringVar(&from, "from", "", "the address from which the request comes (default: 127.0.0.1)")
	addConfigFlags(command, &config, &adapter)
	return command
}

// explainOffline explains a request to a configuration that nothing runs. The headers are
// as on the command line.
func explainOffline(asked explainRequest, headers []string, config, adapter string) (*explanation, error) {
	for _, header := range headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return nil, fmt.Errorf("the header %q has no colon; write for example: -H \"Next-Action: 00ab\"", header)
		}
		asked.Headers.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	ctx, err := provisionOnly(config, adapter)
	if err != nil {
		return nil, err
	}
	app, err := appOf(ctx)
	if err != nil {
		return nil, err
	}
	app.readOnly = true
	e, err := explain(ctx, asked)
	return e, errors.Join(err, app.Cleanup())
}

func addConfigFlags(command *cobra.Command, config, adapter *string) {
	command.Flags().StringVarP(config, "config", "c", "", "the configuration file (default: ./Caddyfile)")
	command.Flags().StringVarP(adapter, "adapter", "a", "", "the adapter of that file")
}

// provisionOnly provisions a configuration as `caddy validate` does: nothing is
// served, and no key is made. Whose warnings are part of the answer is silent.
func provisionOnly(file, adapter string, silent ...string) (caddy.Context, error) {
	content, _, _, err := caddycmd.LoadConfig(file, adapter)
	if err != nil {
		return caddy.Context{}, err
	}
	if len(content) == 0 {
		return caddy.Context{}, errors.New("there is no Caddyfile in this folder; name the configuration with --config")
	}
	var config caddy.Config
	if err := json.Unmarshal(content, &config); err != nil {
		return caddy.Context{}, fmt.Errorf("decoding the configuration: %w", err)
	}
	// What Caddy says as it starts is no part of the answer; what it warns of is.
	config.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{Level: "WARN"}, Exclude: silent}}}
	return caddy.ProvisionContext(&config)
}

// exitCode tells scripts what was decided; 1 is left to failures.
func (e *explanation) exitCode() int {
	switch decision(e.Decision) {
	case decisionPass:
		return caddy.ExitCodeSuccess
	case decisionLogin:
		return 2
	case decisionHome:
		return 3
	case decisionForbidden, decisionOrigin:
		return 4
	}
	return 5
}

// write writes the explanation as a table.
func (e *explanation) write(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	answer := e.Answerer + " answers"
	if e.Answerer == "app" {
		answer = "the app answers"
	}
	if e.Status != 0 {
		answer = strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
	}
	if e.Location != "" {
		answer += " to " + e.Location
	}
	hooks := strings.Join(e.Hooks, ", ")
	if hooks != "" {
		hooks += " (not asked here)"
	}
	rule := e.Rule
	if e.Source != "" {
		rule += " (" + e.Source + ")"
	}
	var errs []error
	for _, row := range [][2]string{
		{"Guard", e.Guard}, {"Path", e.Path}, {"Reading", e.Reading}, {"Kind", e.Kind}, {"Locale", e.Locale}, {"Rule", rule},
		{"Needs", strings.Join(e.Require, ", ")}, {"Cookie", e.Cookie}, {"Hooks", hooks},
		{"Decision", e.Decision}, {"Reason", e.Reason}, {"Answer", answer},
	} {
		if row[1] != "" {
			_, err := fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, table.Flush())...)
}

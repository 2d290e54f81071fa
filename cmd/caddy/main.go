// Command caddy is Caddy with this module and the standard ones, for development and the demo.
// For production, build with xcaddy (see README.md).
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/session-guard/caddy-session-guard"
)

func main() { caddycmd.Main() }

// Package sessionguard is caddy-session-guard: a session layer for Caddy in front
// of Next.js apps. Caddy reads one encrypted cookie, decides by route whether a
// request may pass, extends sessions that are used, answers the browser's session
// API, and tells the app who is signed in.
//
// This package only links the modules in, so that
//
//	xcaddy build --with github.com/session-guard/caddy-session-guard
//
// builds a Caddy that has them. The core without Caddy is in the packages session,
// routes and sessionapi.
package sessionguard

import (
	_ "github.com/session-guard/caddy-session-guard/caddyfile" // the directives, and with them the modules
)

// Package e2e holds tests that drive the real stack over HTTP: Caddy with this
// module in front of Next.js, both as separate processes. There is nothing here
// to import.
package e2e

// Package routes decides which rule guards a request path of a Next.js app.
//
// A [Table] is compiled once from a [Config]. It answers pure questions about
// a path: which rule guards it ([Table.Match]), how the request was made
// ([Table.Kind]), where a visitor is sent ([Table.LoginLocation],
// [Table.HomeLocation]) and whether a Server Action may run there
// ([Table.ActionAllowed]).
//
// # What a path is
//
// Caddy, Next.js and the file system behind them do not agree on how to read
// an odd path: one resolves dot segments, one decodes %2F, one folds case.
// A guard that reads the path in only one way can be walked around. So a path
// here is the set of its readings, and the strictest reading wins: auth in any
// reading protects, and public counts only when every reading says so. A
// normal path has one reading and pays for one.
//
// The package uses the standard library only and keeps no state.
package routes

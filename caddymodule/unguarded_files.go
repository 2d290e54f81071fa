package caddymodule

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
)

// fileRoot is where a file server behind a guard finds its files; empty if nothing says so.
type fileRoot struct {
	root  string
	guard *Guard
	cut   bool // by another path than the guard has seen
}

func (s *survey) served(files *fileserver.FileServer, at position) {
	root := rootOf(files.Root, at.root)
	s.failing = append(s.failing, failing{s.server, s.site, s.host, at.guard, root, true})
	if at.guard != nil {
		s.files[s.site] = append(s.files[s.site], fileRoot{root, at.guard, at.cut})
	}
}

// compareNamesOfFiles warns of files that a guard of their site sees by two paths, of which
// its rules may name one: beside file_server, handle_path /files/* { file_server } with the
// same root shows /files/private/x where only /private/x is guarded.
func (s *survey) compareNamesOfFiles() {
	for _, site := range slices.Sorted(maps.Keys(s.files)) {
		for _, served := range s.files[site] {
			if served.cut && !closesAll(served.guard) && slices.ContainsFunc(s.files[site], func(other fileRoot) bool {
				return !other.cut && other.root == served.root && other.guard == served.guard
			}) {
				s.warn("%s: the path is changed between session_guard (%s) and a file_server whose files another file_server shows by their own paths, so rules for these do not guard them; "+
					"write a root of its own before that file_server, or rules for both paths", site, served.guard.Source)
			}
		}
	}
}

// closesAll reports whether a guard asks for a session, and nothing else, at every path but
// single ones.
func closesAll(guard *Guard) bool {
	return guard.Default == "auth" && !slices.ContainsFunc(guard.Rules, func(rule Rule) bool {
		return len(rule.Require) > 0 || rule.Type != "auth" && slices.ContainsFunc(rule.Patterns, func(pattern string) bool { return !strings.HasPrefix(pattern, "/") || strings.Contains(pattern, "*") })
	})
}

// rootOf is the root that a handler names, in one spelling, or else the one before it.
func rootOf(named any, before string) string {
	if root, ok := named.(string); ok && root != "" && root != "{http.vars.root}" {
		return path.Clean(root)
	}
	return before
}

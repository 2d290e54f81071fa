package caddymodule

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"

	"github.com/session-guard/caddy-session-guard/routes"
)

// changesPath reports whether the app gets another path than the guard has decided
// about. What the guard takes off itself makes no difference. A file that is there for
// the path (try_files, php_fastcgi) is meant, and so is what an answer names (X-Sendfile).
func changesPath(r *rewrite.Rewrite, guard *Guard) bool {
	path, _, _ := strings.Cut(r.URI, "?")
	for _, meant := range []string{"{http.matchers.file.", "{http.reverse_proxy.header.", "{http.intercept.header."} {
		if strings.Contains(path, meant) {
			path = ""
		}
	}
	if path == "{http.request.uri.path}" {
		path = ""
	}
	ownPrefix := guard.BasePath != "" && strings.TrimSuffix(r.StripPathPrefix, "/") == strings.TrimSuffix(guard.BasePath, "/")
	return path != "" || r.StripPathPrefix != "" && !ownPrefix ||
		r.StripPathSuffix != "" || len(r.URISubstring) > 0 || len(r.PathRegexp) > 0
}

// checkStripped warns of rules that name a prefix which the path has lost before the guard.
// They hold for who asks with it, since the original path counts too, and whoever asks
// without gets the same pages.
func (s *survey) checkStripped() {
	for guard, at := range all[*Guard](s) {
		if at.stripped != "" && !at.byPath {
			s.checkPrefix(guard, at)
		}
	}
}

func (s *survey) checkPrefix(guard *Guard, at position) {
	for _, rule := range guard.Rules {
		for _, pattern := range rule.Patterns {
			page, ok := strings.CutPrefix(pattern, at.stripped)
			page = cmp.Or(page, "/")
			if ok && rule.Type == "auth" && page[0] == '/' && !guard.closes(strings.ReplaceAll(page, "*", "x"), rule.Require) {
				s.warn("%s: uri strip_prefix %s comes before session_guard (%s), so the rule for %s does not hold for its path without %[2]s, %[5]s; "+
					"write the rules of the guard without %[2]s, or put both into handle_path %[2]s/*", at.site, at.stripped, guard.Source, pattern, page)
				return
			}
		}
	}
}

// closes reports whether a path needs a session, and one that meets the requirements.
func (g *Guard) closes(path string, require []Requirement) bool {
	m := g.table.Load().Match(path, "", "")
	return m.Type == routes.Auth && (len(require) == 0 || slices.ContainsFunc(m.Matched, func(rule int) bool {
		return slices.EqualFunc(g.Rules[rule].Require, require, Requirement.equal)
	}))
}

// checkFiles warns of files that a guard of their site sees by two paths, of which
// its rules may name one: beside file_server, handle_path /files/* { file_server } with the
// same root shows /files/private/x where only /private/x is guarded.
func (s *survey) checkFiles() {
	for files, at := range all[*fileserver.FileServer](s) {
		if !at.cut || closesAll(at.guard) {
			continue
		}
		for others, other := range all[*fileserver.FileServer](s) {
			if other.site == at.site && other.guard == at.guard && !other.cut && rootOf(others.Root, other.root) == rootOf(files.Root, at.root) {
				s.warn("%s: the path is changed between session_guard (%s) and a file_server whose files another file_server shows by their own paths, so rules for these do not guard them; "+
					"write a root of its own before that file_server, or rules for both paths", at.site, at.guard.Source)
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

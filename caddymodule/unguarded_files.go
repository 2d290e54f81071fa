package caddymodule

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// fileRoot is where a file server of a site finds its files; empty if nothing says so.
type fileRoot struct {
	site, root string
	guard      *Guard
	cut        bool // by another path than the guard has seen
}

// filesServed notes a file server. In an error route it has the path that was asked for, so
// without a rewrite it answers a denial with the very file that was refused.
func (s *survey) filesServed(server *fileserver.FileServer, at position) {
	served := fileRoot{s.site, rootOf(server.Root, at.root), at.guard, at.cut}
	switch {
	case at.guard != nil && !at.ofError:
		s.files[s.site] = append(s.files[s.site], served)
	case at.guard == nil && at.ofError && !at.fixed && !at.harmless:
		s.errorFiles = append(s.errorFiles, served)
	}
}

// compareFiles warns of an error route that serves the files that a guard of its site has
// refused. Without a root of its own, it has that of the route that failed.
func (s *survey) compareFiles() {
	for _, served := range s.errorFiles {
		i := slices.IndexFunc(s.files[served.site], func(behind fileRoot) bool {
			return served.root == "" || served.root == behind.root
		})
		if i < 0 {
			continue
		}
		s.warn("%s: file_server in handle_errors answers with the file of the path that was asked for, so what session_guard (%s) refuses is sent with the error; "+
			"write rewrite * /error.html before it, for every error, or put a session_guard into handle_errors too", served.site, s.files[served.site][i].guard.Source)
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

const visitorsPath = "{http.request." // which all placeholders of the request begin with

// fixesPath reports whether no visitor can choose the path after a rewrite.
func fixesPath(r *rewrite.Rewrite, asksPath bool) bool {
	path, _, _ := strings.Cut(r.URI, "?")
	return path != "" && !strings.Contains(path, visitorsPath) && (!asksPath || !strings.Contains(path, "{http.matchers.file."))
}

// asksForPath reports whether a route looks for the file of the visitor's path.
func asksForPath(route caddyhttp.Route) bool {
	return slices.ContainsFunc(route.MatcherSets, func(set caddyhttp.MatcherSet) bool {
		return slices.ContainsFunc(set, func(matcher any) bool {
			file, ok := fileMatcher(matcher)
			return ok && (len(file.TryFiles) == 0 || slices.ContainsFunc(file.TryFiles, func(try string) bool { return strings.Contains(try, visitorsPath) }))
		})
	})
}

// looksForOwnFiles reports whether a route asks for nothing but files that the operator
// names, such as /404.html, and has put there.
func looksForOwnFiles(route caddyhttp.Route) bool {
	return len(route.MatcherSets) > 0 && !asksForPath(route) && !slices.ContainsFunc(route.MatcherSets, func(set caddyhttp.MatcherSet) bool {
		return slices.ContainsFunc(set, func(matcher any) bool { _, ok := fileMatcher(matcher); return !ok })
	})
}

func fileMatcher(matcher any) (fileserver.MatchFile, bool) {
	switch matcher := matcher.(type) {
	case fileserver.MatchFile:
		return matcher, true
	case *fileserver.MatchFile:
		return *matcher, true
	}
	return fileserver.MatchFile{}, false
}

// aStatus finds the statuses in an expression.
var aStatus = regexp.MustCompile(`\b[1-5][0-9][0-9]\b`)

// isOfOtherErrors reports whether a route is for statuses that no guard denies with, as
// handle_errors 404 is.
func isOfOtherErrors(route caddyhttp.Route) bool {
	return len(route.MatcherSets) > 0 && !slices.ContainsFunc(route.MatcherSets, func(set caddyhttp.MatcherSet) bool {
		return !slices.ContainsFunc(set, func(matcher any) bool {
			expression, ok := matcher.(*caddyhttp.MatchExpression)
			if !ok || !strings.Contains(expression.Expr, "http.error.status_code") && !strings.Contains(expression.Expr, "{err.status_code}") || strings.ContainsAny(expression.Expr, "<>!|") {
				return false
			}
			statuses := aStatus.FindAllString(expression.Expr, -1)
			return len(statuses) > 0 && !slices.ContainsFunc(statuses, func(status string) bool {
				return slices.Contains([]string{"400", "401", "403", "405", "503"}, status)
			})
		})
	})
}

package routes

import (
	"slices"
	"strings"
)

// manifestRedirect is a redirect of next.config. Those that Next.js adds itself lead to
// the same page.
type manifestRedirect struct {
	Destination string `json:"destination"`
	Regex       string `json:"regex"`
	Internal    bool   `json:"internal"`
}

// redirectSources are the paths that next.config redirects to others of the app. What it
// redirects to another host comes back through the guard, if it comes back.
func redirectSources(written []manifestRedirect, flags string) (sources []source) {
	for _, r := range written {
		if !r.Internal && strings.HasPrefix(r.Destination, "/") {
			sources = append(sources, newSourceOrAll(flags, r.Regex))
		}
	}
	return sources
}

// redirects reports whether the app may answer a path, in one of its spellings, by a
// redirect: one of its configuration, or of a route handler, which may send a visitor
// anywhere. Next.js follows it when it renders the target of a Server Action, so the page
// is not that of the path.
func (b *Build) redirects(spellings []spelling) bool {
	return slices.ContainsFunc(spellings, func(s spelling) bool {
		return b.isHandled(s.path) || slices.ContainsFunc(b.redirected, func(r source) bool {
			_, ok := r.find(s)
			return ok
		})
	})
}

// isHandled reports whether a route handler may answer a path. A page without parameters
// comes before one with them.
func (b *Build) isHandled(path string) bool {
	if b.handlerTree.find(path, allPatterns).folded == none {
		return false
	}
	page := b.pageTree.find(path, allPatterns).exact
	return page == none || strings.Contains(b.pages[page], "[") || slices.Contains(b.endpoints, endpoint{b.pages[page], true})
}

package routes

import (
	"maps"
	"net/url"
	"slices"
)

// Paths are patterns that only say on which paths something holds.
type Paths struct{ table *Table }

// Paths compiles patterns that mean what those of the rules mean, with the base
// path and the locales of the table, those of its build included. The source
// names them in errors and warnings.
func (t *Table) Paths(source string, patterns []string) (*Paths, error) {
	config := Config{
		Rules:   []Rule{{Type: Hybrid, Patterns: patterns, label: source}},
		Default: Auth, BasePath: t.basePath, Locales: slices.Collect(maps.Values(t.locales)),
		LoginPath: "/.no-such-page", // it is always open, so it is where no app has a page
	}
	table, err := Compile(config)
	if err != nil {
		return nil, err
	}
	return &Paths{table}, nil
}

// Warnings lists what is doubtful in the patterns, such as one that can never match.
func (p *Paths) Warnings() []string { return p.table.Warnings() }

// Match reports whether the patterns name the path of a URL in every reading.
func (p *Paths) Match(u *url.URL) bool {
	m := p.table.MatchURL(u, "")
	return m.Type == Hybrid && !m.Open
}

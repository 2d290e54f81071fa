package routes

import (
	"fmt"
	"slices"
	"strings"
)

// coverage says which rules the endpoints of a build fall under.
type coverage struct {
	// Total counts everything in the build.
	Total count
	// Rules has the share of each rule, in the order of Config.Rules.
	Rules []ruleCoverage
	// Uncovered are the pages, route handlers and actions that no rule covers,
	// by name, except the login path. They take the default.
	Uncovered []string
	// Default is the type that they take.
	Default Type
}

// count counts endpoints.
type count struct{ Pages, Handlers, Actions int }

// ruleCoverage is what falls under one rule.
type ruleCoverage struct {
	Rule  Rule
	Count count
}

// Coverage is a report for people of which rules guard the pages, route handlers and
// Server Actions of the build, a line a rule.
func (t *Table) Coverage() string { return t.coverage().String() }

// coverage counts by rule. An action falls under the most open of the pages that own
// it. Without a build it is empty.
func (t *Table) coverage() coverage {
	c := coverage{Default: t.defaultType, Rules: make([]ruleCoverage, len(t.rules))}
	for i, rule := range t.rules {
		c.Rules[i].Rule = rule
	}
	if t.build == nil {
		return c
	}
	for _, e := range t.build.endpoints {
		if e.handler {
			c.add(t, t.pageMatch(e.page), "route handler "+e.page, count{Handlers: 1})
		} else {
			c.add(t, t.pageMatch(e.page), "page "+e.page, count{Pages: 1})
		}
	}
	for _, action := range t.build.actions {
		if owners := t.actionOwners[action.id]; len(owners) > 0 {
			open := slices.MinFunc(owners, func(a, b Match) int { return a.Type.strictness() - b.Type.strictness() })
			c.add(t, open, action.describe(), count{Actions: 1})
		}
	}
	return c
}

// describe names an action for people. Next.js makes names that begin with $$
// for actions that are written inside a component.
func (a serverAction) describe() string {
	name := a.name
	if name == "" || strings.HasPrefix(name, "$$") {
		name = a.id
	}
	return "action " + name + " of " + strings.Join(a.owners, " and ")
}

func (c *coverage) add(t *Table, m Match, name string, n count) {
	c.Total.add(n)
	switch {
	case m.Rule >= 0:
		c.Rules[m.Rule].Count.add(n)
	case trimEnd(m.Path) != t.loginPath:
		c.Uncovered = append(c.Uncovered, name)
	}
}

func (c *count) add(n count) {
	c.Pages += n.Pages
	c.Handlers += n.Handlers
	c.Actions += n.Actions
}

// String writes the counts that are not zero, such as "2 pages, 1 action".
func (c count) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		name string
	}{{c.Pages, "page"}, {c.Handlers, "route handler"}, {c.Actions, "action"}} {
		switch {
		case part.n == 1:
			parts = append(parts, "1 "+part.name)
		case part.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", part.n, part.name))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// String is the report for people.
func (c coverage) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the build has %s\n", c.Total)
	for _, r := range c.Rules {
		fmt.Fprintf(&b, "%s %s", r.Rule.Type, strings.Join(r.Rule.Patterns, " "))
		if r.Rule.Source != "" {
			fmt.Fprintf(&b, " (%s)", r.Rule.Source)
		}
		fmt.Fprintf(&b, ": %s\n", r.Count)
	}
	if len(c.Uncovered) == 0 {
		b.WriteString("every page has a rule")
		return b.String()
	}
	fmt.Fprintf(&b, "no rule, so %s by default: %d", c.Default, len(c.Uncovered))
	for _, name := range slices.Sorted(slices.Values(c.Uncovered)) {
		b.WriteString("\n  " + name)
	}
	return b.String()
}

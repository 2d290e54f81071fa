package routes

import (
	"fmt"
	"slices"
	"strings"
)

// Coverage says which rules the endpoints of a build fall under.
type Coverage struct {
	// Total counts everything in the build.
	Total Count
	// Rules has the share of each rule, in the order of Config.Rules.
	Rules []RuleCoverage
	// Uncovered are the pages, route handlers and actions that no rule covers,
	// by name, except the login path. They take the default.
	Uncovered []string
	// Default is the type that they take.
	Default Type
}

// Count counts endpoints.
type Count struct{ Pages, Handlers, Actions int }

// RuleCoverage is what falls under one rule.
type RuleCoverage struct {
	Rule  Rule
	Count Count
}

// Coverage reports which rules guard the pages, route handlers and Server
// Actions of the build. An action falls under the most open of the pages that
// own it. Without a build it is empty.
func (t *Table) Coverage() Coverage {
	c := Coverage{Default: t.defaultType, Rules: make([]RuleCoverage, len(t.rules))}
	for i, rule := range t.rules {
		c.Rules[i].Rule = rule
	}
	if t.build == nil {
		return c
	}
	for _, e := range t.build.endpoints {
		if e.handler {
			c.add(t, t.pageMatch(e.page), "route handler "+e.page, Count{Handlers: 1})
		} else {
			c.add(t, t.pageMatch(e.page), "page "+e.page, Count{Pages: 1})
		}
	}
	for _, action := range t.build.actions {
		if len(action.owners) == 0 {
			continue
		}
		var open Match
		for i, page := range action.owners {
			if m := t.pageMatch(page); i == 0 || m.Type.strictness() < open.Type.strictness() {
				open = m
			}
		}
		c.add(t, open, action.describe(), Count{Actions: 1})
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

func (c *Coverage) add(t *Table, m Match, name string, n Count) {
	c.Total.add(n)
	switch {
	case m.Rule >= 0:
		c.Rules[m.Rule].Count.add(n)
	case trimEnd(m.Path) != t.loginPath:
		c.Uncovered = append(c.Uncovered, name)
	}
}

func (c *Count) add(n Count) {
	c.Pages += n.Pages
	c.Handlers += n.Handlers
	c.Actions += n.Actions
}

// String writes the counts that are not zero, such as "2 pages, 1 action".
func (c Count) String() string {
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

// String is the report for people, a line a rule.
func (c Coverage) String() string {
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

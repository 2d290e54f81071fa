package routes

import (
	"fmt"
	"slices"
	"strings"
)

// coverage says which rules the endpoints of a build fall under.
type coverage struct {
	table *Table
	total count
	rules []count // what falls under each rule
	// uncovered are the pages, route handlers and actions that no rule covers,
	// by name, except the login path. They take the default.
	uncovered []string
	// open are the actions that visitors may run without a session, by name.
	open []string
}

// count counts endpoints.
type count struct{ pages, handlers, actions int }

// Coverage is a report for people of which rules guard the pages, route handlers and
// Server Actions of the build, a line a rule.
func (t *Table) Coverage() string { return t.coverage().String() }

// coverage counts by rule. An action falls under the most open of the pages that own
// it. Without a build it is empty.
func (t *Table) coverage() coverage {
	c := coverage{table: t, rules: make([]count, len(t.rules))}
	if t.build == nil {
		return c
	}
	for _, e := range t.build.endpoints {
		if e.handler {
			c.add(t.pageMatch(e.page), "route handler "+e.page, count{handlers: 1})
		} else {
			c.add(t.pageMatch(e.page), "page "+e.page, count{pages: 1})
		}
	}
	for _, action := range t.build.actions {
		if owners := t.actionOwners[action.id]; len(owners) > 0 {
			open := slices.MinFunc(owners, func(a, b Match) int { return a.Type.strictness() - b.Type.strictness() })
			c.add(open, action.describe(), count{actions: 1})
			if open.Type != Auth || t.loginActions[action.id] {
				c.open = append(c.open, action.describe())
			}
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

func (c *coverage) add(m Match, name string, n count) {
	c.total.add(n)
	switch {
	case m.Rule >= 0:
		c.rules[m.Rule].add(n)
	case trimEnd(m.Path) != c.table.loginPath:
		c.uncovered = append(c.uncovered, name)
	}
}

func (c *count) add(n count) {
	c.pages += n.pages
	c.handlers += n.handlers
	c.actions += n.actions
}

// String writes the counts that are not zero, such as "2 pages, 1 action".
func (c count) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		name string
	}{{c.pages, "page"}, {c.handlers, "route handler"}, {c.actions, "action"}} {
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
	fmt.Fprintf(&b, "the build has %s\n", c.total)
	for i, rule := range c.table.rules {
		fmt.Fprintf(&b, "%s %s", rule.Type, strings.Join(rule.Patterns, " "))
		if rule.Source != "" {
			fmt.Fprintf(&b, " (%s)", rule.Source)
		}
		fmt.Fprintf(&b, ": %s\n", c.rules[i])
	}
	if len(c.uncovered) == 0 {
		b.WriteString("every page has a rule")
	} else {
		fmt.Fprintf(&b, "no rule, so %s by default: %d", c.table.defaultType, len(c.uncovered))
		writeNames(&b, c.uncovered)
	}
	if len(c.open) > 0 {
		fmt.Fprintf(&b, "\nanybody may run, so they must check input and session themselves: %d", len(c.open))
		writeNames(&b, c.open)
	}
	return b.String()
}

func writeNames(b *strings.Builder, names []string) {
	for _, name := range slices.Sorted(slices.Values(names)) {
		b.WriteString("\n  " + name)
	}
}

package routes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// proveAlive warns of a pattern that can never decide, because an earlier one
// matches everything that it matches. It runs before the pattern is added.
func (c *compiler) proveAlive(rule parsedRule, p pattern) bool {
	earlier, found := c.table.tree.covers(p, func(e ending) bool { // an open rule counts only in its own case
		return c.config.Rules[e.rule].Type == Auth || e.pattern.sameCase(trimSlashes(p.path()))
	})
	if !found {
		return true
	}
	name := rule.name(rule.index)
	before := c.config.Rules[earlier.rule]
	switch same := samePattern(earlier.pattern, p); {
	case earlier.rule == rule.index && same:
		c.warnf("%s has the pattern %s twice; remove one", name, p.text)
	case earlier.rule == rule.index:
		c.warnf("%s: pattern %s adds nothing to %s in the same rule; remove it", name, p.text, earlier.pattern.text)
	case same:
		c.warnf("%s: pattern %s has no effect, because the %s has it already; remove one",
			name, p.text, before.name(earlier.rule))
	default:
		c.warnf("%s: pattern %s has no effect, because pattern %s of the %s matches first; move it up or remove it",
			name, p.text, earlier.pattern.text, before.name(earlier.rule))
	}
	return false
}

func samePattern(a, b pattern) bool {
	return a.tail == b.tail && strings.EqualFold(a.path(), b.path())
}

// proveUnprefixed warns of a pattern that begins with what is stripped before
// matching, and returns it without. An open one cannot open anything; auth for one
// locale may be meant.
func (c *compiler) proveUnprefixed(name string, typ Type, p pattern) pattern {
	path := p.path()
	if stripped, ok := p.below(c.table.basePath); ok {
		c.warnf("%s: pattern %s begins with the base path, which is stripped before matching; write it as %s",
			name, p.text, stripped.text)
		return stripped
	} else if rest, locale, ok := c.table.cutLocale(path); ok && typ != Auth {
		stripped, _ := p.below(strings.TrimSuffix(path, rest))
		c.warnf("%s: pattern %s begins with the locale %s, which is stripped before matching; write it as %s",
			name, p.text, locale, stripped.text)
		return stripped
	}
	return p
}

// proveLocalesAlone warns of a page that is guarded behind each locale, or behind the one of
// which the build says that it is the default, and open without a locale, which shows it in
// the default locale. Auth for some other locales may be meant.
func (c *compiler) proveLocalesAlone() {
	behind := make(map[string]map[string]bool) // a pattern without its locale: those with which it is guarded
	warned := make(map[string]bool)
	for _, rule := range c.patterns {
		for _, p := range rule.patterns {
			rest, locale, ok := c.table.cutLocale(p.path())
			if !ok || rule.Type != Auth {
				continue
			}
			stripped, _ := p.below(strings.TrimSuffix(p.path(), rest))
			if behind[stripped.text] == nil {
				behind[stripped.text] = make(map[string]bool)
			}
			behind[stripped.text][locale] = true
			all := len(c.table.locales) > 1 && len(behind[stripped.text]) == len(c.table.locales)
			page := strings.ReplaceAll(rest, wildcard, "x")
			if (all || c.isDefaultLocale(locale)) && !warned[stripped.text] && c.table.pathMatch(c.table.basePath+page).Type != Auth {
				warned[stripped.text] = true
				c.warnf("%s: pattern %s guards a page behind its locale, but %s is open, where an app shows the page in its default locale; write %s, which counts behind all locales",
					rule.name(rule.index), p.text, rest, stripped.text)
			}
		}
	}
}

func (c *compiler) isDefaultLocale(locale string) bool {
	build := c.table.build
	return build != nil && slices.ContainsFunc(append(slices.Collect(maps.Values(build.domains)), build.defaultLocale), func(other string) bool { return strings.EqualFold(locale, other) })
}

// proveLoginAction warns of actions that leave the login page out. They take the place
// of the default, which has it, so a login form that posts a Server Action does nothing.
func (c *compiler) proveLoginAction(named *tree) {
	login, err := parsePattern(c.config.LoginPath)
	if err != nil || len(c.config.Actions) == 0 {
		return
	}
	if _, ok := named.covers(login, func(e ending) bool { return e.pattern.sameCase(trimSlashes(login.path())) }); !ok {
		c.warnf("actions does not name the login page %[1]s, so a Server Action there is refused to visitors who are not signed in; "+
			"write for example: actions %[1]s %[2]s", c.config.LoginPath, strings.Join(c.config.Actions, " "))
	}
}

// proveDefault warns of default auth beside a rule that opens everything: it guards nothing,
// as where a variable in hybrid /{$AREA}* is empty. [Table.Paths] has this default for patterns
// that are no rules.
func (c *compiler) proveDefault() {
	if c.config.Default != Auth {
		return
	}
	all, found := c.table.tree.covers(pattern{tail: tailSubtree}, func(e ending) bool {
		rule := c.config.Rules[e.rule]
		return rule.Type != Auth && rule.label == ""
	})
	if found {
		c.warnf("default auth has no effect, because pattern %s of the %s opens all paths that no rule before it matches; remove one of the two",
			all.pattern.text, c.config.Rules[all.rule].name(all.rule))
	}
}

// DecidesAll reports whether the rules match every path, so that the default counts for
// none.
func (t *Table) DecidesAll() bool {
	_, all := t.tree.covers(pattern{tail: tailSubtree}, func(ending) bool { return true })
	return all
}

// proveOpen warns of an open pattern whose own path has a reading in which it is
// closed, such as /100%25, which some servers decode once more: it opens nothing.
func (c *compiler) proveOpen() {
	for _, rule := range c.patterns {
		if rule.Type == Auth {
			continue
		}
		for _, p := range rule.patterns {
			path := strings.ReplaceAll(p.path(), wildcard, "x")
			m := c.table.pathMatch(c.table.basePath + path)
			if m.Bad || m.Type != Auth || c.table.tree.find(path, allPatterns).exact != rule.index {
				continue
			}
			closed := (&judgement{table: &c.table, otherHosts: true}).decisivePath(c.table.basePath+path, "")
			switch m.Reading {
			case howDecoded, howCleaned, howResolved, howTrimmed:
				c.warnf("%s: pattern %s opens nothing, because some servers read this path as %s, which is closed%s; add an open rule for that path, or use another path",
					rule.name(rule.index), p.text, closed, c.table.because(m))
			case howRewrite:
				c.warnf("%s: pattern %s does not open %s, because a rewrite in next.config leads to %s, which is closed%s "+
					"(has and missing do not count); write a redirect instead, or an open rule for that path",
					rule.name(rule.index), p.text, path, closed, c.table.because(m))
			}
		}
	}
}

// LocaleWarning says of a guarded page that no rule guards behind a word that is no locale,
// or none that requires anything, where an app with a folder such as [locale] shows it, too.
// It is empty where all are guarded there, or a build says what the app has. Apps with the
// locales of the Pages Router have no such folder, so it may be false.
func (t *Table) LocaleWarning() string { return t.localeWarning }

// proveLocales finds out what [Table.LocaleWarning] says, of the first such page.
func (c *compiler) proveLocales() {
	if len(c.config.Locales) == 0 || c.table.build != nil { // which says what there is
		return
	}
	for _, rule := range c.patterns {
		for _, p := range rule.patterns {
			_, _, isAPI := cutPrefix(p.path(), "/api") // Route Handlers have no locale
			_, _, ofLocale := c.table.cutLocale(p.path())
			if rule.Type != Auth || isAPI || ofLocale || strings.HasPrefix(p.path(), "/"+wildcard) {
				continue
			}
			paths := []string{p.path()}
			if p.tail == tailSubtree {
				paths = append(paths, p.path()+"/x")
			}
			for _, path := range paths {
				if !c.guardsBehindAnyWord(rule.Rule, path) {
					c.table.localeWarning = localeWarning(rule, p, path)
					return
				}
			}
		}
	}
}

// guardsBehindAnyWord reports whether what an auth rule guards is guarded behind a word
// that is no locale: by a rule that requires something, if this one does.
func (c *compiler) guardsBehindAnyWord(rule Rule, path string) bool {
	m := c.table.pathMatch(c.table.basePath + "/" + placeholder + trimEnd(strings.ReplaceAll(path, wildcard, "x")))
	requires := slices.ContainsFunc(m.Matched, func(i int) bool { return c.table.rules[i].Requires })
	return m.Type == Auth && (requires || !rule.Requires)
}

func localeWarning(rule parsedRule, p pattern, path string) string {
	advice := "set next_build"
	if written := p.written(); written != "/" { // for which the pattern would be /*, which is everything
		advice += ", or give the rule of each such pattern one more: /" + wildcard + written
	}
	return fmt.Sprintf("%s: pattern %s does not match %s, where an app with a folder such as [locale] shows the same page, since that takes any word for a locale; %s",
		rule.name(rule.index), p.text, trimEnd("/xx"+path), advice)
}

// proveNoLoops refuses configurations in which a redirect leads to a redirect.
func (c *compiler) proveNoLoops() {
	t := &c.table
	named := false
	for _, rule := range c.patterns {
		for _, p := range rule.patterns {
			if rule.Type != Auth || p.tail != tailExact || !c.namesLogin(p) {
				continue
			}
			named = true
			c.errorf("%s: pattern %s guards login_path %s, so nobody could log in; remove it, "+
				"write it as public, or set another login_path",
				rule.name(rule.index), p.text, c.config.LoginPath)
		}
	}
	if login, because := t.prove(t.login); login.Type == Auth && !named {
		c.errorf("login_path %s is guarded%s, so nobody could log in; write a public rule for it, and for the page that a rewrite leads to",
			c.config.LoginPath, because)
	}
	if home, because := t.prove(t.home); home.Type == Public {
		c.errorf("home_path %s is public%s, so signed-in visitors would be sent there forever; "+
			"set a home_path that is auth or hybrid", c.config.HomePath, because)
	}
	if t.forbidden != "" {
		c.proveForbidden(t.prove(t.forbidden))
	}
}

// proveForbidden refuses a page that sends the visitors away for whom it is.
func (c *compiler) proveForbidden(page Match, because string) {
	if page.Type == Public {
		c.errorf("forbidden_path %s is public%s, so signed-in visitors would be sent on to home_path; "+
			"write a hybrid or auth rule for it", c.config.ForbiddenPath, because)
	}
	for _, i := range page.Matched {
		if rule := c.table.rules[i]; rule.Requires {
			c.errorf("forbidden_path %s is under the %s, whose require would send visitors there again and again; "+
				"write a hybrid or auth rule for it above", c.config.ForbiddenPath, rule.name(i))
		}
	}
}

// prove decides a configured path for no request, and says why.
func (t *Table) prove(path string) (m Match, because string) {
	j := judgement{table: t, proof: true}
	m = j.verdict(escape(t.basePath)+path, "")
	because = t.because(m)
	if j.how == howRewrite {
		because += ", since a rewrite in next.config leads to " + j.decisive
	}
	return m, because
}

// pathMatch decides a path for hosts that no rewrite of the build is for.
func (t *Table) pathMatch(path string) Match {
	j := judgement{table: t, otherHosts: true}
	return j.verdict(path, "")
}

// namesLogin reports whether an exact pattern is the login path, with or
// without a prefix that is stripped.
func (c *compiler) namesLogin(p pattern) bool {
	if strings.EqualFold(p.path(), c.table.loginPath) {
		return true
	}
	stripped := c.table.strip(p.path(), howRaw)
	return strings.EqualFold(trimEnd(stripped.path), c.table.loginPath)
}

// because names the rule that decided.
func (t *Table) because(m Match) string {
	if m.Rule < 0 {
		return ""
	}
	return ", by the " + t.rules[m.Rule].name(m.Rule)
}

package routes

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// Table is a compiled Config. It is safe for concurrent use.
type Table struct {
	rules       []Rule
	defaultType Type
	tree        *tree
	singles     []int // the rule indices, so that one rule's slice costs nothing

	loginPath     string // canonical, without a slash at the end
	login         string // escaped, for a Location
	home          string // escaped, for a Location
	forbidden     string // the same; empty: none
	protects      []bool // by rewrite of the build: whether it may lead to an auth rule
	returnTo      string // empty when switched off
	basePath      string
	locales       map[string]string // as configured, by folded form
	longestLocale int

	actions  *Table // decides where an anonymous Server Action may run
	warnings []string
	// localeWarning is what LocaleWarning says.
	localeWarning string

	memory       *memory // nil with a build, whose rewrites may be for some hosts only
	build        *Build
	authTexts    []string           // with which auth rules begin, in lower case, for rewrites whose destination a client may choose
	apiRules     apiRules           // for values in a query, without a build
	actionOwners map[string][]Match // by id: the pages that own a Server Action, never nil
	loginActions map[string]bool    // by id: whether the login page owns it
	openPages    map[string]bool    // paths that open rules name exactly, and the login path
	anyLocale    string             // stands for the locale of a page
}

// Compile checks the configuration and reports everything that is wrong with
// it at once, joined by errors.Join. What is only doubtful is in
// [Table.Warnings].
func Compile(config Config) (*Table, error) {
	c := compiler{config: withDefaults(config)}
	c.basePath()
	c.locales()
	c.rules()
	if c.table.build != nil {
		c.table.findProtecting()
	}
	c.redirects()
	c.actions()
	c.openPages()
	if len(c.errs) == 0 {
		c.proveNoLoops()
		c.proveDefault()
		c.proveOpen()
		c.proveLocalesAlone()
		c.proveLocales()
	}
	if len(c.errs) == 0 && config.Build != nil {
		c.table.compileActions()
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	if c.table.build == nil {
		c.table.memory = &memory{seed: maphash.MakeSeed()}
	}
	return &c.table, nil
}

// Warnings lists what is doubtful in the configuration, such as rules that can
// never decide, each in one sentence.
func (t *Table) Warnings() []string { return t.warnings }

func withDefaults(c Config) Config {
	c.Default = cmp.Or(c.Default, Hybrid)
	c.LoginPath = cmp.Or(c.LoginPath, "/login")
	c.HomePath = cmp.Or(c.HomePath, "/")
	c.ReturnTo = cmp.Or(c.ReturnTo, "return_to")
	return c
}

// compiler fills a table and collects what is wrong on the way.
type compiler struct {
	config   Config
	table    Table
	patterns []parsedRule
	errs     []error
}

// parsedRule is a rule with its patterns that are valid.
type parsedRule struct {
	Rule
	index    int
	patterns []pattern
}

func (c *compiler) errorf(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func (c *compiler) warnf(format string, args ...any) {
	c.table.warnings = append(c.table.warnings, fmt.Sprintf(format, args...))
}

func (c *compiler) basePath() {
	base := c.config.BasePath
	build := c.config.Build
	c.table.build = build
	if build != nil && build.basePath != "" {
		if base != "" && trimEnd(base) != build.basePath {
			c.errorf("base_path %q differs from basePath %q in the build; write base_path %s, or leave it out",
				base, build.basePath, build.basePath)
			return
		}
		base = build.basePath
	}
	base = trimEnd(base)
	if base == "" || base == "/" {
		return
	}
	if base[0] != '/' {
		c.errorf("base_path %q does not begin with a slash; write %q", base, "/"+base)
		return
	}
	if err := checkPlainPath("base_path", base); err != nil {
		c.errs = append(c.errs, err)
		return
	}
	c.table.basePath = canonical(base)
}

func (c *compiler) locales() {
	c.table.locales = make(map[string]string)
	add := func(locale string) {
		folded := strings.ToLower(locale)
		c.table.locales[folded] = locale
		c.table.longestLocale = max(c.table.longestLocale, len(locale))
		c.table.anyLocale = locale
	}
	if c.config.Build != nil {
		for _, locale := range c.config.Build.locales {
			add(locale)
		}
	}
	written := make(map[string]bool)
	for _, locale := range c.config.Locales {
		folded := strings.ToLower(locale)
		switch {
		case locale == "" || strings.Trim(folded, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
			c.errorf("locale %q is not a path prefix; write it as it stands in the path, such as en or pt-BR", locale)
		case written[folded]:
			c.errorf("locale %q is written twice (letter case does not count); remove one", locale)
		default:
			add(locale)
		}
		written[folded] = true
	}
}

func (c *compiler) rules() {
	t := &c.table
	t.tree, t.apiRules = newTree(), apiRules{}
	t.rules = c.config.Rules
	t.defaultType = c.config.Default
	if !t.defaultType.valid() {
		c.errorf("default %q is not a route type; write public, auth or hybrid", t.defaultType)
	}
	t.singles = make([]int, len(t.rules))
	for i, rule := range t.rules {
		t.singles[i] = i
		c.rule(i, rule)
	}
}

func (c *compiler) rule(index int, rule Rule) {
	parsed := parsedRule{Rule: rule, index: index}
	if !rule.Type.valid() {
		c.errorf("%s: %q is not a route type; write public, auth or hybrid", rule.name(index), rule.Type)
	}
	if len(rule.Patterns) == 0 {
		c.errorf("%s has no pattern; write at least one, such as /login or /dashboard/*", rule.name(index))
	}
	hidden := 0
	for _, text := range rule.Patterns {
		p, err := parsePattern(text)
		if err != nil {
			c.errorf("%s: %w", rule.name(index), err)
			continue
		}
		parsed.patterns = append(parsed.patterns, p)
		if c.proveAlive(parsed, p) {
			c.proveUnprefixed(rule.name(index), rule.Type, p)
		} else {
			hidden++
		}
		c.table.tree.add(index, p)
		if rule.Type == Auth {
			c.protect(index, p)
			if stripped, ok := p.below(c.table.basePath); ok {
				// As it was meant: else it would close the page, while the same page's
				// data routes and files were open.
				c.table.tree.add(index, stripped)
				c.protect(index, stripped)
			}
		}
	}
	if hidden > 1 && hidden == len(rule.Patterns) {
		c.warnf("%s has no effect: earlier rules match all of its patterns", rule.name(index))
	}
	c.patterns = append(c.patterns, parsed)
}

// protect adds what else an auth rule protects by a pattern.
func (c *compiler) protect(index int, p pattern) {
	path := p.path()
	text := strings.ToLower(literalPrefix(path))
	c.table.authTexts = append(c.table.authTexts, text)
	c.table.apiRules.add(text, len(path) > len(text)+1)
	if twin, ok := p.decodedTwin(); ok {
		c.table.tree.add(index, twin)
	}
}

// single is the slice of one rule's index, without an allocation.
func (t *Table) single(rule int) []int { return t.singles[rule : rule+1 : rule+1] }

// redirects checks the paths to which visitors are sent.
func (c *compiler) redirects() {
	t := &c.table
	t.login = c.redirect("login_path", c.config.LoginPath)
	t.loginPath = trimEnd(canonical(t.login))
	t.home = c.redirect("home_path", c.config.HomePath)
	if path := c.config.ForbiddenPath; path != "" {
		t.forbidden = c.redirect("forbidden_path", path)
	}
	if name := c.config.ReturnTo; name != "off" {
		t.returnTo = name
		if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			c.errorf("return_to %q is not a plain parameter name; use letters, digits, -, _ and ., or off", name)
		}
	}
}

// checkPlainPath is checkPath for a path that is no pattern.
func checkPlainPath(directive, path string) error {
	if strings.Contains(path, "*") {
		return fmt.Errorf("%s %q is not a plain path; write it without *", directive, path)
	}
	return checkPath(directive, path)
}

// redirect checks a configured path and escapes it for a Location.
func (c *compiler) redirect(directive, path string) string {
	if path[0] != '/' {
		c.errorf("%s %q is not a path of this site; write it with a leading slash, such as /login", directive, path)
		return path
	}
	if err := checkPlainPath(directive, path); err != nil {
		c.errs = append(c.errs, err)
		return path
	}
	if rest, _, ok := cutPrefix(path, c.table.basePath); ok {
		c.errorf("%s %q begins with the base path, which is added to redirects; write %s", directive, path, rest)
	} else if rest, _, ok := c.table.cutLocale(path); ok {
		c.errorf("%s %q begins with a locale, which is added to redirects; write %s", directive, path, rest)
	}
	return escape(path)
}

// openPages collects the pages that are named as open, so that no guess about
// their first segment can close them.
func (c *compiler) openPages() {
	c.table.openPages = map[string]bool{c.table.loginPath: true}
	for _, rule := range c.patterns {
		for _, p := range rule.patterns {
			if rule.Type != Auth && p.tail == tailExact && !slices.Contains(p.segments, wildcard) {
				c.table.openPages[p.path()] = true
			}
		}
	}
}

// actions compiles the table that decides where an anonymous visitor may POST
// a Server Action: by default the login path and all public paths.
func (c *compiler) actions() {
	t := &c.table
	allowed := Table{
		defaultType: Auth, tree: newTree(),
		basePath: t.basePath, locales: t.locales, longestLocale: t.longestLocale,
	}
	add := func(typ Type, p pattern) {
		allowed.tree.add(len(allowed.rules), p)
		allowed.rules = append(allowed.rules, Rule{Type: typ})
		allowed.singles = append(allowed.singles, len(allowed.singles))
	}
	if c.config.Actions != nil {
		named := newTree() // without what is stripped from the paths
		for i, text := range c.config.Actions {
			p, err := parsePattern(text)
			if err != nil {
				c.errorf("actions: %w", err)
				continue
			}
			named.add(i, c.proveUnprefixed("actions", Hybrid, p))
			add(Hybrid, p)
		}
		if c.config.Build != nil {
			c.warnf("actions has no effect with next_build: the pages that own an action decide; remove it")
		} else {
			c.proveLoginAction(named)
		}
	} else {
		allowed.loginPath = t.loginPath // so that no wider rule closes it, such as one for its locale
		if p, err := parsePattern(c.config.LoginPath); err == nil {
			add(Hybrid, p)
		}
		for _, rule := range c.patterns {
			typ := Auth
			if rule.Type == Public {
				typ = Hybrid
			}
			for _, p := range rule.patterns {
				add(typ, p)
			}
		}
	}
	t.actions = &allowed
}

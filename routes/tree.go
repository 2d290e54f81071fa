package routes

import (
	"bytes"
	"math"
	"slices"
	"strings"
)

// none is the index of no rule. It is larger than any other, because the
// smallest index, the rule written first, wins.
const none = math.MaxInt

// tree finds the first rule that matches a path. Its depth is the depth of the
// path, so ten thousand rules cost about as much as ten.
type tree struct {
	root  node
	cased bool // whether a pattern has letters that folding changes
}

type node struct {
	literals map[string]*node    // by folded segment
	wildcard *node               // one segment, whatever it is
	exact    []ending            // patterns that end here
	subtree  []ending            // patterns that match here and below
	prefixes map[string][]ending // patterns that match by the next segment's beginning
	lengths  []int               // the lengths of the prefixes
	first    int                 // the smallest rule index here and below
}

// ending is the end of a pattern in the tree.
type ending struct {
	rule    int
	pattern pattern
}

// hit holds the first rules that match a path: with letter case ignored, and
// in the case in which they were written.
type hit struct{ folded, exact int }

func newTree() *tree { return &tree{root: node{first: none}} }

// add must be called in the order of the rules.
func (t *tree) add(rule int, p pattern) {
	n := &t.root
	n.first = min(n.first, rule)
	segments := p.segments
	if p.tail == tailPrefix {
		segments = segments[:len(segments)-1]
	}
	for _, segment := range segments {
		n = n.child(segment)
		n.first = min(n.first, rule)
	}
	t.cased = t.cased || strings.ToLower(p.path()) != p.path()
	end := ending{rule: rule, pattern: p}
	switch p.tail {
	case tailExact:
		n.exact = append(n.exact, end)
	case tailSubtree:
		n.subtree = append(n.subtree, end)
	case tailPrefix:
		n.addPrefix(strings.ToLower(p.segments[len(segments)]), end)
	}
}

func (n *node) child(segment string) *node {
	if segment == wildcard {
		if n.wildcard == nil {
			n.wildcard = &node{first: none}
		}
		return n.wildcard
	}
	if n.literals == nil {
		n.literals = make(map[string]*node)
	}
	folded := strings.ToLower(segment)
	next := n.literals[folded]
	if next == nil {
		next = &node{first: none}
		n.literals[folded] = next
	}
	return next
}

func (n *node) addPrefix(prefix string, end ending) {
	if n.prefixes == nil {
		n.prefixes = make(map[string][]ending)
	}
	n.prefixes[prefix] = append(n.prefixes[prefix], end)
	if !slices.Contains(n.lengths, len(prefix)) {
		n.lengths = append(n.lengths, len(prefix))
	}
}

// scope is which patterns count.
type scope int

const (
	// allPatterns count wherever they match.
	allPatterns scope = iota
	// naming are those whose own text covers the path's first segment: "/en/*" names
	// /en/login, while "/*" and "/e*" do not.
	naming
	// mentioning are those that have any text of their own: "/*/settings" and "/e*"
	// mention /en/settings, while "/*" does not.
	mentioning
)

// find returns the first rules of a scope that match a path.
func (t *tree) find(path string, s scope) hit {
	path = trimSlashes(path)
	var stack [256]byte
	folded, changed := fold(stack[:0], path)
	w := walk{folded: folded, original: path, cased: t.cased || changed, hit: hit{none, none}}
	if s == naming {
		w.named(&t.root)
	} else {
		w.visit(&t.root, 0, s == allPatterns)
	}
	return w.hit
}

// walk is one search in the tree.
type walk struct {
	folded   []byte
	original string
	cased    bool // whether letter case can make a difference
	hit      hit
}

// visit tries the patterns of a node. start is where the rest of the path
// begins; beyond the end of the path there is no rest. Unless counts is true, those
// that end here have no text of their own, and do not count.
func (w *walk) visit(n *node, start int, counts bool) {
	if n.first >= w.hit.exact {
		return
	}
	if counts {
		w.consider(n.subtree)
	}
	if start > len(w.folded) || len(w.folded) == 0 {
		if counts || start == 0 { // "/" itself
			w.consider(n.exact)
		}
		return
	}
	segment, next := w.segment(start)
	for _, length := range n.lengths {
		if length <= len(segment) {
			w.consider(n.prefixes[string(segment[:length])])
		}
	}
	if child := n.literals[string(segment)]; child != nil {
		w.visit(child, next, true)
	}
	if n.wildcard != nil && len(segment) > 0 {
		w.visit(n.wildcard, next, counts)
	}
}

// named tries only those patterns of the root that name the first segment.
func (w *walk) named(n *node) {
	if len(w.folded) == 0 {
		w.consider(n.exact)
		return
	}
	segment, next := w.segment(0)
	w.consider(n.prefixes[string(segment)])
	if child := n.literals[string(segment)]; child != nil {
		w.visit(child, next, true)
	}
}

func (w *walk) segment(start int) (segment []byte, next int) {
	rest := w.folded[start:]
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		return rest[:i], start + i + 1
	}
	return rest, len(w.folded) + 1
}

func (w *walk) consider(endings []ending) {
	for _, end := range endings {
		if end.rule >= w.hit.exact {
			return
		}
		w.hit.folded = min(w.hit.folded, end.rule)
		if !w.cased || end.pattern.sameCase(w.original) {
			w.hit.exact = end.rule
			return
		}
	}
}

// fold writes the path in lower case to buffer and reports whether that
// changed a letter.
func fold(buffer []byte, path string) (folded []byte, changed bool) {
	for i := range len(path) {
		c := path[i]
		if c >= 0x80 {
			lower := strings.ToLower(path)
			return []byte(lower), lower != path
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
			changed = true
		}
		buffer = append(buffer, c)
	}
	return buffer, changed
}

// covers returns the first of the patterns added so far that matches every path of
// this one, in any case, and counts.
func (t *tree) covers(p pattern, counts func(ending) bool) (ending, bool) {
	return t.root.covers(p, p.segments, counts)
}

func (n *node) covers(p pattern, rest []string, counts func(ending) bool) (best ending, found bool) {
	better := func(endings []ending) {
		if i := slices.IndexFunc(endings, counts); i >= 0 && (!found || endings[i].rule < best.rule) {
			best, found = endings[i], true
		}
	}
	better(n.subtree)
	if len(rest) == 0 {
		if p.tail == tailExact {
			better(n.exact)
		}
		return best, found
	}
	segment := strings.ToLower(rest[0])
	if rest[0] != wildcard {
		for _, length := range n.lengths {
			if length <= len(segment) {
				better(n.prefixes[segment[:length]])
			}
		}
	}
	if p.tail == tailPrefix && len(rest) == 1 {
		return best, found // a prefix goes on past its segment
	}
	for _, child := range []*node{n.wildcard, n.literals[segment]} {
		if child == nil {
			continue
		}
		if end, ok := child.covers(p, rest[1:], counts); ok {
			better([]ending{end})
		}
	}
	return best, found
}

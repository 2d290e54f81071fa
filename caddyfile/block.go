package caddyfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/session-guard/caddy-session-guard/caddymodule"
)

// block reads the block of a directive and collects what is wrong in it.
type block struct {
	owner line
	lines map[string]line // the first line of each word
	bad   map[string]bool // the words that had an error
	errs  []problem
}

// problem is an error and the line that it is about.
type problem struct {
	line int
	err  error
}

func newBlock(owner line) *block {
	return &block{owner: owner, lines: map[string]line{}, bad: map[string]bool{}}
}

// fail adds an error at a line.
func (b *block) fail(l line, format string, args ...any) {
	b.bad[l.word] = true
	b.errs = append(b.errs, problem{l.token.Line(), l.token.Errf(format, args...)})
}

// err joins what is wrong, in the order of the lines.
func (b *block) err() error {
	slices.SortStableFunc(b.errs, func(p, q problem) int { return cmp.Compare(p.line, q.line) })
	errs := make([]error, len(b.errs))
	for i, p := range b.errs {
		errs[i] = p.err
	}
	return errors.Join(errs...)
}

// failAll adds each of the joined errors of another package, at the line that
// it is about.
func (b *block) failAll(err error) {
	if err == nil {
		return
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		l := b.about(err)
		b.fail(l, "%s", strings.Replace(err.Error(), " ("+l.source()+")", "", 1)) // the place stands at the end
		return
	}
	for _, err := range joined.Unwrap() {
		b.failAll(err)
	}
}

// about is the line that an error names at its beginning, by its word or as
// "auth rule (Caddyfile:14)", or else the first that it speaks of, or that of the
// block.
func (b *block) about(err error) line {
	message := err.Error()
	for _, l := range b.owner.block {
		if strings.HasPrefix(message, fmt.Sprintf("%s rule (%s)", l.word, l.source())) {
			return l
		}
	}
	name, _, _ := strings.Cut(message, " ")
	name = strings.TrimSuffix(name, ":")
	if name == "locale" {
		name = "locales"
	}
	if l, ok := b.lines[name]; ok {
		return l
	}
	// A setting of the global option may clash with one that stands here.
	for word := range strings.FieldsSeq(message) {
		if l, ok := b.lines[word]; ok {
			return l
		}
	}
	return b.owner
}

// sources are the places of those words whose placeholders are resolved when the
// configuration is loaded, since only then is known whether they have a value.
func (b *block) sources(words []word) map[string]string {
	sources := map[string]string{}
	for _, w := range words {
		if l, ok := b.lines[w.name()]; ok && w.placeholder {
			sources[w.name()] = l.source()
		}
	}
	return sources
}

// linesOf are the lines of those words that stand in the block.
func (b *block) linesOf(words []word) []line {
	var lines []line
	for _, w := range words {
		if l, ok := b.lines[w.name()]; ok {
			lines = append(lines, l)
		}
	}
	return lines
}

// read gives each line of the block to the word that it begins with.
func (b *block) read(words []word) {
	for _, l := range b.owner.block {
		i := slices.IndexFunc(words, func(w word) bool { return w.name() == l.word })
		if i < 0 {
			b.fail(l, "%s", unknownWord(b.owner.word, l.word, words))
			continue
		}
		first, repeated := b.lines[l.word]
		if repeated && !words[i].repeats {
			b.fail(l, "%s is already set at %s; write it once: %s", l.word, first.source(), words[i].usage)
			continue
		}
		l.usage = words[i].usage
		if !repeated {
			b.lines[l.word] = l
		}
		if b.checkLine(l, words[i]) {
			words[i].set(b, l)
		}
	}
}

// readInner reads the block that a line of this one opens.
func (b *block) readInner(l line, words []word) *block {
	inner := newBlock(l)
	inner.read(words)
	b.errs = append(b.errs, inner.errs...)
	return inner
}

// checkLine refuses what no word allows.
func (b *block) checkLine(l line, w word) bool {
	if len(l.block) > 0 && !w.opensBlock {
		b.fail(l, "%s takes no block; remove the braces and write %s", l.word, l.usage)
		return false
	}
	for _, arg := range l.args {
		if arg == "" {
			b.fail(l, "%s has an empty value; write %s, or remove the line", l.word, l.usage)
			return false
		}
		// The value of a secret must not be shown.
		if !w.placeholder && len(caddymodule.Placeholders(arg)) > 0 {
			b.fail(l, "%s %q has a placeholder, which is not resolved here; "+
				"write the value itself, or {$NAME} to take it from the environment", l.word, arg)
			return false
		}
	}
	return true
}

package caddyfile

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// line is one line of a Caddyfile: a word, its arguments and the block that it
// opens.
type line struct {
	token *caddyfile.Dispenser // at the word; it knows file, line and imports
	word  string
	args  []string
	block []line
	usage string // the grammar of the word
}

// readLine reads the line that begins at the current token, with its block. It
// judges nothing, so that one mistake does not hide the next.
func readLine(d *caddyfile.Dispenser) line {
	token := caddyfile.NewDispenser([]caddyfile.Token{d.Token()})
	token.Next()
	l := line{token: token, word: d.Val(), args: d.RemainingArgs()}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		l.block = append(l.block, readLine(d))
	}
	return l
}

// source is where the line stands, such as "Caddyfile:14". It has no folder,
// because it ends up in the configuration that `caddy adapt` prints.
func (l line) source() string {
	return fmt.Sprintf("%s:%d", filepath.Base(l.token.File()), l.token.Line())
}

// word is one that may stand in a block.
type word struct {
	usage       string // the grammar; its first word is the word itself
	set         setter
	repeats     bool // the word may stand on several lines
	opensBlock  bool
	placeholder bool // placeholders are resolved in its values
}

func (w word) name() string {
	name, _, _ := strings.Cut(w.usage, " ")
	return name
}

// setter reads the values of a line into a configuration.
type setter func(b *block, l line)

package routes

import "slices"

// spelling is a way to write a path: as a reading has it, or in the escapes that the
// client sent.
type spelling struct {
	path string
	sent bool
}

// fewSpellings are as many as most paths have, so that those cost no allocation.
const fewSpellings = 4

// spellings appends the ways in which a rewrite may name a path: with and without base path,
// locale, and what Next.js takes off.
func (t *Table) spellings(list []spelling, f *form, host string) []spelling {
	locales := t.build.localesOf(host)
	if f.locale != "" {
		locales = []string{f.locale}
	}
	add := func(path, unstripped string, sent bool) {
		begin := len(list)
		list = append(list, spelling{path, sent})
		for _, locale := range locales {
			list = append(list, spelling{"/" + locale + path, sent})
		}
		if t.basePath != "" {
			for _, s := range list[begin:] {
				list = append(list, spelling{t.basePath + s.path, sent})
			}
		}
		if s := (spelling{unstripped, sent}); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	if f.sent != "" {
		add(t.strip(f.sent, f.how).path, f.sent, true)
	}
	add(f.path, f.full, false)
	return list
}

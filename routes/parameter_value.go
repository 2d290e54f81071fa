package routes

import (
	"slices"
	"strings"
)

// maxNames bounds how many names of parameters get their values from one path, maxNamed the
// bytes of that path, and maxFilled how many paths are made for one request, since each part of a
// path may be a value.
const (
	maxNames  = 2
	maxNamed  = 512
	maxFilled = 128
)

// fillNames lets the paths protect that Next.js makes of one with the name of a parameter, whose
// value is elsewhere in the same path. A page with two parameters gets /docs/[tab]/private with
// the value private of tab, and if it takes only what it was built with, 16.4 looks for another
// under /docs/private/private.
func (j *judgement) fillNames(path string) {
	if strings.IndexByte(path, '[') < 0 || j.gaveUp {
		return
	}
	var names []string
	for _, name := range parameterName.FindAllString(path, -1) {
		if !slices.Contains(names, name) && j.table.mayHaveParameter(strings.Trim(name, "[.]")) {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return
	case len(names) > maxNames || len(path) > maxNamed:
		j.giveUp(path, howParameter)
		return
	}
	values := valuesIn(path)
	filled := len(values)
	if len(names) > 1 {
		filled *= filled
	}
	if j.filled += filled; j.filled > maxFilled {
		j.giveUp(path, howParameter)
		return
	}
	var fill func(names, filled []string)
	fill = func(names, filled []string) {
		if len(names) == 0 {
			for _, r := range readings(strings.NewReplacer(filled...).Replace(path)) {
				j.guess(r.path, howParameter)
			}
			return
		}
		for _, value := range values {
			if value != "" || strings.HasPrefix(names[0], "[[") {
				fill(names[1:], append(filled, names[0], value))
			}
		}
	}
	fill(names, nil)
}

// valuesIn are what a parameter may have for its value in a path: one segment or some that
// follow each other, without what Next.js takes off them, and nothing if it is optional. Not
// all are listed where they are too many.
func valuesIn(path string) []string {
	values := []string{""}
	segments := strings.Split(trimSlashes(path), "/")
	for begin := range segments {
		for end := begin + 1; end <= len(segments) && len(values) <= maxFilled; end++ {
			value := strings.Join(segments[begin:end], "/")
			values = append(values, value)
			for _, short := range []string{cutSuffix(value, ".json"), strings.TrimSuffix(strings.ReplaceAll(value+"/", ".rsc/", "/"), "/")} {
				if short != value {
					values = append(values, short)
				}
			}
		}
	}
	return values
}

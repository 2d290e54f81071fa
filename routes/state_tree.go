package routes

import (
	"encoding/json"
	"slices"
	"strings"
)

// maxTree bounds the bytes of a Next-Router-State-Tree, as in Next.js, and maxTreePaths how
// many paths are made of what it says.
const (
	maxTree      = 40_000
	maxTreePaths = 256
)

// parameterValue is the value of a parameter as the state of the client's router has it.
type parameterValue struct{ name, value string }

// pathsOfTree are the pages that a client may come from by what it says of their parameters in
// Next-Router-State-Tree. Next.js 14 gives these values to the page in whose folder an
// interception route is, whatever Next-Url says. Without a build, any segment may be a
// parameter. It is false for what no client of Next.js sends.
func (t *Table) pathsOfTree(nextURL, tree string, found []interception) (paths []string, ok bool) {
	if t.build != nil && !slices.ContainsFunc(found, func(route interception) bool { return len(route.empty) > 0 }) {
		return nil, true
	}
	values, ok := valuesOfTree(tree)
	if !ok || nextURL == "" || nextURL[0] != '/' {
		return nil, false
	}
	segments := strings.Split(nextURL, "/")
	if t.build == nil {
		for i := 1; i < len(segments); i++ {
			for _, value := range values {
				paths = appendWith(paths, segments, i, value.value)
			}
			if len(paths) > maxTreePaths {
				return nil, false
			}
		}
		return paths, true
	}
	first := 0
	if rest, _, ok := cutPrefix(nextURL, t.basePath); ok {
		first = len(segments) - len(strings.Split(rest, "/"))
	}
	for _, route := range found {
		tried := [][]string{segments}
		for at := 1; at < len(segments)-first; at++ {
			name, isEmpty := route.empty[at]
			if !isEmpty {
				continue
			}
			for _, path := range slices.Clone(tried) {
				for _, value := range values {
					if name != "" && value.name != name {
						continue
					}
					with := slices.Clone(path)
					with[first+at] = value.value
					tried = append(tried, with)
					paths = appendWith(paths, path, first+at, value.value)
				}
				if len(paths) > maxTreePaths {
					return nil, false
				}
			}
		}
	}
	return paths, true
}

// appendWith appends a path with another segment, and what ends there.
func appendWith(paths, segments []string, at int, value string) []string {
	begin := strings.Join(segments[:at], "/") + "/" + escape(value)
	rest := strings.Join(segments[at+1:], "/")
	if paths = append(paths, begin); rest != "" {
		paths = append(paths, begin+"/"+rest)
	}
	return paths
}

// valuesOfTree are the values of the parameters, each once. A segment with one is
// [name, value, type].
func valuesOfTree(header string) (values []parameterValue, ok bool) {
	decoded, ok := decode(header)
	if !ok || len(header) > maxTree || strings.ContainsFunc(header, func(r rune) bool { return r >= 0x80 }) { // which its client escapes
		return nil, false
	}
	var tree any
	if json.Unmarshal([]byte(decoded), &tree) != nil {
		return nil, false
	}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			for _, child := range node {
				walk(child)
			}
		case []any:
			if len(node) > 2 {
				name, isName := node[0].(string)
				value, isValue := node[1].(string)
				if v := (parameterValue{name, value}); isName && isValue && !slices.Contains(values, v) && len(values) <= maxTreePaths {
					values = append(values, v)
				}
			}
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(tree)
	return values, len(values) <= maxTreePaths
}

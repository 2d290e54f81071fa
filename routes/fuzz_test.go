package routes

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// A path that is protected stays so when it is written in another way.
func FuzzSpellings(f *testing.F) {
	for _, path := range []string{"/dashboard", "/dashboard/a/b", "/orgs/1/settings", "/teams", "/api/x", "/x", "/login", "/api/public"} {
		f.Add(path)
	}
	table := compile(f, guarded)
	f.Fuzz(func(t *testing.T, path string) {
		// In another case, a path may fall under an open rule in every reading.
		path = strings.ToLower(path)
		if len(path) > 200 || !strings.HasPrefix(path, "/") || !plain(path) || strings.ContainsAny(path, "?#") {
			return
		}
		m := table.Match(path, "", "")
		// Where a guess alone protects it, another spelling may be none: Next.js takes .rsc within a
		// path and the name of a parameter only as they stand, and not all that may be meant is tried.
		if m.Bad || m.Open || m.Type != Auth || m.Ambiguous {
			return
		}
		var encoded strings.Builder
		for i := range len(path) {
			if c := path[i]; c == '/' {
				encoded.WriteByte(c)
			} else {
				fmt.Fprintf(&encoded, "%%%02x", c)
			}
		}
		for how, spelling := range map[string]string{
			"encoded":        encoded.String(),
			"encoded slash":  "/" + strings.ReplaceAll(path[1:], "/", "%2f"),
			"upper case":     strings.ToUpper(path),
			"locale":         "/en" + path,
			"dots":           "/x/.." + path,
			"encoded dots":   "/x/%2e%2e" + path,
			"double slash":   "/" + path,
			"trailing slash": trimEnd(path) + "/",
			"rsc":            trimEnd(path) + ".rsc",
			"data":           "/_next/data/B" + trimEnd(path) + ".json",
		} {
			if m := table.Match(spelling, "", ""); !m.Bad && m.Type != Auth {
				t.Errorf("%q is protected, but not %s: %q: %+v", path, how, spelling, m)
			}
		}
		if m := table.Match("/_next/image", "url="+url.QueryEscape(path), ""); m.Type != Auth && !strings.HasPrefix(path, "//") {
			t.Errorf("%q is protected, but not as an image: %+v", path, m)
		}
	})
}

// Whatever comes in, a decision comes out, and the same one again.
func FuzzMatch(f *testing.F) {
	for _, target := range readTargets(f) {
		f.Add(target.Target, "", "")
	}
	f.Add("/_next/image", "url=/x&url=/_next/image%3furl=/y", "/en/../z")
	table := compile(f, guarded)
	f.Fuzz(func(t *testing.T, path, query, original string) {
		m := table.Match(path, query, original)
		if !m.Type.valid() || m.Rule >= len(guarded.Rules) || m.Bad && m.Type != Auth || m.Open && m.Type != Hybrid {
			t.Errorf("%+v", m)
		}
		if m.Rule >= 0 && guarded.Rules[m.Rule].Type != m.Type {
			t.Errorf("rule %d is not %s", m.Rule, m.Type)
		}
		checkMarks(t, path)
		if again := table.Match(path, query, original); !equalMatch(m, again) {
			t.Errorf("%+v, then %+v", m, again)
		}
		login := table.LoginLocation(m, path, query)
		checkLocation(t, login)
		checkLocation(t, table.HomeLocation(m, query))
		if strings.Count(login, "return_to") > 1+strings.Count(path, "return_to")+strings.Count(query, "return_to") {
			t.Errorf("return_to is nested in %s", login)
		}
		table.ActionTarget(&url.URL{Path: path}, query)
	})
}

// checkMarks: a path that is said to have no marks has none of the forms that are
// not looked for then.
func checkMarks(t *testing.T, path string) {
	t.Helper()
	if path == "" || path[0] != '/' || hasMarks(path) {
		return
	}
	_, export := cutExport(path)
	interception := false
	for range interceptions(path) {
		interception = true
	}
	_, trimmed := trimSegments(path)
	if export || interception || trimmed {
		t.Errorf("%q has no marks, but is an export (%v), an interception (%v) or can be trimmed (%v)", path, export, interception, trimmed)
	}
}

func TestMarks(t *testing.T) {
	for c := range 256 {
		for _, path := range []string{"/a%cb", "/a%c/b", "/%ca", "/a%chtml", "/%c.)a"} {
			checkMarks(t, fmt.Sprintf(strings.Replace(path, "%c", "%s", 1), string([]byte{byte(c)})))
		}
	}
	if hasMarks("/dashboard/settings-2_x~") {
		t.Error("an ordinary path is searched for forms")
	}
}

// A return path stays on the site and means the same when it is read again.
func FuzzReturnTo(f *testing.F) {
	for _, value := range []string{"/", "/x?y#z", "//x", `/\x`, "/%2e%2e//x", "/é", "/a b", "/%zz", "/x?%"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		location, ok := ReturnTo(value)
		if !ok {
			return
		}
		checkLocation(t, location)
		if again, ok := ReturnTo(location); !ok || again != location {
			t.Errorf("%q becomes %q, and then %q", value, location, again)
		}
	})
}

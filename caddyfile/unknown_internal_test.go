package caddyfile

import (
	"strings"
	"testing"
)

func TestUnknownWordNamesTheNearest(t *testing.T) {
	words := []word{{usage: "login_path <path>"}, {usage: "list on|off"}, {usage: "auth <pattern>..."}}
	for unknown, want := range map[string]string{
		"Login-Path":                    "login_path",
		"loginpaht":                     "login_path",
		"zgin_path":                     "login_path", // the beginning is wrong
		"login_patxy":                   "login_path", // the end is
		"lost":                          "list",
		"autth":                         "auth",
		"lgn_pth":                       "", // three errors
		"path":                          "login_path",
		"log":                           "", // is in too many words
		"the_list_of":                   "list",
		"authenticated":                 "auth",
		strings.Repeat("login_path", 8): "",
	} {
		if got, ok := nearest(unknown, words); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", unknown, got, ok, want)
		}
	}
}

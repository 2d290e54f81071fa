package routes_test

import (
	"fmt"

	"github.com/session-guard/caddy-session-guard/routes"
)

func ExampleTable_Match() {
	table, err := routes.Compile(routes.Config{
		Rules: []routes.Rule{
			{Type: routes.Public, Patterns: []string{"/login"}},
			{Type: routes.Auth, Patterns: []string{"/dashboard/*"}},
		},
		Locales: []string{"en", "ar"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range []string{"/login", "/ar/dashboard", "/x/..%2fdashboard", "/blog"} {
		fmt.Println(path, "is", table.Match(path, "", "").Type)
	}
	m := table.Match("/ar/dashboard", "", "")
	fmt.Println(table.LoginLocation(m, "/ar/dashboard", "tab=2"))
	// Output:
	// /login is public
	// /ar/dashboard is auth
	// /x/..%2fdashboard is auth
	// /blog is hybrid
	// /ar/login?return_to=%2Far%2Fdashboard%3Ftab%3D2
}

func ExampleCompile_errors() {
	_, err := routes.Compile(routes.Config{Rules: []routes.Rule{
		{Type: routes.Auth, Patterns: []string{"account", "/login"}, Source: "Caddyfile:14"},
		{Type: "private", Patterns: []string{"/x?y"}, Source: "Caddyfile:15"},
	}})
	fmt.Println(err)
	// Output:
	// auth rule (Caddyfile:14): pattern "account" does not begin with a slash; write "/account", or one of the words api, dashboard, admin, settings, profile
	// private rule (Caddyfile:15): "private" is not a route type; write public, auth or hybrid
	// private rule (Caddyfile:15): pattern "/x?y" can never match: a path ends before "?"; remove "?y"
}

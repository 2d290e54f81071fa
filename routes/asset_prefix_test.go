package routes

import (
	"testing"
	"testing/fstest"
)

// With the locales of the Pages Router, Next.js takes an assetPrefix that is a path off pages,
// too: seen on 16.4.
func TestAttackByAssetPrefix(t *testing.T) {
	of := func(prefix, i18n string) *Table {
		build, err := LoadBuild(fstest.MapFS{
			"BUILD_ID": {Data: []byte("x")},
			"routes-manifest.json": {Data: []byte(`{` + i18n + `"staticRoutes":[{"page":"/dash"}],"rewrites":{"beforeFiles":[
				{"source":"/cdn/_next/:path+","destination":"/_next/:path+","regex":"^/cdn/_next` + catchAll + `"}]}}`)},
			"required-server-files.json": {Data: []byte(`{"config":{"assetPrefix":"` + prefix + `"}}`)},
			"static/a.js":                {},
		})
		if err != nil {
			t.Fatal(err)
		}
		return compile(t, Config{Rules: []Rule{{Type: Auth, Patterns: []string{"/dash/*"}}, {Type: Hybrid, Patterns: []string{"/open", "/cdn/open"}}}, Default: Auth, HomePath: "/dash", Build: build})
	}
	const i18n = `"i18n":{"locales":["en","ar"],"defaultLocale":"en"},`
	wantTypes(t, of("/cdn", i18n), map[string]Type{
		"/cdn/dash": Auth, "/cdn/dash/x": Auth, "/ar/cdn/dash": Auth, "/cdn/cdn/dash": Auth, "/cdn/open": Hybrid, "/cdnx/dash": Auth, "/cdn": Auth,
		"/cdn/_next/data/x/en/dash.json": Auth, "/_next/data/x/cdn/dash.json": Auth, "/cdn/_next/static/a.js": Hybrid, "/_next/static/a.js": Hybrid,
	})
	hybrid := func(prefix, i18n string) *Table {
		table := of(prefix, i18n)
		return compile(t, Config{Rules: table.rules, Build: table.build})
	}
	wantTypes(t, hybrid("/cdn/", i18n), map[string]Type{"/cdn/dash": Auth, "/CDN/dash": Auth, "/ar/cdn/dash": Auth, "/%63dn/dash": Auth, "/cdn/x": Hybrid, "/cdnx/dash": Hybrid, "/cdn": Hybrid})
	for _, prefix := range []string{"https://cdn.example/cdn", ""} {
		wantTypes(t, hybrid(prefix, i18n), map[string]Type{"/cdn/dash": Hybrid})
	}
	wantTypes(t, hybrid("/cdn", ""), map[string]Type{"/cdn/dash": Hybrid})
}

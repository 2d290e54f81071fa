package routes

import (
	"net/url"
	"os"
	"strings"
	"testing"
)

// openSections are the first segments of the open pages in
// testdata/normal_urls.txt.
var openSections = strings.Fields(`/ /pricing /about/* /contact /features/* /enterprise/* /customers/* /changelog/*
	/status /security /legal/* /newsletter/* /sitemap* /offline /404 /search /robots.txt /favicon.ico /icon* /apple* /opengraph-image*
	/twitter-image* /manifest* /site.webmanifest /browserconfig.xml /humans.txt /ads.txt /app-ads.txt /llms.txt /security.txt
	/feed* /rss.xml /atom.xml /sw.js /service-worker.js /workbox* /google* /BingSiteAuth.xml /yandex* /.well-known/* /logo.png
	/images/* /uploads/* /products/* /og/* /blog/* /docs/* /collections/* /cart /u/* /@* /p/* /t/* /events/* /map/* /share/*
	/invite/* /photos/* /fonts/* /videos/* /downloads/* /playground /embed/* /amp/* /tags/* /compare/* /diff/* /tree/* /blob/*
	/jobs/* /matrix* /time/* /ratio/* /math/* /price/* /wiki/* /dashboards /administrator /apiary /settings-guide /profiles/*
	/logins /registered /adminx /my-dashboard /help/* /fr/* /de/* /english/* /area /essay /orgs/* /_next/image`)

// Normal URLs are neither refused nor taken for something else, whether the
// site is open or closed by default.
func TestNormalURLs(t *testing.T) {
	rules := []Rule{
		{Type: Public, Patterns: []string{"/login", "/register", "/forgot-password"}},
		{Type: Hybrid, Patterns: []string{"/api/public/*", "/api/health", "/api/webhooks/*"}},
		{Type: Auth, Patterns: []string{"dashboard", "api", "admin", "settings", "profile"}},
		{Type: Auth, Patterns: []string{"/orgs/*/settings", "/account*", "/checkout/*", "/docs/internal/*"}},
	}
	locales := []string{"en", "ar", "es", "pt-BR"}
	tables := map[string]*Table{
		"open by default": compile(t, Config{Rules: rules, Locales: locales}),
		"closed by default": compile(t, Config{
			Rules: append(rules[:4:4], Rule{Type: Hybrid, Patterns: openSections}), Locales: locales, Default: Auth,
		}),
	}
	data, err := os.ReadFile("testdata/normal_urls.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		want, raw, _ := strings.Cut(strings.TrimSpace(line), " ")
		if want == "#" {
			continue
		}
		n++
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			t.Fatal(err)
		}
		for name, table := range tables {
			m := table.MatchURL(u, "")
			if m.Bad {
				t.Errorf("%s: %s is refused", name, raw)
			}
			if protected := m.Type == Auth; protected != (want == "protected") {
				t.Errorf("%s: %s is %s, want it %s: %+v", name, raw, m.Type, want, m)
			}
		}
	}
	if n < 500 {
		t.Errorf("only %d URLs", n)
	}
}

package routes

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// nextjsModel maps a path to a page as Next.js was measured to do. It is
// written apart from the code that it tests, and knows the app to which
// testdata/nextjs was sent.
type nextjsModel struct {
	resolvesDots bool // Next.js 16 does, 15 and 14 do not
	rewrites     bool // whether aliases are served
	anyLocale    bool // whether the [locale] folder takes every first segment
}

var (
	modelFiles = []string{"/dashboard/report.txt", "/dashboard/secret.png", "/dashboard/p%41ct.txt", "/assets/a.txt", "/robots.txt"}

	modelStatic = []string{
		"/", "/admin", "/api/legacy-secret", "/api/public", "/api/secret", "/blog", "/blogs", "/dashboard", "/dashboard/chart.png",
		"/dashboard/settings", "/feed", "/grouped", "/legacy", "/legacy/plain", "/legacy/static", "/legacypub", "/login",
	}
	modelDynamic = []struct {
		page string
		path *regexp.Regexp
	}{
		{"/api/items/[id]", regexp.MustCompile(`^/api/items/[^/]+$`)},
		{"/blog/[slug]", regexp.MustCompile(`^/blog/[^/]+$`)},
		{"/dashboard/u/[id]", regexp.MustCompile(`^/dashboard/u/[^/]+$`)},
		{"/docs/[[...path]]", regexp.MustCompile(`^/docs(/.+)?$`)},
		{"/photo/[id] in the feed", regexp.MustCompile(`^/feed/\(\.\.\)photo/[^/]+$`)},
		{"/dashboard in the feed", regexp.MustCompile(`^/feed/\(\.\.\)dashboard$`)},
		{"/files/[...path]", regexp.MustCompile(`^/files/.+$`)},
		{"/legacy/isr/[id]", regexp.MustCompile(`^/legacy/isr/[^/]+$`)},
		{"/legacy/[id]", regexp.MustCompile(`^/legacy/[^/]+$`)},
		{"/photo/[id]", regexp.MustCompile(`^/photo/[^/]+$`)},
	}
	modelLocale = regexp.MustCompile(`^/([^/]+)/(dashboard|dashboard/settings|login)$`)
	modelData   = regexp.MustCompile(`^/_next/data/BUILDID(/legacy|/legacy/static|/legacy/[^/]+)\.json$`)
	modelDot    = regexp.MustCompile(`^(?i:\.|%2e)$`)
	modelDots   = regexp.MustCompile(`^(?i:\.|%2e){2}$`)
)

// page is the page that is served for an escaped path, or empty for none.
func (m nextjsModel) page(path string) string {
	if strings.Contains(path, "//") || strings.Contains(path, `\`) {
		return "" // a redirect
	}
	if m.resolvesDots {
		var stack []string
		segments := strings.Split(path, "/")[1:]
		for i, s := range segments {
			switch {
			case modelDots.MatchString(s):
				if len(stack) > 0 {
					stack = stack[:len(stack)-1]
				}
			case !modelDot.MatchString(s):
				stack = append(stack, s)
				continue
			}
			if i == len(segments)-1 {
				stack = append(stack, "")
			}
		}
		path = "/" + strings.Join(stack, "/")
	}
	if path != "/" && strings.HasSuffix(path, "/") || strings.Contains(path, "//") {
		return ""
	}
	if decoded, err := url.PathUnescape(path); err != nil {
		return ""
	} else if slices.Contains(modelFiles, path) || slices.Contains(modelFiles, decoded) {
		return decoded
	}
	if data := modelData.FindStringSubmatch(path); data != nil {
		return data[1]
	}
	if slices.Contains(modelStatic, path) {
		return path
	}
	if m.rewrites {
		if lower := strings.ToLower(path); lower == "/alias" {
			return "/dashboard"
		} else if lower == "/app" || strings.HasPrefix(lower, "/app/") {
			again := m
			again.rewrites = false
			if page := again.page("/dashboard" + path[len("/app"):]); page != "" {
				return page
			}
		}
	}
	for _, dynamic := range modelDynamic {
		if dynamic.path.MatchString(path) {
			return dynamic.page
		}
	}
	if parts := modelLocale.FindStringSubmatch(path); parts != nil {
		locale, _ := url.PathUnescape(parts[1])
		if m.anyLocale || locale == "en" || locale == "ar" {
			return "/" + parts[2]
		}
	}
	return ""
}

// protects says whether the rules of nextjsConfig protect a page.
func (nextjsModel) protects(page string) bool {
	for _, section := range []string{"/dashboard", "/legacy", "/files", "/api", "/admin", "/photo", "/blogs"} {
		if page == section || strings.HasPrefix(page, section+"/") || strings.HasPrefix(page, section+" ") {
			return page != "/api/public"
		}
	}
	return false
}

// modelPairs are tables with the model of what stands behind them.
func modelPairs(t testing.TB) map[nextjsModel]*Table {
	plain := compile(t, nextjsConfig("main"))
	config := nextjsConfig("main")
	config.Build = loadBuild(t, "16.4")
	built := compile(t, config)
	return map[nextjsModel]*Table{
		{resolvesDots: true}:  plain,
		{resolvesDots: false}: plain,
		{resolvesDots: true, rewrites: true, anyLocale: true}: built,
		{rewrites: true, anyLocale: true}:                     built,
	}
}

// checkModel fails if the model serves a protected page for a target that the
// table lets pass. It returns how many protected pages there were.
func checkModel(t testing.TB, pairs map[nextjsModel]*Table, target string) (served int) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return 0
	}
	for model, table := range pairs {
		page := model.page(u.EscapedPath())
		if !model.protects(page) {
			continue
		}
		served++
		if m := table.MatchURL(u, ""); !m.Bad && m.Type != Auth {
			t.Errorf("%q is forwarded as %q and served as %s (%+v), but passes: %+v", target, u.EscapedPath(), page, model, m)
		}
	}
	return served
}

// What Next.js maps to a protected page is protected, however it is spelled.
func FuzzDifferentialNextjs(f *testing.F) {
	for _, target := range readTargets(f) {
		f.Add(target.Target)
	}
	pairs := modelPairs(f)
	f.Fuzz(func(t *testing.T, target string) { checkModel(t, pairs, target) })
}

// The same with targets made of the pieces of which attacks are made.
func TestDifferentialNextjs(t *testing.T) {
	pieces := []string{
		"/", "/", "/", "/", "//", "%2f", "%2F", "%5c", "\\", "/../", "/./", "/%2e%2e/", "/.%2E/", "..%2f", "..", ".", "%2e", "%252e",
		"dashboard", "Dashboard", "%64ashboard", "report.txt", "%72eport.txt", "secret.png", "settings", "u", "1", "x", "y",
		"legacy", "static", "files", "api", "public", "secret", "items", "photo", "feed", "(..)photo", "(..)dashboard", "%28..%29photo",
		"login", "blog", "docs", "en", "EN", "%65n", "ar", "xx", "alias", "ALIAS", "app", "APP",
		"_next", "data", "BUILDID", ".json", ".rsc", ".txt", ";", ";x", "%00", "%20", "%3f", "#", "\"", "é", "%C3%A9",
		"/dashboard/", "/legacy/", "/_next/data/BUILDID/", "/_next/static/", "/app/u/", "/files/a/b", "/x/../", "/x%2fy/../",
	}
	random := rand.New(rand.NewPCG(1, 2))
	pairs := modelPairs(t)
	served := 0
	for range 200_000 {
		var b strings.Builder
		b.WriteByte('/')
		for range 1 + random.IntN(6) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		served += checkModel(t, pairs, b.String())
	}
	if served < 1000 {
		t.Errorf("only %d targets were served as a protected page", served)
	}
	t.Logf("%d targets were served as a protected page", served)
}

// The model is held against what the real Next.js answered.
func TestModelAgreesWithMeasurement(t *testing.T) {
	model := nextjsModel{resolvesDots: true, rewrites: true, anyLocale: true}
	checked := 0
	for _, target := range readTargets(t) {
		if target.Variant != "main" || !target.MustProtect || target.ClosesBy != "path" || target.Method != http.MethodGet || target.NextStatus != 200 {
			continue
		}
		u, err := target.url()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(u.EscapedPath(), "/_next/") && strings.HasSuffix(u.EscapedPath(), "image") {
			continue // the optimizer is not in the model
		}
		checked++
		if page := model.page(u.EscapedPath()); !model.protects(page) {
			t.Errorf("%s was served as a protected page, but the model maps it to %q", target.Target, page)
		}
	}
	if checked < 200 {
		t.Errorf("only %d targets were compared", checked)
	}
}

package sessionguard_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// securityTests is the page that names the tests of attacks.
const securityTests = "docs/security-tests.md"

// Every test that docs/security-tests.md names is there, so that its tables stay true. So is
// every one that docs/security.md names.
func TestSecurityDocumentNamesRealTests(t *testing.T) {
	var sources strings.Builder
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		sources.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{securityTests, "docs/security.md"} {
		names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(read(t, page), -1)
		if page == securityTests && len(names) == 0 {
			t.Errorf("%s names no test", page)
		}
		for _, name := range names {
			if !strings.Contains(sources.String(), "func "+name[1]+"(") {
				t.Errorf("%s names %s, which does not exist", page, name[1])
			}
		}
	}
}

// The same holds for the tests that Chromium runs, which it names by file and title.
func TestSecurityDocumentNamesRealBrowserTests(t *testing.T) {
	document := read(t, securityTests)
	files := regexp.MustCompile("`([a-z-]+\\.mjs)`:((?:,? \"[^\"]+\")+)").FindAllStringSubmatch(document, -1)
	if named := strings.Count(document, ".mjs`"); len(files) == 0 || len(files) != named {
		t.Fatalf("of %d files, %d have titles behind them", named, len(files))
	}
	for _, file := range files {
		source, err := os.ReadFile(filepath.Join("e2e/browser", file[1]))
		if err != nil {
			t.Error(err)
		}
		for _, title := range regexp.MustCompile(`"[^"]+"`).FindAllString(file[2], -1) {
			if !strings.Contains(string(source), "test("+title+",") {
				t.Errorf("%s names the test %s of %s, which does not exist", securityTests, title, file[1])
			}
		}
	}
}

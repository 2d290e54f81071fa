package sessionguard_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/security.md names is there, so that its tables stay true.
func TestSecurityDocumentNamesRealTests(t *testing.T) {
	document, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
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
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(document), -1)
	if len(names) == 0 {
		t.Fatal("the document names no test")
	}
	for _, name := range names {
		if !strings.Contains(sources.String(), "func "+name[1]+"(") {
			t.Errorf("docs/security.md names %s, which does not exist", name[1])
		}
	}
}

// The same holds for the tests that Chromium runs, which it names by file and title.
func TestSecurityDocumentNamesRealBrowserTests(t *testing.T) {
	document, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	files := regexp.MustCompile("`([a-z-]+\\.mjs)`:((?:,? \"[^\"]+\")+)").FindAllStringSubmatch(string(document), -1)
	if named := strings.Count(string(document), ".mjs`"); len(files) == 0 || len(files) != named {
		t.Fatalf("of %d files, %d have titles behind them", named, len(files))
	}
	for _, file := range files {
		source, err := os.ReadFile(filepath.Join("e2e/browser", file[1]))
		if err != nil {
			t.Error(err)
		}
		for _, title := range regexp.MustCompile(`"[^"]+"`).FindAllString(file[2], -1) {
			if !strings.Contains(string(source), "test("+title+",") {
				t.Errorf("docs/security.md names the test %s of %s, which does not exist", title, file[1])
			}
		}
	}
}

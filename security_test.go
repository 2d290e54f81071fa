package sessionguard_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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

// asvs are the items of OWASP ASVS 5.0 that apply to a session layer.
const asvs = `
	3.2.1 3.3.1 3.3.2 3.3.3 3.3.4 3.3.5 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.4.6 3.5.1 3.5.2 3.5.3 3.5.8 3.7.2
	4.1.3 4.1.4 4.2.1 4.2.2 4.2.3 4.2.4 4.2.5 4.4.2
	7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.5.3 7.6.1 7.6.2
	8.2.3 8.3.2 9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4 10.1.1 10.3.3 10.3.4
	11.2.4 11.2.5 11.3.2 11.3.3 11.3.4 11.4.4 11.5.1 13.1.4 13.3.1 13.3.2 13.3.3 13.3.4 13.4.4
	14.1.1 14.2.1 14.2.2 14.2.5 14.3.1 14.3.2 14.3.3
	15.3.1 15.3.3 15.3.4 15.3.5 15.3.6 15.3.7 15.4 16.2.5 16.3 16.4.1 16.5`

// untested are the items that are met without a test.
var untested = map[string]bool{"11.2.4": true}

// Each item of OWASP ASVS has one row, and whatever is met names a test.
func TestSecurityDocumentCoversASVS(t *testing.T) {
	rows := map[string][]string{}
	item := regexp.MustCompile(`([0-9]+\.[0-9]+)(?:\.([0-9]+))?(?: to [0-9.]+\.([0-9]+))?`)
	for _, row := range tableOf(t, "## OWASP ASVS 5.0") {
		named, _, _ := strings.Cut(row[0], " ") // of a row such as "7.1.1 lifetimes documented"
		for _, found := range item.FindAllStringSubmatch(row[0], -1) {
			first, last := found[2], found[3]
			if first == "" {
				rows[found[1]] = row
				continue
			}
			from, _ := strconv.Atoi(first)
			to := from
			if last != "" {
				to, _ = strconv.Atoi(last)
			}
			for n := from; n <= to; n++ {
				number := found[1] + "." + strconv.Itoa(n)
				if rows[number] != nil {
					t.Errorf("%s has two rows", number)
				}
				rows[number] = row
			}
		}
		if strings.HasPrefix(row[1], "yes") && !namesTest(row[2]) && !untested[named] {
			t.Errorf("%s is met, but names no test", named)
		}
	}
	for number := range strings.FieldsSeq(asvs) {
		if rows[number] == nil {
			t.Errorf("%s has no row", number)
		}
		delete(rows, number)
	}
	for number := range rows {
		t.Errorf("%s is not in the list of this test", number)
	}
}

// Each incident and each attack names a test.
func TestSecurityDocumentNamesATestForEachIncident(t *testing.T) {
	incidents := tableOf(t, "## Known incidents elsewhere")
	for _, row := range append(incidents, tableOf(t, "## Attacks")...) {
		if !namesTest(row[1]) {
			t.Errorf("no test is named for: %s", row[0])
		}
	}
	seen := map[string]bool{}
	for _, row := range incidents {
		for _, number := range regexp.MustCompile(`(?:CVE|GHSA|GO)-[0-9a-z-]+[0-9a-z]`).FindAllString(row[0], -1) {
			if seen[number] {
				t.Errorf("%s has two rows", number)
			}
			seen[number] = true
		}
	}
}

func namesTest(cell string) bool {
	return regexp.MustCompile("`(?:Test|Fuzz)[A-Za-z0-9]+`|\\.mjs`: \"").MatchString(cell)
}

// tableOf are the rows of the tables below a heading.
func tableOf(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	_, below, _ := strings.Cut(read(t, securityTests), "\n"+heading+"\n")
	below, _, _ = strings.Cut(below, "\n## ")
	for line := range strings.Lines(below) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "|---") {
			rows = rows[:len(rows)-1] // the line above is the table's head
		} else if strings.HasPrefix(line, "|") {
			rows = append(rows, strings.Split(strings.Trim(line, "| "), " | "))
		}
	}
	if len(rows) < 10 {
		t.Fatalf("%s: %d rows", heading, len(rows))
	}
	return rows
}

package sessionguard_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pageLink     = regexp.MustCompile(`\]\(([^)]+)\)`)
	fencedBlock  = regexp.MustCompile("(?ms)^```.*?^```$")
	pageHeading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// Every link between the pages, and to a section of one, leads somewhere.
func TestLinksOfTheDocumentation(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "client/*.md", "examples/*/*.md", "e2e/*/*.md"} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, matches...)
	}
	for _, page := range pages {
		links := pageLink.FindAllStringSubmatch(fencedBlock.ReplaceAllString(read(t, page), ""), -1)
		if page == "README.md" && len(links) == 0 {
			t.Error("README.md has no links")
		}
		for _, link := range links {
			path, section, _ := strings.Cut(link[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, link[1], err)
			} else if section != "" && !hasSection(read(t, target), section) {
				t.Errorf("%s links to %s, and %s has no such section", page, link[1], target)
			}
		}
	}
}

// hasSection knows the anchors that GitHub makes of headings.
func hasSection(text, section string) bool {
	for _, heading := range pageHeading.FindAllStringSubmatch(fencedBlock.ReplaceAllString(text, ""), -1) {
		if strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-") == section {
			return true
		}
	}
	return false
}

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReplaceTable(t *testing.T) {
	document := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(document, []byte("# Title\n\nbefore\n"+tableBegins+"old\n"+tableEnds+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"new\n", "newer\n"} {
		if err := replaceTable(document, table); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(document)
		if want := "# Title\n\nbefore\n" + tableBegins + table + tableEnds + "after\n"; err != nil || string(text) != want {
			t.Errorf("%v, %q, not %q", err, text, want)
		}
	}
	if err := os.WriteFile(document, []byte("no place\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceTable(document, "new\n"); err == nil {
		t.Error("a document without a place for the table was not noticed")
	}
	if text, _ := os.ReadFile(document); string(text) != "no place\n" {
		t.Errorf("it became %q", text)
	}
}

func TestComparisonLeavesNoFiles(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	if _, err := compare(t.Context(), options{caddy: filepath.Join(temporary, "missing"), sessions: 1}, new(machineLoad)); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{9, 1, 2}); m != 2 {
		t.Errorf("the median is %v", m)
	}
}

func TestPlotIsXML(t *testing.T) {
	picture := plot([]series{{"rules", []point{{10, 100 * time.Nanosecond}, {10_000, 150 * time.Nanosecond}}}})
	decoder := xml.NewDecoder(strings.NewReader(string(picture)))
	circles := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "circle" {
			circles++
		}
	}
	if circles != 2 {
		t.Errorf("%d points are drawn", circles)
	}
}

func TestForgedCookieHasTheFormOfAGenuineOne(t *testing.T) {
	for _, cookie := range []string{"session=aaaaaaaaaaaaaaa", "session=AAAAAAAAAAAAAAA"} {
		if forged := forge(cookie); forged == cookie || len(forged) != len(cookie) {
			t.Errorf("%q became %q", cookie, forged)
		}
	}
}

func TestSummaryComparesRoundByRound(t *testing.T) {
	bare := []price{{100, 1000, 5}, {200, 1000, 4}, {400, 1000, 3}}
	dear := []price{{150, 1100, 4}, {300, 1200, 3}, {600, 1300, 2}}
	r := summarize(probe{name: "dear", most: limit{1.4, 1.3}}, dear, bare)
	if r.cpu != 300 || r.ratio != 1.5 || r.memory != 1200 || r.memoryRatio != 1.2 || r.perSecond != 3 {
		t.Errorf("%+v", r)
	}
	cheap := summarize(probe{name: "cheap", most: limit{1.1, 1.1}}, bare, bare)
	if err := check([]result{cheap}); err != nil {
		t.Error(err)
	}
	if err := check([]result{cheap, r}); err == nil || !strings.Contains(err.Error(), "dear: 1.50 times the CPU time") || strings.Contains(err.Error(), "memory") {
		t.Errorf("it is told as %v", err)
	}
	r.most = limit{2, 1.1}
	if err := check([]result{r}); err == nil || !strings.Contains(err.Error(), "dear: 1.20 times the memory") {
		t.Errorf("it is told as %v", err)
	}
}

func TestLoadIsARange(t *testing.T) {
	l := machineLoad{least: 1e9, most: 1e9}
	l.note()
	if l.least >= 1e9 || l.most != 1e9 || strings.Count(l.String(), " to ") != 1 {
		t.Errorf("%s", &l)
	}
}

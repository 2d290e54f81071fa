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

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// The table stands between these lines of the document.
const (
	tableBegins = "<!-- written by make bench -->\n"
	tableEnds   = "<!-- end -->\n"
)

// markdown is the table, with what it was measured on.
func markdown(results []result, o options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %s/%s, %s. %s: %d rounds of %d requests each, %d connections, %d sessions.\n\n",
		processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		time.Now().UTC().Format(time.DateOnly), o.rounds, o.requests, connections, o.sessions)
	b.WriteString("| request | CPU of Caddy per request | ratio to the bare proxy | requests per second |\n|---|---:|---:|---:|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %.1f µs | %.2f | %.0f |\n", r.name, float64(r.cpu)/float64(time.Microsecond), r.ratio, r.perSecond)
	}
	return b.String()
}

// processor is the name of the machine's processor.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // only for the caption
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// replaceTable puts the table into the document.
func replaceTable(document, table string) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the table: the lines %q and %q", document, tableBegins, tableEnds)
	}
	return os.WriteFile(document, []byte(before+tableBegins+table+tableEnds+after), 0o644)
}

package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// The table stands between these lines of the document.
const (
	tableBegins = "<!-- written by make bench -->\n"
	tableEnds   = "<!-- end -->\n"
)

// markdown is the table, with what it was measured on.
func markdown(results []result, o options, machine *machineLoad) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %s/%s, %s. %s: %d rounds of %d requests each, %d connections, %d sessions. Load of the machine: %s.\n\n",
		processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		time.Now().UTC().Format(time.DateOnly), o.rounds, o.requests, connections, o.sessions, machine)
	b.WriteString("| request | CPU per request | ratio to the bare proxy | memory per request | requests per second |\n|---|---:|---:|---:|---:|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %.1f µs | %.2f | %.1f KiB | %.0f |\n", r.name, float64(r.cpu)/float64(time.Microsecond), r.ratio, r.memory/1024, r.perSecond)
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

// machineLoad is the load average of the last minute, as it was while something
// was measured: ratios can be trusted on a busy machine, times cannot.
type machineLoad struct{ least, most float64 }

// note takes the load of this moment in.
func (l *machineLoad) note() {
	line, _ := os.ReadFile("/proc/loadavg") // only for the caption
	first, _, _ := strings.Cut(string(line), " ")
	now, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return
	}
	if l.most == 0 {
		l.least = now
	}
	l.least, l.most = min(l.least, now), max(l.most, now)
}

// String is the range of the load. The bench itself makes about 2.
func (l *machineLoad) String() string { return fmt.Sprintf("%.1f to %.1f", l.least, l.most) }

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

// Command bench measures what the guard costs: it starts Caddy with a bare
// reverse proxy, with the guard and with forward_auth, side by side, sends them
// the same requests in turn, and compares the CPU time that Caddy's process
// spends on each. CPU time and ratios within one run say something on a busy
// machine too; the time on a clock does not.
//
// Run it with `make bench`. It writes its table into docs/performance.md and its
// plot beside it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	caddy    string // the binary
	rounds   int
	requests int // of each case in each round
	sessions int // distinct ones, more than the cache holds
	document string
	plot     string
}

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.caddy, "caddy", ".bin/caddy", "the Caddy binary with this module")
	flag.IntVar(&o.rounds, "rounds", 11, "how often each case is measured, in turn with the others")
	flag.IntVar(&o.requests, "requests", 10_000, "requests of each case in each round")
	flag.IntVar(&o.sessions, "sessions", 100_000, "distinct sessions of the case `unseen`")
	flag.StringVar(&o.document, "document", "docs/performance.md", "the file whose table is replaced")
	flag.StringVar(&o.plot, "plot", "docs/performance.svg", "the file for the plot")
	flag.Parse()

	results, err := compare(ctx, o)
	if err != nil {
		return err
	}
	table := markdown(results, o)
	fmt.Print(table)
	if err := replaceTable(o.document, table); err != nil {
		return err
	}
	series, err := scaling(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(o.plot, plot(series), 0o644)
}

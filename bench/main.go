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
	nextjs   string // the server script of the app that is built in bench/nextjs
	rounds   int
	requests int  // of each case in each round
	sessions int  // distinct ones, so many that the case `unseen` sees none twice
	check    bool // only the limits; nothing is written
	proxyLog bool // Caddy's proxy has its log, as it does unless told otherwise
	document string
	plot     string
}

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.caddy, "caddy", ".bin/caddy", "the Caddy binary with this module")
	flag.StringVar(&o.nextjs, "nextjs", "bench/nextjs/.next/standalone/server.js", "the built app with a check of its own; '' leaves it out")
	flag.IntVar(&o.rounds, "rounds", 11, "how often each case is measured, in turn with the others")
	flag.IntVar(&o.requests, "requests", 10_000, "requests of each case in each round")
	flag.IntVar(&o.sessions, "sessions", 120_000, "distinct sessions: requests × (rounds + 1) or more, so that the case `unseen` sees none twice")
	flag.BoolVar(&o.check, "check", false, "fail if a case costs more than its limit; write no file")
	flag.BoolVar(&o.proxyLog, "proxy-log", true, "false leaves out the log of Caddy's proxy, to see what it costs; writes no file then")
	flag.StringVar(&o.document, "document", "docs/performance.md", "the file whose table is replaced")
	flag.StringVar(&o.plot, "plot", "docs/performance.svg", "the file for the plot")
	flag.Parse()
	if asked := o.requests * (o.rounds + 1); o.sessions < asked {
		return fmt.Errorf("-sessions must be at least %d: a full cache keeps what it has, and would know those that come twice", asked)
	}

	var machine machineLoad
	results, err := compare(ctx, o, &machine)
	if err != nil {
		return err
	}
	table := markdown(results, o, &machine)
	fmt.Print(table)
	if o.check {
		return check(results)
	}
	if !o.proxyLog {
		return nil
	}
	if err := replaceTable(o.document, table); err != nil {
		return err
	}
	series, err := scaling(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(o.plot, plot(series), 0o644)
}

// Package cputime tells what a test costs, whatever else the machine does meanwhile.
package cputime

import "time"

// Of returns the CPU time that the process spends while f runs, on all of its
// threads. Where the system does not tell, it is the time that passes.
func Of(f func()) time.Duration {
	before := spent()
	f()
	return spent() - before
}

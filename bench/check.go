package main

import (
	"errors"
	"fmt"
)

// limit is the most that a case may cost, as a ratio to the bare proxy. Memory
// strays by a hundredth from run to run, so its limit is two above what was
// measured. CPU time strays by a tenth and more on a busy machine, so its limit
// only finds what has become a different kind of slow.
type limit struct{ cpu, memory float64 }

// check reports every case that is over its limit.
func check(results []result) error {
	var errs []error
	for _, r := range results {
		if r.most.cpu > 0 && r.ratio > r.most.cpu {
			errs = append(errs, fmt.Errorf("%s: %.2f times the CPU time of the bare proxy, at most %.2f is allowed", r.name, r.ratio, r.most.cpu))
		}
		if r.most.memory > 0 && r.memoryRatio > r.most.memory {
			errs = append(errs, fmt.Errorf("%s: %.2f times the memory of the bare proxy, at most %.2f is allowed", r.name, r.memoryRatio, r.most.memory))
		}
	}
	return errors.Join(errs...)
}

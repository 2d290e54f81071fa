package session

import (
	"strconv"
	"strings"
	"time"
)

// FormatDuration writes a duration as it stands in a configuration: 30d, 1h30m,
// 15m. A day has 24 hours. Whole days are written as such, and no unit that is
// zero.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	written := d.String()
	if strings.HasSuffix(written, "m0s") {
		written = strings.TrimSuffix(written, "0s")
	}
	if strings.HasSuffix(written, "h0m") {
		written = strings.TrimSuffix(written, "0m")
	}
	return written
}

package session_test

import (
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

func TestFormatDuration(t *testing.T) {
	for duration, expected := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", 100 * time.Second: "1m40s", 15 * time.Minute: "15m", 20 * time.Minute: "20m", time.Hour: "1h", 10 * time.Hour: "10h",
		90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 24 * time.Hour: "1d", 36 * time.Hour: "36h", 720 * time.Hour: "30d",
		1500 * time.Millisecond: "1.5s", -24 * time.Hour: "-1d",
	} {
		if written := session.FormatDuration(duration); written != expected {
			t.Errorf("%v is written %s, not %s", duration, written, expected)
		}
	}
}

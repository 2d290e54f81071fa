package session_test

import (
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

// A node that is cut off refreshes a copy of a cookie whose session was ended on another.
// When it hears of the end, the session stays over for as long as what it has sealed
// could live.
func TestSignOutOutlivesWhatACutOffNodeSeals(t *testing.T) {
	for name, test := range map[string]struct {
		longest     time.Duration
		maxLifetime time.Duration
		cutOff      time.Duration
		ahead       time.Duration // the cut-off node's clock
	}{
		"within the grace, its clock ahead": {longest: 2 * time.Minute, cutOff: 55 * time.Second, ahead: 30 * time.Second},
		"just before the grace is over":     {longest: 2 * time.Minute, cutOff: 2 * time.Minute, ahead: 59 * time.Second},
		"no limit":                          {longest: session.LongestDuration, cutOff: 3 * day},
		"no limit at all":                   {longest: session.LongestDuration, maxLifetime: session.NoMaxLifetime, cutOff: 100 * day},
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{now: noon}
			onA, onB := &told{RevocationSet: session.NewRevocationSet(c.Now)}, session.NewRevocationSet(c.Now)
			node := func(set session.Revocations, ahead time.Duration) *session.Manager {
				m, _ := newManager(t, func(s *session.Settings) {
					s.Revocations, s.Now = set, func() time.Time { return c.Now().Add(ahead) }
					s.LongestOutage, s.MaxLifetime = test.longest, test.maxLifetime
				})
				return m
			}
			a, b := node(onA, 0), node(onB, test.ahead)
			old := signIn(t, a, alice())
			copied := old
			c.Add(time.Hour)
			must(t, read(t, a, request(old)).Delete(t.Context()))
			var stolen *session.Session
			for end := c.Now().Add(test.cutOff); ; c.Add(min(day, end.Sub(c.Now()))) {
				v := read(t, b, request(copied))
				must(t, v.Refresh(t.Context()))
				if sent := sentCookie(t, v); sent != "" {
					copied, stolen = sent, v.Session()
				}
				if !c.Now().Before(end) {
					break
				}
			}
			for _, r := range onA.ends {
				onB.Add(r)
			}
			for _, left := range []time.Duration{time.Hour, time.Second} {
				c.Add(stolen.ExpiresAt.Sub(c.Now()) - left)
				for name, m := range map[string]*session.Manager{"A": a, "B": b} {
					if read(t, m, request(copied)).Session() != nil {
						t.Errorf("%s: %v before its expiry, the session is alive again", name, left)
					}
				}
			}
		})
	}
}

// No state of a session lives longer than MaxLifetime, so no end is remembered longer.
// Without one, browsers keep no cookie for more than 400 days.
func TestSignOutIsForgottenWhenNothingCanLive(t *testing.T) {
	for name, test := range map[string]struct {
		longest, age, want, lifetime time.Duration
	}{
		"next to none":                  {time.Second, day, 7*day + time.Second, 0},
		"a grace":                       {time.Minute, day, 7*day + time.Minute, 0},
		"a grace, near MaxLifetime":     {time.Minute, 29 * day, day, 0},
		"no limit":                      {session.LongestDuration, day, 29 * day, 0},
		"by default no limit":           {0, day, 29 * day, 0},
		"no limit, short of the expiry": {session.LongestDuration, 30*day - time.Hour, time.Hour, 0},
		"no limit, no MaxLifetime":      {0, day, 7*day + 400*day, session.NoMaxLifetime},
		"a grace, no MaxLifetime":       {time.Minute, 29 * day, 7*day + time.Minute, session.NoMaxLifetime},
	} {
		c := &clock{now: noon}
		set := &told{RevocationSet: session.NewRevocationSet(c.Now)}
		m, _ := newManager(t, func(s *session.Settings) {
			s.Revocations, s.Now, s.LongestOutage, s.MaxLifetime = set, c.Now, test.longest, test.lifetime
		})
		cookie := signIn(t, m, alice())
		for end := noon.Add(test.age); c.Now().Before(end); {
			c.Add(min(5*day, end.Sub(c.Now())))
			v := read(t, m, request(cookie))
			must(t, v.Refresh(t.Context()))
			cookie = strings.Join(cookiePairs(setCookies(t, v)), "; ")
		}
		must(t, read(t, m, request(cookie)).Delete(t.Context()))
		if got := set.ends[0].Until.Sub(c.Now()); got != test.want+time.Minute { // what clocks may differ by
			t.Errorf("%s: remembered for %v, want %v", name, got, test.want)
		}
	}
}

// Nor is an end that names no session at hand.
func TestEndOfAllIsForgottenWhenNothingCanLive(t *testing.T) {
	for name, test := range map[string]struct{ expiry, lifetime, want time.Duration }{
		"by default":                    {0, 0, 30 * day},
		"a short MaxLifetime":           {day, 2 * day, 2 * day},
		"no MaxLifetime":                {day, session.NoMaxLifetime, 400 * day},
		"no MaxLifetime, a long expiry": {500 * day, session.NoMaxLifetime, 500 * day},
	} {
		set := &told{RevocationSet: session.NewRevocationSet(func() time.Time { return noon })}
		m, _ := newManager(t, func(s *session.Settings) { s.Revocations, s.Expiry, s.MaxLifetime = set, test.expiry, test.lifetime })
		for _, err := range []error{
			m.RevokeUser(t.Context(), "alice", ""), m.RevokeEveryone(t.Context()), m.RevokeSession(t.Context(), "an-id"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, end := range set.ends {
			if got := end.Until.Sub(noon); got != test.want+time.Minute { // what clocks may differ by
				t.Errorf("%s: %+v is remembered for %v, want %v", name, end, got, test.want)
			}
		}
	}
}

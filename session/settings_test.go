package session_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
)

const day = 24 * time.Hour

func TestZeroSettingsAreTheDocumentedDefaults(t *testing.T) {
	m := mustManager(t, session.Settings{}, mustKeyring(t, "", secretA))
	s := m.Settings()
	for name, ok := range map[string]bool{
		"realm":             s.Realm == "default",
		"cookie_name":       s.CookieName == "session",
		"cookie_prefix":     s.CookiePrefix == "auto",
		"cookie_path":       s.CookiePath == "/" && s.CookieDomain == "",
		"secure_cookie":     s.SecureCookie == "auto",
		"same_site":         s.SameSite == "lax",
		"cookie_lifetime":   !s.BrowserLifetime,
		"expiry":            s.Expiry == 7*day,
		"refresh_threshold": s.RefreshThreshold == day,
		"max_lifetime":      s.MaxLifetime == 30*day,
		"auto_refresh":      !s.NoAutoRefresh,
		"client_update":     len(s.ClientUpdate) == 0,
		"expose_tokens":     !s.ExposeTokens,
		"identity_headers":  s.IdentityHeaders == "on",
		"forward_cookie":    !s.ForwardCookie,
	} {
		if !ok {
			t.Errorf("%s has another default: %+v", name, s)
		}
	}
	m = mustManager(t, session.Settings{Realm: "shop"}, mustKeyring(t, "shop", secretA))
	if name := m.Settings().CookieName; name != "session_shop" {
		t.Errorf("cookie_name of a named realm: %q", name)
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		settings session.Settings
		wrong    []string // parts of the error; none if it holds
	}{
		"nothing":              {session.Settings{}, nil},
		"a shared domain":      {session.Settings{CookieDomain: "example.com"}, nil},
		"a domain with a dot":  {session.Settings{CookieDomain: ".example.com"}, nil},
		"expiry at the limit":  {session.Settings{Expiry: 30 * day}, nil},
		"no limit":             {session.Settings{Expiry: 400 * day, MaxLifetime: session.NoMaxLifetime}, nil},
		"same_site none":       {session.Settings{SameSite: "none"}, nil},
		"threshold above":      {session.Settings{RefreshThreshold: 8 * day}, nil},
		"prefix none":          {session.Settings{CookiePrefix: "none", SecureCookie: "never"}, nil},
		"prefix":               {session.Settings{CookiePrefix: "Host"}, []string{`cookie_prefix cannot be "Host"; write one of: auto, host, secure, none`}},
		"secure":               {session.Settings{SecureCookie: "on"}, []string{`secure_cookie cannot be "on"`}},
		"same_site":            {session.Settings{SameSite: "Lax"}, []string{`same_site cannot be "Lax"`}},
		"identity_headers":     {session.Settings{IdentityHeaders: "yes"}, []string{`identity_headers cannot be "yes"`}},
		"name with a space":    {session.Settings{CookieName: "my session"}, []string{`cookie_name "my session"`}},
		"name with =":          {session.Settings{CookieName: "a=b"}, []string{`cookie_name "a=b"`}},
		"name with ;":          {session.Settings{CookieName: "a;b"}, []string{`cookie_name "a;b"`}},
		"name not ASCII":       {session.Settings{CookieName: "é"}, []string{"cookie_name"}},
		"name with a prefix":   {session.Settings{CookieName: "__hOsT-session"}, []string{"cookie_prefix puts it in front"}},
		"name with another":    {session.Settings{CookieName: "__Secure-session"}, []string{"cookie_prefix puts it in front"}},
		"name with a new one":  {session.Settings{CookieName: "__Http-session"}, []string{"cookie_prefix puts it in front"}},
		"name with both":       {session.Settings{CookieName: "__Host-Http-session"}, []string{"cookie_prefix puts it in front"}},
		"name of a kilobyte":   {session.Settings{CookieName: strings.Repeat("n", 1024)}, []string{"cookie_name"}},
		"relative path":        {session.Settings{CookiePath: "app"}, []string{`cookie_path "app"`}},
		"path with *":          {session.Settings{CookiePath: "/app/*"}, []string{`cookie_path "/app/*" is not a plain path; write it without *`}},
		"path with ;":          {session.Settings{CookiePath: "/a;Secure"}, []string{"cookie_path"}},
		"path with a break":    {session.Settings{CookiePath: "/a\r\nX: y"}, []string{"cookie_path"}},
		"domain with ;":        {session.Settings{CookieDomain: "example.com;x"}, []string{"cookie_domain"}},
		"domain of two dots":   {session.Settings{CookieDomain: "example..com"}, []string{"cookie_domain"}},
		"domain with a hyphen": {session.Settings{CookieDomain: "-example.com"}, []string{"cookie_domain"}},
		"none without Secure":  {session.Settings{SameSite: "none", SecureCookie: "never"}, []string{"same_site none needs a Secure cookie"}},
		"host without Secure":  {session.Settings{CookiePrefix: "host", SecureCookie: "never"}, []string{"cookie_prefix host needs a Secure cookie"}},
		"secure without it":    {session.Settings{CookiePrefix: "secure", SecureCookie: "never"}, []string{"cookie_prefix secure needs a Secure cookie"}},
		"host with a domain":   {session.Settings{CookiePrefix: "host", CookieDomain: "example.com"}, []string{"cookie_prefix host forbids a domain"}},
		"host with a path":     {session.Settings{CookiePrefix: "host", CookiePath: "/app"}, []string{"cookie_prefix host needs the path /"}},
		"nanoseconds":          {session.Settings{Expiry: 7}, []string{"expiry 7ns is shorter than a second"}},
		"negative expiry":      {session.Settings{Expiry: -time.Hour}, []string{"expiry must be above zero"}},
		"negative threshold":   {session.Settings{RefreshThreshold: -1}, []string{"refresh_threshold"}},
		"negative limit":       {session.Settings{MaxLifetime: -time.Hour}, []string{"max_lifetime"}},
		"expiry above limit":   {session.Settings{Expiry: 31 * day}, []string{"expiry 31d is above max_lifetime 30d"}},
		"endless expiry":       {session.Settings{Expiry: math.MaxInt64, MaxLifetime: session.NoMaxLifetime}, []string{"expiry is longer than 100 years"}},
		"endless limit":        {session.Settings{MaxLifetime: math.MaxInt64}, []string{"max_lifetime is longer than 100 years"}},
		"all at once": {
			session.Settings{SameSite: "x", CookieName: "a b", CookiePath: "p", Expiry: -1},
			[]string{"same_site", "cookie_name", "cookie_path", "expiry"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.settings.Validate()
			if len(tc.wrong) == 0 && err != nil {
				t.Errorf("refused: %v", err)
			}
			for _, part := range tc.wrong {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("the error is %v, which does not say %q", err, part)
				}
			}
			if _, managerErr := session.NewManager(tc.settings, mustKeyring(t, "", secretA)); (managerErr == nil) != (err == nil) {
				t.Errorf("NewManager says %v, Validate %v", managerErr, err)
			}
		})
	}
}

func TestShouldRefresh(t *testing.T) {
	created := noon
	for name, tc := range map[string]struct {
		settings session.Settings
		age      time.Duration // of the session, since the sign-in
		left     time.Duration
		want     bool
	}{
		"fresh":                             {session.Settings{}, 0, 7 * day, false},
		"a day and a bit left":              {session.Settings{}, 6 * day, day + time.Millisecond, false},
		"exactly the threshold left":        {session.Settings{}, 6 * day, day, false},
		"less than the threshold left":      {session.Settings{}, 6 * day, day - time.Millisecond, true},
		"at the absolute end":               {session.Settings{}, 29*day + 12*time.Hour, 12 * time.Hour, false},
		"the end moves by a minute":         {session.Settings{}, 29*day + 12*time.Hour, 12*time.Hour - time.Minute, true},
		"the end moves by less":             {session.Settings{}, 29*day + 12*time.Hour, 12*time.Hour - time.Minute + time.Millisecond, false},
		"threshold at expiry, used at once": {session.Settings{RefreshThreshold: 7 * day}, time.Second, 7*day - time.Second, false},
		"threshold at expiry, a minute on":  {session.Settings{RefreshThreshold: 7 * day}, time.Minute, 7*day - time.Minute, true},
		"threshold above expiry":            {session.Settings{RefreshThreshold: 30 * day}, time.Minute, 7*day - time.Minute, true},
		"expiry was raised":                 {session.Settings{Expiry: 14 * day, RefreshThreshold: 14 * day}, time.Hour, 7*day - time.Hour, true},
		"expiry was lowered":                {session.Settings{Expiry: time.Hour, RefreshThreshold: time.Hour}, day, 6 * day, false},
		"no absolute end":                   {session.Settings{MaxLifetime: session.NoMaxLifetime}, 1000 * day, time.Hour, true},
		"expiry of less than a minute":      {session.Settings{Expiry: 50 * time.Second, RefreshThreshold: 50 * time.Second}, time.Second, time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			now := created.Add(tc.age)
			s := &session.Session{CreatedAt: created, ExpiresAt: now.Add(tc.left)}
			if got := tc.settings.ShouldRefresh(s, now); got != tc.want {
				t.Errorf("%v, not %v", got, tc.want)
			}
		})
	}
}

// At the absolute end nothing moves any more, but access tokens grow old there too.
func TestRefresherIsAskedToTheEnd(t *testing.T) {
	settings := session.Settings{Expiry: 8 * time.Hour, RefreshThreshold: 7*time.Hour + 15*time.Minute, Refresher: &refresher{}}
	for name, tc := range map[string]struct {
		age, used time.Duration // since the sign-in, and since the last refresh
		want      bool
	}{
		"early, used a moment ago":       {3 * day, 44 * time.Minute, false},
		"early, used before":             {3 * day, 46 * time.Minute, true},
		"the end moves by seconds":       {30*day - 8*time.Hour + 46*time.Minute - 10*time.Second, 46 * time.Minute, true},
		"near the end, used a while ago": {30*day - 7*time.Hour, 44 * time.Minute, false},
		"near the end, used before":      {30*day - 7*time.Hour, 46 * time.Minute, true},
		"at the end":                     {30*day - time.Minute, 46 * time.Minute, true},
	} {
		now := noon.Add(tc.age)
		used := now.Add(-tc.used)
		end := used.Add(settings.Expiry)
		if latest := noon.Add(30 * day); end.After(latest) {
			end = latest
		}
		s := &session.Session{CreatedAt: noon, LastActivity: used, ExpiresAt: end}
		if got := settings.ShouldRefresh(s, now); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	settings.RefreshThreshold = settings.Expiry
	for used, want := range map[time.Duration]bool{59 * time.Second: false, time.Minute: true} {
		now := noon.Add(30*day - time.Hour)
		s := &session.Session{CreatedAt: noon, LastActivity: now.Add(-used), ExpiresAt: noon.Add(30 * day)}
		if got := settings.ShouldRefresh(s, now); got != want {
			t.Errorf("at every use, %v after the last: %v", used, got)
		}
	}
}

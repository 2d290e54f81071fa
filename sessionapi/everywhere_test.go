package sessionapi_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

// at is a request of the browser for a path below the API's.
func (s *site) at(method, below string, headers ...string) answer {
	s.t.Helper()
	r := s.request(method, "", headers...)
	r.URL.Path += below
	if !s.handler.Serves(r) {
		s.t.Fatalf("the API does not serve %s", r.URL.Path)
	}
	return s.send(r)
}

// onDevice swaps the browser: a user signs in on another one, as is returned.
func (s *site) onDevice(user string) map[string]string {
	s.t.Helper()
	s.now = s.now.Add(time.Second)
	s.cookies = map[string]string{}
	s.signIn(session.Login{User: session.User{"id": user}})
	return maps.Clone(s.cookies)
}

// signedInOn reports whether the browser with these cookies has a session.
func (s *site) signedInOn(cookies map[string]string) bool {
	s.t.Helper()
	s.cookies = maps.Clone(cookies)
	return s.do(http.MethodGet, "").want(s.t, http.StatusOK).Session != nil
}

func TestDeleteAllEndsEverySessionOfTheUser(t *testing.T) {
	s := newSite(t, nil)
	phone, bobs, laptop := s.onDevice("ann"), s.onDevice("bob"), s.onDevice("ann")
	a := s.at(http.MethodDelete, "/all").want(t, http.StatusOK)
	if a.text != `{"session":null}` || len(s.cookies) != 0 {
		t.Errorf("body %s, cookies left %v", a.text, s.cookies)
	}
	if s.signedInOn(phone) || s.signedInOn(laptop) || !s.signedInOn(bobs) {
		t.Error("not ann's sessions have ended, or not hers alone")
	}
	if again := s.onDevice("ann"); !s.signedInOn(again) {
		t.Error("ann cannot sign in again")
	}
}

func TestDeleteOthersLeavesThisSession(t *testing.T) {
	s := newSite(t, nil)
	phone, bobs, laptop := s.onDevice("ann"), s.onDevice("bob"), s.onDevice("ann")
	a := s.at(http.MethodDelete, "/others").want(t, http.StatusOK)
	if a.Session == nil || a.Session.User["id"] != "ann" {
		t.Errorf("body %s", a.text)
	}
	if s.signedInOn(phone) || !s.signedInOn(laptop) || !s.signedInOn(bobs) {
		t.Error("another session of ann is left, or one too many has ended")
	}
}

func TestEndingElsewhereNeedsASession(t *testing.T) {
	s := newSite(t, nil)
	for _, below := range []string{"/all", "/others"} {
		s.at(http.MethodDelete, below).want(t, http.StatusUnauthorized)
	}
}

// Cross-site request forgery: another site signs a visitor out everywhere.
func TestForeignPageCannotEndSessions(t *testing.T) {
	for _, below := range []string{"/all", "/others"} {
		s := newSite(t, nil)
		s.onDevice("ann")
		s.at(http.MethodDelete, below, "Sec-Fetch-Site: cross-site").want(t, http.StatusForbidden)
		if !s.signedInOn(s.cookies) {
			t.Errorf("%s ended the session", below)
		}
	}
}

// counting counts the ends that every node would keep.
type counting struct {
	*session.RevocationSet
	ends int
}

func (c *counting) Revoke(ctx context.Context, r session.Revocation) error {
	c.ends++
	return c.RevocationSet.Revoke(ctx, r)
}

// Resource exhaustion: each end of the others is kept on every node for weeks, and the
// session that asks stays. A reload does not begin anew.
func TestAttackByEndingTheOthersAllTheTime(t *testing.T) {
	kept := &counting{RevocationSet: session.NewRevocationSet(time.Now)}
	memory := new(session.Memory)
	configure := func(settings *session.Settings, _ *sessionapi.Config) {
		settings.Revocations, settings.Memory = kept, memory
	}
	s := newSite(t, configure)
	bobs, anns := s.onDevice("bob"), s.onDevice("ann")
	for range 60 {
		s.at(http.MethodDelete, "/others").want(t, http.StatusOK)
		s.now = s.now.Add(time.Second / 4)
	}
	s.manager.Close()
	reloaded := newSite(t, configure)
	reloaded.cookies, reloaded.now = anns, s.now
	for _, s := range []*site{s, reloaded} {
		a := s.at(http.MethodDelete, "/others").want(t, http.StatusTooManyRequests)
		if after := a.header.Get("Retry-After"); after != "45" {
			t.Errorf("Retry-After %q, want the rest of the minute", after)
		}
	}
	if kept.ends != 60 {
		t.Errorf("%d ends are kept, want 60", kept.ends)
	}
	if !s.signedInOn(bobs) {
		t.Fatal("bob is not signed in")
	}
	s.at(http.MethodDelete, "/others").want(t, http.StatusOK)
	s.signedInOn(anns)
	s.now = s.now.Add(45 * time.Second)
	s.at(http.MethodDelete, "/others").want(t, http.StatusOK)
}

// A prefetched link must not sign anybody out.
func TestSessionsAreEndedByDeleteOnly(t *testing.T) {
	s := newSite(t, nil)
	s.onDevice("ann")
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch} {
		a := s.at(method, "/all").want(t, http.StatusMethodNotAllowed)
		if got := a.header.Get("Allow"); got != http.MethodDelete {
			t.Errorf("%s: Allow %q", method, got)
		}
	}
}

func TestWithoutRevocationNothingStandsBelowThePath(t *testing.T) {
	s := newSite(t, func(_ *session.Settings, c *sessionapi.Config) { c.NoRevocation = true })
	s.onDevice("ann")
	for _, below := range []string{"/all", "/others"} {
		s.at(http.MethodDelete, below).want(t, http.StatusNotFound)
	}
	s.do(http.MethodDelete, "").want(t, http.StatusOK)
}

// failing is a shared set that nothing can be written to.
type failing struct{ *session.RevocationSet }

func (failing) Revoke(context.Context, session.Revocation) error { return session.ErrUnavailable }

func TestEndThatIsNotDurableIsNotReportedAsDone(t *testing.T) {
	for _, below := range []string{"/all", "/others"} {
		s := newSite(t, func(settings *session.Settings, _ *sessionapi.Config) {
			settings.Revocations = failing{session.NewRevocationSet(time.Now)}
		})
		s.onDevice("ann")
		r := s.request(http.MethodDelete, "")
		r.URL.Path += below
		recorder := httptest.NewRecorder()
		if err := s.handler.ServeHTTP(recorder, r); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%s: the log gets %v", below, err)
		}
		read(t, recorder).want(t, http.StatusServiceUnavailable)
	}
}

package caddymodule

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// referenceSection is the text of a section of docs/reference.md.
func referenceSection(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/reference.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the page has no section %s", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// Whoever asks why a header does not reach the app finds it in docs/reference.md.
func TestReferenceNamesEveryHeaderThatIsRemoved(t *testing.T) {
	section := strings.ToLower(referenceSection(t, "Request headers that are removed"))
	names := []string{"x-session-*", "x-nextjs-data"}
	for name := range internalHeaders {
		names = append(names, name)
	}
	for name := range forwardedHeaders {
		names = append(names, name)
	}
	for _, prefix := range internalPrefixes {
		names = append(names, prefix+"*")
	}
	for _, name := range names {
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("docs/reference.md does not say that %s is removed", name)
		}
	}
}

// The page names every placeholder and every decision.
func TestReferenceNamesPlaceholdersAndDecisions(t *testing.T) {
	section := referenceSection(t, "Placeholders")
	for _, name := range []string{
		"{http.auth.user.id}", "{http.session.id}", "{http.session.expires_at}", "{http.session.created_at}", "{http.session_guard.rule}",
		"{http.session_guard.decision}", "{http.session_guard.locale}", "{http.session_guard.kind}", string(decisionPass), string(decisionLogin),
		string(decisionHome), string(decisionForbidden), string(decisionOrigin), string(decisionAuthorize), string(decisionBad), string(decisionError),
	} {
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("docs/reference.md does not name %s", name)
		}
	}
}

package protocol

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestH2spec runs the conformance test of HTTP/2 against both, over TLS and in
// clear text.
func TestH2spec(t *testing.T) {
	binary := os.Getenv("H2SPEC")
	if binary == "" {
		t.Skip("H2SPEC does not name h2spec, so HTTP/2 was not compared; run make protocol")
	}
	s := start(t)
	for _, transport := range []struct {
		name, plain, guarded string
		flags                []string
	}{
		{"h2c", s.plain.port, s.guarded.port, nil},
		{"TLS", s.plainTLS, s.guardedTLS, []string{"-t", "-k"}},
	} {
		t.Run(transport.name, func(t *testing.T) {
			t.Parallel()
			var plain, guarded h2specResult
			var group sync.WaitGroup
			group.Go(func() { plain = h2spec(t, binary, transport.plain, transport.flags) })
			group.Go(func() { guarded = h2spec(t, binary, transport.guarded, transport.flags) })
			group.Wait()
			if plain.count < 140 || guarded.count != plain.count {
				t.Fatalf("h2spec ran %d tests against plain Caddy and %d with the guard", plain.count, guarded.count)
			}
			if worse(plain, guarded) != nil { // a busy machine may miss one of h2spec's time limits
				guarded = h2spec(t, binary, transport.guarded, transport.flags)
			}
			for _, name := range worse(plain, guarded) {
				t.Errorf("only with the guard fails: %s", name)
			}
			t.Logf("h2spec over %s: plain Caddy %s, with the guard %s; plain Caddy fails %q", transport.name, plain, guarded, plain.failed)
		})
	}
}

// worse are the tests that fail only with the guard.
func worse(plain, guarded h2specResult) []string {
	var only []string
	for _, name := range guarded.failed {
		if !slices.Contains(plain.failed, name) {
			only = append(only, name)
		}
	}
	return only
}

type h2specResult struct {
	count  int
	failed []string
}

// String is the number of tests that passed, of all.
func (r h2specResult) String() string {
	return strconv.Itoa(r.count-len(r.failed)) + "/" + strconv.Itoa(r.count)
}

// h2spec runs the program. Its own exit status does not matter: plain Caddy does
// not pass all of it either.
func h2spec(t *testing.T, binary, port string, flags []string) h2specResult {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.xml")
	output, runErr := exec.Command(binary, append([]string{"-h", "127.0.0.1", "-p", port, "-o", "4", "-j", report}, flags...)...).CombinedOutput()
	text, err := os.ReadFile(report)
	if err != nil {
		t.Errorf("h2spec: %v\n%s", runErr, output)
		return h2specResult{}
	}
	var parsed struct {
		Suites []struct {
			Cases []struct {
				Package   string    `xml:"package,attr"`
				ClassName string    `xml:"classname,attr"`
				Failure   *struct{} `xml:"failure"`
				Error     *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &parsed); err != nil {
		t.Error(err)
	}
	var result h2specResult
	for _, suite := range parsed.Suites {
		for _, c := range suite.Cases {
			result.count++
			if c.Failure != nil || c.Error != nil {
				result.failed = append(result.failed, c.Package+": "+strings.TrimSpace(c.ClassName))
			}
		}
	}
	return result
}

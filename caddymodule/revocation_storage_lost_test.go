package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/session"
)

const revocationsOfDefault = "session/default/revocations"

// endedElsewhere writes the file of a node that does not run any more.
func endedElsewhere(t *testing.T, folder string, ids ...string) {
	t.Helper()
	var content []byte
	for _, id := range ids {
		content = appendLine(content, entryOf(ended(id)))
	}
	revocations := filepath.Join(folder, revocationsOfDefault)
	require.NoError(t, errors.Join(os.MkdirAll(revocations, 0o700), os.WriteFile(filepath.Join(revocations, "deadbeef-0.jsonl"), content, 0o600)))
}

func wantLosses(t *testing.T, log string, want int) {
	t.Helper()
	wantLogged(t, log, want, "the shared revocations were lost")
}

// The storage loses everything, or one file. What all nodes that run wrote in the last
// hour is there again, whichever of them notices first, and the log says once for each
// that what another node wrote is lost.
func TestLostStorageGetsWhatNodesWroteInTheLastHour(t *testing.T) {
	const signOuts = 2*maxFileEntries + 100
	firstFiles := func(revocations string) error {
		first, err := filepath.Glob(filepath.Join(revocations, "*-0.jsonl"))
		if err == nil && len(first) != 3 {
			err = fmt.Errorf("there are %d files that were the first of a node", len(first))
		}
		for _, file := range first {
			err = errors.Join(err, os.Remove(file))
		}
		return err
	}
	for name, tc := range map[string]struct {
		lose     func(revocations string) error
		gone     []string // ended by a node that does not run any more
		wantLogs int
	}{
		"everything":        {os.RemoveAll, []string{"gone"}, 2},
		"the first files":   {firstFiles, []string{"gone"}, 2},
		"of nodes that run": {os.RemoveAll, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			logged := caddyLog(t)
			folder := t.TempDir()
			if len(tc.gone) > 0 {
				endedElsewhere(t, folder, tc.gone...)
			}
			synctest.Test(t, func(t *testing.T) {
				a, _ := nodeOn(t, folder, Outage{})
				b, _ := nodeOn(t, folder, Outage{})
				for i := range signOuts {
					for node, name := range map[*sharedRevocations]string{a: "a", b: "b"} {
						require.NoError(t, node.Revoke(t.Context(), ended(fmt.Sprint(name, i))))
					}
				}
				time.Sleep(time.Second)
				synctest.Wait()
				require.NoError(t, tc.lose(filepath.Join(folder, revocationsOfDefault)))
				time.Sleep(patience + 2*time.Second)
				synctest.Wait()
				late, _ := nodeOn(t, folder, Outage{})
				if sessions, _ := late.Size(); sessions != 2*signOuts {
					t.Errorf("a node that starts knows of %d ended sessions, want %d", sessions, 2*signOuts)
				}
				log := late.log.(*storageLog)
				for name, file := range log.files {
					if file.entries > maxFileEntries {
						t.Errorf("%s has %d entries", name, file.entries)
					}
				}
				stop(t, a, b, late)
			})
			wantLosses(t, logged(), tc.wantLogs)
		})
	}
}

// The command that the log advises acts on the realm that has lost its revocations.
func TestLossNamesItsRealm(t *testing.T) {
	for realm, want := range map[string]string{
		"default": `caddy session revoke --all","realm":"default"`, "shop": `caddy session revoke --all --realm shop","realm":"shop"`,
	} {
		t.Run(realm, func(t *testing.T) {
			logged := caddyLog(t)
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				stays, _ := nodeOfRealm(t, realm, folder, Outage{})
				ends, _ := nodeOfRealm(t, realm, folder, Outage{})
				require.NoError(t, ends.Revoke(t.Context(), ended("gone")))
				time.Sleep(2 * time.Second)
				stop(t, ends)
				require.NoError(t, os.RemoveAll(filepath.Join(folder, "session", realm)))
				time.Sleep(patience + 2*time.Second)
				synctest.Wait()
				stop(t, stays)
			})
			wantLosses(t, logged(), 1)
			if !strings.Contains(logged(), want) {
				t.Errorf("the log does not have %s:\n%s", want, logged())
			}
		})
	}
}

// Somebody restores an older copy of the storage, or a file is cut off. Its writer writes
// it again if it still runs; the log says it for each node that has read more if not.
func TestOlderCopyOfTheStorage(t *testing.T) {
	replaceFiles := func(pattern string, content func(file string) []byte) func(t *testing.T, revocations string) {
		return func(t *testing.T, revocations string) {
			t.Helper()
			files, err := filepath.Glob(filepath.Join(revocations, pattern))
			if err != nil || len(files) != 1 {
				t.Fatalf("%v, %v", files, err)
			}
			require.NoError(t, os.WriteFile(files[0], content(files[0]), 0o600))
		}
	}
	firstLine := func(file string) []byte {
		content, _ := os.ReadFile(file)
		return content[:strings.Index(string(content), "\n")+1]
	}
	empty := func(string) []byte { return nil }
	half := func(file string) []byte {
		content, _ := os.ReadFile(file)
		return content[:len(content)/2-1]
	}
	const signOuts = maxFileEntries + 5
	for name, tc := range map[string]struct {
		lose      func(t *testing.T, revocations string)
		wantLogs  int
		wantKnown int // to a node that starts
	}{
		"the open file":                    {replaceFiles("a-1.jsonl", firstLine), 0, signOuts + 2},
		"the open file, empty":             {replaceFiles("a-1.jsonl", empty), 0, signOuts + 2},
		"a closed file":                    {replaceFiles("a-0.jsonl", half), 0, signOuts + 2},
		"that of a node that runs no more": {replaceFiles("deadbeef-0.jsonl", firstLine), 2, signOuts + 1},
	} {
		t.Run(name, func(t *testing.T) {
			logged := caddyLog(t)
			folder := t.TempDir()
			endedElsewhere(t, folder, "gone", "gone too")
			synctest.Test(t, func(t *testing.T) {
				storage := &certmagic.FileStorage{Path: folder}
				log, err := new(StorageRevocation).Open("default", storage)
				require.NoError(t, err)
				log.(*storageLog).node = "a" // so that its files are told from the other one
				a := startNode(t, log, Outage{})
				b, _ := nodeOn(t, folder, Outage{})
				var all []session.Revocation
				for i := range signOuts {
					all = append(all, ended(fmt.Sprint(i)))
				}
				require.NoError(t, errors.Join(log.Append(t.Context(), all[:maxFileEntries]), log.Append(t.Context(), all[maxFileEntries:])))
				time.Sleep(time.Second)
				synctest.Wait()
				tc.lose(t, filepath.Join(folder, revocationsOfDefault))
				time.Sleep(patience + 2*time.Second)
				synctest.Wait()
				late, _ := nodeOn(t, folder, Outage{})
				if sessions, _ := late.Size(); sessions != tc.wantKnown {
					t.Errorf("a node that starts knows of %d ended sessions, want %d", sessions, tc.wantKnown)
				}
				if outages := a.Status().Outages + b.Status().Outages; outages != 0 {
					t.Errorf("there were %d outages", outages)
				}
				stop(t, a, b, late)
			})
			wantLosses(t, logged(), tc.wantLogs)
		})
	}
}

// The size that a storage tells need not be that of the content.
func TestStorageThatCompressesHasLostNothing(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		node, storage := nodeOn(t, folder, Outage{})
		storage.compresses.Store(true)
		require.NoError(t, node.Revoke(t.Context(), ended("one")))
		before := storage.stores.Load()
		time.Sleep(time.Minute)
		synctest.Wait()
		if again := storage.stores.Load() - before; again > 0 {
			t.Errorf("the file was written again %d times", again)
		}
		stop(t, node)
	})
}

// A file is needed until the last of its sessions has ended, not the one that was written last.
func TestLostFileIsWrittenAgainForItsLongestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		storage := &certmagic.FileStorage{Path: folder}
		log, err := new(StorageRevocation).Open("default", storage)
		require.NoError(t, err)
		l := log.(*storageLog)
		require.NoError(t, l.Append(t.Context(), []session.Revocation{{SessionID: "long", Until: time.Now().Add(time.Hour)}}))
		require.NoError(t, l.Append(t.Context(), []session.Revocation{{SessionID: "short", Until: time.Now().Add(time.Second)}}))
		add := func(session.Revocation) {}
		require.NoError(t, l.look(t.Context(), add))
		time.Sleep(time.Minute)
		lost, err := filepath.Glob(filepath.Join(folder, "session", "default", "revocations", "*.jsonl"))
		require.NoError(t, err)
		require.Len(t, lost, 1)
		require.NoError(t, os.Remove(lost[0]))
		require.NoError(t, l.look(t.Context(), add))
		_, err = os.Stat(lost[0])
		require.NoError(t, err, "the sign-out that still counts is lost")

		// When it has ended, others may delete the file: what comes next is in another one.
		time.Sleep(2 * time.Hour)
		require.NoError(t, l.Append(t.Context(), []session.Revocation{{SessionID: "later", Until: time.Now().Add(time.Hour)}}))
		files, err := filepath.Glob(filepath.Join(folder, "session", "default", "revocations", "*.jsonl"))
		require.NoError(t, err)
		assert.Len(t, files, 2)
	})
}

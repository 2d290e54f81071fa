package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// smallDisk says, in a process that may mount, where to mount a small disk.
const smallDisk = "CLUSTER_SMALL_DISK"

// TestFullDisk fills the disk on which the nodes share their revocations. It runs
// itself again where it may mount a disk that is small.
func TestFullDisk(t *testing.T) {
	if folder := os.Getenv(smallDisk); folder != "" {
		onFullDisk(t, folder)
		return
	}
	if os.Getenv("CADDY") == "" {
		t.Skip("CADDY does not name a Caddy with this plugin, so no full disk was tested; run make cluster")
	}
	folder := t.TempDir()
	for _, flags := range [][]string{{"--mount"}, {"--user", "--map-root-user", "--mount"}} {
		if exec.Command("unshare", append(flags, "mount", "-t", "tmpfs", "tmpfs", folder)...).Run() != nil {
			continue
		}
		command := exec.Command("unshare", append(flags, os.Args[0], "-test.run=^TestFullDisk$", "-test.v", "-test.timeout=2m")...)
		command.Env = append(os.Environ(), smallDisk+"="+folder)
		output, err := command.CombinedOutput()
		t.Logf("%s", output)
		if err != nil {
			t.Error(err)
		}
		return
	}
	t.Skip("no disk can be mounted here (no unshare, or no right to use it), so no full disk was tested")
}

// fill writes until the disk is full, and returns the file to remove.
func fill(t *testing.T, folder string) string {
	t.Helper()
	name := filepath.Join(folder, "filler")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 512))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return name
}

func onFullDisk(t *testing.T, folder string) {
	if output, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	c := start(t, onStorage(folder))
	a, b, last := c.nodes[0], c.nodes[1], c.nodes[2]
	before, kept := a.signIn("before"), a.signIn("kept")
	during := make([]string, 10)
	for i := range during {
		during[i] = a.signIn(fmt.Sprint("during", i))
	}
	if status := last.signOut(before); status != http.StatusOK {
		t.Fatalf("sign-out: %d", status)
	}
	filler := fill(t, folder)
	for i, cookie := range during {
		n := c.nodes[i%len(c.nodes)]
		if status := n.signOut(cookie); status != http.StatusServiceUnavailable {
			t.Errorf("a sign-out on a full disk answered %d, want 503", status)
		}
		if n.knows(cookie) {
			t.Error("the sign-out does not hold on its own node")
		}
	}
	eventually(t, "a sign-out before the disk was full is lost", func() bool { return !b.knows(before) })
	if !b.knows(kept) || !last.knows(kept) {
		t.Error("a full disk ends sessions")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	for _, n := range c.nodes {
		for _, cookie := range during {
			eventually(t, "a sign-out on a full disk is lost", func() bool { return !n.knows(cookie) })
		}
	}
	if status := last.signOut(kept); status != http.StatusOK {
		t.Errorf("a sign-out after the outage answered %d", status)
	}
	t.Logf("after the disk was full: all %d sign-outs known everywhere within %s, lost: none", len(during), time.Since(freed).Round(time.Millisecond))
}

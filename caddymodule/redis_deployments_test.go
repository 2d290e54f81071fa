package caddymodule

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/session-guard/caddy-session-guard/internal/freeport"
)

// wantSharing checks that what one node revokes and lists, the other knows.
func wantSharing(t *testing.T, url, id string) {
	t.Helper()
	a, b := listingOn(t, nodeAt(t, url), nil), listingOn(t, nodeAt(t, url), nil)
	require.NoError(t, a.set.Revoke(t.Context(), ended(id)))
	eventually(t, 5*time.Second, "the other node does not learn of the revocation", isEnded(t, b.set, id))
	a.signIn(t, id)
	eventually(t, 5*time.Second, "the other node does not list the session", func() bool {
		listed, err := b.Sessions(id)
		return err == nil && len(listed) == 1
	})
	before := time.Now().Add(-time.Second)
	a.set.Update(updatedNow(id))
	eventually(t, 5*time.Second, "the other node does not learn of the update", func() bool { return b.set.UpdatedAfter(id, before) })
	a.stop(t)
	b.stop(t)
}

// The user may do no more than the documentation says.
func TestRedisWithACL(t *testing.T) {
	s := startRedis(t, strings.Fields("--user default off --user caddy on >p4ss-w0rd ~session:* +@connection +@transaction +@stream +@hash +expire")...)
	wantSharing(t, "redis://caddy:p4ss-w0rd@127.0.0.1:"+s.port+"/0", "one")
	wrong := nodeAt(t, "redis://caddy:wrong@127.0.0.1:"+s.port+"/0")
	err := wrong.Revoke(t.Context(), ended("two"))
	if err == nil || strings.Contains(err.Error(), "wrong@") {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := wrong.Revoked(annsSession("three")); err == nil {
		t.Error("a node that was never let in does not fail closed")
	}
	wrong.cancel() // it has nobody to tell what is pending
	wrong.done.Wait()
	assert.NoError(t, wrong.log.Close())
}

// certificate makes a certificate of 127.0.0.1 that signs itself.
func certificate(t *testing.T) (certificateFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	folder := t.TempDir()
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600))
		return file
	}
	return write("cert.pem", "CERTIFICATE", signed), write("key.pem", "PRIVATE KEY", encoded)
}

// A process reads the certificates that it trusts once, so the nodes run in one
// that is started for it.
func TestRedisOverTLS(t *testing.T) {
	if url := os.Getenv("TEST_REDIS_TLS_URL"); url != "" {
		wantSharing(t, url, "one")
		return
	}
	certificateFile, keyFile := certificate(t)
	address := freeport.For(t)
	s := startRedisAt(t, address, "--port", "0", "--tls-port", address, "--tls-auth-clients", "no",
		"--tls-cert-file", certificateFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certificateFile)
	url := "rediss://127.0.0.1:" + s.port + "/0"
	nodes := exec.Command(os.Args[0], "-test.run=^TestRedisOverTLS$", "-test.timeout=60s")
	nodes.Env = append(os.Environ(), "TEST_REDIS_TLS_URL="+url, "SSL_CERT_FILE="+certificateFile)
	if output, err := nodes.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
	// Somebody in the middle has a certificate of their own.
	untrusting := nodeAt(t, url)
	assert.True(t, untrusting.Status().Outage, "a certificate that nobody trusts was accepted")
	stop(t, untrusting)
}

// The master dies, a sentinel promotes its replica, and nothing is lost.
func TestRedisSentinel(t *testing.T) {
	master := startRedis(t)
	replica := startRedis(t, "--replicaof", "127.0.0.1 "+master.port)
	eventually(t, 10*time.Second, "the replica does not follow", func() bool {
		return strings.Contains(replica.command("INFO", "replication"), "master_link_status:up")
	})
	port := freeport.For(t)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	config := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor sessions 127.0.0.1 %s 1\n"+
		"sentinel down-after-milliseconds sessions 500\nsentinel failover-timeout sessions 3000\n", port, master.port)
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	sentinel := exec.Command("redis-server", file, "--sentinel")
	require.NoError(t, sentinel.Start())
	t.Cleanup(func() { _ = sentinel.Process.Kill(); _ = sentinel.Wait() })
	answers(t, port)
	url := "redis://127.0.0.1:" + port + "/0?master_name=sessions"
	watcher := &redisServer{t: t, port: port}
	eventually(t, 15*time.Second, "the sentinel does not find the replica", func() bool {
		return strings.Contains(watcher.command("SENTINEL", "REPLICAS", "sessions"), replica.port)
	})

	a, b := nodeAt(t, url), nodeAt(t, url)
	require.NoError(t, a.Revoke(t.Context(), ended("before")))
	eventually(t, 5*time.Second, "before is lost", isEnded(t, b, "before"))
	master.kill()
	_ = a.Revoke(t.Context(), ended("during")) // kept, or done by the new master
	eventually(t, 30*time.Second, "during is lost", isEnded(t, b, "during"))
	eventually(t, 10*time.Second, "nobody writes to the new master", func() bool { return b.Revoke(t.Context(), ended("after")) == nil })
	eventually(t, 10*time.Second, "after is lost", isEnded(t, a, "after"))
	late := nodeAt(t, url)
	for _, id := range []string{"before", "during", "after"} {
		eventually(t, 5*time.Second, "a node that starts later does not know of "+id, isEnded(t, late, id))
	}
	stop(t, a, b, late)
}

// startClusterNode starts a server that notices soon that another is gone.
func startClusterNode(t *testing.T) *redisServer {
	t.Helper()
	return startRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0")
}

// startCluster starts three masters, of which each serves a third of the 16384 slots.
func startCluster(t *testing.T) []*redisServer {
	t.Helper()
	var nodes []*redisServer
	for i := range 3 {
		node := startClusterNode(t)
		node.command("CLUSTER", "ADDSLOTSRANGE", i*5461, map[bool]int{true: 16383, false: (i+1)*5461 - 1}[i == 2])
		nodes = append(nodes, node)
	}
	join(t, nodes)
	return nodes
}

// join has the first node of a cluster meet the others.
func join(t *testing.T, nodes []*redisServer) {
	t.Helper()
	for _, node := range nodes[1:] {
		nodes[0].command("CLUSTER", "MEET", "127.0.0.1", node.port)
	}
	for _, node := range nodes {
		eventually(t, 20*time.Second, "the cluster does not form", func() bool {
			info := node.command("CLUSTER", "INFO")
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", len(nodes)))
		})
	}
}

func clusterURL(nodes []*redisServer) string {
	return fmt.Sprintf("redis://127.0.0.1:%s?addr=127.0.0.1:%s", nodes[0].port, nodes[1].port)
}

func TestRedisCluster(t *testing.T) {
	wantSharing(t, clusterURL(startCluster(t)), "one")
}

// The master that serves the stream dies, and its replica is elected in its place.
func TestRedisClusterFailover(t *testing.T) {
	nodes := startCluster(t)
	slot, err := strconv.Atoi(nodes[0].command("CLUSTER", "KEYSLOT", "session:default:revocations"))
	require.NoError(t, err)
	master := nodes[min(slot/5461, 2)]
	replica := startClusterNode(t)
	join(t, append(nodes, replica))
	replica.command("CLUSTER", "REPLICATE", master.command("CLUSTER", "MYID"))
	eventually(t, 20*time.Second, "the replica does not follow", func() bool {
		return strings.Contains(replica.command("INFO", "replication"), "master_link_status:up")
	})
	a, b := nodeAt(t, clusterURL(nodes)), nodeAt(t, clusterURL(nodes))
	require.NoError(t, a.Revoke(t.Context(), ended("before")))
	eventually(t, 5*time.Second, "before is lost", isEnded(t, b, "before"))
	master.kill()
	eventually(t, 20*time.Second, "the replica is not elected", func() bool {
		return strings.Contains(replica.command("ROLE"), "master") && strings.Contains(replica.command("CLUSTER", "INFO"), "cluster_state:ok")
	})
	eventually(t, 10*time.Second, "nobody writes to the new master", func() bool { return a.Revoke(t.Context(), ended("after")) == nil })
	eventually(t, 10*time.Second, "nobody reads from the new master", func() bool { return !a.Status().Outage && !b.Status().Outage })
	for _, id := range []string{"before", "after"} {
		eventually(t, 5*time.Second, id+" is lost", isEnded(t, b, id))
	}
	stop(t, a, b)
}

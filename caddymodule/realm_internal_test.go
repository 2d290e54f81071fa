package caddymodule

import (
	"errors"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

// unready is a place of revocations that cannot be opened yet.
type unready struct{ NoRevocation }

func (*unready) Place() string { return "nowhere" }

func (*unready) Open(string, certmagic.Storage) (RevocationLog, error) {
	return nil, errors.New("not yet")
}

// provisionRealm is the default realm of a configuration of the app session.
func provisionRealm(t *testing.T, config string) *realm {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{AppsRaw: caddy.ModuleMap{"session": []byte(config)}})
	if err != nil {
		t.Fatal(err)
	}
	app, err := appOf(ctx)
	if err != nil {
		t.Fatal(err)
	}
	realm, err := app.realm("")
	if err != nil {
		t.Fatal(err)
	}
	return realm
}

// Every request tries to make the manager until one can. Each would leave a goroutine
// behind that maintains keys of its own.
func TestFailedManagersShareTheirKeys(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	realm := provisionRealm(t, `{}`)
	realm.revocationModule = new(unready)
	if _, err := realm.manager(t.Context()); err == nil || realm.keys == nil {
		t.Fatalf("%v, keys %v", err, realm.keys)
	}
	first := realm.keys
	if _, err := realm.manager(t.Context()); err == nil || realm.keys != first {
		t.Errorf("%v, the second attempt made keys of its own", err)
	}
}

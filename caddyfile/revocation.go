package caddyfile

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/session-guard/caddy-session-guard/caddymodule"
)

// revocationWord says where the ends of sessions are kept:
//
//	revocation off
//	revocation storage {
//		poll_interval <duration>
//		on_outage     closed|open
//		outage_grace  <duration>
//	}
//	revocation redis <url> {
//		on_outage    closed|open
//		outage_grace <duration>
//	}
//
// The URL is kept as it is written; {env.*} and {file.*} are resolved when the
// configuration is loaded.
func revocationWord(target *json.RawMessage) word {
	const usage = "revocation off | storage | redis <url>"
	return word{usage: usage, opensBlock: true, placeholder: true, set: func(b *block, l line) {
		if len(l.args) == 0 || len(l.args) != 1 && l.args[0] != "redis" {
			b.fail(l, "revocation takes the name of one module; write %s", usage)
			return
		}
		var module caddymodule.RevocationModule
		switch l.args[0] {
		case "off":
			module = new(caddymodule.NoRevocation)
			if len(l.block) > 0 {
				b.fail(l, "revocation off takes no block; remove the braces")
			}
		case "storage":
			storage := new(caddymodule.StorageRevocation)
			b.readInner(l, append([]word{{usage: "poll_interval <duration>", set: duration(&storage.PollInterval)}}, outageWords(&storage.Outage)...))
			module = storage
		case "redis":
			if len(l.args) != 2 {
				b.fail(l, "revocation redis takes one URL; write one such as revocation redis {env.REDIS_URL}")
				return
			}
			redis := &caddymodule.RedisRevocation{URL: l.args[1]}
			b.readInner(l, outageWords(&redis.Outage))
			module = redis
		default:
			b.fail(l, "revocation %q is not known; write one of: off, storage, redis", l.args[0])
			return
		}
		*target = caddyconfig.JSONModuleObject(module, "module", l.args[0], nil)
	}}
}

func outageWords(outage *caddymodule.Outage) []word {
	return []word{
		choice("on_outage closed|open", &outage.OnOutage),
		{usage: "outage_grace <duration>", set: duration(&outage.OutageGrace)},
	}
}

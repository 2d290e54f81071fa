package caddyfile

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/session-guard/caddy-session-guard/caddymodule"
)

// validateWord says who is asked whether a session is still good:
//
//	validate <url> {
//		timeout   <duration>
//		cache     <duration>|off
//		on_outage deny|keep
//	}
func validateWord(target **caddymodule.ValidateHook) word {
	return word{usage: "validate <url> [{ … }]", opensBlock: true, set: func(b *block, l line) {
		hook := new(caddymodule.ValidateHook)
		hook.Hook = httpHook(b, l,
			word{usage: "cache <duration>|off", set: cacheDuration(&hook.Cache)},
			choice("on_outage deny|keep", &hook.OnOutage))
		*target = hook
	}}
}

// cacheDuration takes a duration or off, which a cache of no length is, too.
func cacheDuration(target *caddymodule.OptionalDuration) setter {
	or := durationOrOff(target)
	return func(b *block, l line) {
		if len(l.args) == 1 && (l.args[0] == "0" || l.args[0] == "0s") {
			*target = caddymodule.Off
			return
		}
		or(b, l)
	}
}

// hookWord is for a hook that needs nothing but its URL:
//
//	on_refresh|authorize <url> {
//		timeout <duration>
//	}
func hookWord(name string, target *json.RawMessage) word {
	return word{usage: name + " <url> [{ … }]", opensBlock: true, set: func(b *block, l line) { *target = httpHook(b, l) }}
}

// httpHook reads the URL of a hook, and its block, in which more words may stand.
func httpHook(b *block, l line, more ...word) json.RawMessage {
	if len(l.args) != 1 {
		b.fail(l, "%s takes one URL, not %d; write one such as %s http://localhost:3000/hooks/%s", l.word, len(l.args), l.word, l.word)
		return nil
	}
	hook := &caddymodule.HTTPHook{URL: l.args[0]}
	wrongURL := hook.Validate()
	inner := b.readInner(l, append([]word{{usage: "timeout <duration>", set: duration(&hook.Timeout)}}, more...))
	if wrongURL != nil {
		b.fail(l, "%s: %w", l.word, wrongURL)
	} else if err := hook.Validate(); err != nil { // and so the timeout is wrong
		b.fail(inner.lines["timeout"], "%s: %w", l.word, err)
	}
	return caddyconfig.JSONModuleObject(hook, "module", "http", nil)
}

package caddymodule

import (
	"cmp"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/session-guard/caddy-session-guard/routes"
)

// log writes one line a request, at DEBUG.
func (g *Guard) log(v *visit) {
	c := g.logger.Check(zapcore.DebugLevel, "decided")
	if c == nil {
		return
	}
	fields := []zap.Field{
		v.logPath(), zap.String("kind", string(v.kind)), zap.String("rule", g.ruleName(v.match)),
		zap.String("decision", string(v.decision)),
	}
	if v.visitor != nil {
		fields = append(fields, zap.String("cookie", string(v.visitor.Result())))
	}
	if v.match.Ambiguous {
		fields = append(fields, zap.Bool("ambiguous", true), zap.String("reading", v.match.Reading))
	}
	c.Write(fields...)
}

// ruleName names the rule that decided, as it is written.
func (g *Guard) ruleName(m routes.Match) string {
	if m.Bad {
		return "none"
	}
	if m.Open {
		return "static" // of Next.js or its tools in development, which no rule decides
	}
	if m.Rule < 0 || m.Rule >= len(g.Rules) {
		if unmatched := cmp.Or(g.Default, string(routes.Hybrid)); unmatched != string(m.Type) {
			return "login_path" // open although the rules would close it
		}
		return "default " + string(m.Type)
	}
	rule := g.Rules[m.Rule]
	return rule.Type + " " + strings.Join(rule.Patterns, " ")
}

func (v *visit) logPath() zap.Field { return zap.String("path", v.match.Path) }

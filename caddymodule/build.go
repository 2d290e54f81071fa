package caddymodule

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/session-guard/caddy-session-guard/routes"
)

// buildInterval is how often the app's build is looked at.
const buildInterval = 2 * time.Second

// firstTable compiles the rules, with the app's build if one is configured, and
// then follows that build.
func (g *Guard) firstTable(ctx caddy.Context, config routes.Config) (*routes.Table, error) {
	if g.NextBuild == "" {
		return routes.Compile(config)
	}
	id, err := routes.BuildFingerprint(os.DirFS(g.NextBuild))
	if err != nil {
		return nil, fmt.Errorf("next_build %s cannot be read: %w; run `next build` first", g.NextBuild, err)
	}
	table, err := g.tableOf(config)
	if err != nil {
		return nil, err
	}
	g.logger.Info("the app's build was read", zap.String("next_build", g.NextBuild), zap.String("coverage", table.Coverage()))
	go g.followBuild(ctx, config, id)
	return table, nil
}

func (g *Guard) tableOf(config routes.Config) (*routes.Table, error) {
	build, err := routes.LoadBuild(os.DirFS(g.NextBuild))
	if err != nil {
		return nil, fmt.Errorf("next_build %s: %w", g.NextBuild, err)
	}
	config.Build = build
	return routes.Compile(config)
}

// followBuild takes over each new build. A broken one is logged once and the last
// good one stays, since a build is not written in one moment.
func (g *Guard) followBuild(ctx context.Context, config routes.Config, last string) {
	for sleep(ctx, buildInterval) {
		id, err := routes.BuildFingerprint(os.DirFS(g.NextBuild))
		if err != nil {
			id = "unreadable: " + err.Error()
		}
		if id == last {
			continue
		}
		last = id
		var table *routes.Table
		if err == nil {
			table, err = g.tableOf(config)
		}
		if err == nil {
			err = g.compilePaths(table) // the build's locales may have taken a pattern's place
		}
		if err != nil {
			g.logger.Error("the app's new build cannot be used, so the previous one stays", zap.String("next_build", g.NextBuild), zap.Error(err))
			continue
		}
		g.table.Store(table)
		g.logger.Info("the app's new build was read", zap.String("next_build", g.NextBuild), zap.String("coverage", table.Coverage()))
	}
}

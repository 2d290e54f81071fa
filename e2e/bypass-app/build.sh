#!/bin/sh
# Builds the app with one version of Next.js: ./build.sh 16.4 (or 15.5, 14.2), optionally in one of
# the variants of next.config.mjs: ./build.sh 16.4 basepath. The result stands in
# .build/<version>-<variant>; a build that is newer than its sources is kept. The variant browser
# uses the npm package of ../../client, which must be built.
set -eu
cd "$(dirname "$0")"
version=$1
variant=${2:-main}
build=.build/$version-$variant
client=
if [ "$variant" = browser ]; then
	client=../../client/dist
fi
# shellcheck disable=SC2086 # no client is no word
if [ -f "$build/.next/BUILD_ID" ] &&
	[ -z "$(find app pages public variants next.config.mjs build.sh "next-$version" $client -newer "$build/.next/BUILD_ID" -print -quit)" ]; then
	exit 0
fi

mkdir -p "$build"
rm -rf "$build/app" "$build/pages" "$build/public" "$build/.next"
cp -R app pages public next.config.mjs "next-$version/package.json" "next-$version/package-lock.json" "$build/"
if [ "$variant" = i18n ]; then # the Pages Router alone: the App Router knows no i18n setting
	rm -rf "$build/app" "$build/pages"
fi
if [ -d "variants/$variant" ]; then
	cp -R "variants/$variant/." "$build/"
fi

cd "$build"
export NEXT_TELEMETRY_DISABLED=1 BYPASS_VARIANT="$variant"
npm ci --no-audit --no-fund
if [ -n "$client" ]; then # as npm would install it, whatever the version of Next.js
	mkdir -p node_modules/caddy-session-guard
	cp -R "../../../../client/dist" ../../../../client/package.json node_modules/caddy-session-guard/
fi
npx --no-install next build

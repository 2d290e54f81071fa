#!/bin/sh
# Starts the built app and Caddy in front of it; Ctrl+C stops both. CADDY is the binary to run.
set -eu
cd "$(dirname "$0")"
PORT=${PORT:-8080} APP_PORT=${APP_PORT:-3000} CADDY=${CADDY:-caddy}
build=.next
[ "${CACHE_COMPONENTS:-}" = 1 ] && build=.next-cache-components
NEXT_BUILD="next_build $build"
export PORT APP_PORT NEXT_BUILD NEXT_TELEMETRY_DISABLED=1

node node_modules/next/dist/bin/next start --hostname 127.0.0.1 --port "$APP_PORT" &
app=$!
"$CADDY" run --config Caddyfile &
caddy=$!
trap 'kill "$app" "$caddy" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# Whether both listen.
serve() {
	node -e '
		for (const port of process.argv.slice(1)) {
			require("node:net").connect(port, "localhost").on("connect", function () { this.destroy() }).on("error", () => process.exit(1));
		}' "$APP_PORT" "$PORT"
}

shown=
# When one of them ends, the other is of no use.
while kill -0 "$app" 2>/dev/null && kill -0 "$caddy" 2>/dev/null; do
	# After all that they say as they start, or nobody would see it.
	if [ -z "$shown" ] && serve; then
		printf '\n  Open http://localhost:%s     (Ctrl+C stops it)\n\n' "$PORT"
		shown=1
	fi
	sleep 1
done
exit 1

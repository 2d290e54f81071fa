// Measures what `caddy-session-guard/client` adds to a browser bundle and fails above the limit.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const LIMIT = 3000;

const result = await build({
  entryPoints: [new URL("../dist/client/index.js", import.meta.url).pathname],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  write: false,
  external: ["react", "react/jsx-runtime", "next/*"],
});
const size = gzipSync(result.outputFiles[0].contents, { level: 9 }).length;
console.log(`caddy-session-guard/client: ${size} bytes minified and gzipped, limit ${LIMIT}`);
if (size > LIMIT) process.exit(1);

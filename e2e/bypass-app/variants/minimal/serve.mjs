// Serves the build as an adapter's hosting does: the server trusts what the platform in front of it
// says, such as x-matched-path. Arguments: host and port.
import http from "node:http";
import path from "node:path";
import { createRequire } from "node:module";

process.env.NODE_ENV = "production";
const require = createRequire(import.meta.url);
const { default: NextServer } = require("next/dist/server/next-server");
const { config } = require("./.next/required-server-files.json");
const [hostname, port] = process.argv.slice(2);

const server = new NextServer({
  conf: config,
  customServer: false,
  dev: false,
  dir: path.dirname(new URL(import.meta.url).pathname),
  hostname,
  minimalMode: true,
  port: Number(port),
});
http.createServer(server.getRequestHandler()).listen(Number(port), hostname);

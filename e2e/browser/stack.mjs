// Starts the servers that a test drives, each on a free port, and ends them.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of these tests. Node.js 20.9 knows no import.meta.dirname. */
export const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, "../..");
export const bypassApp = join(root, "e2e/bypass-app");

/**
 * Returns a port on which nobody listens, as internal/freeport of the Go tests does: an even one, below those that the
 * system gives to connections. We listen on the odd one above it until we end, so that nobody else claims it.
 */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 12_000 + 2 * Math.floor(Math.random() * 5_000);
    const claim = await listenAt(port + 1);
    if (!claim) continue;
    const server = await listenAt(port);
    if (server) {
      server.close();
      await once(server, "close");
      claim.unref();
      return port;
    }
    claim.close();
  }
  throw new Error("no port is free");
}

/** Listens at a port. Returns undefined if it is taken. */
async function listenAt(port) {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
    return server;
  } catch {
    return undefined;
  }
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** Servers that end together. */
export class Stack {
  #ends = [];
  #logs = [];

  /** Runs a command until the stack ends, and waits until it listens at the port. */
  async start(command, args, { port, ...options }) {
    // A group of its own, so that what it starts ends with it.
    const child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (log = (log + text).slice(-20_000)));
    }
    const ended = once(child, "close");
    const kill = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // has ended by itself
      }
    };
    process.once("exit", kill); // also when the tests are interrupted
    this.#ends.push(async () => {
      process.off("exit", kill);
      kill();
      await ended;
    });
    const deadline = Date.now() + 60_000;
    while (!(await listens(port))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${command} ${args.join(" ")} does not listen at ${port}:\n${log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.#logs.push(() => log);
    return { log: () => log };
  }

  /** What its servers have said lately. */
  log() {
    return this.#logs.map((log) => log()).join("");
  }

  /** Serves a Next.js app, as it was built or in development, and returns its port. */
  async next(dir, mode = "start", environment = {}) {
    const port = await freePort();
    const args = [join(dir, "node_modules/next/dist/bin/next"), mode, "--hostname", "127.0.0.1", "--port", port];
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: mode === "dev" ? "development" : "production", ...environment };
    await this.start(process.execPath, args, { port, cwd: dir, env });
    return port;
  }

  /** Runs Caddy with a Caddyfile, whose first site listens at PORT, and a storage of its own. */
  async caddy(caddyfile, environment) {
    const home = mkdtempSync(join(tmpdir(), "browser-tests-"));
    this.closing(() => rmSync(home, { recursive: true, force: true })); // after Caddy, which writes there
    const port = await freePort();
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("SESSION_"));
    const env = { ...Object.fromEntries(inherited), XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, PORT: port, ...environment };
    const caddy = process.env.CADDY ?? join(root, ".bin/caddy");
    const { log } = await this.start(caddy, ["run", "--adapter", "caddyfile", "--config", caddyfile], { port, env });
    return { url: `http://localhost:${port}`, log };
  }

  /** Calls a function when the stack has ended all that was started later. */
  closing(close) {
    this.#ends.push(close);
  }

  /** Ends everything, the latest first: what cannot be ended keeps nothing else alive, for the tests would wait for that. */
  async end() {
    const failed = [];
    for (const end of this.#ends.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length > 0) throw new AggregateError(failed, "some of the stack could not be ended");
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** Builds the bypass app's variant for browsers with a version of Next.js, unless it stands. Returns its folder. */
export function buildVersion(version) {
  execFileSync("./build.sh", [version, "browser"], { cwd: bypassApp, stdio: ["ignore", "ignore", "inherit"] });
  return join(bypassApp, `.build/${version}-browser`);
}

// The bypass app's variant for browsers behind Caddy, and what its visitors do again and again.
import assert from "node:assert/strict";
import { join } from "node:path";
import { startSocketServer } from "./socket.mjs";
import { buildVersion, freePort, here } from "./stack.mjs";

/** What the Pages Router of Next.js 14 writes into the console before it loads a denied page as a document. */
export const pagesRouterNoise = ({ version }) => (version === "14.2" ? [/^Error: Failed to load static props/] : []);

/** Starts the app, built with a version of Next.js, behind Caddy. */
export async function startVersion(stack, version) {
  const dir = buildVersion(version);
  const app = await stack.next(dir);
  const unguarded = await freePort();
  const short = await freePort();
  const { url } = await stack.caddy(join(here, "versions.caddyfile"), {
    NEXT_BUILD: join(dir, ".next"),
    APP_PORT: app,
    UNGUARDED_PORT: unguarded,
    SHORT_PORT: short,
    SOCKET_PORT: await startSocketServer(stack),
  });
  return {
    version,
    url,
    unguarded: `http://localhost:${unguarded}`,
    short: `http://localhost:${short}`,
    /** How often the guarded action has run. */
    renames: async () => (await fetch(`http://127.0.0.1:${app}/renames`)).json(),
  };
}

/** Fills in the form of the login page that is shown. */
export async function fillIn({ page }, name = "Ada") {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Signs in as another tab of the same browser would. */
export async function signInElsewhere({ context }, name = "Ada") {
  const response = await context.request.post("/sign-in/submit", { form: { name }, maxRedirects: 0 });
  assert.equal(response.status(), 303);
}

/** The address of the login page that leads back to a path. */
export const login = (wanted) => `/sign-in?return_to=${encodeURIComponent(wanted)}`;

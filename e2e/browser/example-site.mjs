// The example app behind Caddy, and what its visitors do again and again.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "./stack.mjs";

export const exampleDir = join(root, "examples/nextjs");

/** The two ways in which the example is built. */
const builds = {
  usual: { folder: ".next", script: "build", environment: {} },
  cacheComponents: { folder: ".next-cache-components", script: "build:cache-components", environment: { CACHE_COMPONENTS: "1" } },
};

/** Starts the example, built for production, behind Caddy with its own Caddyfile. */
export async function startExample(stack, environment = {}, way = "usual") {
  const { folder, script, environment: ofNext } = builds[way];
  build(folder, script);
  return stack.caddy(join(exampleDir, "Caddyfile"), {
    APP_PORT: await stack.next(exampleDir, "start", ofNext),
    NEXT_BUILD: `next_build ${join(exampleDir, folder)}`,
    ...environment,
  });
}

const made = ["node_modules", ...Object.values(builds).map(({ folder }) => folder), "tsconfig.tsbuildinfo", "next-env.d.ts"];

/** Builds the example unless the build is newer than all that it is made of. */
function build(folder, script) {
  const sources = readdirSync(exampleDir).filter((name) => !made.includes(name)).map((name) => join(exampleDir, name));
  const latest = Math.max(...[...sources, join(root, "client/dist")].map(changed));
  if (changed(join(exampleDir, folder, "BUILD_ID")) > latest) return;
  const options = { cwd: exampleDir, stdio: ["ignore", "ignore", "inherit"] };
  if (changed(join(exampleDir, "node_modules/.package-lock.json")) <= latest) execFileSync("npm", ["ci", "--no-audit", "--no-fund"], options);
  execFileSync("npm", ["run", script], options);
}

/** When the newest file at or below a path was written; 0 where there is none. */
function changed(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
  return Math.max(0, ...readdirSync(path).map((name) => changed(join(path, name))));
}

export const jonas = { email: "jonas@example.com", password: "open sesame" };
export const amira = { email: "amira@example.com", password: "open sesame" };

/** Fills in the login form that is shown, and sends it. */
export async function fillIn({ page }, { email, password } = jonas, button = "Sign in") {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.locator("form").getByRole("button", { name: button, exact: true }).click();
}

/** Signs in as another tab of the same browser would, without telling the open ones. */
export async function signInElsewhere({ context, url }, user = jonas) {
  const response = await context.request.post("/api/sign-in", { form: user, headers: { Origin: url }, maxRedirects: 0 });
  assert.equal(response.status(), 303);
}

/**
 * Lets the page hear nothing of its session but what the server renders: what does not answer changes nothing. Else a page that asks only
 * after the session has changed elsewhere shows it by itself, before the visitor does anything.
 */
export const hearsNothing = ({ context }) => context.route("**/api/session", (route) => route.fulfill({ status: 204 }));

/** A link with this name, the first if the page has several. */
export const link = (page, name) => page.getByRole("link", { name, exact: true }).first();

/** Opens the account menu and presses one of its buttons. */
export async function choose(page, testId) {
  await page.getByTestId("user-menu-button").click();
  await page.getByTestId(testId).click();
}

/** Waits until the header says that this user is signed in, or nobody. */
export const showsUser = (page, name) => page.getByRole("button", { name: `Account of ${name}` }).waitFor();
export const showsNobody = (page) => page.getByTestId("signed-out").waitFor();

/** The address of the login page that leads back to a path. */
export const login = (wanted) => `/login?return_to=${encodeURIComponent(wanted)}`;

/** Keeps a picture of the page for whoever wants to look at it. */
export async function screenshot(page, name) {
  const folder = join(root, "e2e/screenshots");
  mkdirSync(folder, { recursive: true });
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

// The site that `make run` starts, in a browser that keeps pages for its Back button.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, root } from "./stack.mjs";

/** Serves Caddyfile.example at ports of its own. */
export async function startDemo(stack) {
  const folder = mkdtempSync(join(tmpdir(), "browser-tests-demo-"));
  stack.closing(() => rmSync(folder, { recursive: true }));
  const app = await freePort();
  const caddyfile = readFileSync(join(root, "Caddyfile.example"), "utf8")
    .replace("\n{\n", "\n{\n\tadmin off\n")
    .replace("http://localhost:8080 {", "http://localhost:{$PORT} {")
    .replaceAll("8081", String(app));
  const file = join(folder, "Caddyfile");
  writeFileSync(file, caddyfile);
  return stack.caddy(file, {});
}

export function testDemo(enter) {
  test("the demo: the back button shows nothing of a session that was signed out", async () => {
    const visitor = await enter();
    const { page } = visitor;
    const shows = (heading) => page.getByRole("heading", { name: heading }).waitFor();
    await page.goto("/dashboard");
    await page.getByLabel("Your name").fill("Ada Lovelace");
    await page.getByRole("button", { name: "Sign in" }).click();
    await shows("Hello, Ada Lovelace.");
    // At once, for Chromium brings back this page of all, although it is no-store and the cookie is gone.
    await page.getByRole("button", { name: "Sign out" }).click();
    await shows("Sessions that live at the edge.");
    await page.evaluate(() => history.back());
    await shows("Sign in");
    await visitor.leave();
  });
}

// next dev behind Caddy: the guard lets its connections through, and a change of a file shows without a reload.
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { exampleDir, fillIn, login } from "./example-site.mjs";
import { here } from "./stack.mjs";
import { Visitor } from "./visitor.mjs";

// A copy, because the test changes a file and next dev writes some.
const dir = join(here, ".development");

export function testDevelopment(stack, browser) {
  let url;
  before(async () => {
    const remove = () => rmSync(dir, { recursive: true, force: true });
    remove();
    stack.closing(remove); // after the servers, which write there
    cpSync(exampleDir, dir, { recursive: true, verbatimSymlinks: true, filter: (path) => !basename(path).startsWith(".next") });
    ({ url } = await stack.caddy(join(dir, "Caddyfile"), { APP_PORT: await stack.next(dir, "dev") }));
  });

  test("next dev: signing in works, and a changed file shows at once, without a reload", async () => {
    const visitor = await Visitor.enter(browser, url);
    const { page } = visitor;
    visitor.context.setDefaultTimeout(60_000); // it compiles each page when it is asked for
    await page.goto("/dashboard");
    await visitor.lands(login("/dashboard"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await page.evaluate(() => (window.notReloaded = true));
    const component = join(dir, "components/session-timer.tsx");
    const changed = readFileSync(component, "utf8").replace('{t("title")}', '{t("title")} (changed)');
    const heading = page.getByRole("heading", { name: "Your session ends in (changed)" });
    // On a busy machine next dev may miss a change that comes while it still compiles the page, guard or no guard: save the file again then.
    for (let saved = 1; saved <= 6 && !(await heading.isVisible()); saved++) {
      writeFileSync(component, `${changed}// saved ${saved}\n`);
      await heading.waitFor({ timeout: 15_000 }).catch(() => {});
    }
    assert.ok(await heading.isVisible(), "the change does not show");
    assert.equal(await page.evaluate(() => window.notReloaded), true, "the page was loaded again");
    await visitor.leave();
  });
}

// Next.js answers an action that redirects by fetching the target from itself, around any proxy. Where the action is public
// and its target the client's choice, a guarded page stands in the answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { login } from "./version-site.mjs";
import { Visitor } from "./visitor.mjs";

export function testRenderAhead(site, browser) {
  test("Server Actions render ahead: without the guard the secret is shown, and no request for its page was made", async () => {
    const { visitor, requests } = await go(site.unguarded);
    await visitor.lands("/dashboard", "SECRET-MARK-dashboard");
    assert.deepEqual(requests.filter((path) => path === "/dashboard"), [], "requests for the guarded page");
    await visitor.context.close();
  });

  test("Server Actions render ahead: with the guard the visitor ends on the login page", async () => {
    const { visitor, bodies } = await go(site.url);
    await visitor.lands(login("/dashboard"), "Sign in");
    assert.ok(!(await Promise.all(bodies)).join().includes("SECRET-MARK-dashboard"), "an answer holds the guarded page");
    await visitor.leave();
  });

  async function go(url) {
    const visitor = await Visitor.enter(browser, url);
    const requests = [];
    const bodies = [];
    visitor.page.on("request", (request) => requests.push(new URL(request.url()).pathname));
    visitor.page.on("response", (response) => bodies.push(response.text().catch(String)));
    await visitor.opens("/login");
    await visitor.page.getByRole("button", { name: "go", exact: true }).click();
    return { visitor, requests, bodies };
  }
}

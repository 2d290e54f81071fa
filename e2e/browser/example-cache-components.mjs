// The example built with cacheComponents: what does not depend on the visitor is prerendered, the session is sent after it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, fillIn, jonas, link, login, showsNobody, showsUser } from "./example-site.mjs";

export function testCacheComponents(enter) {
  test("cacheComponents: signing in, the dashboard, its pages and signing out show who is there at once", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/");
    await showsNobody(page);
    await link(page, "Open the dashboard").click();
    await visitor.lands(login("/dashboard"), "Sign in");
    await fillIn(visitor, { ...jonas, password: "wrong" });
    await page.getByText("do not belong together").waitFor();
    await fillIn(visitor);
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await showsUser(page, "Jonas Berg");
    await page.getByTestId("session-timer").getByText(/^1:59:/).waitFor();
    await link(page, "Profile").click();
    await visitor.lands("/dashboard/profile", "Profile");
    await page.getByLabel("Name").fill("Jonas the Second");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Your name is saved.").waitFor();
    await showsUser(page, "Jonas the Second");
    await page.reload();
    await visitor.lands("/dashboard/profile?saved=1", "Profile");
    await link(page, "Gatehouse").click();
    await visitor.lands("/", "Welcome back, Jonas the Second.");
    await choose(page, "sign-out");
    await visitor.lands("/", "The door is in front of the house.");
    await showsNobody(page);
    assert.equal(await visitor.sessionCookie(), undefined);
    await visitor.opens("/dashboard");
    await visitor.lands(login("/dashboard"), "Sign in");
    await visitor.leave();
  });

  test("cacheComponents: sign-out on a guarded page leads to the login page, in Arabic too", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/ar/dashboard");
    await page.waitForURL("/ar/login?return_to=%2Far%2Fdashboard");
    await page.locator("input[name=email]").fill(jonas.email);
    await page.locator("input[name=password]").fill(jonas.password);
    await page.locator("form button").first().click();
    await page.waitForURL("/ar/dashboard");
    await page.getByTestId("greeting").getByText("Jonas Berg").waitFor();
    await choose(page, "sign-out");
    await page.waitForURL("/ar/login?return_to=%2Far%2Fdashboard");
    await showsNobody(page);
    await visitor.leave();
  });
}

// The example when a session is not there, or not any more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { amira, choose, fillIn, hearsNothing, link, login, screenshot, showsNobody, showsUser, signInElsewhere } from "./example-site.mjs";
import { revoke } from "./visitor.mjs";

/** `enterShort` opens a visitor of a site whose sessions end after a few seconds. */
export function testExampleDenials(site, enter, enterShort) {
  test("a link that was prefetched while anonymous works at once after signing in", async () => {
    const visitor = await enter();
    const { page } = visitor;
    const denied = page.waitForResponse((response) => new URL(response.url()).pathname === "/dashboard" && response.status() === 204);
    await visitor.opens("/");
    await denied;
    await signInElsewhere(visitor);
    await link(page, "Open the dashboard").click();
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await showsUser(page, "Jonas Berg");
    await visitor.leave();
  });

  test("a link to a guarded page, when signed out, ends on the login page and works after it", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/");
    await link(page, "Open the dashboard").click();
    await visitor.lands(login("/dashboard"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await link(page, "Gatehouse").click();
    await visitor.lands("/", "Welcome back, Jonas Berg.");
    await link(page, "Open the dashboard").click();
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await visitor.leave();
  });

  test("a link to a guarded page, when the session has just been revoked, ends on the login page", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await hearsNothing(visitor);
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard");
    await showsUser(page, "Jonas Berg");
    await revoke(site.url, await visitor.sessionCookie());
    await link(page, "Profile").click();
    await visitor.lands(login("/dashboard/profile"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/dashboard/profile", "Profile");
    await visitor.leave();
  });

  test("an unknown path ends on the app's own page, in the language of its prefix", async () => {
    const visitor = await enter();
    const { page } = visitor;
    for (const [path, language, heading] of [
      ["/nope", "en", "There is nothing here."],
      ["/nope/deeper", "en", "There is nothing here."],
      ["/en/nope", "en", "There is nothing here."],
      ["/ar/nope", "ar", "لا يوجد شيء هنا."],
    ]) {
      const answer = await page.goto(path);
      assert.equal(answer.status(), 404);
      await page.getByRole("heading", { name: heading }).waitFor();
      assert.equal(await page.locator("html").getAttribute("lang"), language);
    }
    assert.deepEqual(visitor.problems.splice(0).filter((problem) => !problem.includes("status of 404")), []);
    await visitor.leave();
  });

  test("a session that expires on a guarded page leads to the login page by itself", async () => {
    const visitor = await enterShort();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard/profile");
    await visitor.lands(login("/dashboard/profile"), "Sign in");
    await showsNobody(page);
    await visitor.leave();
  });

  test("a session that expires on an open page: the header and Server Components show it, and links to guarded pages end on the login page", async () => {
    const visitor = await enterShort();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/");
    await showsUser(page, "Jonas Berg");
    await showsNobody(page);
    await visitor.lands("/", "The door is in front of the house.");
    await link(page, "Open the dashboard").click();
    await visitor.lands(login("/dashboard"), "Sign in");
    await visitor.leave();
  });

  test("a Server Action without a session any more ends on the login page, and works after it", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await hearsNothing(visitor);
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard/profile");
    await showsUser(page, "Jonas Berg");
    await revoke(site.url, await visitor.sessionCookie());
    await page.getByLabel("Name").fill("Jonas the Second");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await visitor.lands(login("/dashboard/profile"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/dashboard/profile", "Profile");
    await showsUser(page, "Jonas Berg");
    await page.getByLabel("Name").fill("Jonas the Second");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Your name is saved.").waitFor();
    await showsUser(page, "Jonas the Second");
    await visitor.leave();
  });

  test("a Server Action whose session has expired ends on the login page, and works after it", async () => {
    const visitor = await enterShort();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await hearsNothing(visitor);
    await visitor.opens("/dashboard/profile");
    await showsUser(page, "Jonas Berg");
    await page.waitForTimeout((await visitor.sessionCookie()).expires * 1000 - Date.now() + 500);
    const denied = page.waitForResponse((response) => "next-action" in response.request().headers());
    await page.getByLabel("Name").fill("Jonas the Second");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    assert.equal((await denied).status(), 401);
    await visitor.lands(login("/dashboard/profile"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/dashboard/profile", "Profile");
    await page.getByLabel("Name").fill("Jonas the Second");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Your name is saved.").waitFor();
    await visitor.leave();
  });

  for (const button of ["Sign in", "Sign in with a Route Handler"]) {
    test(`${button}, when already signed in: the dashboard of who is signed in`, async () => {
      const visitor = await enter();
      await hearsNothing(visitor);
      await visitor.opens("/login");
      await showsNobody(visitor.page);
      await signInElsewhere(visitor, amira);
      await fillIn(visitor, undefined, button);
      await visitor.lands("/dashboard", "Hello, Amira Haddad");
      await visitor.leave();
    });
  }

  test("a client component that needs a session sends a visitor without one to the login page", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/session");
    await visitor.lands(login("/session"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/session", "Session in the browser");
    await page.getByTestId("session-status").getByText("authenticated").waitFor();
    await page.getByTestId("session-json").getByText("jonas@example.com").waitFor();
    await choose(page, "sign-out");
    await visitor.lands(login("/session"), "Sign in");
    await visitor.leave();
  });

  test("a page for administrators: 403 for others, and no link to it", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await hearsNothing(visitor);
    await signInElsewhere(visitor, amira);
    await visitor.opens("/dashboard");
    await link(page, "Administration").click();
    await visitor.lands("/dashboard/admin", "Administration");
    await revoke(site.url, await visitor.sessionCookie());
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard");
    await showsUser(page, "Jonas Berg");
    assert.equal(await link(page, "Administration").count(), 0);
    const answer = await page.goto("/dashboard/admin");
    assert.equal(answer.status(), 403);
    await page.getByRole("heading", { name: "Your key does not open this door." }).waitFor();
    await screenshot(page, "forbidden");
    await page.goto("/ar/dashboard/admin");
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), ["ar", "rtl"]);
    await screenshot(page, "forbidden-ar");
    await page.goBack();
    await link(page, "Back to the dashboard").click();
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await visitor.leave([/the server responded with a status of 403/]);
  });
}

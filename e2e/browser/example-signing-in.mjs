// Signing in to the example and out of it, in every way that it offers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { amira, choose, fillIn, hearsNothing, jonas, login, screenshot, showsNobody, showsUser, signInElsewhere } from "./example-site.mjs";
import { revoke } from "./visitor.mjs";

export function testExampleSigningIn(enter) {
  for (const javaScriptEnabled of [true, false]) {
    for (const button of ["Sign in", "Sign in with a Route Handler"]) {
      const how = `${button}, ${javaScriptEnabled ? "with" : "without"} JavaScript`;

      test(`${how}: the wanted page shows the user at once, the layout included`, async () => {
        const visitor = await enter({ javaScriptEnabled });
        const { page } = visitor;
        await visitor.opens("/dashboard/profile?tab=1");
        await visitor.lands(login("/dashboard/profile?tab=1"), "Sign in");
        await page.getByText("Please sign in first.").waitFor();
        await fillIn(visitor, { ...jonas, password: "wrong" }, button);
        await page.getByText("do not belong together").waitFor();
        assert.equal(await visitor.sessionCookie(), undefined);
        await fillIn(visitor, jonas, button);
        await visitor.lands("/dashboard/profile?tab=1", "Profile");
        await showsUser(page, "Jonas Berg");
        assert.equal(await page.getByLabel("Name").inputValue(), "Jonas Berg");
        await visitor.leave();
      });
    }
  }

  test("the sign-in that nobody asked for leads to the dashboard", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/login");
    await screenshot(page, "login");
    await fillIn(visitor);
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await showsUser(page, "Jonas Berg");
    await screenshot(page, "dashboard");
    await visitor.leave();
  });

  test("a deep link in Arabic: the login page and the wanted page are Arabic, from right to left", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/ar/dashboard");
    await page.waitForURL("/ar/login?return_to=%2Far%2Fdashboard");
    await screenshot(page, "login-ar");
    await page.locator("input[name=email]").fill(jonas.email);
    await page.locator("input[name=password]").fill(jonas.password);
    await page.locator("form button").first().click();
    await page.waitForURL("/ar/dashboard");
    assert.match(await page.getByTestId("greeting").innerText(), /Jonas Berg/);
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), ["ar", "rtl"]);
    await screenshot(page, "dashboard-ar");
    await page.getByRole("link", { name: "English" }).click();
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await visitor.leave();
  });

  test("whoever switches the language or registers on the login page gets the wanted page nevertheless", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/dashboard/profile?tab=1");
    await visitor.lands(login("/dashboard/profile?tab=1"), "Sign in");
    await page.getByRole("link", { name: "العربية" }).click();
    await page.waitForURL(`/ar${login("/ar/dashboard/profile?tab=1")}`);
    await page.getByRole("link", { name: "English" }).click();
    await visitor.lands(login("/dashboard/profile?tab=1"), "Sign in");
    await page.locator("main").getByRole("link", { name: "Register" }).click();
    await visitor.lands("/register?return_to=%2Fdashboard%2Fprofile%3Ftab%3D1", "Create an account");
    await page.locator("main").getByRole("link", { name: "Sign in" }).click();
    await visitor.lands(login("/dashboard/profile?tab=1"), "Sign in");
    await page.getByTestId("signed-out").getByRole("link", { name: "Register" }).click();
    await page.getByLabel("Name").fill("Grace");
    await page.getByLabel("Email").fill("grace@example.com");
    await page.locator("main form").getByRole("button").click();
    await visitor.lands("/dashboard/profile?tab=1", "Profile");
    await showsUser(page, "Grace");
    await visitor.leave();
  });

  test("sign-out on a guarded page leads to the login page at once, and back to the page after it", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard/profile");
    await choose(page, "sign-out");
    await visitor.lands(login("/dashboard/profile"), "Sign in");
    await showsNobody(page);
    assert.equal(await visitor.sessionCookie(), undefined);
    await fillIn(visitor);
    await visitor.lands("/dashboard/profile", "Profile");
    await visitor.leave();
  });

  test("sign-out on an open page stays there, and all of the page shows it at once", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/");
    await visitor.lands("/", "Welcome back, Jonas Berg.");
    await choose(page, "sign-out");
    await visitor.lands("/", "The door is in front of the house.");
    await showsNobody(page);
    await visitor.leave();
  });

  test("sign-out without JavaScript leads to the start", async () => {
    const visitor = await enter({ javaScriptEnabled: false });
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard");
    await choose(page, "sign-out");
    await visitor.lands("/", "The door is in front of the house.");
    await showsNobody(page);
    await visitor.leave();
  });

  test("sign-out everywhere: this browser shows it at once, the others with the next click", async () => {
    const visitor = await enter();
    const elsewhere = await enter();
    const amiras = await enter();
    await signInElsewhere(visitor);
    await signInElsewhere(elsewhere);
    await signInElsewhere(amiras, amira);
    await hearsNothing(elsewhere);
    await elsewhere.opens("/dashboard");
    await amiras.opens("/dashboard");
    await visitor.opens("/dashboard");
    await choose(visitor.page, "sign-out-everywhere");
    await visitor.lands(login("/dashboard"), "Sign in");
    await showsNobody(visitor.page);
    await elsewhere.page.getByRole("link", { name: "Profile", exact: true }).first().click();
    await elsewhere.lands(login("/dashboard/profile"), "Sign in");
    await amiras.page.reload();
    await amiras.lands("/dashboard", "Hello, Amira Haddad");
    for (const each of [visitor, elsewhere, amiras]) await each.leave();
  });

  test("sign-out everywhere after the session has been ended on another device: signed out, without a word of failure", async () => {
    const visitor = await enter();
    await signInElsewhere(visitor);
    await visitor.opens("/");
    await showsUser(visitor.page, "Jonas Berg");
    await revoke(visitor.url, await visitor.sessionCookie());
    await choose(visitor.page, "sign-out-everywhere");
    await showsNobody(visitor.page);
    await visitor.leave();
  });

  test("the back button shows nothing of a session that was signed out", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/");
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard");
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await visitor.opens("/");
    await choose(page, "sign-out");
    await showsNobody(page);
    await page.goBack();
    await visitor.lands(login("/dashboard"), "Sign in");
    await visitor.leave();
  });
}

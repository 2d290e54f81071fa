// The hooks of the npm package on the example's pages: what they show of a session, and how tabs agree about it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { amira, choose, fillIn, hearsNothing, link, login, screenshot, showsNobody, showsUser, signInElsewhere } from "./example-site.mjs";
import { revoke } from "./visitor.mjs";

const second = 1000;
const hour = 3600 * second;

export function testExampleSession(enter) {
  test("the countdown runs", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard");
    const read = async () => {
      const [hours, minutes, seconds] = (await page.getByTestId("session-timer").innerText()).split(":").map(Number);
      return (hours * 60 + minutes) * 60 + seconds;
    };
    await page.getByTestId("session-timer").getByText(/^1:59:/).waitFor();
    const before = await read();
    await page.waitForFunction((text) => document.querySelector("[data-testid=session-timer]").textContent !== text, await page.getByTestId("session-timer").innerText());
    const passed = before - (await read());
    assert.ok(passed > 0 && passed < 5, `from ${before} it went on by ${passed} seconds`);
    await visitor.leave();
  });

  test("without JavaScript there is no countdown, and no button that does nothing", async () => {
    const visitor = await enter({ javaScriptEnabled: false });
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard");
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    assert.equal(await page.getByTestId("session-timer").isVisible(), false);
    assert.equal(await page.getByText("Renew now").isVisible(), false);
    await visitor.opens("/session");
    await page.getByTestId("session-json").waitFor();
    assert.equal(await page.getByText("Refresh the session").isVisible(), false);
    await visitor.leave();
  });

  test("without JavaScript, a page that asks for a sign-in by itself has a link to it", async () => {
    const visitor = await enter({ javaScriptEnabled: false });
    const { page } = visitor;
    await visitor.opens("/session");
    assert.equal(await page.getByText("One moment").isVisible(), false);
    await page.locator("main").getByRole("link", { name: "Sign in" }).click();
    await visitor.lands(login("/session"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/session", "Session in the browser");
    await page.getByTestId("session-json").waitFor();
    await visitor.leave();
  });

  test("on a screen of 320 pixels the countdown is one line, the menu below its button, and words are whole", async () => {
    const visitor = await enter({ viewport: { width: 320, height: 640 } });
    const { page } = visitor;
    await signInElsewhere(visitor, amira);
    await visitor.opens("/dashboard");
    const countdown = page.getByTestId("session-timer");
    await countdown.getByText(/^1:59:/).waitFor();
    assert.ok((await countdown.boundingBox()).height < 50);
    await screenshot(page, "dashboard-320");
    const button = page.getByTestId("user-menu-button");
    await button.click();
    const { y, height } = await button.boundingBox();
    assert.ok((await page.getByTestId("user-menu").boundingBox()).y >= y + height, "the menu covers its button");
    await screenshot(page, "menu-320");
    for (const locale of ["", "/ar"]) {
      await visitor.opens(`${locale}/dashboard/admin`);
      const lines = await page.getByRole("cell").evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().height));
      assert.ok(Math.max(...lines) < 40, `the cells are ${lines} pixels high`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
      await screenshot(page, `admin-320${locale.replace("/", "-")}`);
    }
    await visitor.leave();
  });

  test("on a narrow screen a long name and address are broken", async () => {
    const visitor = await enter({ viewport: { width: 375, height: 800 } });
    const { page } = visitor;
    const name = "A".repeat(80);
    await visitor.opens("/register");
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Email").fill(`${"b".repeat(64)}@${"c".repeat(60)}.example`);
    await page.locator("main form").getByRole("button").click();
    await visitor.lands("/dashboard", `Hello, ${name}`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375);
    await visitor.leave();
  });

  test("on a narrow screen the table of users keeps its columns", async () => {
    const visitor = await enter({ viewport: { width: 375, height: 800 } });
    const { page } = visitor;
    await signInElsewhere(visitor, amira);
    await visitor.opens("/dashboard/admin");
    const top = async (text) => (await page.getByRole("columnheader", { name: text, exact: true }).boundingBox()).y;
    assert.equal(await top("Name"), await top("Role"));
    await visitor.leave();
  });

  test("expiring soon: the last hour is announced, and whoever stays has time again", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await page.clock.install();
    await visitor.opens("/dashboard");
    await page.getByTestId("session-timer").getByText(/^1:59:/).waitFor();
    assert.equal(await page.getByTestId("expiring-soon").count(), 0);
    await page.clock.fastForward(hour + 5 * second);
    await page.getByTestId("expiring-soon").waitFor();
    await page.clock.setSystemTime(new Date()); // the server did not wait
    await page.getByRole("button", { name: "Stay signed in" }).press("Enter");
    await page.getByTestId("expiring-soon").waitFor({ state: "detached" });
    await visitor.leave();
  });

  test("whoever uses the page is refreshed: one request for many events", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await page.clock.install();
    await visitor.opens("/dashboard");
    await page.getByTestId("session-timer").getByText(/^1:59:/).waitFor();
    const refreshes = [];
    page.on("request", (request) => request.method() === "POST" && refreshes.push(new URL(request.url()).pathname));
    await page.mouse.move(10, 10);
    await page.mouse.move(20, 20);
    assert.deepEqual(refreshes, [], "refreshes of a fresh session");
    const before = (await visitor.sessionCookie()).value;
    await page.clock.fastForward(hour + 5 * second);
    const answer = page.waitForResponse((response) => response.request().method() === "POST");
    for (let i = 0; i < 20; i++) await page.mouse.move(i * 5, 100 + i);
    assert.equal((await answer).status(), 200);
    await page.keyboard.press("Tab");
    assert.deepEqual(refreshes, ["/api/session"]);
    assert.notEqual((await visitor.sessionCookie()).value, before);
    await visitor.leave();
  });

  test("a name that a Server Action saves, and a status that the browser saves, show at once", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/dashboard/profile");
    await page.getByLabel("Name").fill("Jonas Ångström");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Your name is saved.").waitFor();
    await showsUser(page, "Jonas Ångström");
    await page.getByLabel("Status").fill("Out for lunch");
    await page.getByRole("button", { name: "Save in the browser" }).click();
    await page.getByTestId("status-saved").waitFor();
    await page.getByTestId("user-menu-button").click();
    await page.getByTestId("user-status").getByText("Out for lunch").waitFor();
    await page.keyboard.press("Escape");
    await page.reload();
    await visitor.lands(visitor.where, "Profile");
    assert.equal(await page.getByLabel("Status").inputValue(), "Out for lunch");
    await page.getByLabel("Status").fill("");
    await page.getByRole("button", { name: "Save in the browser" }).click();
    await page.getByTestId("status-saved").waitFor();
    await page.getByTestId("user-status").waitFor({ state: "detached" });
    await visitor.leave();
  });

  test("your devices: the other one is listed, and signed out from here", async () => {
    const here = await enter();
    const phone = await enter({ userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1" });
    const strangers = await enter();
    await signInElsewhere(here, amira);
    await here.context.request.delete("/api/session/all"); // of the other tests
    await signInElsewhere(here, amira);
    await signInElsewhere(phone, amira);
    await signInElsewhere(strangers);
    await hearsNothing(phone);
    await phone.opens("/dashboard");
    await here.opens("/dashboard/profile");
    const devices = here.page.getByTestId("devices").getByRole("listitem");
    await devices.filter({ hasText: "Safari on iOS" }).waitFor();
    await devices.filter({ hasText: "This device" }).filter({ hasText: "Chrome on Linux" }).waitFor();
    assert.equal(await devices.count(), 2);
    await screenshot(here.page, "profile");
    await here.page.getByRole("button", { name: "Sign out the others" }).click();
    await devices.filter({ hasText: "Safari on iOS" }).waitFor({ state: "detached" });
    assert.equal(await devices.count(), 1);
    assert.equal(await here.page.getByRole("button", { name: "Sign out the others" }).count(), 0);
    await link(phone.page, "Profile").click();
    await phone.lands(login("/dashboard/profile"), "Sign in");
    await here.page.reload();
    await here.lands("/dashboard/profile", "Profile");
    await strangers.opens("/dashboard");
    await strangers.lands("/dashboard", "Hello, Jonas Berg");
    for (const each of [here, phone, strangers]) await each.leave();
  });

  test("your devices, when this one has been signed out from another: the login page", async () => {
    const visitor = await enter();
    await signInElsewhere(visitor);
    const other = await enter();
    await signInElsewhere(other);
    await other.opens("/dashboard");
    await visitor.opens("/dashboard/profile");
    const others = visitor.page.getByRole("button", { name: "Sign out the others" });
    await others.waitFor();
    await revoke(visitor.url, await visitor.sessionCookie());
    await others.click();
    await visitor.lands(login("/dashboard/profile"), "Sign in");
    for (const each of [visitor, other]) await each.leave();
  });

  test("two tabs: a sign-out in one is seen in the others within a second", async () => {
    const visitor = await enter();
    const { page, context } = visitor;
    await signInElsewhere(visitor);
    const open = await context.newPage();
    await visitor.opens("/", open);
    await showsUser(open, "Jonas Berg");
    await visitor.opens("/dashboard");
    await showsUser(page, "Jonas Berg");
    await choose(open, "sign-out");
    await showsNobody(open);
    await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor({ timeout: second });
    await visitor.lands(login("/dashboard"), "Sign in");
    await visitor.leave();
  });

  test("two tabs: a sign-in in one is seen in the others, Server Components included", async () => {
    const visitor = await enter();
    const { page, context } = visitor;
    const open = await context.newPage();
    await visitor.opens("/", open);
    await showsNobody(open);
    await visitor.opens("/login");
    await fillIn(visitor);
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await showsUser(open, "Jonas Berg");
    await visitor.lands("/", "Welcome back, Jonas Berg.", open);
    await visitor.leave();
  });
}

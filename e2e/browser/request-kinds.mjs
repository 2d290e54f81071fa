// Each kind of request that browsers and Next.js make, where it is denied: where the visitor ends, and that the same link
// works afterwards, because no cache of the client holds a stale redirect.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fillIn, login, pagesRouterNoise, signInElsewhere } from "./version-site.mjs";
import { revoke } from "./visitor.mjs";

const link = (page, name) => page.getByRole("link", { name, exact: true });
/** Chromium's words for a 401 on a handshake. */
const unauthorizedSocket = /WebSocket connection to .* failed: HTTP Authentication failed/;
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** Tests the kinds of request; `enter` opens a new browser profile on the site. */
export function testRequestKinds(site, enter) {
  describe("anonymous on an auth path", () => testAnonymous(site, enter));
  describe("signed in on a public path", () => testSignedIn(site, enter));
}

function testAnonymous(site, enter) {
  test("document: the login page, then the wanted page", async () => {
    const visitor = await enter();
    const { page } = visitor;
    const response = await page.goto("/account?tab=1");
    assert.equal((await response.request().redirectedFrom().response()).status(), 307);
    await visitor.lands(login("/account?tab=1"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/account?tab=1", "Account of Ada");
    await visitor.leave();
  });

  test("document by POST: 303, so that no form is sent to the login page", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/start");
    const denied = page.waitForResponse((response) => response.url().endsWith("/account/submit"));
    await button(page, "Submit").click();
    assert.equal((await denied).status(), 303);
    await visitor.lands(login("/account/submit"), "Sign in");
    await signInElsewhere(visitor);
    await visitor.opens("/start");
    await button(page, "Submit").click();
    await page.getByText("submitted", { exact: true }).waitFor();
    await visitor.leave();
  });

  test("rsc: a click on a link ends on the login page, and the same link works after it", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/start");
    const denied = page.waitForResponse((response) => response.request().headers().rsc === "1" && new URL(response.url()).pathname === "/account");
    await link(page, "Account").click();
    assert.equal((await denied).status(), 401);
    await visitor.lands(login("/account"), "Sign in");
    await page.goBack();
    await visitor.lands("/start", "Start");
    await signInElsewhere(visitor);
    await link(page, "Account").click();
    await visitor.lands("/account", "Account of Ada");
    await visitor.leave();
  });

  test("prefetch: 204 and silence, nothing is cached, and the link works at once after signing in", async () => {
    const visitor = await enter();
    const { page } = visitor;
    const denied = page.waitForResponse((response) => new URL(response.url()).pathname === "/account/prefetched");
    await visitor.opens("/start");
    assert.equal((await denied).status(), 204);
    await visitor.lands("/start", "Start");
    assert.deepEqual(visitor.problems, [], "what the console said");
    await signInElsewhere(visitor);
    await link(page, "Prefetched account").click();
    await visitor.lands("/account/prefetched", "Prefetched account");
    await visitor.leave();
  });

  test("prefetch of a whole page: the page stays, and the link works at once after signing in", async () => {
    const visitor = await enter();
    const { page } = visitor;
    const denied = page.waitForResponse((response) => new URL(response.url()).pathname === "/account/prefetched");
    await visitor.opens("/start/whole");
    assert.equal((await denied).status(), site.version === "16.4" ? 204 : 401);
    await visitor.lands("/start/whole", "Start whole");
    await signInElsewhere(visitor);
    await link(page, "Account, prefetched as a whole").click();
    await visitor.lands("/account/prefetched", "Prefetched account");
    await visitor.leave();
  });

  test("prefetch: a click while anonymous ends on the login page", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/start");
    await link(page, "Prefetched account").click();
    await visitor.lands(login("/account/prefetched"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/account/prefetched", "Prefetched account");
    await visitor.leave();
  });

  test("action: the login page, never a replay there, and the action works after signing in", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/account");
    await revoke(site.url, await visitor.sessionCookie());
    const before = await site.renames();
    const actions = [];
    page.on("request", (request) => request.headers()["next-action"] && actions.push(new URL(request.url()).pathname));
    const denied = page.waitForResponse((response) => response.request().method() === "POST");
    await button(page, "Rename").click();
    assert.equal((await denied).status(), 401);
    await visitor.lands(login("/account"), "Sign in");
    assert.deepEqual(actions, ["/account"], "where the action was sent");
    assert.equal(await site.renames(), before, "the denied action has run");
    await fillIn(visitor);
    await visitor.lands("/account", "Account of Ada");
    await button(page, "Rename").click();
    await page.getByText(`renamed ${before + 1}`).waitFor();
    await visitor.leave();
  });

  test("action after the session has expired: the login page, and nothing has run", async () => {
    const visitor = await enter({ baseURL: site.short });
    const { page } = visitor;
    await visitor.opens("/account");
    await fillIn(visitor);
    await visitor.lands("/account", "Account of Ada");
    const before = await site.renames();
    await page.waitForTimeout((await visitor.sessionCookie()).expires * 1000 - Date.now() + 500);
    const denied = page.waitForResponse((response) => response.request().method() === "POST");
    await button(page, "Rename").click();
    assert.equal((await denied).status(), 401);
    await visitor.lands(login("/account"), "Sign in");
    assert.equal(await site.renames(), before, "the denied action has run");
    await visitor.leave();
  });

  test("data: a link of the Pages Router ends on the login page, and works after it", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/pages-router");
    const denied = page.waitForResponse((response) => response.url().includes("/_next/data/"));
    await link(page, "Legacy").click();
    assert.equal((await denied).status(), 401);
    await visitor.lands(login("/legacy"), "Sign in");
    await page.goBack();
    await visitor.lands("/pages-router", "Pages Router");
    await signInElsewhere(visitor);
    await link(page, "Legacy").click();
    await visitor.lands("/legacy", "SECRET-MARK-legacy");
    await visitor.leave(pagesRouterNoise(site));
  });

  test("fetch: 401, and the page stays", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/start");
    const ask = () => page.evaluate(async () => {
      const response = await fetch("/account/data");
      return [response.status, response.redirected, await response.text()];
    });
    assert.deepEqual(await ask(), [401, false, ""]);
    assert.equal(visitor.where, "/start");
    await signInElsewhere(visitor);
    assert.deepEqual(await ask(), [200, false, '{"data":"SECRET-MARK-data"}']);
    await visitor.leave();
  });

  test("websocket: 401, and it opens after signing in", async () => {
    const visitor = await enter();
    await visitor.opens("/start");
    assert.equal(await openSocket(visitor, "/account/socket"), "refused");
    assert.match(visitor.problems.join(), unauthorizedSocket);
    await signInElsewhere(visitor);
    assert.equal(await openSocket(visitor, "/account/socket"), "hello");
    await visitor.leave([unauthorizedSocket]);
  });
}

function testSignedIn(site, enter) {
  test("document: home, and the login page again after signing out", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/sign-in");
    await visitor.lands("/account", "Account of Ada");
    await visitor.opens(login("/account/prefetched"));
    await visitor.lands("/account/prefetched", "Prefetched account");
    await visitor.opens("/account");
    await button(page, "Sign out").click();
    await visitor.lands("/start", "Start");
    await link(page, "Sign in").click();
    await visitor.lands("/sign-in", "Sign in");
    await visitor.leave();
  });

  test("document by POST: a login form of a Route Handler that is sent when already signed in leads home", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/sign-in");
    await signInElsewhere(visitor);
    const denied = page.waitForResponse((response) => response.url().endsWith("/sign-in/submit"));
    await button(page, "Sign in with a Route Handler").click();
    assert.equal((await denied).status(), 303);
    await visitor.lands("/account", "Account of Ada");
    await visitor.leave();
  });

  test("action: a login form that is sent when already signed in leads home, and changes nobody's session", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens("/sign-in");
    await signInElsewhere(visitor);
    const denied = page.waitForResponse((response) => response.request().method() === "POST");
    await fillIn(visitor, "Grace");
    const response = await denied;
    assert.deepEqual([response.status(), response.headers()["x-action-redirect"]], [200, "/account"]);
    await visitor.lands("/account", "Account of Ada");
    await visitor.leave();
  });

  test("rsc and prefetch: links to the login page lead home, silently, and work again after signing out", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    const prefetched = page.waitForResponse((response) => new URL(response.url()).pathname === "/sign-in/prefetched");
    await visitor.opens("/start");
    assert.equal((await prefetched).status(), 204);
    assert.deepEqual(visitor.problems, [], "what the console said");
    const denied = page.waitForResponse((response) => response.request().headers().rsc === "1" && new URL(response.url()).pathname === "/sign-in");
    await link(page, "Sign in").click();
    assert.equal((await denied).status(), 401);
    await visitor.lands("/account", "Account of Ada");
    await page.goBack();
    await visitor.lands("/start", "Start");
    await revoke(site.url, await visitor.sessionCookie());
    await link(page, "Prefetched sign-in").click();
    await visitor.lands("/sign-in/prefetched", "Prefetched sign-in");
    await visitor.leave();
  });

  test("data: a link of the Pages Router to a public page leads home, and works again after signing out", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/pages-router");
    const denied = page.waitForResponse((response) => response.url().includes("/_next/data/"));
    await link(page, "Public").click();
    assert.equal((await denied).status(), 401);
    await visitor.lands("/account", "Account of Ada");
    await page.goBack();
    await visitor.lands("/pages-router", "Pages Router");
    await revoke(site.url, await visitor.sessionCookie());
    await link(page, "Public").click();
    await visitor.lands("/pages-router/public", "Public page of the Pages Router");
    await visitor.leave(pagesRouterNoise(site));
  });

  test("fetch: 401; websocket: 403", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await signInElsewhere(visitor);
    await visitor.opens("/account");
    assert.equal(await page.evaluate(async () => (await fetch("/sign-in")).status), 401);
    assert.equal(await openSocket(visitor, "/sign-in/socket"), "refused");
    assert.match(visitor.problems.join(), /WebSocket.*403/);
    await visitor.leave([/WebSocket.*403/]);
  });
}

/** What a WebSocket of the page hears first, or "refused". */
function openSocket({ page }, path) {
  return page.evaluate(
    (path) =>
      new Promise((resolve) => {
        const socket = new WebSocket(path);
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = () => resolve("refused");
      }),
    path,
  );
}

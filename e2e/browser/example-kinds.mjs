// The kinds of request that the example makes: how each is denied, and where the visitor ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillIn, hearsNothing, link, login, showsNobody, showsUser, signInElsewhere } from "./example-site.mjs";
import { revoke } from "./visitor.mjs";

/** Waits for an answer of a path to a request of a kind. */
const answerTo = (page, path, kind) =>
  page.waitForResponse((response) => new URL(response.url()).pathname === path && kind(response.request()));
const isDocument = (request) => request.isNavigationRequest();
const isPrefetch = (request) => "next-router-prefetch" in request.headers() || "next-router-segment-prefetch" in request.headers();
const isRSC = (request) => request.headers().rsc === "1" && !isPrefetch(request);
const isAction = (request) => "next-action" in request.headers();

async function fetchStatus(page, path, headers = {}) {
  return page.evaluate(async ([path, headers]) => (await fetch(path, { headers })).status, [path, headers]);
}

export function testExampleKinds(site, enter) {
  test("anonymous on guarded pages: prefetch, rsc, document, fetch and action each get their answer", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await hearsNothing(visitor);
    const prefetch = answerTo(page, "/dashboard", isPrefetch);
    await visitor.opens("/");
    assert.equal((await prefetch).status(), 204);
    assert.deepEqual(visitor.problems, [], "what the console said");
    assert.equal(await fetchStatus(page, "/dashboard"), 401);
    const document = answerTo(page, "/dashboard", isDocument);
    await link(page, "Open the dashboard").click();
    assert.equal((await document).status(), 307);
    await visitor.lands(login("/dashboard"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await revoke(site.url, await visitor.sessionCookie());
    const rsc = answerTo(page, "/dashboard/profile", isRSC);
    await link(page, "Profile").click();
    assert.equal((await rsc).status(), 401);
    await visitor.lands(login("/dashboard/profile"), "Sign in");
    await fillIn(visitor);
    await visitor.lands("/dashboard/profile", "Profile");
    await revoke(site.url, await visitor.sessionCookie());
    const action = answerTo(page, "/dashboard/profile", isAction);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    const denied = await action;
    assert.deepEqual([denied.status(), denied.headers()["x-action-redirect"]], [401, login("/dashboard/profile")]);
    await visitor.lands(login("/dashboard/profile"), "Sign in");
    await visitor.leave();
  });

  test("signed in on the login page: prefetch, fetch, rsc, document and action each lead to the dashboard", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await hearsNothing(visitor);
    // A login page that was prefetched in time would be shown without a request: that is not what is tested here.
    await page.route("**/login*", (route) => (isPrefetch(route.request()) ? route.fulfill({ status: 204 }) : route.continue()));
    await visitor.opens("/");
    await showsNobody(page);
    await signInElsewhere(visitor);
    assert.equal(await fetchStatus(page, "/login"), 401);
    assert.equal(await fetchStatus(page, "/register", { RSC: "1", "Next-Router-Prefetch": "1" }), 204);
    const rsc = answerTo(page, "/login", isRSC);
    const document = answerTo(page, "/login", isDocument);
    await link(page, "Sign in").click();
    assert.equal((await rsc).status(), 401);
    assert.equal((await document).status(), 307);
    await visitor.lands("/dashboard", "Hello, Jonas Berg");
    await showsUser(page, "Jonas Berg");

    const late = await enter();
    await hearsNothing(late);
    await late.opens("/login");
    await signInElsewhere(late);
    const action = answerTo(late.page, "/login", isAction);
    await fillIn(late);
    const denied = await action;
    assert.deepEqual([denied.status(), denied.headers()["x-action-redirect"]], [200, "/dashboard"]);
    await late.lands("/dashboard", "Hello, Jonas Berg");
    for (const each of [visitor, late]) await each.leave();
  });
}

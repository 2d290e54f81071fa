// Nobody is ever sent to another site: every known open redirect payload as return_to, and where Chromium's own URL parser
// would go from the answer.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "./stack.mjs";
import { fillIn, login, signInElsewhere } from "./version-site.mjs";

// The payloads are not part of this repository, because others wrote them.
const folder = join(root, "../shared/vectors/payloads");
const there = existsSync(folder);
const skip = there || process.env.CI ? false : `${folder} is missing, so no payload was sent`;

/** As it is in the query of a link, but for what no request line may hold. */
const bare = (payload) => payload.replace(/[^\x21-\x7e]|#/gu, encodeURIComponent);
const spellings = (payload) => [encodeURIComponent(payload), bare(payload)];

export function testReturnTo(site, enter) {
  describe("open redirects", { skip }, () => {
    const payloads = there ? readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean)) : [];

    test("a signed-in visitor of the login page stays on the site", async () => {
      const visitor = await enter();
      await signInElsewhere(visitor);
      const { value } = await visitor.sessionCookie();
      const targets = payloads.flatMap(spellings).map((spelling) => `/sign-in?return_to=${spelling}`);
      const answers = await sendAll(site.url, targets, { headers: { Cookie: `session=${value}` } });
      assert.deepEqual(unlike(answers, [307]), []);
      await stays(visitor, answers);
    });

    test("the way from a guarded page over the login page stays on the site", async () => {
      const visitor = await enter();
      const targets = payloads.flatMap(spellings).flatMap((spelling) => [`/account?${spelling}`, `/account/${spelling}`]);
      const answers = await sendAll(site.url, targets);
      assert.deepEqual(unlike(answers, [307, 400]), []);
      await stays(visitor, answers.filter(({ status }) => status === 307));
    });

    test("the login itself stays on the site", async () => {
      const visitor = await enter();
      const bodies = payloads.map((payload) => new URLSearchParams({ name: "Ada", return_to: payload }).toString());
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const answers = await sendAll(site.url, bodies.map(() => "/sign-in/submit"), { method: "POST", headers, bodies });
      assert.deepEqual(unlike(answers, [303]), []);
      await stays(visitor, answers);
    });

    for (const evil of ["//evil.example", "/\\evil.example", "/\t/evil.example", "https:evil.example", "javascript:alert(1)"]) {
      test(`Chromium, sent to ${JSON.stringify(evil)} by the form of the login page, ends at home`, async () => {
        const visitor = await enter();
        await visitor.page.goto(login(evil));
        await fillIn(visitor);
        await visitor.lands("/account", "Account of Ada");
        await visitor.page.goto(login(evil));
        await visitor.lands("/account", "Account of Ada");
        await visitor.leave();
      });
    }
  });
}

const unlike = (answers, statuses) => answers.filter(({ status }) => !statuses.includes(status)).map(({ status, target }) => `${status} ${target}`);

/** Fails when Chromium would leave the site: from the answer, or from the return_to in its address. */
async function stays({ page, url, context }, answers) {
  assert.ok(answers.length > 500, `only ${answers.length} answers`);
  await page.goto(`${url}/renames`);
  const strays = await page.evaluate(
    (locations) =>
      locations.filter((location) => {
        const next = new URL(location, window.location.href);
        const wanted = next.searchParams.get("return_to");
        return [next, wanted !== null && new URL(wanted, window.location.href)].some((end) => end && end.origin !== window.location.origin);
      }),
    answers.map(({ location }) => location),
  );
  assert.deepEqual(strays, []);
  await context.close();
}

/** Sends requests as a browser that navigates, a few at a time. */
async function sendAll(url, targets, { bodies = [], ...options } = {}) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const answers = await Promise.all(targets.map((target, i) => send(url, target, bodies[i], { agent, ...options })));
  agent.destroy();
  return answers;
}

function send(url, target, body, { headers, ...options }) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: target, headers: { Accept: "text/html", ...headers }, ...options }, (response) => {
      response.resume().on("end", () => resolve({ target, status: response.statusCode, location: response.headers.location }));
    });
    sent.on("error", reject).end(body);
  });
}

// The real stack in a real browser: Caddy with this module, Next.js behind it, Chromium in front. Everything runs one after
// another, in one browser; each visitor is a profile of its own.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { findChromium, missing } from "./chromium.mjs";
import { startDemo, testDemo } from "./demo.mjs";
import { testDevelopment } from "./development.mjs";
import { testCacheComponents } from "./example-cache-components.mjs";
import { testExampleDenials } from "./example-denials.mjs";
import { testExampleKinds } from "./example-kinds.mjs";
import { testExampleSession } from "./example-session.mjs";
import { testExampleSigningIn } from "./example-signing-in.mjs";
import { startExample } from "./example-site.mjs";
import { testRenderAhead } from "./render-ahead.mjs";
import { testRequestKinds } from "./request-kinds.mjs";
import { testReturnTo } from "./return-to.mjs";
import { testSigningIn } from "./signing-in.mjs";
import { Stack } from "./stack.mjs";
import { startVersion } from "./version-site.mjs";
import { Visitor } from "./visitor.mjs";

// What hangs, as after a clean-up that failed, ends the tests. Node.js 20.9 has no --test-timeout.
setTimeout(() => {
  console.error("The tests take longer than ten minutes.");
  process.exit(1);
}, 600_000).unref();

const executablePath = findChromium();
if (!executablePath && process.env.CI) throw new Error(missing);

if (executablePath) {
  const browser = await chromium.launch({ executablePath });
  after(() => browser.close());

  describe("the demo", () => {
    const stack = new Stack();
    const site = {};
    let keeping; // Playwright has a browser keep no pages for its Back button, unless it is asked to
    before(async () => {
      Object.assign(site, await startDemo(stack));
      keeping = await chromium.launch({ executablePath, ignoreDefaultArgs: ["--disable-back-forward-cache"] });
      stack.closing(() => keeping.close());
    });
    after(() => stack.end());
    testDemo((options) => Visitor.enter(keeping, site.url, options));
  });

  describe("the example", () => {
    const stack = new Stack();
    const site = {};
    const short = {};
    const enter = (options) => Visitor.enter(browser, site.url, options);
    const enterShort = (options) => Visitor.enter(browser, short.url, options);
    before(async () => {
      Object.assign(site, await startExample(stack));
      Object.assign(short, await startExample(stack, { SESSION_EXPIRY: "4s", SESSION_REFRESH_THRESHOLD: "1s" }));
    });
    after(() => stack.end());
    testExampleSigningIn(enter);
    testExampleKinds(site, enter);
    testExampleDenials(site, enter, enterShort);
    testExampleSession(enter);
    test("while all this happens, the npm package finds nothing wrong", () => {
      assert.doesNotMatch(stack.log(), /caddy-session-guard: /);
    });
  });

  describe("the example, built with cacheComponents", () => {
    const stack = new Stack();
    const site = {};
    before(async () => Object.assign(site, await startExample(stack, {}, "cacheComponents")));
    after(() => stack.end());
    testCacheComponents((options) => Visitor.enter(browser, site.url, options));
  });

  describe("next dev", () => {
    const stack = new Stack();
    testDevelopment(stack, browser);
    after(() => stack.end());
  });

  for (const version of ["16.4", "15.5", "14.2"]) {
    describe(`Next.js ${version}`, () => {
      const stack = new Stack();
      const site = {};
      const enter = (options) => Visitor.enter(browser, site.url, options);
      before(async () => Object.assign(site, await startVersion(stack, version)));
      after(() => stack.end());
      testSigningIn(enter);
      testRequestKinds(site, enter);
      testRenderAhead(site, browser);
      if (version === "16.4") testReturnTo(site, enter);
    });
  }
} else {
  test("the real stack in a real browser", { skip: missing });
}

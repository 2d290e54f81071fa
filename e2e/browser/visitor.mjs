// A visitor is one browser profile: what it opens is watched for errors and for tokens.
import assert from "node:assert/strict";

/** What the tests put into every session as its tokens. No browser may see them. */
const tokenMark = "TOKEN-MARK";
/** A compact JWE with a direct key: its second part is empty. */
const sealed = /eyJ[\w-]{20,}\.\.[\w-]+\.[\w-]+\.[\w-]+/;

export class Visitor {
  /** Console errors and warnings, and errors that no script caught. */
  problems = [];
  #leaks = [];
  #bodies = [];
  #seen = 0;

  static async enter(browser, url, options = {}) {
    const visitor = new Visitor();
    visitor.url = url;
    visitor.javaScript = options.javaScriptEnabled !== false;
    visitor.context = await browser.newContext({ baseURL: url, ...options });
    visitor.context.setDefaultTimeout(10_000);
    visitor.context.on("page", (page) => visitor.#watch(page));
    visitor.context.on("response", (response) => visitor.#bodies.push(visitor.#search(response)));
    visitor.page = await visitor.context.newPage();
    return visitor;
  }

  #watch(page) {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.problems.push(message.text());
    });
    page.on("pageerror", (error) => this.problems.push(String(error)));
  }

  async #search(response) {
    let text = JSON.stringify({ ...response.headers(), "set-cookie": undefined });
    try {
      text += await response.text();
      this.#seen++;
    } catch {
      // a redirect, or a page that the visitor has left
    }
    if (text.includes(tokenMark) || sealed.test(text)) this.#leaks.push(response.url());
  }

  /** The path and query of the page that is shown. */
  get where() {
    const { origin, pathname, search } = new URL(this.page.url());
    return (origin === new URL(this.url).origin ? "" : origin) + pathname + search;
  }

  /** Opens a path, and waits as `lands` does. */
  async opens(path, page = this.page) {
    await page.goto(path);
    await this.#takenOver(page);
  }

  /**
   * Waits until React has taken over what can be pressed. A link that is pressed earlier is followed by the browser itself, a form sent by it:
   * both work, but make requests of another kind.
   */
  async #takenOver(page) {
    if (!this.javaScript) return;
    await page.waitForFunction(() =>
      [...document.querySelectorAll("a, button, form")].every((element) => Object.keys(element).some((key) => key.startsWith("__reactFiber$"))),
    );
  }

  /** Waits until the page is this path, shows this heading and answers to clicks. */
  async lands(path, heading, page = this.page) {
    try {
      await page.waitForURL((url) => url.pathname + url.search === path);
      await page.getByRole("heading", { name: heading, exact: true }).waitFor();
      await this.#takenOver(page);
    } catch (error) {
      const body = await page.locator("body").innerText().catch(String);
      throw new Error(`wanted ${path} with the heading ${heading}, but ${page.url()} shows:\n${body.slice(0, 500)}`, { cause: error });
    }
  }

  async sessionCookie() {
    return (await this.context.cookies()).find(({ name }) => name === "session");
  }

  /** Fails when the console said anything but the browser's own line for a 401, or when a script can reach a token. */
  async leave(expected = []) {
    try {
      // Chromium never ends the answer to a page that was left meanwhile.
      await Promise.race([Promise.all(this.#bodies), new Promise((resolve) => setTimeout(resolve, 2000))]);
      assert.ok(this.#seen > 0, "no body was searched for tokens");
      assert.deepEqual(this.#leaks, [], "answers that hold a token");
      for (const page of this.context.pages()) {
        if (page.url() === "about:blank") continue;
        const reachable = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML]));
        assert.ok(!sealed.test(reachable) && !reachable.includes(tokenMark) && !/session=/.test(reachable.slice(0, 200)), `a script can reach a token: ${page.url()}`);
      }
      const surprises = this.problems.filter((text) => !/the server responded with a status of 401/.test(text) && !expected.some((pattern) => pattern.test(text)));
      assert.deepEqual(surprises, [], "what the console said");
    } finally {
      await this.context.close();
    }
  }
}

/** Ends a session as somebody with its cookie would, on another device. */
export async function revoke(url, cookie) {
  const response = await fetch(`${url}/api/session`, { method: "DELETE", headers: { Cookie: `${cookie.name}=${cookie.value}` } });
  assert.equal(response.status, 200);
}

// Signing in and out on one version of Next.js, with and without JavaScript.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillIn, login } from "./version-site.mjs";

export function testSigningIn(enter) {
  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";

    test(`by action, ${how}: the wanted page shows the user at once, the layout included; so does the sign-out`, async () => {
      const visitor = await enter({ javaScriptEnabled });
      const { page } = visitor;
      await visitor.opens("/account?tab=1");
      await visitor.lands(login("/account?tab=1"), "Sign in");
      await fillIn(visitor);
      await visitor.lands("/account?tab=1", "Account of Ada");
      await page.getByText("Signed in as Ada").waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await visitor.lands("/start", "Start");
      await page.getByText("Signed out").waitFor();
      assert.equal(await visitor.sessionCookie(), undefined);
      await visitor.opens("/account");
      await visitor.lands(login("/account"), "Sign in");
      await visitor.leave();
    });

    test(`by a Route Handler, ${how}: the wanted page shows the user at once`, async () => {
      const visitor = await enter({ javaScriptEnabled });
      const { page } = visitor;
      await visitor.opens(login("/account/prefetched"));
      await page.getByRole("button", { name: "Sign in with a Route Handler" }).click();
      await visitor.lands("/account/prefetched", "Prefetched account");
      await page.getByText("Signed in as Route Handler").waitFor();
      await visitor.leave();
    });
  }

  test("by fetch: after refresh(), the page that is pushed shows the user at once, the layout included", async () => {
    const visitor = await enter();
    const { page } = visitor;
    await visitor.opens(login("/start"));
    await page.getByText("Signed out").waitFor();
    await page.getByRole("button", { name: "Sign in with fetch" }).click();
    await visitor.lands("/start", "Start");
    await page.getByText("Signed in as Fetch").waitFor();
    await visitor.leave();
  });
}

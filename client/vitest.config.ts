import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const react18 = (file: string) => fileURLToPath(new URL(`./test/react-18/node_modules/${file}`, import.meta.url));

const navigation = { find: "next/navigation.js", replacement: fileURLToPath(new URL("./test/client/navigation.ts", import.meta.url)) };

/** The same hook tests on the oldest React that the package supports. */
const onReact18 = [
  navigation,
  { find: /^react$/, replacement: react18("react/index.js") },
  { find: /^react\/(jsx-(?:dev-)?runtime)$/, replacement: react18("react/$1.js") },
  { find: /^react-dom\/(client|server|test-utils)$/, replacement: react18("react-dom/$1.js") },
];

/** Without process.hrtime(): Vitest takes the time of a test by performance.now(), which stands on it in Node.js 20.9. */
const fakeTimers = { toFake: ["setTimeout" as const, "clearTimeout" as const, "setInterval" as const, "clearInterval" as const, "Date" as const] };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "server", include: ["test/{server,cli}/**/*.test.ts"], environment: "node", testTimeout: 60_000, fakeTimers } },
      {
        resolve: { alias: [navigation] },
        test: { name: "react 19", include: ["test/client/**/*.test.{ts,tsx}"], environment: "happy-dom", fakeTimers },
      },
      {
        resolve: { alias: onReact18 },
        test: { name: "react 18.2", include: ["test/client/**/*.test.{ts,tsx}"], environment: "happy-dom", fakeTimers },
      },
    ],
  },
});

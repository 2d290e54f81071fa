import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { returnTo } from "../../src/index.js";

describe("returnTo", () => {
  test.each(["/", "/dashboard", "/dashboard?x=1&y=%26#part", "/%2f/evil", "/%09/evil", "/%5cevil", "/a//b", "/login?return_to=%2Fx", "/x?u=https://a.b/\\"])(
    "keeps %s",
    (path) => {
      expect(returnTo(path, "/home")).toBe(path);
    },
  );

  test("encodes a semicolon, at which Next.js's client cuts the target of a Server Action's redirect()", () => {
    expect(returnTo("/files;v=2?sort=name;dir=asc#a;b", "/home")).toBe("/files%3Bv=2?sort=name%3Bdir=asc#a%3Bb");
  });

  test("encodes what may not stand in a header", () => {
    expect(returnTo("/кафе?в=1")).toBe("/%D0%BA%D0%B0%D1%84%D0%B5?%D0%B2=1");
    expect(returnTo("/a b")).toBe("/a%20b");
  });

  test.each([
    "", "dashboard", "//evil.com", "///evil.com", "/\\evil.com", "\\\\evil.com", "/\t/evil.com", "/\n/evil.com", "/\r\n/evil.com", " //evil.com",
    "\u0001//evil.com", "https:evil.com", "https:/evil.com", "https://evil.com", "HtTpS://evil.com", "javascript:alert(1)", "data:text/html,x",
    "/.//evil.com", "/x/..//evil.com", "/dash\\..\\..\\\\evil.com", "/a\u0000", "/a\u0085", `/${"x".repeat(2048)}`, `/${"é".repeat(1000)}`,
    undefined, null, 7, ["/dashboard"], {},
  ])("refuses %j", (value) => {
    expect(returnTo(value, "/home")).toBe("/home");
  });

  describe("with a base path", () => {
    test.each([
      ["/base/dashboard?x=1#part", "/dashboard?x=1#part"],
      ["/base", "/"],
      ["/base/", "/"],
      ["/base?x=1", "/?x=1"],
      ["/base/base/x", "/base/x"],
    ])("takes it off %s", (path, below) => {
      expect(returnTo(path, "/home", { basePath: "/base" })).toBe(below);
      expect(returnTo(path, "/home", { basePath: "/base/" })).toBe(below);
    });

    test.each(["/", "/dashboard", "/basement", "/BASE/x", "/base/../x", "/base//evil.com", "/base/.//evil.com", "/base/x/..//evil.com", "//base/x", "/x/..//base"])(
      "refuses %s",
      (path) => {
        expect(returnTo(path, "/home", { basePath: "/base" })).toBe("/home");
      },
    );

    test.each([undefined, {}, { basePath: undefined }, { basePath: "" }])("keeps it with %j", (options) => {
      expect(returnTo("/base/dashboard", "/home", options)).toBe("/base/dashboard");
    });
  });

  const payloads = fileURLToPath(new URL("../../../../shared/vectors/payloads/", import.meta.url));
  const files = ["Open-Redirect-payloads.txt", "open_redirect_wordlist.txt", "openredirects.txt", "crlfinjection.txt"];

  test.skipIf(!process.env.CI && !existsSync(payloads))("never leaves the origin, whatever the public payload lists say (skipped without ../shared/vectors)", () => {
    const origin = "https://app.example";
    for (const line of files.flatMap((file) => readFileSync(payloads + file, "utf8").split("\n"))) {
      for (const value of [line, `/${line}`, decodeURIComponent(line.replace(/%(?![0-9a-f]{2})/gi, "%25").replace(/%[89a-f][0-9a-f]/gi, "x"))]) {
        const result = returnTo(value, "/home");
        expect(new URL(result, origin).origin, value).toBe(origin);
        expect(result).not.toMatch(/[^\x21-\x7e]/);
        const below = returnTo(`/base${value}`, "/home", { basePath: "/base" });
        expect(new URL(below, origin).origin, value).toBe(origin);
      }
    }
  });
});

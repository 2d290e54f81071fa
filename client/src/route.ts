/** `public`: only for visitors who are not signed in. `auth`: only for those who are. `hybrid`: for everyone. */
export type RouteType = (typeof TYPES)[number];

/** From the most open type to the strictest. */
export const TYPES = ["public", "hybrid", "auth"] as const;

/** A route type for a path pattern. */
export interface RouteRule {
  /** `/login` exact; `/dashboard/*` that path and everything below; `/blog*` a prefix; `*` between slashes exactly one segment. */
  pattern: string;
  type: RouteType;
}

/** Writes rules: `route.auth("/dashboard/*")`. */
export const route = { public: writes("public"), auth: writes("auth"), hybrid: writes("hybrid") };

function writes(type: RouteType): (pattern: string) => RouteRule {
  return (pattern, ...[other]: unknown[]) => {
    // TypeScript says so; in a file that it does not check, a page that was meant to be guarded would be open. What is no string comes from map().
    if (typeof other === "string") throw new Error(`route.${type}() takes one pattern; write another one, route.${type}(${JSON.stringify(other)})`);
    return { pattern, type };
  };
}

/** Patterns that many apps need. In a Caddyfile their names may be written bare: `auth dashboard`. */
export const patterns = {
  api: "/api/*",
  dashboard: "/dashboard/*",
  admin: "/admin/*",
  settings: "/settings/*",
  profile: "/profile/*",
} as const;

/** The rules of an app, as `middleware()` applies them where there is no Caddy in front. */
export interface Rules {
  routes: RouteRule[];
  defaultType: RouteType;
  loginPath: string;
  locales: string[];
}

/** The locale prefix of a path as it was configured (`/ar`, or "" without one) and the rest. */
export function splitLocale(path: string, locales: string[]): { locale: string; rest: string } {
  const first = path.split("/", 2)[1] ?? "";
  const locale = locales.find((configured) => configured.toLowerCase() === first.toLowerCase());
  return locale ? { locale: `/${locale}`, rest: path.slice(first.length + 1) || "/" } : { locale: "", rest: path };
}

/** What the rules say of a path: the type that decides, and the rule that it comes from. */
export interface Verdict {
  type: RouteType;
  rule?: RouteRule;
}

/**
 * The first rule that matches the path. The login page without a rule of its own is open. As in Caddy, `auth` counts in every spelling that may lead
 * to a page, what opens a path only in the one that was configured, and the path with its locale where a rule names that.
 */
export function findRule(path: string, rules: Rules): Verdict {
  const { locale, rest } = splitLocale(fold(path), rules.locales);
  const plain = SPELLED.test(path) ? undefined : splitLocale(canonical(path), rules.locales).rest;
  const rule = firstMatch(rules.routes, rest, plain);
  const verdict: Verdict = rule ? { type: rule.type, rule } : { type: rules.defaultType };
  if (plain === canonical(rules.loginPath)) return !rule || (rule.type === "auth" && writeOut(rule.pattern).includes("*")) ? { type: "hybrid" } : verdict;
  return strictest(verdict, locale ? findNamed(path, rules) : undefined);
}

/** Where a request may be read in several ways, the strictest counts. */
export function strictest(first: Verdict, ...others: (Verdict | undefined)[]): Verdict {
  return others.reduce<Verdict>((found, other) => (other && strictness(other) > strictness(found) ? other : found), first);
}

/**
 * The first rule that matches the path and whose own text covers its first segment: `/en/*` names /en/login, `/*` does not. A locale is the same in
 * other letters, also where the rule opens.
 */
export function findNamed(path: string, { routes, locales }: Pick<Rules, "routes" | "locales">): Verdict | undefined {
  const segment = fold(path).split("/")[1];
  const naming = routes.filter(({ pattern }) => [segment, `${segment}*`].includes(fold(writeOut(pattern)).split("/")[1]));
  function spelling(written: string) {
    const { locale, rest } = splitLocale(canonical(written), locales);
    return canonical(locale + rest);
  }
  const rule = firstMatch(naming, fold(path), SPELLED.test(path) ? undefined : spelling(path), spelling);
  return rule && { type: rule.type, rule };
}

/** From the most open type to the strictest; a rule says more than the default. */
function strictness({ type, rule }: Verdict): number {
  return 2 * TYPES.indexOf(type) + (rule ? 1 : 0);
}

/** The first rule that matches a path: `auth` in its folded spelling, what opens it in the plain one, which an odd path does not have. */
function firstMatch(routes: RouteRule[], folded: string, plain: string | undefined, spelling = canonical): RouteRule | undefined {
  return routes.find(({ pattern, type }) => {
    if (type === "auth") return matchesPattern(folded, pattern, fold);
    return plain !== undefined && !SPELLED.test(pattern) && matchesPattern(plain, pattern, spelling);
  });
}

/** A spelling that servers read in several ways: repeated slashes, or an escape of a letter, a digit, or one of `-._~/\%?#;`. */
const SPELLED = /\/\/|%(2[35d-f]|3[\dbf]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9ae])/i;

/** Folds the spellings of one path: percent-encoding, repeated and trailing slashes. */
function canonical(path: string) {
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // A malformed escape has one spelling.
  }
  return decoded.replace(/\/{2,}/g, "/").replace(/(.)\/$/s, "$1");
}

/** Folds letter case, too. */
function fold(path: string) {
  return canonical(path).toLowerCase();
}

/** The pattern that a word stands for, with its wildcards as such: an escape of `*` means the same to every server. */
function writeOut(pattern: string): string {
  if (pattern === "*") return "/*";
  return Object.hasOwn(patterns, pattern) ? patterns[pattern as keyof typeof patterns] : pattern.replace(/%2a/gi, "*");
}

/** Whether a path matches a pattern, both as `spelling` makes them. */
function matchesPattern(path: string, written: string, spelling: (path: string) => string): boolean {
  const pattern = spelling(writeOut(written));
  const below = pattern.endsWith("/*");
  const prefix = !below && pattern.endsWith("*");
  const body = below ? pattern.slice(0, -2) : prefix ? pattern.slice(0, -1) : pattern;
  const source = body
    .split("/")
    .map((segment) => (segment === "*" ? "[^/]+" : segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")))
    .join("/");
  // "s": a dot matches an encoded line break, too, or a path with one would pass.
  return new RegExp(`^${source}${below ? "(/.*)?" : prefix ? ".*" : ""}$`, "s").test(path);
}

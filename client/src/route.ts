/** `public`: only for visitors who are not signed in. `auth`: only for those who are. `hybrid`: for everyone. */
export type RouteType = "public" | "auth" | "hybrid";

/** A route type for a path pattern. */
export interface RouteRule {
  /** `/login` exact; `/dashboard/*` that path and everything below; `/blog*` a prefix; `*` between slashes exactly one segment. */
  pattern: string;
  type: RouteType;
}

/** Writes rules: `route.auth("/dashboard/*")`. */
export const route = {
  public: (pattern: string): RouteRule => ({ pattern, type: "public" }),
  auth: (pattern: string): RouteRule => ({ pattern, type: "auth" }),
  hybrid: (pattern: string): RouteRule => ({ pattern, type: "hybrid" }),
};

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

/** The locale prefix of a path (`/ar`, or "" without one) and the rest. */
export function splitLocale(path: string, locales: string[]): { locale: string; rest: string } {
  const first = path.split("/", 2)[1] ?? "";
  if (!locales.some((locale) => locale.toLowerCase() === first.toLowerCase())) return { locale: "", rest: path };
  return { locale: `/${first}`, rest: path.slice(first.length + 1) || "/" };
}

/** The first rule that matches the path, and the type that decides. The login page without a rule of its own is open. */
export function findRule(path: string, rules: Rules): { type: RouteType; rule?: RouteRule } {
  const { rest } = splitLocale(canonical(path), rules.locales);
  const rule = rules.routes.find(({ pattern }) => matchesPattern(rest, pattern));
  if (rest === canonical(rules.loginPath) && (!rule || (rule.type === "auth" && rule.pattern.includes("*")))) return { type: "hybrid" };
  return rule ? { type: rule.type, rule } : { type: rules.defaultType };
}

/** Folds the spellings that may lead to one page: case, percent-encoding, repeated and trailing slashes. */
function canonical(path: string) {
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // A malformed escape has one spelling.
  }
  return decoded.toLowerCase().replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
}

/** Whether a canonical path matches a pattern. */
function matchesPattern(path: string, pattern: string): boolean {
  const folded = (Object.hasOwn(patterns, pattern) ? patterns[pattern as keyof typeof patterns] : pattern).toLowerCase();
  if (folded === "*" || folded === "/*") return true;
  const below = folded.endsWith("/*");
  const prefix = !below && folded.endsWith("*");
  const body = below ? folded.slice(0, -2) : prefix ? folded.slice(0, -1) : folded;
  const source = canonical(body)
    .split("/")
    .map((segment) => (segment === "*" ? "[^/]+" : segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")))
    .join("/");
  return new RegExp(`^${source}${below ? "(/.*)?" : prefix ? ".*" : ""}$`).test(path);
}

import { patterns } from "./route.js";

// What Caddy refuses, in Caddy's own words, so that a rule which is good here is good there.

/** What is wrong with a rule's pattern, and what to write; undefined if Caddy takes it. A rule that never matches protects nothing. */
export function findPatternFault(pattern: string): string | undefined {
  const quoted = JSON.stringify(pattern);
  if (Object.hasOwn(patterns, pattern) || pattern === "*") return undefined;
  if (pattern === "") return 'an empty pattern matches nothing; write "/" for the front page';
  if (/^[~^(]/.test(pattern)) return `pattern ${quoted} looks like a regular expression, which is not supported; write a path such as /dashboard/*`;
  if (!pattern.startsWith("/")) {
    const elsewhere = findElsewhere(pattern);
    if (elsewhere) return `pattern ${quoted} ${elsewhere}`;
    const written = JSON.stringify(`/${pattern}`);
    return `pattern ${quoted} does not begin with a slash; write ${written}, or one of the words ${Object.keys(patterns).join(", ")}`;
  }
  return findPathFault("pattern", pattern) ?? findFolder(pattern) ?? findInnerWildcard(pattern);
}

/** What can only be a host in front of a path: one with a port, a domain, or an address. */
const HOST = /^(([\w-]+\.)*[\w-]+:\d+|([\w-]+\.)+[a-z][\w-]*|(\d+\.){3}\d+)$/i;

/** What a pattern is that no slash in front would make a path of: with it, the pattern would be accepted, and protect nothing. */
function findElsewhere(pattern: string): string | undefined {
  if (pattern.startsWith("!")) return "begins with !, but no pattern excludes paths; write a rule for these paths before this one";
  const [, scheme, host = "", path = ""] = /^(.*?:\/\/)?([^/]*)\/?(.*)$/s.exec(pattern) ?? [];
  if (!scheme && !(path && HOST.test(host))) return undefined;
  return `names a host, but a rule is for paths of its own site; write ${JSON.stringify(`/${path}`)}`;
}

/** What is wrong with a path that stands in a configuration; undefined if a request may have it. */
export function findPathFault(what: string, path: string): string | undefined {
  const named = `${what} ${JSON.stringify(path)}`;
  const [end = ""] = /[?#].*$/s.exec(path) ?? [];
  if (end) return `${named} can never match: a path ends before ${JSON.stringify(end[0])}; remove ${JSON.stringify(end)}`;
  if (path.includes("//")) return `${named} can never match: it has an empty segment; write single slashes`;
  if (path.includes("\\")) return `${named} can never match: it has a backslash; write /`;
  if (/\p{Surrogate}/u.test(path)) return `${named} is not valid UTF-8`;
  if (/%(?![0-9a-f]{2})/i.test(path)) return `${named} has a % that is not followed by two hexadecimal digits; write %25`;
  if (/[\u0000-\u001f\u007f]|%[01][0-9a-f]|%7f/i.test(path)) return `${named} can never match: it has a control character`;
  const dots = path.split("/").find((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  if (dots) return `${named} can never match: dot segments are resolved first; write the path without ${JSON.stringify(dots)}`;
  return findPlaceholder(what, path);
}

/** Caddy would refuse the first kind of placeholder, and replace the second, `{$NAME}`, by something that the app does not know. */
export function findPlaceholder(what: string, value: string): string | undefined {
  if (!/\{[^{}\s]+\}|\{\$/.test(value)) return undefined;
  return `${what} ${JSON.stringify(value)} has a placeholder, which is not resolved here; write the value itself`;
}

/** Segments that name a folder of Next.js's app directory, a parameter of other routers, an expression or a list, rather than what a URL has in their place. */
function findFolder(path: string): string | undefined {
  const quoted = JSON.stringify(path);
  const segments = path.split("/");
  for (const [index, segment] of segments.entries()) {
    const instead = (...end: string[]) => JSON.stringify([...segments.slice(0, index), ...end].join("/"));
    if (/^\[?\[\.\.\./.test(segment)) return `pattern ${quoted} has the catch-all folder ${segment}; write ${instead("*")} for that path and all below`;
    if (/^(\[.*\]|:.+)$/s.test(segment)) {
      return `pattern ${quoted} has the parameter ${segment}; write ${instead("*", ...segments.slice(index + 1))}`;
    }
    // What a matcher of Next.js's middleware, or a list, has in this place.
    if (/^(\.[*+]|\(.*[*+|])/s.test(segment)) {
      return `pattern ${quoted} has the regular expression ${segment}, which is not supported; write ${instead("*", ...segments.slice(index + 1))}`;
    }
    if (/[, ]$/.test(segment) && index < segments.length - 1) return `pattern ${quoted} looks like several in one; write a rule for each`;
    if (/[$,]$/.test(segment)) {
      return `pattern ${quoted} ends in '${segment.at(-1)}', which no path does; write ${JSON.stringify(path.replace(/[$,]+$/, ""))}`;
    }
    if (/^\(.*\)$/s.test(segment)) return `pattern ${quoted} has the route group ${segment}, which is not part of a URL; leave it out`;
  }
  return undefined;
}

function findInnerWildcard(path: string): string | undefined {
  const segments = path.replace(/%2a/gi, "*").replace(/(.)\/$/s, "$1").split("/");
  const last = segments.pop() ?? "";
  const inner = segments.some((segment) => segment !== "*" && segment.includes("*")) || last.slice(0, -1).includes("*");
  if (!inner) return undefined;
  return `pattern ${JSON.stringify(path)} has a * inside a segment, which is not supported; * stands for a whole segment (/orgs/*/settings) or ends the pattern (/blog*, /blog/*)`;
}

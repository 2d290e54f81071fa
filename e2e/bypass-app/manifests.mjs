// Copies from a build what a guard reads of it, reduced, without keys and without paths of the
// machine that built it: node manifests.mjs .build/16.4-main <target folder>
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const [build, target] = process.argv.slice(2);

const pick = (object, ...names) =>
  Object.fromEntries(names.filter((name) => name in object).map((name) => [name, object[name]]));
const mapValues = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

const reduce = {
  "routes-manifest.json": (manifest) => ({
    ...pick(manifest, "version", "basePath", "caseSensitive", "i18n", "redirects", "rewrites"),
    dynamicRoutes: manifest.dynamicRoutes.map((route) => pick(route, "page", "regex")),
    staticRoutes: manifest.staticRoutes.map((route) => pick(route, "page", "regex")),
    dataRoutes: manifest.dataRoutes.map((route) => pick(route, "page", "dataRouteRegex")),
  }),
  "app-path-routes-manifest.json": (manifest) => manifest,
  "images-manifest.json": (manifest) => ({
    version: manifest.version,
    images: pick(manifest.images, "path", "loader", "remotePatterns", "localPatterns"),
  }),
  "prerender-manifest.json": (manifest) => ({
    version: manifest.version,
    routes: mapValues(manifest.routes, (route) => pick(route, "srcRoute", "dataRoute")),
    dynamicRoutes: mapValues(manifest.dynamicRoutes, (route) => pick(route, "routeRegex", "fallback", "dataRoute")),
  }),
  "server/app-paths-manifest.json": (manifest) => manifest,
  "server/pages-manifest.json": (manifest) => manifest,
  // The encryption key of the closures of Server Actions stands here too, and stays behind.
  "server/server-reference-manifest.json": (manifest) => pick(manifest, "node", "edge"),
};

const write = (name, content) => {
  const file = path.join(target, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
};

write("BUILD_ID", readFileSync(path.join(build, ".next/BUILD_ID")));
for (const [name, change] of Object.entries(reduce)) {
  let text;
  try {
    text = readFileSync(path.join(build, ".next", name), "utf8");
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    continue; // a build without an app folder, or without pages, has fewer manifests
  }
  write(name, JSON.stringify(change(JSON.parse(text)), null, 2) + "\n");
}

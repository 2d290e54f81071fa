import type { NextConfig } from "next";
import createNextIntlPlugin from "next-intl/plugin";

// CACHE_COMPONENTS=1 prerenders all that does not depend on the visitor. The rest is sent into the page when it is ready, which
// takes JavaScript in the browser; the usual build shows everything without.
const cacheComponents = process.env.CACHE_COMPONENTS === "1";

const nextConfig: NextConfig = {
  cacheComponents,
  partialPrefetching: cacheComponents,
  distDir: cacheComponents ? ".next-cache-components" : ".next",
  poweredByHeader: false,
  // English is the default locale: /login is /en/login without its prefix.
  async rewrites() {
    return [
      { source: "/", destination: "/en" },
      { source: "/:path(login|register|dashboard|session)/:rest*", destination: "/en/:path/:rest*" },
    ];
  },
};

export default createNextIntlPlugin("./i18n/request.ts")(nextConfig);

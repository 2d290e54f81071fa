import type { NextConfig } from "next";
import createNextIntlPlugin from "next-intl/plugin";

const nextConfig: NextConfig = {
  poweredByHeader: false,
  // English is the default locale: /login is /en/login without its prefix.
  async rewrites() {
    return [
      { source: "/", destination: "/en" },
      { source: "/:path(login|register|dashboard)/:rest*", destination: "/en/:path/:rest*" },
    ];
  },
};

export default createNextIntlPlugin("./i18n/request.ts")(nextConfig);
